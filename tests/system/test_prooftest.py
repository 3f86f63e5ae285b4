"""Proof tests with real processes: ordered on the command line, confirmed at an input."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from whole_site import SMALL_SITE, WholeSite, eventually

from host_tools.toolchain.paths import ROOT

Need = Callable[[str], Path]
PUSH_S = 14
SCENARIO = """\
load = 0.0
[config]
inputs = [
    {{ name = "reset", number = 0, role = "reset" }},
    {{ name = "door", number = 1, role = "door" }},
]
{events}"""
EVENT = '[[event]]\naction = "input"\nname = "{}"\nlevel = "{}"\nat = {}\n'
PUSH = EVENT.format("reset", "on", PUSH_S) + EVENT.format("reset", "off", PUSH_S + 0.5)


@pytest.fixture
def whole_site() -> Iterator[WholeSite]:
    site = WholeSite()
    yield site
    site.clean_up()


def scenario(folder: Path, events: str) -> Path:
    path = folder / "prooftest.toml"
    path.write_text(SCENARIO.format(events=events))
    return path


def command(whole_site: WholeSite, *words: str) -> list[str]:
    console = f"127.0.0.1:{whole_site.ports.console}"
    return [sys.executable, "-m", "host_tools", "prooftest", *words, "--console", console]


def prooftest(whole_site: WholeSite, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(whole_site, *words), cwd=ROOT, capture_output=True, text=True, timeout=60
    )


def not_refused(whole_site: WholeSite, *words: str) -> subprocess.CompletedProcess[str]:
    """The first test that is not refused; the racks close some seconds after the start."""
    done: list[subprocess.CompletedProcess[str]] = []

    def begun() -> bool:
        done.append(prooftest(whole_site, *words))
        return done[-1].returncode != 2

    assert eventually(begun, PUSH_S - 4), done[-1].stderr
    assert all(" is open" in refused.stderr for refused in done[:-1])  # relay, then contactor
    return done[-1]


def listed(whole_site: WholeSite) -> dict[str, str]:
    done = prooftest(whole_site, "list", "--json")
    assert done.returncode == 1, done.stderr  # most of them were never tested
    return {entry["name"]: entry["result"] for entry in json.loads(done.stdout)["items"]}


def end_well(run: subprocess.Popen[str], whole_site: WholeSite) -> None:
    """The run ends by itself and has seen no trip."""
    out, _ = run.communicate(timeout=60)
    assert run.returncode == 0, out
    summary = whole_site.summary()
    assert summary["trips"] == [] and summary["errors"] == []
    assert whole_site.leaves_nothing()


def test_a_rack_opens_for_a_moment_after_the_push(
    whole_site: WholeSite, tmp_path: Path, need: Need
) -> None:
    need("micropython")
    path = scenario(tmp_path, PUSH)
    with whole_site.running(site=SMALL_SITE, scenario=path, duration=24) as run:
        done = not_refused(whole_site, "rack", "rack02")
        assert done.returncode == 0, done.stdout
        lines = done.stdout.splitlines()
        assert lines[0] == "rack rack02: push the reset button on the gateway within 60 s"
        assert lines[-1] == "rack rack02: passed"
        assert listed(whole_site) == {
            "rack01": "none",
            "rack02": "passed",
            "reset": "none",
            "door": "none",
        }
        end_well(run, whole_site)
    relays = whole_site.summary()["outputs"]["relays"]
    _, opened, again, _ = relays["rack02"]
    assert [on for _, on in relays["rack02"]] == [True, False, True, False]
    assert opened[0] >= PUSH_S * 1000
    assert 0 < again[0] - opened[0] <= 1500
    assert [on for _, on in relays["rack01"]] == [True, False]  # closed until the end


def test_an_input_changes_and_comes_back_after_the_push(
    whole_site: WholeSite, tmp_path: Path
) -> None:
    door = EVENT.format("door", "on", PUSH_S + 2) + EVENT.format("door", "off", PUSH_S + 3)
    path = scenario(tmp_path, PUSH + door)
    options = {"site": SMALL_SITE, "scenario": path, "duration": 24, "interpreter": "cpython"}
    with whole_site.running(**options) as run:
        refused = prooftest(whole_site, "input", "window")
        assert refused.returncode == 2
        assert "no such rack or input; there are: rack/rack01, " in refused.stderr
        assert refused.stderr.count("\n") == 1
        done = not_refused(whole_site, "input", "door")
        assert done.returncode == 0, done.stdout
        assert done.stdout.splitlines()[-3:] == [
            "input door: confirmed; make it change and come back within 60 s",
            "input door: it changed; now bring it back",
            "input door: passed",
        ]
        assert listed(whole_site)["door"] == "passed"
        end_well(run, whole_site)
    relays = whole_site.summary()["outputs"]["relays"]
    assert all([on for _, on in relays[name]] == [True, False] for name in ("rack01", "rack02"))


def test_ctrl_c_withdraws_the_order(whole_site: WholeSite, tmp_path: Path) -> None:
    path = scenario(tmp_path, "")
    with whole_site.running(site=SMALL_SITE, scenario=path, interpreter="cpython") as run:
        words = command(whole_site, "input", "door")
        with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as test:
            assert test.stdout
            assert "push the reset button" in test.stdout.readline()
            test.send_signal(signal.SIGINT)
            assert test.stdout.read().splitlines() == ["withdrawn"]
            assert test.wait(10) == 130
        state = json.loads(prooftest(whole_site, "--json").stdout)
        assert state["running"] is None and state["last"]["result"] == "withdrawn"
        run.send_signal(signal.SIGINT)
        assert run.wait(40) == 0
