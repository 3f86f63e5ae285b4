"""What the protection of every rack of a site has in common, calculated once from the settings."""

from __future__ import annotations

from micropython import const

from gateway.config.curves import CURVES
from gateway.config.limits import limit_rows
from gateway.protection import rules
from gateway.protection.cold_limit import ColdLimit
from gateway.protection.copies import Copies
from gateway.protection.curves import Curve
from gateway.protection.peak_budget import PeakBudget
from gateway.protection.thresholds import Thresholds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.config import Config

_TOLERANCE = const(20)  # one part of the rating, for measuring and for uneven sharing
_NUMBERS = (
    "longest_silence", "cells", "capacity_dah", "charge_da", "discharge_da", "rest_da",
    "tolerance_da", "lost_highest", "unknown_highest", "resting_highest", "derate_pm", "hold_ms",
    "rise_da_per_s", "rise_pm_per_s",
)  # fmt: skip


class SharedSettings:
    """Nothing here changes, so the racks share one. Currents in 0.1 A, capacity in 0.1 Ah.

    `longest_silence`: in half milliseconds. Everything stands twice, the second time inverted:
    a bit that flips would falsify it for every rack and for good.
    """

    def __init__(self, settings: Config) -> None:
        integer = settings.integer
        limits = settings.limits
        self.thresholds = Thresholds(limit_rows(limits, 0, rules.RACK_RULES))
        self._cold = Thresholds([(limit, -1) for limit in limits["cell_undervoltage_cold"]])
        self.cold_limit = ColdLimit(self.thresholds, self._cold)
        self.longest_silence = 2 * _set_point(settings, "comm_loss", 3)
        self.cells = integer("cells_per_rack")
        self.capacity_dah = integer("capacity_dah")
        self.charge_da = integer("charge_current_da")  # the ratings
        self.discharge_da = integer("discharge_current_da")
        highest_da = max(self.charge_da, self.discharge_da)
        # Up to which it is at rest; never 0, by which nothing could be divided.
        self.rest_da = max(1, highest_da * integer("rest_current_pm") // 1000)
        self.tolerance_da = highest_da // _TOLERANCE
        self.charge_budget = PeakBudget(self.charge_da, self.capacity_dah)
        self.discharge_budget = PeakBudget(self.discharge_da, self.capacity_dah)
        # What is lost beside a good summary stops the currents, but opens nothing. Insulation is
        # measured by one rack of several in parallel, so without it there is a warning only.
        self.lost_highest = _set_point(settings, "implausible", 3) - 1
        self.unknown_highest = _set_point(settings, "implausible", 2) - 1
        # A rack at rest whose heartbeat counts may show the same values for a whole night.
        self.resting_highest = _set_point(settings, "values_frozen", 3) - 1
        self.curves = [Curve(settings.curves[row[0]]) for row in CURVES]
        self.derate_pm = integer("derate_l1_pm")
        self.hold_ms = integer("derating.hold_ms")
        self.rise_da_per_s = integer("derating.rise_da_per_s")
        self.rise_pm_per_s = integer("derating.rise_pm_per_s")
        self._copies = Copies(self, _NUMBERS)
        self._checked = 0

    def check_some(self) -> bool:
        """Compare some numbers with their copies; False when one differs.

        Called each cycle it comes round to all of them; allocates nothing.
        """
        place = self._checked
        self._checked = (place + 1) % len(_NUMBERS)
        return (
            self._copies.agrees(place)
            and self.charge_budget.agrees(place)
            and self.discharge_budget.agrees(place)
            and self.curves[place % len(self.curves)].is_sound()
            and self.thresholds.check_some()
            and self._cold.check_some()
        )


def _set_point(settings: Config, rule: str, level: int) -> int:
    """Of a level that exists."""
    return settings.limits[rule][level - 1].set_point  # type: ignore[union-attr]
