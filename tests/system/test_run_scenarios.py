"""Whole simulated sites with real processes: every scenario, judged by its own summary."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from whole_site import SITE, SMALL_SITE, WholeSite

from host_tools.site.limits import default_limits
from host_tools.site.products import load_product

Need = Callable[[str], Path]


@pytest.fixture
def whole_site() -> Iterator[WholeSite]:
    site = WholeSite()
    yield site
    site.clean_up()


def good_summary(whole_site: WholeSite, **options: object) -> dict[str, Any]:
    """The summary of a run that must succeed and leave nothing."""
    done = whole_site.run(**options)
    assert done.returncode == 0, whole_site.story(done)
    assert whole_site.leaves_nothing()
    summary = whole_site.summary()
    assert summary["errors"] == []
    assert summary["false_trips"] == 0
    telemetry = summary["telemetry"]
    assert telemetry["lost"] == telemetry["backlog"] == 0
    assert telemetry["delivered"] == telemetry["stored"]
    # two samples a second of each rack, up to three of one in trouble; the first and last second
    # may be incomplete, and what nobody could be told in time is not repeated
    full = 2 * summary["racks"] * summary["seconds"]
    hot = len(summary["expected"]) * summary["seconds"]
    if options["scenario"] not in ("gateway_restart", "broker_outage"):
        least, most = full - 4 * summary["racks"], full + hot + 2 * summary["racks"]
        assert least <= summary["samples"] <= most
    return summary


def test_cell_overvoltage_on_micropython(whole_site: WholeSite, need: Need) -> None:
    need("micropython")
    summary = good_summary(whole_site, site=SITE, scenario="cell_overvoltage", duration=20)
    assert summary["interpreter"] == "micropython"
    assert (summary["racks"], summary["cells"]) == (12, 4992)
    assert summary["summary_period_ms"]["p99"] <= 550
    assert summary["cell_refresh_s"]["max"] <= 6
    (trip,) = summary["trips"]
    assert (trip["rack"], trip["rule"], trip["level"]) == ("rack05", "cell_overvoltage", 3)
    assert 0 <= trip["reaction_ms"] <= 1100
    assert trip["crossed_ms"] + 1000 <= trip["relay_ms"] <= trip["contactor_ms"]
    assert summary["heap"]["peak"] > 0


def test_overtemperature_on_cpython(whole_site: WholeSite) -> None:
    summary = good_summary(
        whole_site, site=SITE, scenario="overtemperature", duration=12, interpreter="cpython"
    )
    assert summary["interpreter"] == "cpython"
    assert (summary["racks"], summary["cells"]) == (12, 4992)
    (trip,) = summary["trips"]
    assert trip["rule"] in ("charge_overtemperature", "discharge_overtemperature")


@pytest.mark.parametrize(
    ("scenario", "rule", "duration"),
    [("cell_undervoltage", "cell_undervoltage", 9), ("overcurrent", "discharge_overcurrent", 20)],
)
def test_other_limits_on_a_small_site(
    whole_site: WholeSite, need: Need, scenario: str, rule: str, duration: int
) -> None:
    need("micropython")
    summary = good_summary(whole_site, site=SMALL_SITE, scenario=scenario, duration=duration)
    assert (summary["racks"], summary["cells"]) == (2, 832)
    (trip,) = summary["trips"]
    assert (trip["rack"], trip["rule"]) == ("rack02", rule)


def test_a_silent_rack(whole_site: WholeSite, need: Need) -> None:
    need("micropython")
    summary = good_summary(whole_site, site=SITE, scenario="rack_silent", duration=18)
    silent = summary["silent"]
    assert silent["rack"] == "rack05"
    limits = default_limits(load_product(SITE))["comm_loss"]
    ages_ms = [limits[level]["set"] for level in ("l1", "l2", "l3")]
    assert ages_ms[0] <= silent["stale_after_ms"] <= ages_ms[0] + 500 + 300  # next sample tells
    assert ages_ms[0] <= silent["level1_after_ms"] <= ages_ms[0] + 300
    assert ages_ms[1] <= silent["level2_after_ms"] <= ages_ms[1] + 300
    assert ages_ms[2] <= silent["relay_after_ms"] <= ages_ms[2] + 300
    (trip,) = summary["trips"]
    assert (trip["rack"], trip["rule"]) == ("rack05", "comm_loss")
    assert summary["summary_period_ms"]["p99"] <= 550  # the other eleven


def test_a_broker_outage(whole_site: WholeSite, need: Need) -> None:
    need("micropython")
    summary = good_summary(whole_site, site=SITE, scenario="broker_outage", duration=15)
    broker = summary["broker"]
    assert broker["up_ms"] - broker["down_ms"] >= 4900
    assert 0 <= broker["reconnect_ms"] <= 5000
    assert summary["trips"] == []


def test_a_gateway_restart(whole_site: WholeSite, need: Need) -> None:
    need("micropython")
    summary = good_summary(whole_site, site=SITE, scenario="gateway_restart", duration=16)
    restart = summary["restart"]
    assert restart["open_between"] and restart["latched_open"]
    assert restart["latched_racks"] == ["rack05"]
    assert restart["closed_again"] == 11
    (trip,) = summary["trips"]
    assert trip["rack"] == "rack05"
    assert (whole_site.folder / "flash-0.img").exists()
