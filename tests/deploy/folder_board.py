"""A board that is a folder: at_prompt.py and main.py run there on MicroPython's unix port."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from host_tools.cable.prompt import Prompt, RemoteError
from host_tools.deploy import boards, program
from host_tools.deploy.deployment import Wanted
from host_tools.deploy.program import DeviceFile

KIND = boards.find("arduino_opta")
IDENTITY = {"machine": "Opta with STM32H747", "version": [1, 26, 0], "mpy": [6, 3], "native": 8}
MACHINE = """\
class WDT:
    def __init__(self, timeout):
        pass

    def feed(self):
        pass
"""
APP = """\
import first, last
def run(board, config="config"):
    print("runs", {name!r}, first.NAME, last.NAME, config)
"""
CONFIG = b'{"site": "demo", "gateway": "gw-a"}\n'
PROMPT = """\
import sys
scope = {}
while True:
    line = sys.stdin.readline()
    if not line:
        break
    try:
        exec(bytes.fromhex(line.strip()).decode(), scope)
    except Exception as error:
        print("\\x05%r" % error)
    print("\\x04")
"""


class PowerCut(Exception):
    """Instead of the step that it came before."""


class FolderPrompt(Prompt):
    """A board whose root filesystem is `folder`; of its steps only so many happen."""

    def __init__(self, folder: Path, interpreter: str) -> None:
        super().__init__("folder")
        self.folder = folder
        self.left = 1 << 30
        self.said: list[str] = []
        self._interpreter = interpreter
        self._process: subprocess.Popen[str] | None = None
        (folder / "machine.py").write_text(MACHINE)

    @property
    def serial(self) -> Any:
        """There is none."""
        return None

    def interrupt(self) -> None:
        self.close()
        self._process = subprocess.Popen(
            [self._interpreter, "-c", PROMPT],
            cwd=self.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, code: str | bytes) -> str:
        self._count()
        assert self._process and self._process.stdin and self._process.stdout
        content = code.encode() if isinstance(code, str) else code
        self._process.stdin.write(content.hex() + "\n")
        self._process.stdin.flush()
        said = ""
        for line in self._process.stdout:
            if line.startswith("\x04"):
                return said
            if line.startswith("\x05"):
                raise RemoteError(line[1:].strip())
            said += line
        raise AssertionError("the board ended")

    def ask(self, expression: str) -> Any:
        return IDENTITY if expression == "identity()" else super().ask(expression)

    def restart(self, code: str) -> None:
        self._count()
        self.start()

    def start(self) -> str:
        """What a start runs, "" for nothing; its modules must be of one program."""
        self.close()
        command = [self._interpreter, "main.py"]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True)
        self.said = done.stdout.splitlines()
        for line in self.said:
            if line.startswith("runs "):
                _, name, *others, config = line.split()
                assert others == [name, name], "a program of two"
                return f"{name} {config}"
        return ""

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _count(self) -> None:
        if not self.left:
            raise PowerCut
        self.left -= 1


def modules(name: str) -> list[DeviceFile]:
    texts = {
        "board.py": "class Board:\n    pass\n",
        "first.py": f"NAME = {name!r}\n",
        "gateway/__init__.py": "",
        "gateway/app.py": APP.format(name=name),
        "last.py": f"NAME = {name!r}\n",
    }
    return [DeviceFile(path, text.encode()) for path, text in texts.items()]


def wanted(name: str, config: bytes = CONFIG) -> Wanted:
    return Wanted(modules(name), config, [program.main_file()])
