"""What is refused, with which words, before anything starts; and when faults happen."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from host_tools.errors import UserError
from host_tools.run import device_files, plan, ports
from host_tools.run.scenario import (
    BROKER_DOWN,
    BROKER_UP,
    FAULT,
    GATEWAY_RESTART,
    SCENARIOS,
    SETTLED_S,
    timeline,
)
from host_tools.simulate.ports import HOST
from host_tools.site.compile import check, load_site

SITE = "energalactic-5015-0.5c"


@pytest.fixture
def limits():
    _, tree = load_site(SITE)
    return check(tree, SITE).limits


def site_file(tmp_path: Path, text: str) -> str:
    path = tmp_path / "site.toml"
    path.write_text(f'product = "{SITE}"\n{text}')
    return str(path)


# -- scenarios --


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("duration_s", [30, 0])
def test_every_scenario_fits_half_a_minute_and_no_end(limits, name: str, duration_s: int) -> None:
    steps = timeline(name, duration_s, limits)
    times = [step.at_s for step in steps]
    assert times == sorted(times)
    assert all(SETTLED_S <= at_s < (duration_s or 60) for at_s in times)


def test_actions_come_in_the_order_that_makes_sense(limits) -> None:
    actions = {name: [step.action for step in steps] for name, steps in SCENARIOS.items()}
    assert actions["normal"] == []
    assert actions["broker_outage"] == [BROKER_DOWN, BROKER_UP]
    assert actions["gateway_restart"] == [FAULT, GATEWAY_RESTART]
    down, up = timeline("broker_outage", 30, limits)
    assert up.at_s - down.at_s == pytest.approx(10)


@pytest.mark.parametrize(
    ("name", "needed_s"), [("cell_overvoltage", 9), ("rack_silent", 18), ("gateway_restart", 16)]
)
def test_a_run_too_short_names_the_seconds_it_needs(limits, name: str, needed_s: int) -> None:
    with pytest.raises(UserError, match=rf"DURATION=5: {name} needs {needed_s} s"):
        timeline(name, 5, limits)
    assert timeline(name, needed_s, limits)
    with pytest.raises(UserError):
        timeline(name, needed_s - 1, limits)


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
        f'[[racks]]\nname = "east-{n}"\nhost = "10.0.0.{n}"\nport = 502\nunit = {n}\n'
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
        "unit": 1,
        "trip_relay": 8,
    }
    assert tree["uplink"]["port"] == made.ports.broker
    assert tree["outputs"]["arm_delay_ms"] == 3000
    assert board["console_port"] == made.ports.console
