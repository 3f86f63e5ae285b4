"""`gatewayctl flash`: the command line for a board and an image that the user brings along."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

from host_tools.cable.ports import choose
from host_tools.confirm import confirm
from host_tools.errors import UserError
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


def commands(board: str, image: Path, port: str) -> list[list[str]]:
    """What has to be run, in this order; UserError for an unknown board."""
    if board in _ESPTOOL:
        chip, start = _ESPTOOL[board]
        esptool = ["esptool", "--chip", chip, "--port", port]
        return [[*esptool, "erase-flash"], [*esptool, "write-flash", start, str(image)]]
    if board in _DFU:
        return [["dfu-util", "-w", "-a", "0", "-d", _DFU[board], "-D", str(image)]]
    raise UserError(f"--board: cannot flash {board!r}; there are: {', '.join(BOARDS)}")


def main(
    board: str, image: Path, port: str, dry_run: bool, yes: bool = False, as_json: bool = False
) -> int:
    """Run them, after a question; 0, or 1 when one fails. All files on the board go.

    With `as_json` what the programs say goes to the standard error.
    """
    if not image.is_file():
        raise UserError(f"{image}: no such file: download the image that boards/README.md names")
    found = choose(port) if board in _ESPTOOL and not dry_run else port or "PORT"
    todo = commands(board, image, found)
    programs = [] if dry_run else [_program(command[0]) for command in todo]
    if not (dry_run or yes):
        confirm(
            f"This erases the board{f' at {found}' if board in _ESPTOOL else ''}: program, keys,"
            " latches, records that were not delivered; every relay opens."
        )
    failed = ""
    for command, program in zip(todo, programs, strict=False):
        _say(command, as_json)
        if subprocess.run([program, *command[1:]], stdout=2 if as_json else None).returncode:
            failed = f"{command[0]} failed: check that the board is in its boot loader"
            break
    if dry_run and not as_json:
        print("\n".join(map(shlex.join, todo)))
    if as_json:
        print(json.dumps({"commands": todo, "run": not dry_run, "problem": failed}))
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
