"""Which serial port the board is at."""

from __future__ import annotations

from serial.tools import list_ports

from host_tools.errors import UserError

USB = "usb"


def choose(port: str, option: str = "--port") -> str:
    """`port` itself; for "" or "usb" the only one of USB that is there.

    UserError, with the `option` that names one, when that is not clear.
    """
    if port not in ("", USB):
        return port
    found = sorted(entry.device for entry in list_ports.comports() if entry.vid is not None)
    if len(found) == 1:
        return str(found[0])
    if not found:
        raise UserError(
            f"no USB serial port is there: check cable and power, or name it by {option}"
        )
    raise UserError(f"{option}: name one, several USB ports are there: {', '.join(found)}")
