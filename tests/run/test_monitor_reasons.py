"""Why a rack is open or limited: sentences from a status, in a picture of 100 columns."""

from __future__ import annotations

import io

import pytest
from made_up_status import RACK
from rich.console import Console

from gateway.config.rules import NAMES
from gateway.outputs import closing, opening
from host_tools.monitor.reasons import explain
from host_tools.monitor.table import WIDTH, render

OPEN = {"relay": 0, "contactor": 0}
GOOD = {
    "mode": "run",
    "reason": "",
    "self_check": "",
    "escalated": False,
    "interlocks": {"levels": {}, "latches": []},
    "clock": {"quality": 1, "deviation_pm": 3},
    "config": {"crc": "0123abcd", "problem": ""},
}


def texts(*racks, **changes) -> list[str]:
    named = [RACK | {"name": f"rack{n + 1:02d}"} | rack for n, rack in enumerate(racks)]
    return [reason.text for reason in explain(GOOD | {"racks": named} | changes)]


def test_a_site_in_order_needs_no_words() -> None:
    assert texts({}, {}) == []


@pytest.mark.parametrize(
    ("rack", "text"),
    [
        (
            {"level": 1, "rule": "leak", "charge_by": "leak", "charge_limit_da": 785},
            "L1 leak; charge 78.5 A",
        ),
        (
            {"charge_by": "charge_by_temp_min_dc", "charge_limit_da": 0},
            "charge 0.0 A by curve of temp_min_dc",
        ),
        (
            {"charge_by": "bms", "charge_limit_da": 20, "discharge_by": "ramp"},
            "charge 2.0 A by bms; discharge limit rising",
        ),
        ({"charge_by": "ramp", "discharge_by": "ramp", "charge_limit_da": 3}, "limit rising"),
        (OPEN | {"closing": "voltage differs too much"}, "voltage differs too much"),
        (OPEN | {"closing": "no permit", "charge_by": "ramp"}, "no permit"),
        (
            {
                "level": 3,
                "rule": "gas",
                "latched": True,
                "latches": ["gas", "cell_overvoltage"],
                "opening": "zero current",
            },
            "L3 gas latched with cell_overvoltage; opening: zero current",
        ),
        (OPEN | {"contactor": 1}, "contactor closed though its relay is open"),
        ({"contactor": 0}, "contactor open though its relay is closed"),
        ({"contactor": 0, "quality": "suspect", "starting": True}, "its BMS has not started"),
        ({"unit": {"down": True, "identity": ""}, "quality": "stale"}, "does not answer"),
        ({"unit": {"down": True, "identity": "another map"}}, "another map"),
        ({"quality": "suspect", "implausible": 4}, "its answers are implausible"),
        ({"unit": {"open_forbidden": 2}}, "its map forbade the open command"),
    ],
)
def test_each_state_has_its_words(rack, text: str) -> None:
    assert texts(rack, {}) == [f"rack01: {text}"]


def test_racks_in_the_same_state_share_a_line_and_the_worst_come_first() -> None:
    rising = {"charge_by": "ramp", "discharge_by": "ramp"}
    assert texts(rising, rising) == ["all racks: limit rising"]
    assert texts(rising) == ["rack01: limit rising"]
    tripped = OPEN | {"level": 3, "rule": "smoke", "latched": True, "latches": ["smoke"]}
    assert texts(rising, rising, rising, rising, {}, tripped) == [
        "rack06: L3 smoke latched",
        "rack01, rack02 and 2 more: limit rising",
    ]


def test_what_is_wrong_with_gateway_and_site_comes_first() -> None:
    found = texts(
        {"charge_by": "ramp"},
        self_check="relay commands disagree with their copies",
        reason="relay commands disagree with their copies",
        escalated=True,
        relay_fault="output 2 does not follow its orders",
        interlocks={"levels": {"estop": 3, "door": 1}, "latches": ["estop"]},
        clock={"quality": 1, "deviation_pm": -23},
        config={"crc": "0123abcd", "problem": "config.json is no longer what runs"},
    )
    assert found == [
        "gateway: self-check failed, everything is open: relay commands disagree with their"
        " copies",
        "site: a rack did not open, so the site relay did",
        "relays: output 2 does not follow its orders",
        "site: L3 estop latched",
        "site: L1 door",
        "gateway: its two clocks differ by -2.3 %",
        "gateway: config.json is no longer what runs: the next start will not be as this one",
        "rack01: charge limit rising",
    ]
    assert texts({}, reason="task enforce stalled")[0].endswith("open: task enforce stalled")


def test_a_stall_is_told_until_the_site_is_armed_again() -> None:
    stalled = {"counters": {"stalls": 2}, "armed": False}
    line = "site: its protecting loop stood still (2 times since the start): arming anew"
    assert texts({}, **stalled) == [line]
    assert texts({}, **stalled | {"armed": True}) == []
    assert texts({}, counters={"stalls": 0}, armed=False) == []


def test_loose_limits_of_the_bms_are_hinted_at() -> None:
    loose = {
        "bms_thresholds": [
            ["level2_cell_over_set_mv", 3700, 3650],
            ["level2_cell_under_set_mv", 2400, 2500],
        ]
    }
    line = "limit in the BMS is loose: level2_cell_over_set_mv 3700, not 3650, and 1 more"
    assert texts(loose, loose) == [f"all racks: {line}"]
    assert texts(loose, {}) == [f"rack01: {line}"]


def test_a_status_of_an_older_gateway_will_do() -> None:
    old = ("name", "quality", "level", "rule", "latched", "relay", "contactor")
    rack = {key: RACK[key] for key in old} | {"level": 2, "rule": "leak"}
    assert [reason.text for reason in explain({"mode": "run", "racks": [rack]})] == [
        "rack01: L2 leak"
    ]


def drawn(status) -> list[str]:
    console = Console(file=io.StringIO(), width=180)
    console.print(render("a title", [], status))
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_no_line_is_wider_than_the_picture() -> None:
    longest = max(NAMES, key=len)
    worst = {
        "name": "a-rack-h-a-name-of-32-letters",
        "voltage_dv": 14_999,
        "current_da": -15_700,
        "soc_pm": 1000,
        "temp_min_dc": -401,
        "temp_max_dc": -399,
        "age_ms": 999_900,
        "quality": "suspect",
        "starting": True,
        "relay": 0,
        "contactor": 3,
        "level": 3,
        "rule": longest,
        "latched": True,
        "latches": list(NAMES),
        "closing": max(closing.REASONS, key=len),
        "opening": max(opening.STATE_NAMES, key=len),
        "charge_limit_da": 1570,
        "discharge_limit_da": 1570,
        "bms_thresholds": [["level2_discharge_cold_clear_dc", -32768, -32767]],
    }
    status = GOOD | {
        "racks": [RACK | worst, *(RACK | worst | {"level": n % 4} for n in range(20))],
        "uptime_ms": 999_999_000,
        "telemetry": {"stored": {"events": 9_999_999}, "backlog": 999_999},
        "events": [[999_999_900, "x" * 300]],
        "interlocks": {"levels": dict.fromkeys(NAMES, 3), "latches": list(NAMES)},
    }
    lines = drawn(status)
    assert max(map(len, lines)) <= WIDTH
    assert any("a-rack-" in line for line in lines)


def test_values_that_a_bms_does_not_supply_stay_empty() -> None:
    rack = RACK | {"soc_pm": None, "contactor": 3}
    lines = drawn(GOOD | {"racks": [rack]})
    assert "closed/?" in lines[2]
    assert "None" not in "".join(lines)
