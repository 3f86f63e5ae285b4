"""However a run ends, by hand or by accident, it says so and leaves no process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from whole_site import SMALL_SITE, WholeSite, eventually

CPYTHON = {"site": SMALL_SITE, "interpreter": "cpython"}


@pytest.fixture
def whole_site() -> Iterator[WholeSite]:
    site = WholeSite()
    yield site
    site.clean_up()


def rest_of(process: subprocess.Popen[str], timeout_s: float = 20) -> str:
    """What a run still has to say, when it has ended."""
    text, _ = process.communicate(timeout=timeout_s)
    return text


@pytest.mark.parametrize(
    ("number", "duration", "status"),
    [(signal.SIGINT, 0, 0), (signal.SIGTERM, 0, 0), (signal.SIGINT, 60, 130)],
)
def test_a_signal_ends_a_run_in_order(
    whole_site: WholeSite, number: int, duration: int, status: int
) -> None:
    with whole_site.running(duration=duration, **CPYTHON) as process:
        assert len(whole_site.processes()) == 2  # gateway and broker
        time.sleep(1)
        process.send_signal(number)
        began_s = time.monotonic()
        text = rest_of(process)
    assert process.returncode == status, text
    assert time.monotonic() - began_s < 5
    assert whole_site.leaves_nothing()
    summary = whole_site.summary()
    assert summary["interrupted"]
    assert summary["telemetry"]["lost"] == summary["telemetry"]["backlog"] == 0
    assert summary["telemetry"]["delivered"] > 0


def test_ctrl_c_reaches_the_whole_terminal_and_the_gateway_still_drains(
    whole_site: WholeSite,
) -> None:
    """A terminal sends SIGINT to every process of the group, not to ours alone."""
    with whole_site.running(duration=0, **CPYTHON) as process:
        time.sleep(1)
        os.killpg(process.pid, signal.SIGINT)
        text = rest_of(process)
    assert process.returncode == 0, text
    assert "all expectations of the scenario hold" in text
    assert whole_site.leaves_nothing()


def test_a_second_ctrl_c_ends_it_at_once(whole_site: WholeSite) -> None:
    with whole_site.running(duration=0, **CPYTHON) as process:
        # a gateway that hangs would be waited for
        whole_site.gateway().send_signal(signal.SIGSTOP)
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(1) == 130
        assert whole_site.leaves_nothing()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent")
def test_nothing_outlives_a_killed_run(whole_site: WholeSite) -> None:
    with whole_site.running(duration=0, **CPYTHON) as process:
        process.kill()
        assert whole_site.leaves_nothing()


def test_a_gateway_that_dies_ends_the_run_with_its_last_words(whole_site: WholeSite) -> None:
    with whole_site.running(duration=60, **CPYTHON) as process:
        whole_site.gateway().kill()
        text = rest_of(process)
    assert process.returncode == 1
    assert "the gateway ended by itself with status -9" in text
    assert "the gateway ended by itself with status -9" in whole_site.summary()["errors"][0]
    assert whole_site.leaves_nothing()


def test_a_gateway_that_stands_still_is_caught_by_the_dead_man_and_arms_anew(
    whole_site: WholeSite,
) -> None:
    with whole_site.running(duration=15, **CPYTHON) as process:
        time.sleep(5)  # until its relays are closed
        gateway = whole_site.gateway()
        gateway.send_signal(signal.SIGSTOP)
        time.sleep(1.2)  # less than the watchdog's time
        gateway.send_signal(signal.SIGCONT)
        text = rest_of(process)
    assert process.returncode == 1
    summary = whole_site.summary()
    ((at_ms, by, relays),) = [tuple(each.values()) for each in summary["let_go"]]
    assert (by, relays) == ("dead man", 2)
    assert f"the dead man let 2 relays go at {at_ms / 1000:.1f} s" in summary["errors"]
    assert (summary["trips"], summary["false_trips"]) == ([], 0)
    assert "level 0" not in text
    assert whole_site.leaves_nothing()


def test_a_gateway_that_hangs_is_bitten_reset_and_no_success(whole_site: WholeSite) -> None:
    """The watchdog's 3 s, then a new gateway that closes its relays again."""
    with whole_site.running(duration=12, **CPYTHON) as process:
        hung = whole_site.gateway()
        hung.send_signal(signal.SIGSTOP)
        assert eventually(lambda: not hung.is_running(), 6)
        text = rest_of(process)
    assert process.returncode == 1
    assert "the watchdog bit" in text
    summary = whole_site.summary()
    assert summary["restart"]["open_between"]
    assert summary["restart"]["closed_again"] == 2
    assert summary["telemetry"]["lost"] == 0
    assert whole_site.leaves_nothing()
