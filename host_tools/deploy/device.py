"""A board during a deployment: its files and slots, through the functions of at_prompt.py."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from typing import Any

from gateway.northbound.program_slot import SLOTS
from host_tools.cable.prompt import Prompt, RemoteError
from host_tools.deploy.boards import BoardKind
from host_tools.deploy.program import DeviceFile
from host_tools.errors import UserError
from host_tools.toolchain.paths import ROOT

__all__ = ["CHOICE", "HOLD", "LET_WAIT", "NEW", "OLD", "SLOTS", "TRIAL", "Device"]
CHOICE, TRIAL, HOLD = "slot", "slot.trial", "hold"
LAST = "slot.last"  # what ran before: whole, and so fallen back to, until it is written to
NEW, OLD = ".new", ".old"
# At the prompt, for a watchdog that the program left armed.
LET_WAIT = """\
import machine
try:
    machine.WDT(timeout=30000)
except (AttributeError, ValueError, OSError):
    pass
"""
_AGENT = ROOT / "boards" / "parts" / "at_prompt.py"
_FULL = ("OSError: [Errno 28] ENOSPC", "OSError: 28")
_PIECE = 1536  # bytes: 2048 characters on the cable
_MPY = 6


class Device:
    """Paths are relative to the root filesystem.

    Methods raise CableError when the cable is gone, UserError for what the board refuses.
    """

    def __init__(self, prompt: Prompt, kind: BoardKind) -> None:
        self.prompt = prompt
        self.kind = kind

    def take(self) -> None:
        """Stop what runs and make ready; UserError when it is another board."""
        self.prompt.interrupt()
        # its watchdog is still that of the program, a second or two
        self.prompt.run(LET_WAIT)
        self.prompt.run(_AGENT.read_bytes())
        identity = self.prompt.ask("identity()")
        try:
            self._check_identity(identity)
        except UserError:
            self.prompt.resume()
            raise

    def hold(self) -> None:
        """Restart without the program, and so without its watchdog; relays are open then."""
        self.write(TRIAL, HOLD.encode())
        self.prompt.restart(self.kind.reset)
        self.take()
        # a board without our main.py has not taken it off
        self.call("remove", [TRIAL])
        self.call("guard")
        if self.kind.prepare:
            self.prompt.run(self.kind.prepare)

    def restart(self) -> None:
        """Into the program that the choice, or the trial, names."""
        self.prompt.restart(self.kind.reset)

    def call(self, function: str, *arguments: object) -> Any:
        """The answer of a function of at_prompt.py."""
        words = ", ".join(repr(argument) for argument in arguments)
        try:
            return self.prompt.ask(f"{function}({words})")
        except RemoteError as error:
            raise UserError(f"{self.kind.name}: {_reason(error)}") from error

    def digests(self, folder: str, only: Iterable[str] | None = None) -> dict[str, str]:
        """SHA-256 of the files below `folder`, by path."""
        names = None if only is None else list(only)
        found = self.prompt.lines(f"digests({folder!r}, {names!r})")
        return dict(entry for entry in found if entry)

    def write(self, path: str, content: bytes) -> None:
        """A small file in one step: `stage`, then renamed."""
        self.stage(path, content)
        self.call("replace", [[path + NEW, path]])

    def stage(
        self, path: str, content: bytes, told: Callable[[int], object] = abs, end: str = NEW
    ) -> None:
        """Write `path` + `end` and compare the hash of what is on flash."""
        name = path + end
        self.call("begin", name)
        try:
            for start in range(0, len(content), _PIECE):
                data = content[start : start + _PIECE]
                self.prompt.run(b"piece(%r)" % base64.b64encode(data))
                told(len(data))
        except RemoteError as error:
            raise UserError(f"{name}: {_reason(error)}") from error
        self._expect(name, self.call("end", name), DeviceFile(path, content).digest)

    def copy(self, source: str, path: str, digest: str) -> None:
        """Copy a file on the board and check it."""
        self._expect(path, self.call("copy", source, path), digest)

    def _expect(self, path: str, found: str, wanted: str) -> None:
        if found != wanted:
            raise UserError(
                f"{path}: the board's flash holds something else than was sent: deploy again;"
                " a second time means that flash or cable is bad"
            )

    def _check_identity(self, identity: dict[str, Any]) -> None:
        machine, kind = identity["machine"], self.kind
        mcu = machine.rpartition(" with ")[2]
        if mcu != kind.mcu and not (kind.mcu.startswith("STM32") and mcu.startswith(kind.mcu)):
            raise UserError(
                f"{self.prompt.port}: is a {machine or 'board without a name'}, not a {kind.name}:"
                " check --board and --port"
            )
        if identity["mpy"][0] != _MPY or identity["native"] != kind.native:
            version = ".".join(map(str, identity["version"]))
            raise UserError(
                f"{self.prompt.port}: its image, MicroPython {version}, cannot run modules for"
                f" {kind.arch}: flash the image that boards/README.md names"
            )


def _reason(error: RemoteError) -> str:
    text = str(error)
    if text in _FULL:
        return f"its flash is full ({text}): remove files that are not the gateway's"
    return text
