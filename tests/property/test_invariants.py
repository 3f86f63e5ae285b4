"""What must hold for every timeline, whatever happens in it: invariants (i) to (x).

Racks alone are fed by `timeline_bench`, whole sites with the enforcing step by `site_timeline`.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sample_site import LIMITS
from site_timeline import MOVES, TIMELINES, SiteTimeline
from timeline_bench import HEALTHY, OPERATOR, SERVICE, STALE_MS, TimelineBench
from timelines import PAUSES_MS, lines, walk
from trace_player import TracePlayer, play

from gateway.config.rules import NAMES, RULES, SIDE
from gateway.protection.latches import RELEASED
from gateway.protection.rules import RACK_RULES
from host_tools.toolchain.paths import ROOT, micropython_path

FEW = settings(max_examples=40, deadline=None)
MORE = settings(max_examples=100, deadline=None)
RISE_DA = 15  # 1 % of 157 A a second, the smaller of the two bounds
HOLD_MS = 30000
RISE_EVERY_MS = 1000
STOPPED_BY_SILENCE_MS = LIMITS["comm_loss"][1][0]


def played(timeline: list[str], now: int = 0) -> TimelineBench:
    bench = TimelineBench(now)
    player = TracePlayer(bench)
    for line in timeline:
        player.do(line)
    return bench


def granted(bench: TimelineBench) -> tuple[int, int]:
    return bench.decision.charge_da, bench.decision.discharge_da


@FEW
@given(racks=st.integers(1, 3), moves=TIMELINES)
def test_i_no_relay_closes_while_a_level_three_is_latched(racks: int, moves: list[tuple]) -> None:
    site = SiteTimeline(racks)
    closings = []

    def guard(number: int) -> None:
        if number < racks:
            closings.append(number)
            assert site.must_stay_open(number) == []

    site.relays.guard = guard
    site.run(3000)
    assert closings, "a healthy site closes, or this shows nothing"
    for move in moves:
        site.do(move)


@MORE
@given(
    before=lines(most=12),
    pause_ms=st.sampled_from(PAUSES_MS),
    highest=st.integers(3300, 3700),
    lowest=st.integers(1900, 3300),
    higher=st.integers(0, 300),
    lower=st.integers(0, 300),
    hotter=st.integers(0, 200),
)
def test_ii_a_worse_cell_never_raises_a_limit(
    before: list[str],
    pause_ms: int,
    highest: int,
    lowest: int,
    higher: int,
    lower: int,
    hotter: int,
) -> None:
    """Of two racks with the same past, the one with the worse cell may do no more."""
    one, other = played(before), played(before)
    one.put({"cell_max_mv": highest, "cell_min_mv": lowest, "temp_max_dc": 250})
    other.put(
        {
            "cell_max_mv": highest + higher,
            "cell_min_mv": lowest - lower,
            "temp_max_dc": 250 + hotter,
        }
    )
    for bench in (one, other):
        bench.fresh(pause_ms)
    assert other.decision.permit <= one.decision.permit
    for worse, better in zip(granted(other), granted(one), strict=True):
        assert worse <= better


@MORE
@given(
    highest=st.lists(
        st.tuples(st.sampled_from([3300, 3440, 3460, 3590, 3640, 3660]), st.integers(50, 1500)),
        max_size=60,
    ),
    higher=st.integers(0, 200),
)
def test_ii_a_worse_cell_never_trips_later(highest: list[tuple[int, int]], higher: int) -> None:
    def first_trip(offset: int) -> int:
        bench = TimelineBench()
        for number, (value, pause_ms) in enumerate(highest):
            bench.put({"cell_max_mv": value + offset})
            bench.fresh(pause_ms)
            if not bench.decision.permit:
                return number
        return len(highest)

    assert first_trip(higher) <= first_trip(0)


@FEW
@given(before=lines(most=15), step_ms=st.sampled_from([50, 250]))
@example(  # frozen, then well for less than the clear delay: that must not go on in silence
    before=[
        "o 0",
        "s 20 x1 cell_max_mv=3300",
        "f 500 x30",
        "h 100 x1",
        "s 1495 x24 cell_max_mv=3300",
        "f 500 x1",
        "h 500 x28",
    ],
    step_ms=50,
)
def test_iii_silence_raises_no_limit_and_stops_every_current(
    before: list[str], step_ms: int
) -> None:
    """A rise that was under way may go on by its ramp until the silence itself stops it."""
    bench = played(before)
    levels = bytes(bench.protection.levels)
    permit, (charge, discharge) = bench.decision.permit, granted(bench)
    begin = bench.now
    quiet = bench.data.sequence > 0
    while bench.now - begin < 12000:
        bench.wait(step_ms, step_ms)
        steps = (bench.now - begin) // RISE_EVERY_MS + 1
        assert bench.decision.permit <= permit
        assert granted(bench)[0] <= charge + steps * RISE_DA
        assert granted(bench)[1] <= discharge + steps * RISE_DA
        for rule, level in enumerate(levels):
            if RULES[rule][10] == 0:  # moved by summaries
                assert bench.protection.levels[rule] == level, NAMES[rule]
        if quiet and bench.now - begin >= STOPPED_BY_SILENCE_MS + step_ms:
            assert granted(bench) == (0, 0)
    assert not quiet or not bench.decision.permit


@FEW
@given(
    before=lines(most=10),
    slot=st.sampled_from(["insulation_kohm", "soc_pm", "cell_mean_mv"]),
    times=st.integers(1, 30),
)
def test_iii_a_reading_that_is_lost_raises_no_limit(
    before: list[str], slot: str, times: int
) -> None:
    absent = -(1 << 30)
    bench = played(before)
    insulation = bench.level_of("insulation")
    bench.put({slot: absent})
    for _ in range(times):
        charge, discharge = granted(bench)
        permit = bench.decision.permit
        held = bench.protection.latches.any_held
        bench.fresh(500)
        assert granted(bench)[0] <= charge + RISE_DA
        assert granted(bench)[1] <= discharge + RISE_DA
        if slot == "insulation_kohm":
            assert bench.level_of("insulation") == insulation
        assert not held or not bench.decision.permit or permit


def test_iii_what_is_lost_beside_good_readings_stops_the_currents() -> None:
    """Insulation, which one rack of several in parallel measures, halves them only."""
    for slot, left_da in (("insulation_kohm", 785), ("soc_pm", 0), ("cell_mean_mv", 0)):
        bench = played(["h 500 x240", f"s 500 x6 {slot}={-(1 << 30)}"])
        assert granted(bench) == (left_da, left_da), slot
        assert bench.decision.permit, slot


@FEW
@given(moves=TIMELINES)
def test_iv_relays_do_not_depend_on_who_reads_the_changes(moves: list[tuple]) -> None:
    """One site whose changes are recorded in every step, one whose ring overflows unread."""
    read, unread = SiteTimeline(), SiteTimeline()
    step = read.enforcer.step

    def recorded(now: int) -> int:
        wait_us = step(now)
        while read.changes.take() is not None:
            pass
        return wait_us

    read.enforcer.step = recorded
    for move in [("well", 6000), *moves]:
        for site in (read, unread):
            site.do(move)
        assert read.outputs() == unread.outputs()
        assert read.site_outputs() == unread.site_outputs()


# rule: (reading, factor on its set point); the others take part in (v) by the machine's model
TRIPS = {
    "cell_overvoltage": ("cell_max_mv", 1),
    "cell_undervoltage": ("cell_min_mv", 1),
    "deep_discharge": ("cell_min_mv", 1),
    "rack_overvoltage": ("rack_voltage_dv", 1),
    "rack_undervoltage": ("rack_voltage_dv", 1),
    "charge_overcurrent": ("rack_current_da", 1),
    "discharge_overcurrent": ("rack_current_da", -1),
    "charge_peak_current": ("rack_current_da", 1),
    "discharge_peak_current": ("rack_current_da", -1),
    "charge_overtemperature": ("temp_max_dc", 1),
    "discharge_overtemperature": ("temp_max_dc", 1),
    "discharge_undertemperature": ("temp_min_dc", 1),
    "insulation": ("insulation_kohm", 1),
}


@MORE
@given(
    before=lines(most=10),
    rule=st.sampled_from(sorted(TRIPS)),
    beyond=st.integers(0, 50),
    pauses=st.lists(st.integers(1, STALE_MS), min_size=1, max_size=8),
)
def test_v_a_violation_trips_within_its_delay_and_one_sample(
    before: list[str], rule: str, beyond: int, pauses: list[int]
) -> None:
    bench = played(before)
    reading, factor = TRIPS[rule]
    set_point, _, delay_ms, _ = LIMITS[rule][2]
    side = RULES[NAMES.index(rule)][SIDE]
    bench.put({"temp_max_dc": 250, "temp_min_dc": 240})  # warm: no limit is relaxed
    bench.put({reading: (set_point + beyond * side) * factor})
    bench.fresh(pauses[0])
    begin, number = bench.now, 0
    while bench.level_of(rule) < 3:
        longest = max(pauses)
        assert bench.now - begin < delay_ms + longest, (rule, longest)
        number += 1
        bench.fresh(pauses[number % len(pauses)])
    assert not bench.decision.permit
    assert granted(bench) == (0, 0)


@MORE
@given(rule=st.sampled_from(sorted(TRIPS)), lost=st.lists(st.integers(0, 19), max_size=40))
def test_v_lost_answers_cost_no_more_than_the_time_they_are_stale(
    rule: str, lost: list[int]
) -> None:
    """Answers every 500 ms, so many lost before each: the fresh time trips, or the silence."""
    bench = played(["h 500 x4"])
    reading, factor = TRIPS[rule]
    set_point, _, delay_ms, _ = LIMITS[rule][2]
    bench.put({reading: set_point * factor})
    bench.fresh(500)
    fresh_ms = 0
    for number in [*lost, *[0] * 40]:
        if not bench.decision.permit:
            break
        assert fresh_ms < delay_ms
        bench.wait(500 * number)
        bench.fresh(500)
        fresh_ms += min(STALE_MS, 500 * (number + 1))
    assert not bench.decision.permit


def test_vi_both_interpreters_decide_the_same(need: Callable[[str], Path], tmp_path: Path) -> None:
    seeds = range(100, 112)
    traces = [walk(seed, 40) for seed in seeds]
    file = tmp_path / "traces"
    file.write_text("---\n".join("\n".join(trace) + "\n" for trace in traces))
    done = subprocess.run(
        [
            str(need("micropython")),
            "-X",
            "heapsize=768k",
            str(ROOT / "tests/property/trace_on_device.py"),
            str(file),
        ],
        env={"MICROPYPATH": micropython_path(ROOT / "tests/shared/support")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    here = [line for trace in traces for line in play(trace)]
    assert done.stdout.splitlines() == here


@MORE
@given(before=lines(most=20), by=st.sampled_from([OPERATOR, SERVICE]))
def test_vii_no_reset_succeeds_while_the_condition_holds(before: list[str], by: int) -> None:
    bench = played(before)
    held = [rule for rule in range(RACK_RULES) if bench.protection.latches.held(rule)]
    levels = bytes(bench.protection.levels)
    silent = bench.data.sequence == 0 or bench.level_of("comm_loss") > 0
    _, result = bench.reset(by)
    if result == RELEASED:
        assert not silent
        assert all(levels[rule] < 3 for rule in held)
    still_held = [rule for rule in range(RACK_RULES) if bench.protection.latches.held(rule)]
    assert still_held == ([] if result == RELEASED else held)


@MORE
@given(
    before=lines(most=6),
    rule=st.sampled_from(sorted(TRIPS)),
    times=st.integers(1, 30),
    by=st.sampled_from([OPERATOR, SERVICE]),
)
def test_vii_nor_while_the_reading_is_not_back_within_its_clear_point(
    before: list[str], rule: str, times: int, by: int
) -> None:
    """Just short of the clear point, however long: the trip stays."""
    bench = played(before)
    reading, factor = TRIPS[rule]
    set_point, clear_point, delay_ms, _ = LIMITS[rule][2]
    bench.put(dict(HEALTHY))
    bench.put({reading: set_point * factor})
    for _ in range(delay_ms // 500 + 2):
        bench.fresh(500)
    assert bench.held(rule)
    side = RULES[NAMES.index(rule)][SIDE]
    bench.put({reading: (clear_point + side) * factor})
    for _ in range(times):
        bench.fresh(500)
    bench.reset(by)
    assert bench.held(rule)
    assert not bench.decision.permit


@FEW
@given(moves=TIMELINES, order=st.permutations([0, 1, 2]))
def test_viii_permuted_racks_give_permuted_outputs(moves: list[tuple], order: list[int]) -> None:
    """Each rack on a bus of its own: on a shared one, who is closed first sets the voltage."""
    one, other = SiteTimeline(3, shared_dc_bus=0), SiteTimeline(3, shared_dc_bus=0)
    for move in [("well", 6000), *moves]:
        one.do(move)
        moved = move
        if move[0] in ("read", "silent", "welded"):
            moved = (move[0], order[move[1]], *move[2:])
        other.do(moved)
        outputs = other.outputs()
        assert one.outputs() == [outputs[order[rack]] for rack in range(3)]
        assert one.site_outputs() == other.site_outputs()


@FEW
@given(timeline=lines(most=15), shift=st.integers(0, 2**30))
@example(timeline=walk(7, 25), shift=2**32)
@example(timeline=walk(8, 25), shift=2**32 - 20000)
def test_ix_a_shift_of_time_changes_no_decision(timeline: list[str], shift: int) -> None:
    assert play(timeline, 0) == play(timeline, shift)


@pytest.mark.parametrize("shift", [2**32, 2**30 - 20000, 2**31 - 9000])
def test_ix_nor_for_a_whole_site(shift: int) -> None:
    one, other = SiteTimeline(2, 0), SiteTimeline(2, shift - shift % 500)
    moves = [
        ("well", 9000),
        ("read", 0, "cell_max_mv", 3700, 6000),
        ("silent", 1, True, 12000),
        ("well", 90000),
        ("reset", 1),
        ("input", 5, True, 3000),
        ("well", 20000),
    ]
    for move in moves:
        for site in (one, other):
            site.do(move)
        assert one.outputs() == other.outputs(), move


@MORE
@given(timeline=lines(most=20, without=("b",)))
def test_x_no_limit_rises_faster_than_the_ramp(timeline: list[str]) -> None:
    bench = TimelineBench()
    state = {"charge": [0, -HOLD_MS, -RISE_EVERY_MS], "discharge": [0, -HOLD_MS, -RISE_EVERY_MS]}

    def watch() -> None:
        for name, now_da in zip(state, granted(bench), strict=True):
            before_da, fell, rose = state[name]
            if now_da < before_da:
                state[name][1] = bench.now
            elif now_da > before_da:
                assert now_da - before_da <= RISE_DA
                assert bench.now - rose >= RISE_EVERY_MS
                assert bench.now - fell >= HOLD_MS
                state[name][2] = bench.now
            state[name][0] = now_da

    bench.watch = watch
    player = TracePlayer(bench)
    for line in timeline:
        player.do(line)


@FEW
@given(moves=st.lists(MOVES, max_size=10))
def test_x_nor_do_the_limits_that_a_bms_is_told_exceed_it(moves: list[tuple]) -> None:
    """What is written is what protection grants, or nothing while a rack is being opened."""
    site = SiteTimeline()
    for move in [("well", 6000), *moves]:
        site.do(move)
        for poller, protection in zip(site.pollers, site.protections, strict=True):
            decision = protection.decision
            allowed = ((0, 0), (decision.charge_da, decision.discharge_da))
            assert poller.limits in allowed
