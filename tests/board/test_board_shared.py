"""tests/shared on a third interpreter: 32 bits, small integers of 31, single-precision floats."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import board_module
import pytest

from host_tools.emulator.memory import FRAMES_BYTES
from host_tools.toolchain.emulated_board import Image
from host_tools.toolchain.upy_tests import TESTS

SHARED = TESTS / "shared"
MODULES = sorted(SHARED.rglob("test_*.py"))

SOCKETS = "sockets: this board has no network"
FLASH_FILE = "a flash of 16 MiB in a file: this board's root filesystem has 2"
# What this board does not have. Each of these must fail here: one that passes is to be taken off.
LACKING = {
    "boards/test_datagram": SOCKETS,
    "northbound/test_console": SOCKETS,
    "telemetry/test_black_box_power_cut": FLASH_FILE,
    "telemetry/test_lane_flash": FLASH_FILE,
    "uplink/test_app_commands": SOCKETS,
    "uplink/test_command_replies": SOCKETS,
    "uplink/test_live": SOCKETS,
    "uplink/test_mqtt_client": SOCKETS,
    "uplink/test_mqtt_faults": SOCKETS,
    "uplink/test_overlong_publish": SOCKETS,
    "uplink/test_publisher": SOCKETS,
    "uplink/test_publisher_lanes": SOCKETS,
    "uplink/test_tls_reasons": SOCKETS,
}
# Tests that are left out: this board has no FAT, and no MicroPython room for two more flashes.
SKIPS = {"telemetry/test_power_cut": 2}


def name_of(module: Path) -> str:
    return str(module.relative_to(SHARED).with_suffix(""))


@pytest.mark.parametrize("module", [pytest.param(path, id=name_of(path)) for path in MODULES])
def test_under_micropython_on_32_bits(
    module: Path, image: Image, tmp_path: Path, note_upy_skip: Callable[[str], None]
) -> None:
    name = name_of(module)
    outcome = board_module.run(image.elf, tmp_path, module)
    if name in LACKING:
        assert not outcome.passed, f"{name} passes: take it off the list"
        note_upy_skip(f"emulated board: {name}: {LACKING[name]}")
        return
    assert outcome.passed, outcome.output
    assert len(outcome.skips) == SKIPS.get(name, 0), outcome.skips
    for skip in outcome.skips:
        note_upy_skip(f"emulated board: {skip}")
    assert outcome.frames_bytes < FRAMES_BYTES / 6


def test_every_listed_module_is_there() -> None:
    assert LACKING.keys() | SKIPS.keys() <= {name_of(module) for module in MODULES}
