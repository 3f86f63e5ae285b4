"""Whether a site fits a board: the counts are those of the boards' own files."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from host_tools.cli import main
from host_tools.deploy import boards
from host_tools.errors import UserError
from host_tools.site import board_fit, command
from host_tools.toolchain.paths import ROOT

OPTA = boards.find("arduino_opta")
SITE = """product = "celestial-energy-835-690v-0.5c"
[telemetry]
capacity_bytes = {records}
segment_bytes = 32768
rewind_s = {rewind}
aftermath_s = 0
[outputs]
ventilation_relay = {fans}
[[racks]]
name = "north"
host = "10.0.0.1"
port = 502
unit = 1
trip_relay = {north}
[[racks]]
name = "south"
host = "10.0.0.2"
port = 502
unit = 1
trip_relay = 1
[[inputs]]
name = "push"
number = 0
role = "reset"
[[inputs]]
name = "key"
number = {key}
role = "service_key"
"""


def site(tmp_path: Path, **numbers: int) -> str:
    defaults = {"fans": 3, "north": 2, "key": 3, "records": 1 << 20, "rewind": 0}
    path = tmp_path / "site.toml"
    path.write_text(SITE.format(**defaults | numbers))
    return str(path)


def test_a_site_that_fits_is_good(tmp_path: Path, capsys) -> None:
    command.check(site(tmp_path), board="arduino_opta")
    assert capsys.readouterr().out.endswith("good\n")


def test_every_relay_and_input_that_the_board_has_not_is_named(tmp_path: Path) -> None:
    path = site(tmp_path, fans=5, north=4, key=4)
    command.check(path)
    with pytest.raises(UserError) as refused:
        command.check(path, board="arduino_opta")
    assert str(refused.value) == (
        f"{path}: racks: north: trip_relay 4, but arduino_opta has relays 0..3;"
        " outputs.ventilation_relay 5, but arduino_opta has relays 0..3;"
        " inputs: key: number 4, but arduino_opta has inputs 0..3"
    )


def test_more_records_than_the_flash_keeps_are_refused(tmp_path: Path) -> None:
    path = site(tmp_path, records=3 << 20)
    with pytest.raises(UserError) as refused:
        command.check(path, board="arduino_opta")
    assert str(refused.value) == (
        f"{path}: telemetry.capacity_bytes {3 << 20}, but arduino_opta has room for 2097152"
        ": see its settings.json"
    )


def test_more_than_the_memory_holds_is_refused(tmp_path: Path) -> None:
    path = site(tmp_path, rewind=60)
    with pytest.raises(UserError) as refused:
        command.check(path, board="arduino_opta")
    text = str(refused.value)
    assert "2 racks with telemetry.rewind_s 60 need about 5" in text
    assert text.endswith("kB of memory, but arduino_opta has 500")
    command.check(site(tmp_path, rewind=60), board="waveshare_esp32s3_eth_8di_8ro")


def rack_count(name: str, most: int) -> int:
    """How many of the largest racks a board carries with the settings that suit it."""
    kind = boards.find(name)
    settings = json.loads((ROOT / "boards" / name / "settings.json").read_text())["telemetry"]
    rewind_s = settings["rewind_s"]
    fits = 0
    while (
        fits < most
        and board_fit.heap_bytes(kind, fits + 1, 416, 208, rewind_s)
        <= (board_fit.budget(kind)["heap_bytes"])
    ):
        fits += 1
    return fits


@pytest.mark.parametrize("name", [kind.name for kind in boards.BOARDS if kind.name != "qemu_mps2"])
def test_a_budget_has_no_more_racks_than_its_memory_holds(name: str) -> None:
    assert board_fit.budget(boards.find(name))["racks"] <= rack_count(name, 12)


def test_more_racks_than_a_board_carries_are_refused(tmp_path: Path, capsys) -> None:
    arguments = ["site", "check", site(tmp_path, north=0), "--board", "olimex_esp32_poe_iso"]
    assert main(arguments) == 2
    assert "2 racks, but olimex_esp32_poe_iso carries 0: its memory" in capsys.readouterr().err


RACKS = """product = "energalactic-5015-0.5c"
[uplink]
host = "10.0.0.200"
[[inputs]]
name = "push"
number = 0
role = "reset"
"""
RACK = """[[racks]]
name = "rack{number:02d}"
host = "10.0.0.{host}"
port = 502
unit = {number}
trip_relay = {relay}
"""


@pytest.mark.parametrize(("count", "hosts", "needed"), [(7, 7, 0), (8, 1, 0), (8, 8, 11)])
def test_more_connections_than_the_image_has_sockets_are_refused(
    tmp_path: Path, count: int, hosts: int, needed: int
) -> None:
    path = tmp_path / "site.toml"
    racks = [
        RACK.format(number=index + 1, host=1 + index % hosts, relay=index)
        for index in range(count)
    ]
    path.write_text(RACKS + "".join(racks))
    if not needed:
        command.check(str(path), board="waveshare_esp32s3_eth_8di_8ro")
        return
    with pytest.raises(UserError) as refused:
        command.check(str(path), board="waveshare_esp32s3_eth_8di_8ro")
    assert f"{hosts} connections to racks, 1 to servers and 2 for the console" in (
        text := str(refused.value)
    )
    assert f"need {needed} sockets, but waveshare_esp32s3_eth_8di_8ro has 10" in text


def test_the_command_takes_the_board_by_name(tmp_path: Path, capsys) -> None:
    arguments = ["site", "check", site(tmp_path), "--board"]
    assert main([*arguments, "waveshare_esp32s3_eth_8di_8ro"]) == 0
    assert main([*arguments, "olimex_esp32_poe_iso"]) == 2
    assert (
        "north: trip_relay 2, but olimex_esp32_poe_iso has relays 0..1" in capsys.readouterr().err
    )


def test_a_board_that_was_not_named_is_missing(capsys) -> None:
    assert main(["deploy", "--board", "", "--site", "site.toml"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "--board: missing (make: BOARD=); there are: waveshare" in line


# -- the table against the boards' own files --


def constant(board: str, name: str, file: str = "board.py") -> object:
    """What a board's file assigns to `name`."""
    for node in ast.parse((ROOT / "boards" / board / file).read_text()).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == name:
            return ast.literal_eval(node.value)
    raise AssertionError(f"{board}/{file}: no {name}")


def pins(board: str, role: str) -> int:
    """How many pins of a board are called `role` and a number."""
    found = constant(board, "PINS")
    assert isinstance(found, dict)
    return sum(name.startswith(f"{role}_") for name in found)


def test_the_counts_are_those_of_the_boards_own_files() -> None:
    found = {kind.name: (kind.relays, kind.inputs) for kind in boards.BOARDS}
    waveshare, olimex, opta = (
        "waveshare_esp32s3_eth_8di_8ro",
        "olimex_esp32_poe_iso",
        "arduino_opta",
    )
    expander = ast.parse((ROOT / "boards/parts/tca9554.py").read_text())
    counts = [
        ast.literal_eval(node.value)
        for node in ast.walk(expander)
        if isinstance(node, ast.Assign) and "count" in ast.unparse(node.targets[0]).lower()
    ]
    assert found == {
        waveshare: (counts[0], pins(waveshare, "input")),
        olimex: (pins(olimex, "relay"), pins(olimex, "input")),
        opta: (pins(opta, "relay"), pins(opta, "input")),
        "qemu_mps2": tuple(
            constant("qemu_mps2", name, "field.py") for name in ("RELAY_COUNT", "INPUT_COUNT")
        ),
    }
