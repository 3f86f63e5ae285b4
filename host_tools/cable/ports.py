"""Which serial port the board is at."""

from __future__ import annotations

from serial.tools import list_ports

from host_tools.errors import UserError


def choose(port: str) -> str:
    """`port` itself, or the only one of USB that is there; UserError when that is not clear."""
    if port:
        return port
    found = sorted(entry.device for entry in list_ports.comports() if entry.vid is not None)
    if len(found) == 1:
        return str(found[0])
    if not found:
        raise UserError("no USB serial port is there: check cable and power, or name it by --port")
    raise UserError(f"--port: several boards are there: {', '.join(found)}")
