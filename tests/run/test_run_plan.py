"""What is refused, with which words, before anything starts; and when faults happen."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from host_tools.errors import UserError
from host_tools.run import device_files, plan, ports, scenario_file
from host_tools.run.scenario import SETTLED_S, Config, TimedStep, timeline
from host_tools.simulate.ports import HOST
from host_tools.simulate.topology import SerialTrunk, TcpTrunk
from host_tools.site.compile import check, load_site, merge

SITE = "energalactic-5015-0.5c"


@pytest.fixture
def config() -> Config:
    _, tree = load_site(SITE)
    return check(tree, SITE)


def times_of(name: str, duration_s: int, config: Config) -> list[TimedStep]:
    scenario = scenario_file.find(name)
    if scenario.config:
        _, tree = load_site(SITE)
        config = check(merge(tree, scenario.config), name)
    return timeline(scenario, duration_s, config)


def site_file(tmp_path: Path, text: str) -> str:
    path = tmp_path / "site.toml"
    path.write_text(f'product = "{SITE}"\n{text}')
    return str(path)


# -- scenarios --


# A rise is known by looking at several scans of the temperatures.
# After its start the gateway raises the currents slowly: only then the rating can be passed.
SLOW_S = {"temp_rise": 45, "temp_rise_hot": 45, "overcurrent_levels": 130, "limit_levels": 130}


@pytest.mark.parametrize("name", scenario_file.names())
@pytest.mark.parametrize("duration_s", [30, 0])
def test_every_scenario_fits_half_a_minute_and_no_end(
    config: Config, name: str, duration_s: int
) -> None:
    if duration_s:
        duration_s = SLOW_S.get(name, duration_s)
    steps = times_of(name, duration_s, config)
    times = [step.at_s for step in steps]
    assert times == sorted(times)
    assert all(0 <= at_s < (duration_s or SLOW_S.get(name, 60)) for at_s in times)
    settled = [step.at_s for step in steps if step.step.when.share is not None]
    assert all(at_s >= SETTLED_S for at_s in settled)


def test_steps_come_in_the_order_that_makes_sense(config: Config) -> None:
    def actions(name: str) -> list[str]:
        return [step.step.action for step in times_of(name, 30, config)]

    assert actions("normal") == []
    assert actions("broker_outage") == ["broker_down", "broker_up"]
    assert actions("gateway_restart") == ["begin", "gateway_restart"]
    assert actions("late_replies") == ["begin", "end"]
    down, up = times_of("broker_outage", 30, config)
    assert up.at_s - down.at_s == pytest.approx(10, abs=0.1)


@pytest.mark.parametrize(
    ("name", "needed_s"),
    [("cell_overvoltage", 9), ("rack_silent", 18), ("gateway_restart", 16), ("dead_unit", 17)],
)
def test_a_run_too_short_names_the_seconds_it_needs(
    config: Config, name: str, needed_s: int
) -> None:
    with pytest.raises(UserError, match=rf"DURATION=5: {name} needs {needed_s} s"):
        times_of(name, 5, config)
    times_of(name, needed_s, config)
    with pytest.raises(UserError):
        times_of(name, needed_s - 1, config)


def test_a_longer_delay_in_the_site_file_needs_a_longer_run(tmp_path: Path) -> None:
    text = "[limits.cell_overvoltage.l3]\ndelay_ms = 5000\n"
    with pytest.raises(UserError, match="needs 13 s"):
        plan.make(site_file(tmp_path, text), "cell_overvoltage", 12, "cpython")


# -- bad input --


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nowhere", "normal", 0, "cpython"), "no product 'nowhere'"),
        (("nowhere.toml", "normal", 0, "cpython"), r"nowhere\.toml: No such file"),
        ((SITE, "earthquake", 0, "cpython"), "no scenario 'earthquake'; there are: normal"),
        ((SITE, "normal", 0, "pypy"), "no 'pypy'; there are: micropython, cpython"),
        ((SITE, "normal", 0, "cpython", "can"), "BUS: no 'can'; there are: tcp, rtu"),
        ((SITE, "nowhere/x.toml", 0, "cpython"), r"nowhere/x\.toml: No such file"),
        ((SITE, "noisy_bus", 0, "cpython", "tcp"), "noisy_bus shows nothing on tcp.*BUS=rtu"),
    ],
)
def test_unknown_names_are_told_with_the_known_ones(arguments, words: str) -> None:
    with pytest.raises(UserError, match=words):
        plan.make(*arguments)


def test_a_site_with_fewer_racks_than_its_product(tmp_path: Path) -> None:
    rack = '[[racks]]\nname = "a"\nhost = "10.0.0.1"\nport = 502\nunit = 1\ntrip_relay = 0\n'
    with pytest.raises(UserError, match="racks: 1 of them, but the simulated .* has 12"):
        plan.make(site_file(tmp_path, rack), "normal", 0, "cpython")


def test_the_run_does_not_kill_a_broker_that_is_not_its_own(tmp_path: Path) -> None:
    site = site_file(tmp_path, '[uplink]\nhost = "10.0.0.2"\n')
    assert plan.make(site, "normal", 0, "cpython").broker_address == ("10.0.0.2", 1883)
    with pytest.raises(UserError, match=r"remove uplink\.host"):
        plan.make(site, "broker_outage", 30, "cpython")


# -- ports and files --


def test_a_port_in_use_is_named_with_what_wanted_it() -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        as_rack = ports.Ports(racks=port - 1, wiring=1025, console=1026, broker=1027)
        with pytest.raises(UserError, match=f"port {port} for rack02 is in use"):
            ports.check_free(as_rack, 2, own_broker=True)
        as_broker = ports.Ports(racks=1024, wiring=1025, console=1026, broker=port)
        with pytest.raises(UserError, match=f"port {port} for the broker is in use"):
            ports.check_free(as_broker, 1, own_broker=True)
        ports.check_free(as_broker, 1, own_broker=False)


@pytest.mark.parametrize("text", ["", "eighty", "80", "70000", "-5", "²"])
def test_nonsense_for_the_first_port(monkeypatch, text: str) -> None:
    monkeypatch.setenv(ports.VARIABLE, text)
    with pytest.raises(UserError, match="needs a port from 1024 to 65000"):
        ports.first_port()


def test_another_first_port_is_another_folder(monkeypatch) -> None:
    monkeypatch.setenv(ports.VARIABLE, "23000")
    moved = plan.make(SITE, "normal", 0, "cpython")
    assert moved.folder.name == "run-23000"
    assert moved.config.racks[11].port == 23011
    monkeypatch.delenv(ports.VARIABLE)
    assert plan.make(SITE, "normal", 0, "cpython").folder.name == "run"


def test_the_device_gets_the_sites_racks_at_the_simulators_addresses(tmp_path: Path) -> None:
    racks = "".join(
        f'[[racks]]\nname = "east-{n}"\nhost = "10.0.0.{n}"\nport = 502\nunit = {n + 1}\n'
        f"trip_relay = {11 - n}\n"
        for n in range(12)
    )
    made = plan.make(site_file(tmp_path, racks), "normal", 0, "cpython")
    device_files.clear(tmp_path / "run")
    board = json.loads(device_files.write(tmp_path / "run", made.tree, made.ports).read_text())
    tree = json.loads(Path(board["config"], "config.json").read_text())
    assert tree["racks"][3] == {
        "name": "east-3",
        "host": HOST,
        "port": made.ports.racks + 3,
        "unit": 4,
        "trip_relay": 8,
    }
    assert tree["uplink"]["port"] == made.ports.broker
    assert tree["outputs"]["arm_delay_ms"] == 3000
    assert board["console_port"] == made.ports.console


def test_what_a_run_sets_in_the_place_of_the_site_is_told(tmp_path: Path) -> None:
    text = "[outputs]\narm_delay_ms = 20000\n[telemetry]\nfine_period_ms = 5000\n"
    told = plan.make(site_file(tmp_path, text), "normal", 0, "cpython").differences
    assert told.startswith("of this run: addresses, outputs.arm_delay_ms 3000 (on site 20000), ")
    assert "uplink.backlog_delay_ms 0 (on site " in told and "\n" not in told
    assert "fine_period_ms" not in told  # the site's own holds
    product = plan.make(SITE, "normal", 0, "cpython", "rtu").differences
    assert "telemetry.fine_period_ms 1000 (on site 10000)" in product
    assert "poll.temp_period_ms 40000 (on site " in product


# -- buses --

RACK = '[[racks]]\nname = "r{n}"\ntrip_relay = {n}\nunit = {unit}\n'


def test_rtu_puts_all_racks_on_one_bus_with_its_own_times() -> None:
    made = plan.make(SITE, "normal", 0, "cpython", "rtu")
    assert made.topology.trunks == (SerialTrunk("rs485-1", 115200, "8N1", 15),)
    assert [place.unit for place in made.topology.places] == list(range(1, 13))
    assert [rack["unit"] for rack in made.tree["racks"]] == list(range(1, 13))
    assert made.tree["poll"] == {"scan_period_ms": 5400, "temp_period_ms": 40000}
    assert [bus.uart for bus in made.config.buses] == [0]
    assert made.rack_ports == 0
    assert made.bus == "rtu"


def test_a_scenario_for_a_bus_brings_it_along() -> None:
    assert plan.make(SITE, "noisy_bus", 0, "cpython").bus == "rtu"
    assert plan.make(SITE, "normal", 0, "cpython").bus == "tcp"


def test_a_site_with_buses_is_simulated_as_it_stands(tmp_path: Path) -> None:
    buses = "".join(
        f'[[buses]]\nname = "bus-{n}"\nuart = {n + 2}\nbaud = {baud}\nframe = "{frame}"\n'
        f"latency_ms = {latency}\n"
        for n, (baud, frame, latency) in enumerate([(57600, "8E1", 40), (115200, "8N1", 15)])
    )
    racks = "".join(
        RACK.format(n=n, unit=n % 6 + 7) + f'bus = "bus-{n // 6}"\n' for n in range(12)
    )
    made = plan.make(site_file(tmp_path, buses + racks), "normal", 0, "cpython")
    assert made.topology.trunks == (
        SerialTrunk("bus-0", 57600, "8E1", 40),
        SerialTrunk("bus-1", 115200, "8N1", 15),
    )
    assert made.topology.units(1) == {unit: (unit - 1,) for unit in range(7, 13)}
    assert [bus.uart for bus in made.config.buses] == [0, 1]
    assert made.config.racks[8].bus == "bus-1"
    over_tcp = plan.make(site_file(tmp_path, buses + racks), "normal", 0, "cpython", "tcp")
    assert over_tcp.rack_ports == 12 and over_tcp.config.buses == []


def test_racks_with_one_address_share_one_here_too(tmp_path: Path) -> None:
    racks = "".join(
        RACK.format(n=n, unit=n + 1) + f'host = "10.0.0.{n // 4}"\nport = 502\n' for n in range(12)
    )
    made = plan.make(site_file(tmp_path, racks), "normal", 0, "cpython")
    assert made.topology.trunks == (TcpTrunk(0), TcpTrunk(1), TcpTrunk(2))
    assert {rack.port for rack in made.config.racks} == {
        made.ports.racks,
        made.ports.racks + 1,
        made.ports.racks + 2,
    }
    assert made.topology.units(2) == {9: (8,), 10: (9,), 11: (10,), 12: (11,)}


def test_the_board_is_told_its_serial_ports(tmp_path: Path) -> None:
    made = plan.make(SITE, "normal", 0, "cpython", "rtu")
    device_files.clear(tmp_path / "run")
    path = device_files.write(tmp_path / "run", made.tree, made.ports, ["/dev/pts/77"])
    assert json.loads(path.read_text())["serial"] == ["/dev/pts/77"]
