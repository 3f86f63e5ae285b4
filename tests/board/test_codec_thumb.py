"""The codec in assembler does to the bit what it does as viper, whose results CPython has too."""

from __future__ import annotations

from pathlib import Path

import board_module

from host_tools.emulator.memory import FRAMES_BYTES
from host_tools.toolchain.emulated_board import Image

ALIKE = Path(__file__).parent / "guest" / "codec_alike.py"


def test_assembler_and_viper_are_alike(image: Image, tmp_path: Path) -> None:
    outcome = board_module.run(image.elf, tmp_path, ALIKE)
    assert outcome.passed, outcome.output
    assert outcome.frames_bytes < FRAMES_BYTES / 4
