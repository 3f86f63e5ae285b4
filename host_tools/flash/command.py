"""`gatewayctl flash`: the command line for a board and an image that the user brings along."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

from host_tools.cable.ports import choose
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


def main(board: str, image: Path, port: str, dry_run: bool) -> int:
    """Run them, their output as it comes; 0, or 1 when one fails. All files on the board go."""
    if not image.is_file():
        raise UserError(f"{image}: no such file: download the image that boards/README.md names")
    found = choose(port) if board in _ESPTOOL and not dry_run else port or "PORT"
    for command in commands(board, image, found):
        print(shlex.join(command), flush=True)
        if dry_run:
            continue
        program = find_tool(command[0])
        if program is None:
            raise UserError(f"{command[0]} is not here: {_HINTS[command[0]]}")
        if subprocess.run([program, *command[1:]]).returncode:
            print(f"{command[0]} failed: check that the board is in its boot loader")
            return 1
    return 0
