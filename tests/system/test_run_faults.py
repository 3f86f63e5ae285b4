"""Real gateways against faults of wire, slave and BMS, over TCP and over serial buses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from whole_site import SITE, SMALL_SITE, WholeSite, site_file

Need = Callable[[str], Path]
BUSES = """\
[[buses]]
name = "left"
uart = 0
baud = 57600
frame = "8E1"
[[buses]]
name = "right"
uart = 1
baud = 115200
frame = "8N1"
[[racks]]
name = "one"
bus = "left"
unit = 7
trip_relay = 0
[[racks]]
name = "two"
bus = "right"
unit = 7
trip_relay = 1
"""


@pytest.fixture
def whole_site() -> Iterator[WholeSite]:
    site = WholeSite()
    yield site
    site.clean_up()


def summary_of(whole_site: WholeSite, **options: object) -> dict[str, Any]:
    """The summary of a run that must succeed and leave nothing."""
    done = whole_site.run(**options)
    assert done.returncode == 0, whole_site.story(done)
    assert whole_site.leaves_nothing()
    summary = whole_site.summary()
    assert summary["errors"] == []
    assert summary["telemetry"]["lost"] == summary["foreign_samples"] == 0
    return summary


def test_noise_on_the_only_bus_of_a_whole_site(whole_site: WholeSite, need: Need) -> None:
    """The scenario brings its bus along: twelve racks at 115200 baud."""
    need("micropython")
    # A rack's cells come every 5.5 s, and a spoilt answer costs a round of them.
    summary = summary_of(whole_site, site=SITE, scenario="noisy_bus", duration=30)
    (bus,) = summary["buses"]
    assert bus["baud"] == 115200 and bus["requests"] > 300
    assert bus["collisions"] == bus["short_silences"] == bus["bad_frames"] == 0
    assert summary["happened"]["noise"] > 0 and summary["trips"] == []
    assert (summary["racks"], summary["cells"]) == (12, 4992)


def test_two_buses_of_a_site_file(whole_site: WholeSite, tmp_path: Path, need: Need) -> None:
    need("micropython")
    site = site_file(tmp_path, BUSES)
    summary = summary_of(whole_site, site=site, scenario="cell_overvoltage", duration=12)
    assert [bus["name"] for bus in summary["buses"]] == ["left", "right"]
    assert all(bus["requests"] > 20 and bus["collisions"] == 0 for bus in summary["buses"])
    (trip,) = summary["trips"]
    assert (trip["rack"], trip["rule"]) == ("two", "cell_overvoltage")
    assert summary["summary_period_ms"]["p99"] <= 550


def test_wrong_answers_never_become_data(whole_site: WholeSite, need: Need) -> None:
    need("micropython")
    summary = summary_of(whole_site, site=SITE, scenario="wrong_answers", duration=15)
    assert all(number > 0 for number in summary["happened"].values())
    assert len(summary["happened"]) == 8 and summary["trips"] == []


def test_a_welded_contactor(whole_site: WholeSite, need: Need) -> None:
    need("micropython")
    summary = summary_of(whole_site, site=SMALL_SITE, scenario="stuck_contactor", duration=12)
    (trip,) = summary["trips"]
    assert trip["rack"] == "rack02" and trip["contactor_ms"] is None
    assert trip["command_ms"] is not None


def test_a_rack_bms_that_restarts(whole_site: WholeSite, need: Need) -> None:
    need("micropython")
    summary = summary_of(whole_site, site=SMALL_SITE, scenario="bms_restart", duration=18)
    assert summary["trips"] == []
    assert 3000 < summary["gaps"]["faulty_gap_ms"] < 9500


def test_a_file_of_ones_own(whole_site: WholeSite, tmp_path: Path, need: Need) -> None:
    """On a small site rack 5 is its last one; the other one must not notice."""
    need("micropython")
    path = tmp_path / "mine.toml"
    path.write_text(
        '[[fault]]\nkind = "no_reply"\nprobability = 0.2\n[expect]\nsummary_gap_ms = 600\n'
    )
    summary = summary_of(whole_site, site=SMALL_SITE, scenario=path, duration=10)
    assert summary["scenario"] == "mine" and summary["happened"]["no_reply"] > 0


def test_a_bad_file_is_refused(whole_site: WholeSite, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('[[fault]]\nkind = "noize"\n')
    done = whole_site.run(site=SMALL_SITE, scenario=path)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert f"{path}: fault[0]: no kind 'noize'" in line
