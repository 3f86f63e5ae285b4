"""How tests are shared out, and that workers do not take each other's ports."""

from __future__ import annotations

import socket
from types import SimpleNamespace
from typing import Any

import own_ports
import pytest
import workers

from host_tools.toolchain.paths import ROOT

ALL: dict[str, Any] = {
    "file_or_dir": [],
    "keyword": "",
    "markexpr": "",
    "lf": False,
    "stepwise": False,
    "capture": "fd",
}


@pytest.mark.parametrize(
    ("options", "narrow"),
    [
        ({}, False),
        ({"file_or_dir": ["tests/system"]}, False),
        ({"file_or_dir": ["tests/test_cli.py::test_help", "tests/test_upy.py"]}, True),
        ({"file_or_dir": ["tests/test_upy.py", "tests/system"]}, False),
        ({"keyword": "broker"}, True),
        ({"lf": True}, True),
        ({"capture": "no"}, True),
    ],
)
def test_a_part_needs_no_workers(options: dict[str, Any], narrow: bool) -> None:
    assert workers.is_narrow(SimpleNamespace(**ALL | options)) == narrow


def test_every_place_of_a_lane_holds_tests() -> None:
    files = [path.relative_to(ROOT).as_posix() for path in ROOT.glob("tests/**/test_*.py")]
    for place in (place for places in workers.LANES.values() for place in places):
        assert [file for file in files if file.startswith(place)], place
    assert {workers.lane_of(file) for file in files} == {*workers.LANES, None}
    assert {workers.LONGEST, *workers.TOGETHER} <= set(files)


def test_two_workers_look_for_other_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = []
    for worker in range(own_ports.PARTS):
        monkeypatch.setenv("PYTEST_XDIST_WORKER", f"gw{worker}")
        rows += [first + each for first in own_ports.own_rows() for each in range(own_ports.ROW)]
    assert len(rows) == len(set(rows))
    assert 16_000 <= min(rows) <= max(rows) < 32_000


def test_a_row_with_a_port_in_use_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    first = own_ports.free_row(3)
    monkeypatch.setattr(own_ports, "own_rows", lambda: range(first, first + 1, own_ports.ROW))
    assert own_ports.free_row(3) == first
    with socket.create_server(("127.0.0.1", first + 2)):
        assert own_ports.free_row(2) == first
        with pytest.raises(RuntimeError, match="no 3 free ports"):
            own_ports.free_row(3)
