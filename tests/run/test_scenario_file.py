"""Scenario files: what a good one means, and the one line that a bad one gets."""

from __future__ import annotations

from pathlib import Path

import pytest

from host_tools.errors import UserError
from host_tools.run import scenario_file
from host_tools.run.scenario import BEGIN, END, rack_indices, steps, timeline
from host_tools.run.scenario_file import Scenario
from host_tools.simulate import faults
from host_tools.simulate.wire_faults import Noise
from host_tools.site.compile import check, load_site

SITE = "energalactic-5015-0.5c"


@pytest.fixture(scope="module")
def config():
    _, tree = load_site(SITE)
    return check(tree, SITE)


def load(tmp_path: Path, text: str) -> Scenario:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    return scenario_file.find(str(path))


def fault(text: str) -> str:
    return f'[[fault]]\nkind = "noise"\n{text}\n'


def test_a_file_means_what_it_says(tmp_path: Path, config) -> None:
    found = load(
        tmp_path,
        'title = "Mine"\nbus = "rtu"\n'
        + fault(
            'racks = [2, "rack07", 99]\nbegin = 6\nend = "50 %"\nprobability = 0.5\nbits = 2'
        ).replace("99", "16")
        + '[expect]\ntrips = [{ rack = 3, rule = "comm_loss" }]\nsummary_gap_ms = 900\n',
    )
    assert (found.name, found.title, found.bus) == ("mine", "Mine", "rtu")
    (noise,) = found.fault
    assert isinstance(noise, Noise) and (noise.bits, noise.probability) == (2, 0.5)
    begin, end = steps(found, config)
    assert (begin.action, begin.racks, begin.when.seconds) == (BEGIN, (1, 6, 11), 6.0)
    assert (end.action, end.when.share) == (END, 0.5)
    (trip,) = found.expect.trips
    assert (trip.rack, trip.rule, trip.level) == ((3,), ("comm_loss",), 3)
    assert (found.expect.summary_gap_ms, found.expect.lost_samples) == (900, 0)


def test_all_racks_and_one_rack(config) -> None:
    assert rack_indices("all", config) == tuple(range(12))
    assert rack_indices(["rack01", 1], config) == (0,)


def test_every_shipped_file_is_good_and_has_a_title() -> None:
    assert scenario_file.names()[0] == "normal"
    for name in scenario_file.names():
        found = scenario_file.find(name)
        assert found.name == name and found.title


def test_the_readme_names_every_scenario_and_every_kind_of_fault() -> None:
    text = (scenario_file.FOLDER / "README.md").read_text()
    for name in (*scenario_file.names(), *faults.names()):
        assert f"`{name}`" in text, name


@pytest.mark.parametrize("kind", faults.names())
def test_every_kind_of_fault_may_stand_in_a_file(tmp_path: Path, kind: str) -> None:
    assert load(tmp_path, f'[[fault]]\nkind = "{kind}"\n').fault[0] == faults.by_name(kind)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("fault = 3\n", "fault: "),
        ("[fault\n", "line 1"),
        ("surprise = 1\n", "surprise: no such key"),
        ('bus = "can"\n', "bus: .*'tcp' or 'rtu'"),
        ("[[fault]]\nracks = 5\n", r"fault\[0\]: no kind ''; there are: cell_overvoltage"),
        ('[[fault]]\nkind = "noize"\n', r"fault\[0\]: no kind 'noize'; there are: .*noise"),
        (fault("probability = 2"), r"fault\[0\]\.probability: needs 1(\.0)? or less, has 2"),
        (fault("probability = 0"), r"fault\[0\]\.probability: needs more than 0(\.0)?, has 0"),
        (fault("bits = 0"), r"fault\[0\]\.bits: needs 1 or more, has 0"),
        (fault("bytes = 1"), r"fault\[0\]\.bytes: no such key"),
        (fault('begin = "5"'), r"fault\[0\]\.begin: needs seconds, or a share"),
        (fault('begin = "96 %"'), r"fault\[0\]\.begin: needs seconds, or a share"),
        (fault("begin = -1"), r"fault\[0\]\.begin: needs 0 to 86400 seconds"),
        (fault("begin = true"), r"fault\[0\]\.begin: needs seconds"),
        (fault("begin = 5\nend = 5"), r"fault\[0\]\.end: must be after begin"),
        (fault('begin = "50 %"\nend = "40 %"'), r"fault\[0\]\.end: must be after begin"),
        (fault("racks = 0"), r'fault\[0\]\.racks: needs "all", a number from 1 to 16'),
        (fault("racks = []"), r"fault\[0\]\.racks: needs"),
        (fault("racks = [true]"), r"fault\[0\]\.racks: needs"),
        ('[[fault]]\nkind = "exception"\nfirst = 2\nlast = 1\n', "last must not be below first"),
        ('[[fault]]\nkind = "restart"\nprobability = 0.5\n', "probability: no such key"),
        ('[[event]]\naction = "explode"\nat = 5\n', r"event\[0\]\.action: .*'broker_down'"),
        ('[[event]]\naction = "broker_up"\nat = 5\n', "broker_down and broker_up need each other"),
        ('[expect]\ntrips = [{ rack = 1, rule = "fire" }]\n', r"\.rule\[0\]: no rule 'fire'"),
        ('[expect]\ntrips = [{ rack = [], rule = "comm_loss" }]\n', r"trips\[0\]\.rack: needs"),
        ("[expect]\ntrips = [{ rack = 1, rule = [] }]\n", r"trips\[0\]\.rule: "),
        (
            '[expect]\nnever_read = ["all"]\nrelays = [{ name = "x" }]\n',
            r"relays\[0\]\.on: missing",
        ),
        ('load = "full"\n', "load: needs a number, has 'full'"),
        ("load = 1.5\n", r"load: needs 1(\.0)? or less, has 1\.5"),
        ('[[fault]]\nkind = "voltage_sum"\nlevel = 3\n', "cannot be driven to level 3"),
        ('[[fault]]\nkind = "frozen"\nlevel = 1\n', "level: no such key"),
        ('[[event]]\naction = "input"\nat = 5\n', "an input needs its name or its number"),
        ('[[event]]\naction = "broker_up"\nat = 5\nlevel = 1\n', "level belongs to action input"),
        ("[expect]\nsummary_gap_ms = 5\n", r"expect\.summary_gap_ms: needs 100 or more, has 5"),
    ],
)
def test_a_bad_file_is_one_line_with_file_key_and_rule(
    tmp_path: Path, text: str, words: str
) -> None:
    with pytest.raises(UserError, match=words) as caught:
        load(tmp_path, text)
    assert str(caught.value).startswith(f"{tmp_path}/mine.toml: ")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(UserError, match=r"gone\.toml: No such file"):
        scenario_file.find("gone.toml")
    with pytest.raises(UserError, match=r"no scenario 'gone'.*normal.*path to a \.toml"):
        scenario_file.find("gone")


def test_a_rack_that_the_site_does_not_have(tmp_path: Path, config) -> None:
    with pytest.raises(UserError, match="SCENARIO: mine: no rack 'east'; there are: rack01"):
        timeline(load(tmp_path, fault('racks = "east"')), 0, config)


def test_seconds_stand_and_shares_wait_for_each_other(tmp_path: Path, config) -> None:
    text = (
        fault("begin = 1")
        + '[[fault]]\nkind = "cell_overvoltage"\nbegin = "10 %"\n'
        + fault('begin = "10 %"')
        + fault('begin = "20 %"\nend = "90 %"')
    )
    timed = timeline(load(tmp_path, text), 20, config)
    # settled at 5 s; the trip needs 1 s delay, 1 s to the relay and 2 s to show
    assert [entry.at_s for entry in timed] == [1.0, 5.0, 5.0, 9.0, 18.0]
    with pytest.raises(UserError, match="needs 11 s"):
        timeline(load(tmp_path, text), 10, config)


def test_an_expected_trip_makes_the_run_longer(tmp_path: Path, config) -> None:
    text = '[[fault]]\nkind = "dead"\nracks = 3\nbegin = 6\n'
    expect = '[expect]\ntrips = [{ rack = 3, rule = "comm_loss" }]\n'
    timeline(load(tmp_path, text), 9, config)
    with pytest.raises(UserError, match="needs 18 s"):
        timeline(load(tmp_path, text + expect), 9, config)
