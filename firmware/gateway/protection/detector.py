"""Hysteresis, then time: turns fresh samples of one value into "the condition holds".

A sample is bad at or beyond the set point, good at or within the clear point and keeps the last
verdict in the band between. A verdict holds until the next fresh sample: a bad one adds its
milliseconds, a good one takes half of them away; time in which the data were stale does neither.
The condition is active when the sum reaches the delay after at least two bad samples, so any duty
above one third trips in bounded time and chatter cannot hold a trip off. It clears when every
sample was at or within the clear point, without a break, for the clear delay.
"""

from __future__ import annotations

from array import array

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.protection.thresholds import Thresholds

_MIN_SAMPLES = 2
_NOT_CLEAR = -1  # the last sample was not at or within the clear point


class Detectors:
    """A bank of detectors, one per entry of `thresholds`; preallocated, `step` allocates nothing.

    `value`, `set_point` and `clear_point` are turned by side: high is bad.
    """

    def __init__(self, thresholds: Thresholds) -> None:
        count = len(thresholds.sides)
        self._thresholds = thresholds
        self._sums = array("i", [0] * count)  # half milliseconds
        self._samples = array("B", [0] * count)
        self._good_ms = array("i", [_NOT_CLEAR] * count)  # while active
        self._bad = bytearray(count)
        self.active = bytearray(count)

    def step(
        self,
        number: int,
        value: int,
        set_point: int,
        clear_point: int,
        elapsed_ms: int,
        gap: bool,
    ) -> bool:
        """Take one fresh sample; True when `active[number]` changed.

        `elapsed_ms`: for which the previous sample was fresh; 0 at the first one. `gap`: the data
        were stale in between, which does not count towards clearing.
        """
        clear = value <= clear_point
        was_bad = self._bad[number]
        bad = 1 if value >= set_point or (was_bad and not clear) else 0
        self._bad[number] = bad
        if self.active[number]:
            return self._try_clear(number, clear, 0 if gap else elapsed_ms)
        self._accumulate(number, elapsed_ms if was_bad else -elapsed_ms)
        return self._try_set(number, bad)

    def are_idle(self, first: int, count: int) -> bool:
        """None of these counts anything: good samples would change nothing."""
        for number in range(first, first + count):
            if self.active[number] or self._bad[number]:
                return False
            if self._sums[number] or self._samples[number]:
                return False
        return True

    def is_running(self, number: int) -> bool:
        """Bad time is being counted, and the delay is not over yet."""
        return not self.active[number] and (self._sums[number] > 0 or self._bad[number] != 0)

    def remaining_ms(self, number: int) -> int:
        """Bad time still missing until it becomes active."""
        return max(0, self._thresholds.delays[number] - self._sums[number] + 1) // 2

    def counted_ms(self, number: int) -> int:
        """Bad time that has been counted; while it is active, what made it so."""
        return self._sums[number] // 2

    def force(self, number: int) -> None:
        """Make it active now, as after a restart: the clear delay must pass from here on."""
        self._bad[number] = 1
        self._good_ms[number] = _NOT_CLEAR
        self.active[number] = 1

    def release(self, first: int, count: int) -> None:
        """Forget everything about these, as at the start."""
        for number in range(first, first + count):
            self._sums[number] = 0
            self._samples[number] = 0
            self._good_ms[number] = _NOT_CLEAR
            self._bad[number] = 0
            self.active[number] = 0

    def _accumulate(self, number: int, signed_ms: int) -> None:
        """Bad time counts whole, good time half; both kept in half milliseconds."""
        total = self._sums[number] + (2 * signed_ms if signed_ms > 0 else signed_ms)
        if total <= 0:
            total = 0
            if signed_ms < 0:
                self._samples[number] = 0
        self._sums[number] = total

    def _try_set(self, number: int, bad: int) -> bool:
        if not bad:
            return False
        delay = self._thresholds.delays[number]
        if self._samples[number] < _MIN_SAMPLES:
            self._samples[number] += 1
        if self._sums[number] < delay or (delay and self._samples[number] < _MIN_SAMPLES):
            return False
        self.active[number] = 1
        self._good_ms[number] = _NOT_CLEAR
        return True

    def _try_clear(self, number: int, clear: bool, elapsed_ms: int) -> bool:
        if not clear:
            self._good_ms[number] = _NOT_CLEAR
            return False
        good_ms = self._good_ms[number]
        good_ms = 0 if good_ms == _NOT_CLEAR else good_ms + elapsed_ms
        self._good_ms[number] = good_ms
        if good_ms < self._thresholds.clear_ms[number]:
            return False
        self.active[number] = 0
        self._sums[number] = 0
        self._samples[number] = 0
        return True
