"""One bucket of a peak budget, fed with samples."""

from gateway.protection.peak_budget import PeakBudget


class PeakBench:
    """A budget and how full its bucket is; empty at first."""

    def __init__(self, continuous_da, capacity_dah):
        self._budget = PeakBudget(continuous_da, capacity_dah)
        self._fill = 0

    def step(self, current_da, soc_ok, elapsed_ms):
        """Take one fresh sample; what is used up, 0.1 %."""
        self._fill = self._budget.flow(self._fill, current_da, elapsed_ms)
        return self._budget.used_pm(self._fill, current_da, soc_ok)
