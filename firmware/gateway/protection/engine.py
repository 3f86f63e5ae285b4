"""Protection of one rack: a pure step on its state, called with each fresh summary and by a timer.

Level 1 derates or warns, level 2 stops a direction of the current, level 3 takes the permit away;
`gateway.config.rules` says which. Losing data never clears an alarm and never raises a limit: only
fresh samples move the detectors, and silence is a rule of its own. Silence is the age of the data,
or, when a rack answers only now and then, the sum of the time its data were stale less half the
time they were fresh: a rack that is stale for more than a third of the time trips in bounded time
(note 0007).
"""

from __future__ import annotations

from micropython import const

from gateway.clock import add, diff, subtract
from gateway.config.rules import CELLS, RULES, SCOPE, SUMMARY, TEMPS, TIMER
from gateway.protection import rule_viper, rules
from gateway.protection.decision import Decision
from gateway.protection.detector import Detectors
from gateway.protection.latches import BY_SERVICE, RELEASED, Latches
from gateway.protection.quantities import Quantities
from gateway.protection.rule_viper import BUSY, HELD, RUNNING
from gateway.rack import data as slots
from gateway.rack.data import ABSENT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.protection.changes import Changes
    from gateway.protection.interlocks import Interlocks
    from gateway.protection.shared_settings import SharedSettings
    from gateway.rack.data import RackData

_LEVEL_3 = const(3)
_LONGEST_GAP_MS = const(1 << 20)
_SCAN_STALE_MS = const(120000)  # three times the longest scan of a bus that is not overloaded
LONGEST_REST_MS = 1000  # a damaged memory must not keep a rack from being judged for longer
FLOW_STEP = 0x1D3  # what one complete step adds to `flow`: the sum of the parts below
_FLOW_SAMPLE = const(0x11)
_FLOW_AGE = const(0x42)
_FLOW_DECIDE = const(0x180)
_FLOW_MASK = const(0x1FFFFFFF)  # one step more is a small integer still
# Rule numbers by what moves them.
_BY_SCOPE = tuple(
    [
        bytes([rule for rule in range(rules.RACK_RULES) if RULES[rule][SCOPE] == scope])
        for scope in (SUMMARY, CELLS, TEMPS, TIMER)
    ]
)


class RackProtection:
    """One rack's; `settings` is shared by all of them.

    Result of the last step: `levels` per rule as the detectors have them, and what `decision`
    made of them. `latches` outlive a restart. `running`: a value is past a set point and its delay
    not over, so faster samples help. `limits_sent`: the granted currents reach the rack BMS, so
    that going beyond them can be judged. `flow` grows by FLOW_STEP with every complete step.
    `judged`: ticks of the last step that was not left out, at most LONGEST_REST_MS ago.
    Stepping allocates nothing.

    A step that can change nothing is left out: after each judgement it is known until when time
    alone changes neither a level nor a current, and until then only what is new needs another.
    """

    def __init__(
        self,
        data: RackData,
        settings: SharedSettings,
        interlocks: Interlocks,
        changes: Changes,
    ) -> None:
        self.data = data
        self.settings = settings
        self.thresholds = settings.thresholds
        self.quantities = Quantities(data, settings)
        self._contactor = self.quantities.contactor
        self.detectors = Detectors(settings.thresholds)
        self.latches = Latches(0, rules.RACK_RULES)
        self.levels = bytearray(rules.RACK_RULES)
        self.decision = Decision(data, settings, self.levels, self.latches, interlocks)
        self.limits_sent = False
        self.running = False
        self.flow = 0
        self._interlocks = interlocks
        self._changes = changes
        self._notes = bytearray(rules.RACK_RULES)
        self._cold_way = 0  # of the under-voltage points
        self._sequence = 0  # of the last summary taken
        self._sampled = data.acquired
        self._cells_sequence = 0
        self._cells_sampled = data.acquired
        self._temps_sequence = 0
        self._temps_sampled = data.acquired
        self._aged = data.acquired
        self.judged = data.acquired
        self._due = data.acquired  # ticks of the next one when nothing new comes
        self._silence = 0  # half milliseconds

    def step(self, now: int) -> None:
        """Take fresh data if there are any, age what is there, decide."""
        data = self.data
        if (
            0 < diff(self._due, now) <= LONGEST_REST_MS
            and data.sequence == self._sequence
            and data.cells_sequence == self._cells_sequence
            and data.temps_sequence == self._temps_sequence
            and not data.suspect
            and self.decision.stands
            and not self._contactor.ordered
            and self._interlocks.is_quiet()
        ):
            self._aged = now
            self.flow = self.flow + FLOW_STEP & _FLOW_MASK
        else:
            self._judge(now)

    def restored(self) -> None:
        """The latches came back from flash: each must clear in full before a reset."""
        for rule in range(rules.RACK_RULES):
            if self.latches.held(rule):
                self.levels[rule] = rules.LEVEL_COUNT
                self._notes[rule] |= BUSY
                number = self.thresholds.number(rule, _LEVEL_3)
                if number >= 0:
                    self.detectors.force(number)
        self._due = self._aged

    def reset(self, by: int, now: int) -> int:
        """Release the latches on a person's request; see `gateway.protection.latches`.

        Needs data that are there: a rack that does not answer cannot show that it is healthy. For
        service a BMS that lives is enough, of those that measure only once they are let on.
        """
        self.decision.catch_up(self._aged)
        self._due = self._aged
        measured = self._sequence > 0
        starting = by == BY_SERVICE and self.data.is_starting(now)
        fresh = (measured or starting) and self.levels[rules.COMM_LOSS] == 0
        if fresh and by == BY_SERVICE:
            self._release_unjudged(starting)
        result = self.latches.reset(self.levels, by, fresh)
        if result == RELEASED:
            self.decision.make(measured, now)
        return result

    def _release_unjudged(self, starting: bool) -> None:
        """What cannot be measured (any more) would hold its trip for ever: service judges it.

        Of a BMS that has not started that is all but what time alone changes.
        """
        for rule in range(rules.RACK_RULES):
            judged = not starting or RULES[rule][SCOPE] == TIMER
            if self.quantities.values[rule] == ABSENT:
                judged = False
            if not judged and self.latches.held(rule):
                first = self.thresholds.first
                self.detectors.release(first[rule], first[rule + 1])
                self.levels[rule] = 0
                self._notes[rule] &= ~BUSY

    def points(self, rule: int, level: int) -> tuple[int, int]:
        """Set and clear point of a level as they are now, turned by side; allocates."""
        if rule == rules.CELL_UNDERVOLTAGE:
            cold = self.settings.cold_limit
            way = self._cold_way
            return cold.set_point(level, way), cold.clear_point(level, way)
        number = self.thresholds.number(rule, level)
        return self.thresholds.set_points[number], self.thresholds.clear_points[number]

    def counted_ms(self, rule: int) -> int:
        """Bad time that was counted before level 3 of this rule became active the last time;
        `changes.UNKNOWN` when that is long ago. Allocates.
        """
        return self._changes.counted_ms(self.data.index, rule, rules.LEVEL_COUNT)

    def _judge(self, now: int) -> None:
        if self._aged != self.judged:
            self.decision.catch_up(self._aged)
        self.judged = now
        self._take_new(now)
        self.flow += _FLOW_SAMPLE
        steady_ms = self._age(now)
        self.flow += _FLOW_AGE
        self.decision.make(self._sequence > 0, now)
        self.flow = self.flow + _FLOW_DECIDE & _FLOW_MASK
        self._due = now
        if steady_ms > 0:
            steady_ms = min(steady_ms, self.decision.steady_ms(), LONGEST_REST_MS)
            self._due = add(now, steady_ms)

    def _take_new(self, now: int) -> None:
        data = self.data
        if data.sequence != self._sequence:
            self._take_summary()
        if data.cells_sequence != self._cells_sequence:
            self._take_cells(now)
        if data.temps_sequence != self._temps_sequence:
            self._take_temps(now)

    def _age(self, now: int) -> int:
        """What time alone changes; for how long none of it would change a level, in ms."""
        self.data.hold_age(now)
        self._sampled = _comparable(self._sampled, now)
        self._cells_sampled = _comparable(self._cells_sampled, now)
        self._temps_sampled = _comparable(self._temps_sampled, now)
        elapsed_ms = diff(now, self._aged)
        self._aged = now
        cells_age_ms = diff(now, self._cells_sampled) if self._cells_sequence else 0
        temps_age_ms = diff(now, self._temps_sampled) if self._temps_sequence else 0
        steady_ms = self.quantities.age(cells_age_ms, temps_age_ms, now)
        silence_ms = self._silence_ms(elapsed_ms, now)
        self.quantities.values[rules.COMM_LOSS] = silence_ms
        # A sign of life is none: some BMS measure nothing until their relay lets them start.
        silent = self.data.silence_age_ms(now) > self.data.stale_after_ms
        self._step_rules(TIMER, elapsed_ms, 0 if silent else elapsed_ms)
        if self._silence:
            return 0
        for rule in _BY_SCOPE[TIMER]:
            if self._notes[rule] & BUSY:
                return 0
        return min(steady_ms, self.thresholds.lowest[rules.COMM_LOSS] - silence_ms)

    def _take_summary(self) -> None:
        data = self.data
        elapsed_ms = diff(data.acquired, self._sampled)
        if self._sequence == 0 or elapsed_ms < 0:
            elapsed_ms = 0
        span_ms = elapsed_ms
        gap = elapsed_ms > data.stale_after_ms
        if gap:
            elapsed_ms = data.stale_after_ms
        self._sampled = data.acquired
        self._sequence = data.sequence
        self._cold_way = self.settings.cold_limit.way(data.summary[slots.TEMP_MAX_DC])
        quantities = self.quantities
        quantities.take_summary(elapsed_ms, span_ms)
        decision = self.decision
        quantities.take_stops(decision.stopped)
        if self.limits_sent:
            quantities.take_limits(
                decision.charge_bound_da, decision.discharge_bound_da, elapsed_ms
            )
        self.running = self._step_rules(SUMMARY, elapsed_ms, 0 if gap else elapsed_ms)

    def _take_cells(self, now: int) -> None:
        elapsed_ms = diff(now, self._cells_sampled) if self._cells_sequence else 0
        self._cells_sampled = now
        self._cells_sequence = self.data.cells_sequence
        self.quantities.take_cells()
        self._step_scan(CELLS, elapsed_ms)

    def _take_temps(self, now: int) -> None:
        elapsed_ms = diff(now, self._temps_sampled) if self._temps_sequence else 0
        self._temps_sampled = now
        self._temps_sequence = self.data.temps_sequence
        self.quantities.take_temps(elapsed_ms)
        self._step_scan(TEMPS, elapsed_ms)

    def _step_scan(self, scope: int, elapsed_ms: int) -> None:
        gap = elapsed_ms > _SCAN_STALE_MS
        if gap:
            self._step_rules(scope, _SCAN_STALE_MS, 0)
        else:
            self._step_rules(scope, elapsed_ms, elapsed_ms)

    def _silence_ms(self, elapsed_ms: int, now: int) -> int:
        """Age of the last sign of life, or the sum of stale time when that is more."""
        age_ms = self.data.silence_age_ms(now)
        if age_ms > self.data.stale_after_ms:
            self._silence = min(self._silence + 2 * elapsed_ms, self.settings.longest_silence)
        else:
            self._silence = max(self._silence - elapsed_ms, 0)
        return max(age_ms, self._silence // 2)

    def _step_rules(self, scope: int, elapsed_ms: int, good_ms: int) -> bool:
        """The rules of one scope; whether one of them is running. Times as for a detector."""
        values = self.quantities.values
        sides = self.thresholds.sides
        lowest = self.thresholds.lowest
        notes = self._notes
        each = _BY_SCOPE[scope]
        end = len(each)
        at = rule_viper.find_next(0, end, each, values, sides, lowest, notes)
        while at < end:
            rule = each[at]
            turned = values[rule] * sides[rule]
            if notes[rule] & HELD:
                # After a time without anything to judge, the last verdict was not for all.
                self._step_rule(rule, turned, 0, 0)
            else:
                self._step_rule(rule, turned, elapsed_ms, good_ms)
            at = rule_viper.find_next(at + 1, end, each, values, sides, lowest, notes)
        return rule_viper.all_notes(end, each, notes) & RUNNING != 0

    def _step_rule(self, rule: int, turned: int, elapsed_ms: int, good_ms: int) -> None:
        detectors = self.detectors
        points = self.thresholds
        cold = self.settings.cold_limit if rule == rules.CELL_UNDERVOLTAGE else None
        first = points.first[rule]
        end = points.first[rule + 1]
        highest = 0
        note = 0
        for number in range(first, end):
            level = points.levels[number]
            if cold:
                set_point = cold.set_point(level, self._cold_way)
                clear_point = cold.clear_point(level, self._cold_way)
            else:
                set_point = points.set_points[number]
                clear_point = points.clear_points[number]
            if detectors.step(number, turned, set_point, clear_point, elapsed_ms, good_ms):
                active = 1 if detectors.is_active(number) else 0
                value = self.quantities.values[rule]
                counted_ms = detectors.counted_ms(number) if active else 0
                self._changes.put(self.data.index, rule, level, active, value, counted_ms)
                if level == _LEVEL_3:
                    if active:
                        self.latches.trip(rule)
                    else:
                        self.latches.cleared(rule)
            if detectors.is_active(number):
                highest = level
            elif detectors.is_running(number):
                note = RUNNING
        self.levels[rule] = highest
        if RULES[rule][SCOPE] != SUMMARY:
            note = 0
        self._notes[rule] = note if detectors.are_idle(first, end) else note | BUSY


def _comparable(ticks: int, now: int) -> int:
    """Not so old that it no longer compares with now."""
    return subtract(now, _LONGEST_GAP_MS) if diff(now, ticks) > _LONGEST_GAP_MS else ticks


if FLOW_STEP != _FLOW_SAMPLE + _FLOW_AGE + _FLOW_DECIDE:
    raise ImportError("the parts of a step do not add up")
