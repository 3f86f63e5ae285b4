"""A site file may tighten what its product has; what it loosens is refused or told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from host_tools.deploy import command as deploy_command
from host_tools.errors import UserError
from host_tools.site import command
from host_tools.site.compile import check, defaults, load_site
from host_tools.site.looser import looser
from host_tools.site.products import load_product, slugs

PRODUCT = "energalactic-3727-1c"  # 280 Ah, charged at 140 A and discharged at 280 A
HEAD = f'product = "{PRODUCT}"\n'
RESET = '[[inputs]]\nname = "reset"\nnumber = 0\nrole = "reset"\n'
GAS = '[[inputs]]\nname = "gas"\nnumber = 1\nrole = "gas_low"\n'
SMOKE = '[[inputs]]\nname = "smoke"\nnumber = 2\nrole = "smoke"\n'
ONE_RACK = '[[racks]]\nname = "rack01"\nhost = "10.0.0.1"\nport = 502\nunit = 1\ntrip_relay = 0\n'

SMALL = (
    "[telemetry]\ncapacity_bytes = 2097152\nsegment_bytes = 32768\nrewind_s = 0\naftermath_s = 0\n"
)


def written(folder: Path, text: str) -> str:
    path = folder / "site.toml"
    path.write_text(HEAD + text)
    return str(path)


def limit(rule: str, level: str, **values: int) -> str:
    lines = "".join(f"{key} = {value}\n" for key, value in values.items())
    return f"[limits.{rule}.{level}]\n{lines}"


def facts(site: str, capsys: pytest.CaptureFixture[str]) -> dict[str, list[dict[str, object]]]:
    command.check(site, as_json=True)
    found: dict[str, list[dict[str, object]]] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "charge_current_da = 2800\n" + limit("charge_overcurrent", "l3", set=3640),
            "charge_current_da: 2800 is above 1400, the 140 A",
        ),
        ("charge_current_da = 1401\n", "charge_current_da: 1401 is above 1400"),
        ("discharge_current_da = 2801\n", "discharge_current_da: 2801 is above 2800, the 280 A"),
        ("capacity_dah = 5000\n", "capacity_dah: 5000 is above 2800, the 280 Ah"),
        ("capacity_dah = 18000\n", "capacity_dah: 18000 is above 2800"),
        ("capacity_dah = 2000\n", "charge_current_da: 1400 is above 1000, the 0.5 C of the cell"),
        ("charge_rate_pm = 501\n", "charge_rate_pm: 501 is above 500, the 0.5 C of"),
        ("discharge_rate_pm = 900\n", "discharge_current_da: 2800 is above 2520, the 0.9 C of"),
        ("cells_per_rack = 420\n", f"cells_per_rack: 420, but {PRODUCT} has 416"),
        ("[outputs]\narm_delay_ms = 0\n", "outputs.arm_delay_ms: 0 is below 10000 ms"),
        ("[outputs]\narm_delay_ms = 9999\n", "outputs.arm_delay_ms: 9999 is below 10000 ms"),
        (GAS, "inputs: none has the role reset"),
        ("inputs = []\n", "inputs: none has the role reset"),
        ("site = 2026-01-01\n", "site: 2026-01-01 is a date or a time"),
        ("[uplink]\nhost = 12:00:00\n", "uplink.host: 12:00:00 is a date or a time"),
    ],
)
def test_what_product_cell_or_board_do_not_bear_is_refused(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(UserError) as caught:
        command.check(written(tmp_path, text))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_both_currents_and_the_capacity_are_told_at_once(tmp_path: Path) -> None:
    text = "capacity_dah = 6000\ncharge_current_da = 3000\ndischarge_current_da = 6000\n"
    with pytest.raises(UserError) as caught:
        command.check(written(tmp_path, text))
    for name in ("capacity_dah: 6000", "charge_current_da: 3000", "discharge_current_da: 6000"):
        assert name in str(caught.value)


def test_build_refuses_what_check_refuses(tmp_path: Path) -> None:
    out = tmp_path / "config.json"
    for text in ("charge_current_da = 1500\n", "", "[outputs]\narm_delay_ms = 3000\n"):
        site = written(tmp_path, text + ONE_RACK)
        if not text:
            command.build(site, str(out))
            out.unlink()
            continue
        with pytest.raises(UserError):
            command.build(site, str(out))
        assert not out.exists()


@pytest.mark.parametrize("slug", slugs())
def test_the_device_knows_the_rates_of_the_cell(slug: str) -> None:
    """It refuses a configuration that somebody raised after it was built, too."""
    product, tree = load_site(slug)
    for key, rate, rating in (
        ("charge_rate_pm", product.cell_charge_rate, "charge_current_da"),
        ("discharge_rate_pm", product.cell_discharge_rate, "discharge_current_da"),
    ):
        assert tree[key] == rate * 1000
        most = round(product.cell_ah * rate * 10)
        with pytest.raises(UserError, match=f"{rating}: above {most}"):
            check(tree | {rating: most + 1}, "test")


def test_limits_follow_a_rating_that_is_lowered(tmp_path: Path) -> None:
    text = "capacity_dah = 2000\ncharge_current_da = 1000\ndischarge_current_da = 2000\n"
    product, tree = load_site(written(tmp_path, text))
    loaded = check(tree, "test")
    assert [level and level.set_point for level in loaded.limits["charge_overcurrent"]] == [
        1050,
        1150,
        1250,
    ]
    peak = loaded.limits["discharge_peak_current"][2]
    assert peak is not None
    assert peak.set_point == 4200
    assert looser(tree, defaults(product, tree)) == []


@pytest.mark.parametrize("slug", slugs())
def test_no_product_is_looser_than_itself(slug: str) -> None:
    product, tree = load_site(slug)
    assert looser(tree, defaults(load_product(slug), {})) == []
    assert looser(tree, defaults(product, tree)) == []


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (
            limit("cell_overvoltage", "l2", delay_ms=12000),
            ["limits.cell_overvoltage.l2.delay_ms 12000 (2000)"],
        ),
        (
            limit("cell_overvoltage", "l3", clear=3630, clear_delay_ms=0),
            [
                "limits.cell_overvoltage.l3.clear 3630 (3450)",
                "limits.cell_overvoltage.l3.clear_delay_ms 0 (5000)",
            ],
        ),
        (
            limit("cell_undervoltage", "l1", set=2850),
            ["limits.cell_undervoltage.l1.set 2850 (2900)"],
        ),
        (
            limit("cell_undervoltage_cold", "l2", set=2300),
            ["limits.cell_undervoltage_cold.l2.set 2300 (2400)"],
        ),
        (limit("insulation", "l3", set=150), ["limits.insulation.l3.set 150 (200)"]),
        (
            limit("discharge_overtemperature", "l3", set=650),
            ["limits.discharge_overtemperature.l3.set 650 (600)"],
        ),
        ("[outputs]\nreconnect_dv = 100\n", ["outputs.reconnect_dv 100 (30)"]),
        ("[outputs]\nshared_dc_bus = 0\n", ["outputs.shared_dc_bus 0 (1)"]),
        ("[poll]\nscan_period_ms = 9000\n", ["poll.scan_period_ms 9000 (4000)"]),
        ("derate_l1_pm = 800\n", ["derate_l1_pm 800 (500)"]),
        (
            "[curves]\ncharge_by_cell_max_mv = [[3500, 1000], [3600, 0]]\n",
            ["curves.charge_by_cell_max_mv at 3500: 1000 (666)"],
        ),
        (limit("cell_overvoltage", "l3", set=3640, clear=3440, delay_ms=900), []),
        (limit("cell_undervoltage", "l3", set=2600), []),
        ("[outputs]\nreconnect_dv = 20\narm_delay_ms = 20000\n", []),
        ("[curves]\ncharge_by_cell_max_mv = [[3440, 1000], [3590, 0]]\n", []),
    ],
)
def test_every_number_looser_than_its_default_is_listed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, lines: list[str]
) -> None:
    site = written(tmp_path, text)
    command.check(site)
    told = [line.strip() for line in capsys.readouterr().out.splitlines()]
    start = "looser than the default: "
    assert [line.removeprefix(start) for line in told if line.startswith(start)] == lines
    assert told[-1].endswith(": good")
    listed = facts(site, capsys)["looser"]
    assert [f"{row['name']} {row['value']} ({row['default']})" for row in listed] == lines


@pytest.mark.parametrize(
    ("text", "word", "told"),
    [
        (RESET, "role service_key", True),
        (
            RESET + RESET.replace("reset", "service_key").replace("= 0", "= 1"),
            "service_key",
            False,
        ),
        (RESET + GAS, "ventilation_relay", True),
        (RESET + GAS + "[outputs]\nventilation_relay = 12\n", "ventilation_relay", False),
        (RESET, "ventilation_relay", False),
        (RESET, "nobody watches the emergency stop, smoke, gas", True),
        (RESET + GAS, "nobody watches the emergency stop, smoke", True),
        (RESET + GAS, "smoke, gas", False),
        (RESET + SMOKE, "a broken wire", False),
        (RESET + SMOKE + "alarm_level = 1\n", "smoke: smoke alarms when its loop closes", True),
        ("inputs = []\n[commands]\nacknowledge = 1\n", "role reset", True),
        (RESET + "[outputs]\nsite_relay = 12\n", "site_relay", False),
    ],
)
def test_what_a_site_goes_without_is_told_and_no_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, word: str, told: bool
) -> None:
    notices = facts(written(tmp_path, text), capsys)["notices"]
    assert any(word in str(line) for line in notices) == told


def test_folders_and_bytes_are_no_site_files(tmp_path: Path) -> None:
    (tmp_path / "plant.toml").mkdir()
    for folder in (tmp_path, tmp_path / "plant.toml"):
        with pytest.raises(UserError, match="is a folder"):
            command.check(f"{folder}/")
    path = tmp_path / "site.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="not a text file"):
        command.check(str(path))


@pytest.mark.parametrize(
    ("board", "text", "said"),
    [
        ("waveshare_esp32s3_eth_8di_8ro", "", "racks: rack09: trip_relay 8"),
        (
            "olimex_esp32_poe_iso",
            ONE_RACK + RESET.replace("= 0", "= 3"),
            "inputs: reset: number 3",
        ),
        (
            "arduino_opta",
            ONE_RACK + "[outputs]\nventilation_relay = 4\n",
            "outputs.ventilation_relay 4, but arduino_opta has relays 0..3",
        ),
        ("arduino_opta", ONE_RACK + SMALL, ""),
        ("qemu_mps2", "", ""),
        ("no_such_board", "", "--board: no 'no_such_board'"),
    ],
)
def test_a_board_must_have_the_relays_and_inputs(
    tmp_path: Path, board: str, text: str, said: str
) -> None:
    site = written(tmp_path, text)
    command.check(site)
    if not said:
        command.check(site, board=board)
        return
    with pytest.raises(UserError) as caught:
        command.check(site, board=board)
    assert said in str(caught.value)


def test_nothing_is_sent_to_a_board_without_the_relays(tmp_path: Path) -> None:
    site = written(tmp_path, ONE_RACK.replace("trip_relay = 0", "trip_relay = 2"))
    wanted = deploy_command.Options("olimex_esp32_poe_iso", str(tmp_path / "no-port"), site)
    with pytest.raises(UserError, match="rack01: trip_relay 2, but olimex_esp32_poe_iso"):
        deploy_command.main(wanted)
