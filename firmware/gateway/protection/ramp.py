"""A current limit falls at once and comes back slowly."""

from __future__ import annotations

from micropython import const

from gateway.clock import diff

_STEP_MS = const(1000)


class Ramp:
    """What is granted of a target that moves up and down; one per rack and direction.

    Starts at 0. A fall restarts a wait of `hold_ms`; after that the grant rises once a second by
    the smaller of `rise_da_per_s` (0.1 A/s) and `rise_pm_per_s` (0.1 %/s of `rating_da`), by 0.1 A
    at least. `granted_da` is the last answer; it does not rise within `wait_ms` of the last step.
    """

    def __init__(
        self, rating_da: int, hold_ms: int, rise_da_per_s: int, rise_pm_per_s: int, now: int
    ) -> None:
        self.granted_da = 0
        self.limiting = False  # the target is higher: it is the ramp that limits now
        self._hold_ms = hold_ms
        self._rise_da = max(1, min(rise_da_per_s, rating_da * rise_pm_per_s // 1000))
        self.wait_ms = _STEP_MS
        self._last = now

    def step(self, target_da: int, now: int) -> int:
        """The current granted now, 0.1 A, never above `target_da` (>= 0); allocates nothing.

        Call at least every 6 days. Two rises are at least 1000 ms apart, so late calls make the
        ramp slower and never steeper.
        """
        self.wait_ms -= diff(now, self._last)
        self._last = now
        if target_da < self.granted_da:
            self.granted_da = target_da
            self.wait_ms = self._hold_ms + _STEP_MS
        elif target_da == self.granted_da:
            self.wait_ms = max(self.wait_ms, _STEP_MS)
        elif self.wait_ms <= 0:
            self.granted_da = min(target_da, self.granted_da + self._rise_da)
            self.wait_ms = _STEP_MS
        self.limiting = self.granted_da < target_da
        return self.granted_da

    def catch_up(self, now: int) -> None:
        """Steps with the same target were left out, the last one at `now`; none was a rise."""
        self.wait_ms -= diff(now, self._last)
        self._last = now
        if not self.limiting:
            self.wait_ms = max(self.wait_ms, _STEP_MS)
