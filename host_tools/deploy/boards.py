"""The boards that can be deployed to: relays and inputs, how each is recognised and restarted."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from host_tools.errors import UserError
from host_tools.toolchain.paths import ROOT

_RESET = "import machine; machine.reset()"


@dataclass(frozen=True)
class BoardKind:
    """`mcu` and `native` are what MicroPython on it says of itself, `arch` is mpy-cross's word.

    `relays` and `inputs`: how many of each a configuration may number, from 0.

    Files go to the root filesystem, wherever the image mounts it: / on an ESP32, /flash on an
    STM32. The configuration is in its folder `config`; where that is another filesystem,
    `prepare` mounts it there before files are looked at. `root_files` stay source and lie beside
    main.py. `frozen`: its image has a gateway frozen in, which runs while no slot is chosen.
    """

    name: str
    mcu: str
    arch: str
    native: int
    relays: int
    inputs: int
    config: str = "config"
    prepare: str = ""
    reset: str = _RESET
    root_files: tuple[str, ...] = ()
    frozen: bool = False

    @property
    def is_thumb(self) -> bool:
        """A Cortex-M3, M4 or M7: its program has assembler for these."""
        return self.arch.startswith("armv7")


# On the emulated board machine.reset() ends the emulator; this is the processor's own reset.
_CORTEX_M_RESET = "import machine; machine.mem32[0xE000ED0C] = 0x05FA0004"
_QEMU_CONFIG = """\
import os, vfs, exchange
from flash_window import FlashWindow
from volume_storage import littlefs
if "config" not in os.listdir("/"):
    vfs.mount(littlefs(FlashWindow(exchange.CONFIG))[0], "/config")
"""

# Numbers of `native` are those of MicroPython's py/persistentcode.h, where every Thumb 2 without
# floating point calls itself armv7em.
BOARDS = (
    BoardKind(
        "waveshare_esp32s3_eth_8di_8ro",
        "ESP32S3",
        "xtensawin",
        10,
        relays=8,
        inputs=8,
        root_files=("boot.py",),
    ),
    BoardKind("olimex_esp32_poe_iso", "ESP32", "xtensawin", 10, relays=2, inputs=3),
    BoardKind("arduino_opta", "STM32H747", "armv7emdp", 8, relays=4, inputs=4),
    BoardKind(
        "qemu_mps2",
        "Cortex-M3",
        "armv7m",
        6,
        relays=16,
        inputs=16,
        config="/config",
        prepare=_QEMU_CONFIG,
        reset=_CORTEX_M_RESET,
        frozen=True,
    ),
)


def settings(kind: BoardKind) -> dict[str, Any]:
    """What of a configuration suits this board; a site file may say otherwise. {} = nothing."""
    path = ROOT / "boards" / kind.name / "settings.json"
    return dict(json.loads(path.read_text())) if path.is_file() else {}


def find(name: str) -> BoardKind:
    """The board called `name`; UserError lists those there are."""
    for kind in BOARDS:
        if kind.name == name:
            return kind
    names = ", ".join(kind.name for kind in BOARDS)
    wrong = f"no {name!r}" if name else "missing (make: BOARD=)"
    raise UserError(f"--board: {wrong}; there are: {names}")
