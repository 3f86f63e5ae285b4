"""Steps that are left out because nothing could change: beside a twin that leaves none out.

Both are fed with the same timeline and stepped every 50 ms between its events, as the enforcing
loop does. Decisions must be alike after every step, and where both judged, everything they are.
"""

from __future__ import annotations

from array import array
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from site_timeline import TIMELINES, SiteTimeline
from timeline_bench import TimelineBench
from timelines import lines, walk
from trace_player import TracePlayer

PASS_MS = 50
# Since when an odd current flows means something only while one does.
_OWN = {"_due", "_judged", "_odd_since"}


class PassingBench(TimelineBench):
    """Stepped between the events of its timeline; `judged`: the last step was not left out."""

    judge_all = False

    def _build(self) -> None:
        super()._build()
        self.judged = False
        self.left_out = 0
        age = self.protection._age

        def judge(now: int) -> int:
            self.judged = True
            return age(now)

        self.protection._age = judge  # type: ignore[method-assign]

    def fresh(self, after_ms: int, beat: int = 1, still: bool = False, late_ms: int = 0) -> None:
        while after_ms > PASS_MS:
            self.now += PASS_MS
            self.step()
            after_ms -= PASS_MS
        super().fresh(after_ms, beat, still, late_ms)

    def step(self) -> None:
        self.judged = False
        if self.judge_all:
            self.protection._due = self.ticks()
        super().step()
        self.left_out += not self.judged


class JudgingBench(PassingBench):
    judge_all = True


def whole(found: Any, seen: dict[int, int]) -> Any:
    """Everything an object is made of, as plain values."""
    if isinstance(found, array | bytearray):
        return bytes(found)
    if isinstance(found, list | tuple):
        return [whole(each, seen) for each in found]
    if not hasattr(found, "__dict__") or callable(found):
        return None if callable(found) else found
    if id(found) in seen:
        return seen[id(found)]
    seen[id(found)] = len(seen)
    return {name: whole(value, seen) for name, value in vars(found).items() if name not in _OWN}


def decided(bench: PassingBench) -> tuple:
    """What others see of a step."""
    protection, decision = bench.protection, bench.decision
    plain = {name: value for name, value in vars(decision).items() if isinstance(value, int)}
    return (
        plain,
        (decision._charge_ramp.granted_da, decision._discharge_ramp.granted_da),
        bytes(protection.levels),
        bytes(protection.latches._marks),
        bytes(protection.detectors._states),
        protection.detectors._times.tolist(),
        protection.running,
        protection.flow,
        bytes(bench.changes._entries),
        bench.changes._values.tolist(),
    )


class Noted:
    """A timeline on one bench, and what was to be seen after each step."""

    def __init__(self, bench: PassingBench) -> None:
        self.bench = bench
        self.judged: list[bool] = []
        self.steps: list[tuple] = []
        self._whole: list[bool] = []
        bench.watch = self._note
        self._player = TracePlayer(bench)

    def do(self, move: Any, wholly: list[bool]) -> None:
        """`wholly`: after which of the steps everything is noted, not only the decision."""
        self.judged, self.steps, self._whole = [], [], wholly
        if isinstance(move, str):
            self._player.do(move)
        elif move[0] == "cap":
            self.bench.decision.cap(*move[1:])
        elif move[0] == "drop":
            self.bench.decision.drop(self.bench.ticks())
        else:
            self.bench.wait(move[1], move[2])

    def _note(self) -> None:
        bench = self.bench
        number = len(self.judged)
        wanted = self._whole[number] if self._whole else bench.judged
        everything = whole(bench.protection, {}) if wanted else None
        self.judged.append(bench.judged)
        self.steps.append((decided(bench), everything))


ORDERS = st.sampled_from([0, 1, 300, 1569, 1570, 20000])
MOVES = st.one_of(
    lines(most=1).map(lambda each: each[0]),
    lines(most=1).map(lambda each: each[0]),
    st.tuples(st.just("cap"), ORDERS, ORDERS),
    st.tuples(st.just("drop")),
    st.tuples(
        st.just("wait"), st.sampled_from([49, 700, 1000, 1501]), st.sampled_from([1, 7, 50, 333])
    ),
)
BEGINNINGS = st.sampled_from([0, 2**29 - 3000, 2**30 - 20000, 2**32 - 5000])


@settings(max_examples=30, deadline=None)
@given(moves=st.lists(MOVES, min_size=1, max_size=8), uptime=BEGINNINGS)
@example(
    moves=["h 500 x40", ("cap", 0, 0), "h 500 x80", ("cap", 1570, 1570), "h 500 x4"], uptime=0
)
@example(moves=["h 500 x120", ("drop",), "h 500 x70"], uptime=2**30 - 20000)
@example(moves=walk(7, 8), uptime=0)
def test_what_is_left_out_changes_no_decision(moves: list[Any], uptime: int) -> None:
    one, other = Noted(PassingBench(uptime)), Noted(JudgingBench(uptime))
    for move in moves:
        one.do(move, [])
        other.do(move, one.judged)
        for number, (left, right) in enumerate(zip(one.steps, other.steps, strict=True)):
            assert left == right, (move, number)
    assert not other.bench.left_out


def test_most_steps_of_a_healthy_rack_are_left_out() -> None:
    """Or the others here show nothing: nine of ten, once the current has risen."""
    bench = PassingBench()
    for seconds, left_out in ((160, 0), (10, 180)):
        before = bench.left_out
        for _ in range(2 * seconds):
            bench.fresh(500)
        assert bench.left_out - before >= left_out


class NotedSite(SiteTimeline):
    """A site with its relays, commands and limits after every pass."""

    def __init__(self, racks: int, judge_all: bool) -> None:
        super().__init__(racks)
        self.seen: list[tuple] = []
        step = self.enforcer.step

        def noted(now: int) -> int:
            if judge_all:
                for protection in self.protections:
                    protection._due = now
            wait_us = step(now)
            self.seen.append((self.outputs(), self.site_outputs()))
            return wait_us

        self.enforcer.step = noted  # type: ignore[method-assign]


@settings(max_examples=10, deadline=None)
@given(racks=st.integers(1, 3), moves=TIMELINES)
def test_what_is_left_out_moves_no_relay(racks: int, moves: list[tuple]) -> None:
    one, other = NotedSite(racks, False), NotedSite(racks, True)
    for move in [("well", 60000), *moves]:
        one.do(move)
        other.do(move)
        assert one.seen == other.seen, move
        one.seen.clear()
        other.seen.clear()
