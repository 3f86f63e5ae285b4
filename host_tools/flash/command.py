"""`gatewayctl flash`: the command line for a board and an image that the user brings along."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from host_tools.cable.ports import choose
from host_tools.errors import UserError
from host_tools.flash import relays
from host_tools.toolchain.tools import find_tool

# Chip and start of the image in flash, as MicroPython's page of the board has them.
_ESPTOOL = {
    "waveshare_esp32s3_eth_8di_8ro": ("esp32s3", "0"),
    "olimex_esp32_poe_iso": ("esp32", "0x1000"),
}
# Vendor and product of the boot loader, as deploy.md of the port's board has them.
_DFU = {"arduino_opta": "2341:0364"}
_HINTS = {
    "esptool": "build/venv/bin/python -m pip install esptool",
    "dfu-util": "sudo apt-get install -y dfu-util",
}
BOARDS = (*_ESPTOOL, *_DFU)


@dataclass(frozen=True)
class Options:
    """As the command line has them. `erase`: all that is on the board's flash goes first."""

    board: str
    image: Path
    port: str = ""
    erase: bool = False
    dry_run: bool = False
    yes: bool = False
    as_json: bool = False


def commands(options: Options, port: str) -> list[list[str]]:
    """What has to be run, in this order; UserError for an unknown board."""
    board, image = options.board, str(options.image)
    if board in _ESPTOOL:
        chip, start = _ESPTOOL[board]
        esptool = ["esptool", "--chip", chip, "--port", port]
        erase = [[*esptool, "erase-flash"]] if options.erase else []
        return [*erase, [*esptool, "write-flash", start, image]]
    if board in _DFU:
        if options.erase:
            raise UserError(f"--erase: dfu-util writes {board}'s image and leaves all else alone")
        return [["dfu-util", "-w", "-a", "0", "-d", _DFU[board], "-D", image]]
    raise UserError(f"--board: cannot flash {board!r}; there are: {', '.join(BOARDS)}")


def main(options: Options) -> int:
    """Run them once every relay is open; 0, or 1 when one fails.

    With `as_json` what the programs say goes to the standard error.
    """
    if not options.image.is_file():
        raise UserError(
            f"{options.image}: no such file: download the image that boards/README.md names"
        )
    by_cable = options.board in _ESPTOOL and not options.dry_run
    port = choose(options.port) if by_cable else options.port or "PORT"
    todo = commands(options, port)
    programs = [] if options.dry_run else [_program(command[0]) for command in todo]
    if by_cable:
        relays.open_all(options.board, port, options.yes, options.erase)
    failed = ""
    for command, program in zip(todo, programs, strict=False):
        _say(command, options.as_json)
        to = 2 if options.as_json else None
        if subprocess.run([program, *command[1:]], stdout=to).returncode:
            failed = f"{command[0]} failed: check that the board is in its boot loader"
            break
    if options.dry_run and not options.as_json:
        print("\n".join(map(shlex.join, todo)))
    if options.as_json:
        print(json.dumps({"commands": todo, "run": not options.dry_run, "problem": failed}))
    elif failed:
        print(failed)
    return 1 if failed else 0


def _program(name: str) -> str:
    found = find_tool(name)
    if found is None:
        raise UserError(f"{name} is not here: {_HINTS[name]}")
    return str(found)


def _say(command: list[str], as_json: bool) -> None:
    print(shlex.join(command), file=sys.stderr if as_json else sys.stdout, flush=True)
