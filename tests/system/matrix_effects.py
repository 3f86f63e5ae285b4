"""What one case of the protection matrix must have done, looked for in the record of its run.

Everything but the levels comes from the simulated site: its relays, its contactors and what was
written to its registers.
"""

from __future__ import annotations

from typing import Any

from gateway.config.rules import (
    AUTOMATIC,
    CHARGE,
    DERATE,
    DIRECTION,
    DISCHARGE,
    LATCH,
    NAMES,
    OPEN,
    REACTIONS,
    RULES,
    STOP,
    UNIT,
    WARN,
)
from gateway.telemetry.records import NO_RACK
from host_tools.protection_matrix.case import Case, Run
from host_tools.protection_matrix.runs import DERATED_PM
from host_tools.site.compile import load_site, merge

Record = dict[str, Any]
LIMITS = {CHARGE: "charge_limit_da", DISCHARGE: "discharge_limit_da"}
EARLY_S = 0.7  # a condition may be as old as the last answer
LATE_S = 2.0  # two samples and a write
WAIT_S = 0.1  # for the records of what came first
AT_ONCE_S = 0.5
STARTED_MS = 1000  # by then every rack has its first limit


class Effects:
    """The effects of one case on one rack; every method raises AssertionError."""

    def __init__(self, record: Record, run: Run, case: Case, rack: int) -> None:
        _, tree = load_site(run.site)
        self._tree = merge(tree, run.config)
        self._record = record
        self._case = case
        self._rack = rack
        self._name = record["racks"][rack]
        self._row = RULES[NAMES.index(case.rule)]
        self._begin_ms = case.at * 1000
        self._earliest_ms, self._latest_ms = (
            self._begin_ms + seconds * 1000 for seconds in self._takes_s()
        )

    def check(self) -> None:
        """All of it."""
        came_ms = self._level_came()
        if self._case.reaction == WARN:
            self._check_untouched(came_ms)
        elif self._case.reaction < OPEN:
            self._check_limit()
        else:
            self._check_opened()
        self._check_site_relays()

    def _takes_s(self) -> tuple[float, float]:
        """Earliest and latest time of the effect after the beginning."""
        if self._case.takes_s is not None:
            return self._case.takes_s
        limit = self._tree["limits"][self._case.rule][f"l{self._case.level}"]
        takes_s = limit["delay_ms"] / 1000
        if self._row[UNIT] == "ms":  # the value is an age
            takes_s += limit["set"] / 1000
        late_s = LATE_S
        if self._case.reaction == OPEN:
            defaults = {"zero_wait_ms": 2000, "check_ms": 1000}
            outputs = defaults | self._tree["outputs"]
            late_s += (outputs["zero_wait_ms"] + outputs["check_ms"]) / 1000
        elif self._case.reaction > OPEN:
            late_s = AT_ONCE_S
        return takes_s - EARLY_S, takes_s + late_s

    # Levels, by the gateway's own records.

    def _levels(self, until_ms: float) -> dict[tuple[str, int], float]:
        """Levels that hold on this rack, with the time at which they came."""
        holds: dict[tuple[str, int], float] = {}
        for ms, rack, rule, level, is_set in self._record["levels"]:
            if rack in (self._rack, NO_RACK) and ms <= until_ms:
                if is_set:
                    holds[rule, level] = ms
                else:
                    holds.pop((rule, level), None)
        return holds

    def _level_came(self) -> float:
        """When it did; and no further level of the rule before its own case begins."""
        times = [
            ms
            for ms, rack, rule, level, is_set in self._record["levels"]
            if is_set
            and rack in (self._rack, NO_RACK)
            and (rule, level) == self._case.pair
            and ms >= self._begin_ms - EARLY_S * 1000
        ]
        assert times, f"{self._case.name} never came on {self._name}: {self._record['levels']}"
        return float(times[0])

    def _alone_until(self, at_ms: float, reaction: int, directions: int) -> None:
        """No other rule had by then a reason to do as much."""
        others = [
            (rule, level)
            for rule, level in self._levels(at_ms + WAIT_S * 1000)
            if rule != self._case.rule and self._does_as_much(rule, level, reaction, directions)
        ]
        assert not others, f"{self._case.name} on {self._name}: so did {others}"

    @staticmethod
    def _does_as_much(rule: str, level: int, reaction: int, directions: int) -> bool:
        row = RULES[NAMES.index(rule)]
        does = row[REACTIONS][level - 1]
        return bool(does >= reaction and (does >= OPEN or row[DIRECTION] & directions))

    # Outputs, by the site.

    def _changes(self, direction: int) -> list[tuple[float, int]]:
        return [
            (ms, value)
            for ms, what, value in self._record["limits"][self._name]
            if what == LIMITS[direction]
        ]

    def _limit_at(self, direction: int, at_ms: float) -> int:
        return [value for ms, value in self._changes(direction) if ms <= at_ms][-1]

    def _first_fall_to(self, direction: int, target_da: int) -> float:
        """When the limit came down to it, from something that was more."""
        since_ms = max(self._begin_ms, STARTED_MS)
        before_da = self._limit_at(direction, since_ms)
        for ms, value in self._changes(direction):
            if ms > since_ms and value <= target_da < before_da:
                assert value == target_da, f"{self._case.name}: {value} was written at {ms} ms"
                return ms
            if ms > since_ms:
                before_da = value
        raise AssertionError(
            f"{self._case.name} on {self._name}: {LIMITS[direction]} never fell to {target_da}:"
            f" {self._changes(direction)}"
        )

    def _check_in_time(self, what: str, at_ms: float) -> None:
        assert self._earliest_ms <= at_ms <= self._latest_ms, (
            f"{self._case.name} on {self._name}: {what} at {at_ms} ms, due between"
            f" {self._earliest_ms:.0f} and {self._latest_ms:.0f}"
        )

    def _check_relay_stays(self, until_ms: float) -> None:
        relay = self._record["relays"][self._name]
        dropped = [ms for ms, on in relay if not on and ms <= until_ms]
        assert relay[0][1] and relay[0][0] < self._latest_ms and not dropped, relay
        commands = [ms for ms in self._record["open_commands"][self._name] if ms <= until_ms]
        assert not commands, f"{self._case.name} on {self._name}: told to open at {commands}"

    def _check_untouched(self, came_ms: float) -> None:
        """A warning: it is told, and every output goes on as before."""
        self._check_in_time("the warning", came_ms)
        until_ms = came_ms + 500
        for direction in LIMITS:
            values = [
                value
                for ms, value in self._changes(direction)
                if self._begin_ms - 1000 <= ms <= until_ms
            ]
            assert values == sorted(values), f"{self._case.name}: {LIMITS[direction]} {values}"
            assert self._limit_at(direction, until_ms) > self._derated_da()
        self._check_relay_stays(until_ms)

    def _check_limit(self) -> None:
        """The limit of each of its directions is reduced, and nothing opens."""
        stops = self._case.reaction == STOP
        target_da = 0 if stops else self._derated_da()
        for direction in LIMITS:
            if not self._row[DIRECTION] & direction:
                continue
            fell_ms = self._first_fall_to(direction, target_da)
            self._check_in_time(LIMITS[direction], fell_ms)
            self._alone_until(fell_ms, self._case.reaction, direction)
            steady_ms = max(fell_ms + 1000, self._begin_ms + self._case.steady_s * 1000)
            assert self._limit_at(direction, steady_ms) <= target_da
            self._check_relay_stays(steady_ms)
            self._check_other_direction(direction, fell_ms)

    def _check_other_direction(self, direction: int, at_ms: float) -> None:
        """A rule of one direction leaves the other one alone, unless another rule reduces it."""
        other = DISCHARGE if direction == CHARGE else CHARGE
        holds = self._levels(at_ms + WAIT_S * 1000)
        reduced = any(self._does_as_much(rule, level, DERATE, other) for rule, level in holds)
        if not self._row[DIRECTION] & other and not reduced:
            assert self._limit_at(other, at_ms + 1000) > self._derated_da()

    def _check_opened(self) -> None:
        """The relay drops, the BMS is told to open, and no current is granted any more."""
        relay = self._record["relays"][self._name]
        end_ms = self._record["end_ms"]
        times = [ms for ms, on in relay if not on and self._begin_ms <= ms < end_ms - 100]
        assert times, f"{self._case.name} on {self._name}: relay {relay}"
        dropped_ms = times[0]
        self._check_relay_stays(self._begin_ms)
        self._check_in_time("the relay dropped", dropped_ms)
        self._alone_until(dropped_ms, OPEN, CHARGE | DISCHARGE)
        opened = [ms for ms, on in self._record["contactors"][self._name] if not on]
        assert opened and opened[0] <= dropped_ms + 200, "the contactor stayed closed"
        commands = self._record["open_commands"][self._name]
        if self._row[LATCH] == AUTOMATIC:  # the command would stay in the BMS
            assert not [ms for ms in commands if ms <= dropped_ms + 500], commands
        else:
            assert commands and commands[0] <= dropped_ms + LATE_S * 1000
        after_ms = min(max(dropped_ms, self._last_silence_ms()) + LATE_S * 1000, end_ms)
        assert [self._limit_at(direction, after_ms) for direction in LIMITS] == [0, 0]

    def _last_silence_ms(self) -> float:
        """Until then the rack took no limits."""
        ends = [
            fault["end"]
            for fault in self._case.faults
            if fault["kind"] == "rack_silent" and "end" in fault
        ]
        return max(((self._case.at + end) * 1000 for end in ends), default=0.0)

    def _derated_da(self) -> int:
        return int(self._tree["charge_current_da"]) * DERATED_PM // 1000

    def _check_site_relays(self) -> None:
        """The relays of the site as the case wants them, soon after its input changed."""
        at_ms = self._begin_ms + AT_ONCE_S * 1000 if self._case.inputs else self._latest_ms
        if self._case.relays_s is not None:
            at_ms = self._begin_ms + self._case.relays_s * 1000
        for name, wanted in self._case.relays.items():
            changes = self._record["relays"].get(name, [])
            states = [on for ms, on in changes if ms <= at_ms]
            assert (states[-1] if states else False) == wanted, f"{name}: {changes}"
