"""Random timelines through protection and its reference model, which must agree at every step."""

from __future__ import annotations

from engine_adapter import Twin
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from timeline_bench import HEALTHY, OPERATOR, ROLES, SERVICE
from timelines import READINGS

DAY_MS = 86400000
# Uptimes at which the run begins: the ticks wrap at 2 ** 30, a 32-bit counter at 2 ** 32.
BEGINNINGS = (0, 1, 2**29 - 3000, 2**30 - 5000, 2**31 - 5000, 2**32 - 5000, 3 * 2**30 - 1)

PAUSES_MS = (0, 20, 99, 100, 495, 500, 501, 1000, 1495, 1500, 1501, 3000)


class EngineMachine(RuleBasedStateMachine):
    @initialize(uptime=st.sampled_from(BEGINNINGS))
    def begin(self, uptime: int) -> None:
        self.twin = Twin(uptime)

    @rule(
        slot=st.sampled_from(sorted(READINGS)),
        which=st.integers(0, 19),
        pause_ms=st.sampled_from(PAUSES_MS),
        times=st.integers(1, 12),
    )
    def summaries(self, slot: str, which: int, pause_ms: int, times: int) -> None:
        self.twin.put({slot: READINGS[slot][which % len(READINGS[slot])]})
        for _ in range(times):
            self.twin.fresh(pause_ms)

    @rule(pause_ms=st.sampled_from([100, 500, 1000]), times=st.integers(1, 40))
    def healthy(self, pause_ms: int, times: int) -> None:
        self.twin.put(dict(HEALTHY))
        for _ in range(times):
            self.twin.fresh(pause_ms)

    @rule(times=st.integers(1, 40), late_ms=st.integers(0, 90), beat=st.integers(0, 1))
    def more_of_the_same(self, times: int, late_ms: int, beat: int) -> None:
        for _ in range(times):
            self.twin.fresh(500, beat=beat, still=beat == 0, late_ms=late_ms)

    @rule(
        bad=st.sampled_from([1648, 1805, 1962, -1648, -1962]),
        pattern=st.lists(st.tuples(st.booleans(), st.integers(1, 4)), max_size=20),
    )
    def chatter(self, bad: int, pattern: list[tuple[bool, int]]) -> None:
        for is_bad, times in pattern:
            self.twin.put({"rack_current_da": bad if is_bad else 0})
            for _ in range(times):
                self.twin.fresh(250)

    @rule(times=st.integers(1, 7))
    def overcurrent_again_and_again(self, times: int) -> None:
        """Long enough to trip, then long enough to be released."""
        for _ in range(times):
            self.twin.put({"rack_current_da": 1962})
            for _ in range(4):
                self.twin.fresh(500)
            self.twin.put({"rack_current_da": 0})
            for _ in range(14):
                self.twin.fresh(500)

    @rule(
        duration_ms=st.sampled_from([49, 50, 1400, 1600, 2999, 5000, 12000]),
        step_ms=st.sampled_from([50, 250]),
    )
    def silence(self, duration_ms: int, step_ms: int) -> None:
        self.twin.wait(duration_ms, step_ms)

    @rule(days=st.integers(1, 5))
    def silence_of_days(self, days: int) -> None:
        """Ended by an answer, so that no two of them make a silence of weeks."""
        self.twin.wait(days * DAY_MS, DAY_MS // 4)
        self.twin.fresh(100)

    @rule(times=st.integers(1, 6), pause_ms=st.sampled_from([100, 600]))
    def answers_that_cannot_be_believed(self, times: int, pause_ms: int) -> None:
        for _ in range(times):
            self.twin.reject(pause_ms)

    @rule(
        values=st.dictionaries(st.integers(0, 3), st.sampled_from([3300, 3310, 0xFFFF, 900])),
        times=st.integers(1, 3),
    )
    def cell_scans(self, values: dict[int, int], times: int) -> None:
        for _ in range(times):
            for _ in range(4):
                self.twin.fresh(500)
            self.twin.scan_cells(values)

    @rule(
        sensor=st.integers(0, 3),
        rise_dc=st.sampled_from([-5, 0, 1, 5, 40]),
        times=st.integers(1, 8),
    )
    def temperature_scans(self, sensor: int, rise_dc: int, times: int) -> None:
        for _ in range(times):
            for _ in range(4):
                self.twin.fresh(500)
            self.twin.scan_temps({sensor: self.twin.data.temps_dc[sensor] + rise_dc})

    @rule(number=st.integers(0, len(ROLES) - 1), on=st.booleans(), steps=st.integers(1, 30))
    def site_input(self, number: int, on: bool, steps: int) -> None:
        self.twin.signal(number, on)
        self.twin.wait(50 * steps)

    @rule(by=st.sampled_from([OPERATOR, SERVICE]))
    def reset(self, by: int) -> None:
        self.twin.reset(by)

    @rule(by=st.sampled_from([OPERATOR, SERVICE]), times=st.integers(20, 60))
    def everything_is_well_again(self, by: int, times: int) -> None:
        """For long enough, mostly, that a reset is granted."""
        for number in range(len(ROLES)):
            self.twin.signal(number, False)
        self.twin.order_open(False)
        self.twin.put(dict(HEALTHY))
        for _ in range(times):
            self.twin.fresh(500)
        self.twin.reset(by)

    @rule(off_ms=st.sampled_from([0, 3000, 20 * DAY_MS]))
    def restart(self, off_ms: int) -> None:
        self.twin.now += off_ms
        self.twin.restart()

    @rule(ordered=st.booleans())
    def opening_is_ordered(self, ordered: bool) -> None:
        self.twin.order_open(ordered)

    @rule(sent=st.booleans())
    def limits_reach_the_bms(self, sent: bool) -> None:
        self.twin.protection.limits_sent = sent


# A timeline that fails is shown as it is: making it shorter would take many minutes.
EngineMachine.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=30,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
test_engine_and_model = EngineMachine.TestCase
