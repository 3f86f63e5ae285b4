"""The boards that can be deployed to: how each is recognised, compiled for and restarted."""

from __future__ import annotations

from dataclasses import dataclass

from host_tools.errors import UserError

_RESET = "import machine; machine.reset()"


@dataclass(frozen=True)
class BoardKind:
    """`mcu` and `native` are what MicroPython on it says of itself, `arch` is mpy-cross's word.

    `prepare` runs on the board before files are looked at: it brings /config there where that is
    not a folder of the root filesystem. `root_files` stay source and lie beside main.py. `frozen`:
    its image has a gateway frozen in, which runs while no slot is chosen.
    """

    name: str
    mcu: str
    arch: str
    native: int
    prepare: str = ""
    reset: str = _RESET
    root_files: tuple[str, ...] = ()
    frozen: bool = False


# On the emulated board machine.reset() ends the emulator; this is the processor's own reset.
_CORTEX_M_RESET = "import machine; machine.mem32[0xE000ED0C] = 0x05FA0004"
_QEMU_CONFIG = """\
import os, vfs, exchange
from flash_window import FlashWindow
if "config" not in os.listdir("/"):
    _options = {"progsize": 32, "readsize": 256, "lookahead": 256}
    _window = FlashWindow(exchange.CONFIG)
    try:
        _volume = vfs.VfsLfs2(_window, **_options)
    except OSError:
        vfs.VfsLfs2.mkfs(_window, **_options)
        _volume = vfs.VfsLfs2(_window, **_options)
    vfs.mount(_volume, "/config")
"""

# Numbers of `native` are those of MicroPython's py/persistentcode.h, where every Thumb 2 without
# floating point calls itself armv7em.
BOARDS = (
    BoardKind(
        "waveshare_esp32s3_eth_8di_8ro", "ESP32S3", "xtensawin", 10, root_files=("boot.py",)
    ),
    BoardKind("olimex_esp32_poe_iso", "ESP32", "xtensawin", 10),
    BoardKind("arduino_opta", "STM32H747", "armv7emdp", 8),
    BoardKind("qemu_mps2", "Cortex-M3", "armv7m", 6, prepare=_QEMU_CONFIG, reset=_CORTEX_M_RESET),
)


def find(name: str) -> BoardKind:
    """The board called `name`; UserError lists those there are."""
    for kind in BOARDS:
        if kind.name == name:
            return kind
    names = ", ".join(kind.name for kind in BOARDS)
    raise UserError(f"--board: no {name!r}; there are: {names}")
