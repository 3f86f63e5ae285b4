"""Protection of one rack: a pure step on its state, called with each fresh summary and by a timer.

Levels 1 and 2 act on a direction of the current (derate, stop), level 3 takes the permit away.
Losing data never clears an alarm and never raises a limit: only fresh samples move the detectors,
and silence is a rule of its own. Silence is the age of the data, or, when a rack answers only now
and then, the sum of the time its data were stale less half the time they were fresh: a rack that
is stale for more than a third of the time trips in bounded time (note 0007).
"""

from __future__ import annotations

from gateway.clock import diff
from gateway.config import LEVELS, RULES
from gateway.protection import rules
from gateway.protection.detector import Detectors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.config import Config
    from gateway.protection.changes import Changes
    from gateway.rack.data import RackData

_LEVEL_3 = 2


class RackProtection:
    """Result of the last step: `permit`, `levels` per rule, the worst `level` and its `rule`,
    `tripped` (a latch holds: the rack must stay open until a person resets it),
    `charge_da` and `discharge_da` the gateway grants (0.1 A; the limits of the BMS come on top),
    `running` (a value is past a set point and its delay not over: faster samples help).
    `latch_changed` is set with every change of a latch, for whoever keeps them; it is cleared
    there. Stepping allocates nothing.
    """

    def __init__(self, data: RackData, config: Config, changes: Changes) -> None:
        self.data = data
        self._changes = changes
        self._detectors = Detectors(
            [(limit, rule[1]) for rule in RULES for limit in config.limits[rule[0]]]
        )
        self._ratings = (
            config.integer("charge_current_da"),
            config.integer("discharge_current_da"),
        )
        self._derate_pm = config.integer("derate_l1_pm")
        self._sequence = 0  # of the last summary taken
        self._sampled = data.acquired
        self._aged = data.acquired
        self._silence = 0  # half milliseconds
        self._longest_silence = 2 * config.limits[RULES[rules.COMM_LOSS][0]][_LEVEL_3].set_point
        self.latch_changed = False
        self.levels = bytearray(rules.RULE_COUNT)
        self.latched = bytearray(rules.RULE_COUNT)
        self.level = 0
        self.rule = rules.NO_RULE
        self.permit = False
        self.running = False
        self.tripped = False
        self.charge_da = 0
        self.discharge_da = 0

    def step(self, now: int) -> None:
        """Take a fresh summary if there is one, age the data, decide."""
        data = self.data
        if data.sequence != self._sequence:
            self._take_sample()
        data.hold_age(now)
        elapsed_ms = diff(now, self._aged)
        self._aged = now
        self._step_rule(rules.COMM_LOSS, self._silence_ms(elapsed_ms, now), elapsed_ms, False)
        self._decide()

    def restore_latches(self, bits: int) -> None:
        """Latches kept over a restart, bit n = rule n; each must clear in full before a reset."""
        for rule in range(rules.RULE_COUNT):
            if bits & 1 << rule:
                self.latched[rule] = 1
                self.levels[rule] = rules.LEVEL_COUNT
                self._detectors.force(rule * rules.LEVEL_COUNT + _LEVEL_3)
        self._decide()

    def latch_bits(self) -> int:
        """Latches to keep over a restart, bit n = rule n."""
        bits = 0
        for rule in range(rules.RULE_COUNT):
            if self.latched[rule]:
                bits |= 1 << rule
        return bits

    def reset(self) -> bool:
        """Release the latches on a person's request; False, and nothing done, while one must hold.

        Needs data that is there: a rack that does not answer cannot prove that it is healthy.
        """
        if self._sequence == 0 or self.levels[rules.COMM_LOSS]:
            return False
        for rule in range(rules.RULE_COUNT):
            if self.latched[rule] and self.levels[rule] == rules.LEVEL_COUNT:
                return False
        for rule in range(rules.RULE_COUNT):
            self.latched[rule] = 0
        self.latch_changed = True
        self._decide()
        return True

    def _take_sample(self) -> None:
        data = self.data
        elapsed_ms = diff(data.acquired, self._sampled)
        if self._sequence == 0 or elapsed_ms < 0:
            elapsed_ms = 0
        gap = elapsed_ms > data.stale_after_ms
        if gap:
            elapsed_ms = data.stale_after_ms
        self._sampled = data.acquired
        self._sequence = data.sequence
        summary = data.summary
        self.running = False
        for rule in range(rules.COMM_LOSS):
            row = rules.TABLE[rule]
            self._step_rule(rule, summary[row[1]] * row[2], elapsed_ms, gap)

    def _silence_ms(self, elapsed_ms: int, now: int) -> int:
        """Age of the data, or the sum of stale time when that is more."""
        age_ms = self.data.age_ms(now)
        if age_ms > self.data.stale_after_ms:
            self._silence = min(self._silence + 2 * elapsed_ms, self._longest_silence)
        else:
            self._silence = max(self._silence - elapsed_ms, 0)
        return max(age_ms, self._silence // 2)

    def _step_rule(self, rule: int, value: int, elapsed_ms: int, gap: bool) -> None:
        detectors = self._detectors
        first = rule * rules.LEVEL_COUNT
        level = 0
        for index in range(rules.LEVEL_COUNT):
            number = first + index
            if detectors.step(number, value, elapsed_ms, gap):
                active = detectors.active[number]
                self._changes.put(self.data.index, rule, index + 1, active, value)
                if active and index == _LEVEL_3 and rules.TABLE[rule][4] == rules.OPERATOR:
                    self.latched[rule] = 1
                    self.latch_changed = True
            if detectors.active[number]:
                level = index + 1
            elif rule != rules.COMM_LOSS and detectors.is_running(number):
                self.running = True
        self.levels[rule] = level

    def _decide(self) -> None:
        worst = 0
        worst_rule = rules.NO_RULE
        tripped = False
        charge_da = self._ratings[0]
        discharge_da = self._ratings[1]
        for rule in range(rules.RULE_COUNT):
            level = self.levels[rule]
            if self.latched[rule]:
                level = rules.LEVEL_COUNT
                tripped = True
            if level == 0:
                continue
            if level > worst:
                worst = level
                worst_rule = rule
            direction = rules.BOTH if level == rules.LEVEL_COUNT else rules.TABLE[rule][3]
            if direction & rules.CHARGE:
                charge_da = min(charge_da, self._granted(0, level))
            if direction & rules.DISCHARGE:
                discharge_da = min(discharge_da, self._granted(1, level))
        self.level = worst
        self.rule = worst_rule
        self.tripped = tripped
        self.charge_da = charge_da
        self.discharge_da = discharge_da
        self.permit = worst < rules.LEVEL_COUNT and self._sequence > 0

    def _granted(self, direction: int, level: int) -> int:
        """Current left at `level` in 0.1 A: derated at level 1, none above."""
        return self._ratings[direction] * self._derate_pm // 1000 if level == 1 else 0


if len(LEVELS) != rules.LEVEL_COUNT:
    raise ImportError("config.LEVELS and rules disagree")
