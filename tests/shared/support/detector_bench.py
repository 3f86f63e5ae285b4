"""One detector fed by hand, with the thresholds it would have in a rack."""

from gateway.config.limits import Limit
from gateway.protection.detector import Detectors
from gateway.protection.thresholds import Thresholds


class DetectorBench:
    """Values as its rule has them; `side` is 1 for "too high", -1 for "too low"."""

    def __init__(self, set_point, clear_point, delay_ms=0, clear_ms=0, side=1):
        self._side = side
        limit = Limit(set_point, clear_point, delay_ms, clear_ms)
        self._thresholds = Thresholds([(limit, side)])
        self._detectors = Detectors(self._thresholds)

    @property
    def active(self):
        return self._detectors.is_active(0)

    @property
    def running(self):
        return self._detectors.is_running(0)

    def step(self, value, elapsed_ms, gap=False):
        """True when `active` changed."""
        thresholds = self._thresholds
        return self._detectors.step(
            0,
            value * self._side,
            thresholds.set_points[0],
            thresholds.clear_points[0],
            elapsed_ms,
            0 if gap else elapsed_ms,
        )

    def feed(self, values, elapsed_ms=100):
        """Step through `values`; whether it is active then."""
        for value in values:
            self.step(value, elapsed_ms)
        return self.active
