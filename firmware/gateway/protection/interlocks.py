"""The site's own rules: gas, smoke, emergency stop, door, leak and coolant contacts.

They act on every rack of the enclosure. An input counts at the level its configuration says; with
closed loops a broken wire counts too. What no input is wired for is never active.
"""

from __future__ import annotations

from array import array

from micropython import const

from gateway.clock import diff
from gateway.config.limits import limit_rows
from gateway.config.rules import REACTIONS
from gateway.protection import rules
from gateway.protection.detector import Detectors
from gateway.protection.latches import Latches
from gateway.protection.thresholds import Thresholds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.config import Config
    from gateway.contracts import Inputs
    from gateway.protection.changes import Changes

SITE = 255  # as the rack of a change
_FIRST = rules.RACK_RULES
_COUNT = rules.RULE_COUNT - _FIRST
_LEVEL_3 = const(3)
_LONGEST_MS = const(1000)  # one step counts no longer than this


class Interlocks:
    """Levels and latches of the site rules. `levels` is indexed by rule - RACK_RULES. `changed`:
    the last step changed one, which concerns every rack.

    `step` allocates nothing and is to be called every few milliseconds.
    """

    def __init__(self, settings: Config, inputs: Inputs, changes: Changes, now: int) -> None:
        self.thresholds = Thresholds(limit_rows(settings.limits, _FIRST, rules.RULE_COUNT))
        self.latches = Latches(_FIRST, _COUNT)
        self.levels = bytearray(_COUNT)
        self._detectors = Detectors(self.thresholds)
        self._values = array("i", [0] * _COUNT)
        self._zeros = array("i", [0] * _COUNT)
        self._none = bytearray(_COUNT)
        self._busy = False  # a detector counts something
        self._inputs = inputs
        self._changes = changes
        self._wired = [(each.number, each.on_level == 1, each.role) for each in settings.inputs]
        self._others = [
            (each.number, each.on_level == 1)
            for each in settings.inputs
            if each.role in _PLAIN and each.role != "estop"
        ]
        self._stepped = now
        self.changed = False

    def step(self, hot: bool, rising: bool, now: int) -> None:
        """Look at the inputs. `hot`: a rack is above 40 degC, or nobody knows; `rising`: a rack
        warms up faster than its level 2 allows.
        """
        elapsed_ms = min(max(diff(now, self._stepped), 0), _LONGEST_MS)
        self._stepped = now
        self.changed = False
        self._read(hot, rising)
        if not self._busy and self._values == self._zeros:
            return
        for rule in range(_COUNT):
            self._step_rule(rule, elapsed_ms)
        self._busy = not self._detectors.are_idle(0, len(self.thresholds.levels))

    def is_supplied(self) -> bool:
        """A loop that has nothing to do with fire is healthy; True where there is none.

        That of the emergency stop tells nothing: somebody pushes it because of the fire.
        """
        for number, on_level in self._others:
            if self._inputs.get(number) != on_level:
                return True
        return not self._others

    def is_quiet(self) -> bool:
        """No level, no latch."""
        return self.levels == self._none and not self.latches.any_held

    def level(self, rule: int) -> int:
        """Level of a site rule with its latch, 0..3."""
        return rules.LEVEL_COUNT if self.latches.held(rule) else self.levels[rule - _FIRST]

    def seen_level(self, rule: int) -> int:
        """Level that the inputs themselves show now, whatever a latch remembers.

        For what cannot be taken back, like an extinguisher: lost latches must not release it.
        """
        index = rule - _FIRST
        value = self._values[index]
        seen = 0
        points = self.thresholds
        for number in range(points.first[index], points.first[index + 1]):
            if value >= points.set_points[number] and self._detectors.is_active(number):
                seen = points.levels[number]
        return seen

    def restored(self) -> None:
        """After the latches were restored: each must clear in full before a reset."""
        for rule in range(_COUNT):
            if self.latches.held(_FIRST + rule):
                self.levels[rule] = rules.LEVEL_COUNT
                self._busy = True
                number = self.thresholds.number(rule, _LEVEL_3)
                if number >= 0:
                    self._detectors.force(number)

    def reset(self, by: int) -> int:
        """Release the latches on a person's request; see `gateway.protection.latches`."""
        return self.latches.reset(self.levels, by, True)

    def _read(self, hot: bool, rising: bool) -> None:
        values = self._values
        for index in range(_COUNT):
            values[index] = 0
        low = 0
        high = False
        smoke = 0
        for number, on_level, role in self._wired:
            if self._inputs.get(number) != on_level:
                continue
            if role == "gas_low":
                low += 1
            elif role == "gas_high":
                high = True
            elif role == "smoke":
                smoke += 1
            elif role in _PLAIN:
                values[_PLAIN[role] - _FIRST] = 1
        spreading = high or (low > 0 and (smoke > 0 or rising))
        values[rules.GAS - _FIRST] = 3 if spreading else min(low, 2)
        values[rules.SMOKE - _FIRST] = 2 if smoke and (low or high) else min(smoke, 2)
        if values[rules.COOLANT - _FIRST] and hot:
            values[rules.COOLANT - _FIRST] = 2

    def _step_rule(self, rule: int, elapsed_ms: int) -> None:
        detectors = self._detectors
        points = self.thresholds
        value = self._values[rule]
        highest = 0
        for number in range(points.first[rule], points.first[rule + 1]):
            level = points.levels[number]
            changed = detectors.step(
                number,
                value,
                points.set_points[number],
                points.clear_points[number],
                elapsed_ms,
                elapsed_ms,
            )
            if changed:
                self.changed = True
                active = 1 if detectors.is_active(number) else 0
                self._changes.put(SITE, _FIRST + rule, level, active, value)
                if level == _LEVEL_3:
                    if active:
                        self.latches.trip(_FIRST + rule)
                    else:
                        self.latches.cleared(_FIRST + rule)
            if detectors.is_active(number):
                highest = level
        self.levels[rule] = highest


_PLAIN = {
    "estop": rules.ESTOP,
    "door": rules.DOOR,
    "leak": rules.LEAK,
    "coolant": rules.COOLANT,
}
if len(rules.RULES[0][REACTIONS]) != rules.LEVEL_COUNT:
    raise ImportError("config.rules and rules disagree")
