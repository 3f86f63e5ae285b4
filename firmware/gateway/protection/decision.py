"""From levels and latches to what a rack may do: stay closed, and at which currents.

The current of a direction is the least that any active level, any derating curve, an order from
outside and the ramp leave. It falls at once and rises by the ramp. What the rack BMS allows comes
on top in `charge_limit_da` and `discharge_limit_da`, which are for whoever draws the current. The
others, `charge_da` and `discharge_da`, are the gateway's alone and the only ones it writes, so
that a BMS never gets its own limit back.
"""

from __future__ import annotations

from micropython import const

from gateway.config.curves import CURVES
from gateway.config.rules import (
    AT_ONCE,
    AUTOMATIC,
    BOTH,
    CHARGE,
    DERATE,
    DIRECTION,
    DISCHARGE,
    LATCH,
    OPEN,
    REACTIONS,
    RULES,
    STOP,
    WARN,
)
from gateway.protection import rules
from gateway.protection.ramp import Ramp
from gateway.rack import data as slots
from gateway.rack.data import ABSENT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.protection.interlocks import Interlocks
    from gateway.protection.latches import Latches
    from gateway.protection.shared_settings import SharedSettings
    from gateway.rack.data import RackData

_FULL_PM = const(1000)
_NO_LEVELS = bytes(rules.RACK_RULES)
# Quantity and direction of each curve, in the order of CURVES.
_CURVE_SLOTS = (
    (slots.CELL_MAX_MV, CHARGE),
    (slots.TEMP_MIN_DC, CHARGE),
    (slots.TEMP_MAX_DC, CHARGE),
    (slots.CELL_MIN_MV, DISCHARGE),
    (slots.TEMP_MIN_DC, DISCHARGE),
    (slots.TEMP_MAX_DC, DISCHARGE),
)
_OTHER_LIMITERS = {
    rules.NO_RULE: "",
    rules.BY_BMS: "bms",
    rules.BY_RAMP: "ramp",
    rules.BY_START: "start",
    rules.BY_ORDER: "order",
}


class Decision:
    """`permit`: the contactor may stay closed. `at_once`: open without waiting for the current.
    `tripped`: a latch holds. `data_lost`: nothing but lost data opens it. `level` and `rule`: the
    worst. `charge_by`, `discharge_by`: what limits, a rule or one of `rules.BY_...`.
    `charge_cap_da`, `discharge_cap_da`: what was ordered at most, 0.1 A; the rating at first.
    `stands`: since the last `make` nothing was ordered.

    `make` allocates nothing.
    """

    def __init__(
        self,
        data: RackData,
        settings: SharedSettings,
        levels: bytearray,
        latches: Latches,
        interlocks: Interlocks,
    ) -> None:
        self._data = data
        self._settings = settings
        self._levels = levels
        self._latches = latches
        self._interlocks = interlocks
        self._charge_ramp = _ramp(settings.charge_da, settings, data.acquired)
        self._discharge_ramp = _ramp(settings.discharge_da, settings, data.acquired)
        self._bms_charge_da = settings.charge_da  # its limits, as last known
        self._bms_discharge_da = settings.discharge_da
        self.charge_cap_da = settings.charge_da  # ordered from outside
        self.discharge_cap_da = settings.discharge_da
        self._charge_pm = 0
        self._discharge_pm = 0
        self.stands = False
        self.permit = False
        self.at_once = False
        self.tripped = False
        self.data_lost = False
        self.level = 0
        self.rule = rules.NO_RULE
        self.stopped = 0  # CHARGE, DISCHARGE or BOTH: by a level 2
        self.charge_da = 0
        self.discharge_da = 0
        self.charge_by = rules.BY_START
        self.discharge_by = rules.BY_START
        self.charge_limit_da = 0
        self.discharge_limit_da = 0
        # The same without the ramp: going beyond it means more than coming back too fast.
        self.charge_bound_da = 0
        self.discharge_bound_da = 0

    def make(self, has_data: bool, now: int) -> None:
        """Decide; `has_data`: there was at least one good summary."""
        self._begin()
        starting = self._data.is_starting(now)
        opens = False
        held = self._latches.any_held
        if held or self._levels != _NO_LEVELS:
            for rule in range(rules.RACK_RULES):
                level = rules.LEVEL_COUNT if self._latches.held(rule) else self._levels[rule]
                if level:
                    opens = self._apply(rule, level) or opens
        if not self._interlocks.is_quiet():
            for rule in range(rules.RACK_RULES, rules.RULE_COUNT):
                level = self._interlocks.level(rule)
                if level:
                    opens = self._apply(rule, level) or opens
        self.tripped = held or self._interlocks.latches.any_held
        self.permit = not opens and (has_data or starting)
        if has_data and not starting:
            self._apply_curves()
            self._note_bms_limits()
        else:
            self._reduce(BOTH, 0, rules.BY_START)
        self._grant(now)
        self.stands = True

    def steady_ms(self) -> int:
        """For how long `make` would decide the same, with the same levels, data and inputs."""
        if not self._interlocks.is_quiet():
            return 0
        return min(self._charge_ramp.wait_ms, self._discharge_ramp.wait_ms)

    def catch_up(self, now: int) -> None:
        """`make` was left out at `now` and before, because it would have decided the same."""
        self._charge_ramp.catch_up(now)
        self._discharge_ramp.catch_up(now)

    def cap(self, charge_da: int, discharge_da: int) -> None:
        """No more than this from the next `make` on; an order can only take, never give."""
        self.stands = False
        self.charge_cap_da = min(max(charge_da, 0), self._settings.charge_da)
        self.discharge_cap_da = min(max(discharge_da, 0), self._settings.discharge_da)

    def drop(self, now: int) -> None:
        """Grant nothing now; the currents come back by the ramp."""
        self.stands = False
        self.charge_da = self._charge_ramp.step(0, now)
        self.discharge_da = self._discharge_ramp.step(0, now)

    def _begin(self) -> None:
        self._charge_pm = _FULL_PM
        self._discharge_pm = _FULL_PM
        self.charge_by = rules.NO_RULE
        self.discharge_by = rules.NO_RULE
        self.at_once = False
        self.data_lost = True
        self.level = 0
        self.rule = rules.NO_RULE
        self.stopped = 0

    def _apply(self, rule: int, level: int) -> bool:
        """What a level does; whether it opens the contactor."""
        row = RULES[rule]
        reaction = row[REACTIONS][level - 1]
        if level > self.level:
            self.level = level
            self.rule = rule
        if reaction == WARN:
            return False
        direction = row[DIRECTION]
        if reaction == STOP:
            self.stopped |= direction
        if reaction >= OPEN:
            direction = BOTH
            self.data_lost = self.data_lost and row[LATCH] == AUTOMATIC
            self.at_once = self.at_once or reaction == AT_ONCE
        self._reduce(direction, self._settings.derate_pm if reaction == DERATE else 0, rule)
        return bool(reaction >= OPEN)

    def _apply_curves(self) -> None:
        summary = self._data.summary
        curves = self._settings.curves
        for index in range(len(curves)):
            slot, direction = _CURVE_SLOTS[index]
            pm = curves[index].pm(summary[slot])
            if pm < _FULL_PM:
                self._reduce(direction, pm, rules.BY_CURVE + index)

    def _reduce(self, direction: int, pm: int, by: int) -> None:
        if direction & CHARGE and pm < self._charge_pm:
            self._charge_pm = pm
            self.charge_by = by
        if direction & DISCHARGE and pm < self._discharge_pm:
            self._discharge_pm = pm
            self.discharge_by = by

    def _note_bms_limits(self) -> None:
        """One that is missing now counts as before; the loss has a rule of its own."""
        summary = self._data.summary
        charge_da = summary[slots.CHARGE_LIMIT_DA]
        if charge_da != ABSENT:
            self._bms_charge_da = charge_da
        discharge_da = summary[slots.DISCHARGE_LIMIT_DA]
        if discharge_da != ABSENT:
            self._bms_discharge_da = discharge_da

    def _grant(self, now: int) -> None:
        charge_da = self._settings.charge_da * self._charge_pm // _FULL_PM
        discharge_da = self._settings.discharge_da * self._discharge_pm // _FULL_PM
        if self.charge_cap_da < charge_da:
            charge_da = self.charge_cap_da
            self.charge_by = rules.BY_ORDER
        if self.discharge_cap_da < discharge_da:
            discharge_da = self.discharge_cap_da
            self.discharge_by = rules.BY_ORDER
        self.charge_bound_da = min(charge_da, self._bms_charge_da)
        self.discharge_bound_da = min(discharge_da, self._bms_discharge_da)
        if self._data.quality(now) != slots.GOOD:  # what nobody sees does not rise
            charge_da = min(charge_da, self.charge_da)
            discharge_da = min(discharge_da, self.discharge_da)
        self.charge_da = self._charge_ramp.step(charge_da, now)
        self.discharge_da = self._discharge_ramp.step(discharge_da, now)
        if self._charge_ramp.limiting:
            self.charge_by = rules.BY_RAMP
        if self._discharge_ramp.limiting:
            self.discharge_by = rules.BY_RAMP
        self.charge_limit_da = self.charge_da
        self.discharge_limit_da = self.discharge_da
        if self._bms_charge_da < self.charge_da:
            self.charge_limit_da = self._bms_charge_da
            self.charge_by = rules.BY_BMS
        if self._bms_discharge_da < self.discharge_da:
            self.discharge_limit_da = self._bms_discharge_da
            self.discharge_by = rules.BY_BMS


def _ramp(rating_da: int, settings: SharedSettings, now: int) -> Ramp:
    return Ramp(rating_da, settings.hold_ms, settings.rise_da_per_s, settings.rise_pm_per_s, now)


def limiter(by: int) -> str:
    """Name of what limits a current: a rule, a curve, "bms", "ramp", "start", "order" or ""."""
    if by in _OTHER_LIMITERS:
        return _OTHER_LIMITERS[by]
    if by >= rules.BY_CURVE:
        return CURVES[by - rules.BY_CURVE][0]
    return rules.name(by)


if len(_CURVE_SLOTS) != len(CURVES):
    raise ImportError("config.curves and decision disagree")
