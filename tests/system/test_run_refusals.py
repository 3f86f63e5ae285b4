"""Bad input: one clear line, exit status 2, nothing left running."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from whole_site import SITE, SMALL_SITE, WholeSite, eventually, site_file

from host_tools.simulate.ports import HOST

Need = Callable[[str], Path]


@pytest.fixture
def whole_site() -> Iterator[WholeSite]:
    site = WholeSite()
    yield site
    site.clean_up()


def refusal(whole_site: WholeSite, **options: object) -> str:
    """The one line of a run that must be refused."""
    done = whole_site.run(**options)
    assert done.returncode == 2, whole_site.story(done)
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("gatewayctl: ")
    assert not whole_site.processes()
    assert not (whole_site.folder / "summary.json").exists()
    return lines[0]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"site": "nowhere"}, ["SITE", "'nowhere'", SITE]),
        ({"scenario": "earthquake"}, ["SCENARIO", "'earthquake'", "rack_silent"]),
        ({"interpreter": "pypy"}, ["INTERPRETER", "'pypy'", "cpython"]),
        ({"scenario": "overcurrent", "duration": 5}, ["DURATION=5", "overcurrent", "20 s"]),
        ({"site": "missing.toml"}, ["missing.toml", "No such file"]),
    ],
)
def test_what_cannot_be_run(whole_site: WholeSite, options, words) -> None:
    line = refusal(whole_site, **options)
    assert [word for word in words if word not in line] == []
    assert not whole_site.folder.exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[limits\n", "line 2"),
        ("[limits.cell_overvoltage.l3]\nset = 9000\n", "limits.cell_overvoltage.l3.set: 9000"),
        ("[pol]\nsummary_period_ms = 500\n", "pol: no such setting"),
    ],
)
def test_a_broken_site_file(whole_site: WholeSite, tmp_path: Path, text: str, words: str) -> None:
    line = refusal(whole_site, site=site_file(tmp_path, text))
    assert "site.toml" in line and words in line


@pytest.mark.parametrize(
    ("offset", "what"), [(1, "rack02"), (16, "wiring"), (17, "console"), (18, "broker")]
)
def test_a_port_in_use(whole_site: WholeSite, offset: int, what: str) -> None:
    port = whole_site.first_port + offset
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((HOST, port))
        taken.listen()
        line = refusal(whole_site, site=SMALL_SITE)
    assert f"port {port} for" in line and what in line


@pytest.mark.parametrize("interpreter", ["micropython", "cpython"])
def test_a_configuration_that_only_the_device_can_refuse(
    whole_site: WholeSite, tmp_path: Path, need: Need, interpreter: str
) -> None:
    """The laptop does not know how many inputs the board has."""
    if interpreter == "micropython":
        need("micropython")
    site = site_file(tmp_path, '[[inputs]]\nname = "push"\nnumber = 12\nrole = "reset"\n')
    line = refusal(whole_site, site=site, interpreter=interpreter)
    assert (
        "safe mode" in line and "inputs: push: number 12, but this board has inputs 0..7" in line
    )
    log = (whole_site.folder / "gateway.log").read_text()
    assert "safe mode, relays open: inputs: push" in log
    assert whole_site.leaves_nothing()


def test_a_broker_that_refuses(whole_site: WholeSite, tmp_path: Path, need: Need) -> None:
    mosquitto = need("mosquitto")
    port = whole_site.ports.broker
    config = tmp_path / "mosquitto.conf"
    config.write_text(f"listener {port} {HOST}\nallow_anonymous false\n")
    site = site_file(tmp_path, f'[uplink]\nhost = "{HOST}"\nport = {port}\n')
    command = [str(mosquitto), "-c", str(config)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as broker:
        try:
            assert eventually(lambda: _listens(port), 5)
            line = refusal(whole_site, site=site)
        finally:
            broker.terminate()
    assert f"broker {HOST}:{port}" in line
    assert "authori" in line.lower()


def test_a_broker_that_is_not_there(whole_site: WholeSite, tmp_path: Path) -> None:
    port = whole_site.ports.broker
    site = site_file(tmp_path, f'[uplink]\nhost = "{HOST}"\nport = {port}\n')
    began_s = time.monotonic()
    assert f"broker {HOST}:{port}" in refusal(whole_site, site=site)
    assert time.monotonic() - began_s < 5


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0
