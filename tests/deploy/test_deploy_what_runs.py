"""Deployment to a board that runs something else than is chosen: a trial, or what it fell back to.

The board is a folder: the functions of at_prompt.py and main.py run on MicroPython's unix port.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from host_tools.cable.prompt import Prompt, RemoteError
from host_tools.deploy import boards, program
from host_tools.deploy.deployment import Deployment, Start, Wanted
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


def lay(folder: Path, slot: str, name: str) -> None:
    for file in modules(name):
        path = folder / slot / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)


def wanted(name: str, config: bytes = b"{}\n") -> Wanted:
    return Wanted(modules(name), config, [program.main_file()])


@pytest.fixture
def board(need: Callable[[str], Path], tmp_path: Path) -> Iterator[FolderPrompt]:
    """slot_a is chosen, slot_b runs on trial; both have config_a."""
    prompt = FolderPrompt(tmp_path, str(need("micropython")))
    begin(prompt)
    yield prompt
    prompt.close()


def begin(prompt: FolderPrompt) -> None:
    folder = prompt.folder
    for path in folder.glob("slot*"):
        path.unlink() if path.is_file() else shutil.rmtree(path)
    lay(folder, "slot_a", "chosen")
    lay(folder, "slot_b", "trial")
    (folder / "main.py").write_bytes(program.main_file().content)
    (folder / "slot").write_text("slot_a config_a")
    (folder / "config").mkdir(exist_ok=True)
    for file in wanted("chosen").config_files("config_a"):
        (folder / "config" / file.path).write_bytes(file.content)
    prompt.left = 1 << 30


def deploy(prompt: FolderPrompt, what: Wanted) -> None:
    """Up to the start on trial of `what`, while slot_b runs."""
    deployment = Deployment(prompt, KIND, what, lambda line: None)
    deployment.runs = Start("slot_b", "config_a")
    deployment.device.take()
    deployment.device.hold()
    plan = deployment.look()
    deployment.copy(plan, lambda name, count: None)
    deployment.switch(plan)


def ran(prompt: FolderPrompt) -> list[str]:
    return [line for line in prompt.said if line.startswith("runs ")]


def test_what_runs_on_trial_already_is_started_again(board: FolderPrompt) -> None:
    deploy(board, wanted("trial"))
    assert ran(board) == ["runs trial trial trial config_a"]
    assert board.start() == "chosen config_a"  # nobody kept it


@pytest.mark.parametrize("config", [b"{}\n", b'{"new": 1}\n'], ids=["program", "both"])
def test_a_power_cut_never_leaves_a_program_of_two(board: FolderPrompt, config: bytes) -> None:
    steps = 0
    while True:
        board.left = steps
        try:
            deploy(board, wanted("new", config))
            break
        except PowerCut:
            started = board.start()
            if not started or started.startswith("new "):  # held for 30 s; the start on trial
                started = board.start()
            assert started in ("chosen config_a", "trial config_a")
            steps += 1
            begin(board)
    assert steps > 20
    assert len(ran(board)) == 1
    assert ran(board)[0].startswith("runs new new new config_")
    assert board.start() == "trial config_a"


def test_a_configuration_beside_what_runs_spares_the_chosen_one(board: FolderPrompt) -> None:
    (board.folder / "slot").write_text("slot_a config_b")
    deploy(board, wanted("trial", b'{"new": 1}\n'))
    assert ran(board) == ["runs trial trial trial config_b"]
    assert board.start() == "trial config_a"
