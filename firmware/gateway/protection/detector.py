"""Hysteresis, then time: turns fresh samples of one value into "the condition holds".

A sample is bad at or beyond the set point, good at or within the clear point and keeps the last
verdict in the band between. A verdict holds until the next fresh sample: a bad one adds its
milliseconds, a good one takes half of them away; time in which the data were stale does neither.
The condition is
active when the sum reaches the delay after at least two bad samples, so any duty above one third
trips in bounded time and chatter cannot hold a trip off. It clears when every sample was at or
within the clear point, without a break, for the clear delay.
"""

from __future__ import annotations

from array import array

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.config import Limit

_MIN_SAMPLES = 2
# A sample's time is known to a few ms only: it is asked for when the loop comes round, and
# rounded. Without this, samples meant to be 500 ms apart need a third interval to span 1000 ms.
_RESOLUTION_MS = 5


class Detectors:
    """A bank of detectors with common sample times, preallocated; `step` allocates nothing.

    `limits` are in the order of their numbers; `side` is 1 for "too high", -1 for "too low". Both
    are turned into "too high" by sign.
    """

    def __init__(self, limits: list[tuple[Limit, int]]) -> None:
        count = len(limits)
        self.set_points = array("i", [limit.set_point * side for limit, side in limits])
        self._clear_points = array("i", [limit.clear_point * side for limit, side in limits])
        self._delays = array("i", [2 * _shortened(limit.delay_ms) for limit, _ in limits])
        self._clear_ms = array("i", [limit.clear_ms for limit, _ in limits])
        self._sides = array("b", [side for _, side in limits])
        self._sums = array("i", [0] * count)  # half milliseconds
        self._samples = array("B", [0] * count)
        self._good_ms = array("i", [0] * count)
        self._bad = bytearray(count)
        self.active = bytearray(count)

    def step(self, number: int, value: int, elapsed_ms: int, gap: bool = False) -> bool:
        """Take one fresh sample; True when `active[number]` changed.

        `elapsed_ms`: for which the previous sample was fresh; 0 at the first one. `gap`: the data
        were stale in between, which does not count towards clearing.
        """
        value *= self._sides[number]
        clear = value <= self._clear_points[number]
        was_bad = self._bad[number]
        bad = 1 if value >= self.set_points[number] or (was_bad and not clear) else 0
        self._bad[number] = bad
        if self.active[number]:
            return self._try_clear(number, clear, 0 if was_bad or gap else elapsed_ms)
        self._accumulate(number, elapsed_ms if was_bad else -elapsed_ms)
        return self._try_set(number, bad)

    def is_running(self, number: int) -> bool:
        """Bad time is being counted, and the delay is not over yet; allocates nothing."""
        return not self.active[number] and (self._sums[number] > 0 or self._bad[number] != 0)

    def force(self, number: int) -> None:
        """Make it active now, as after a restart: the clear delay must pass from here on."""
        self._bad[number] = 1
        self._good_ms[number] = 0
        self.active[number] = 1

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
        delay = self._delays[number]
        if self._samples[number] < _MIN_SAMPLES:
            self._samples[number] += 1
        if self._sums[number] < delay or (delay and self._samples[number] < _MIN_SAMPLES):
            return False
        self.active[number] = 1
        self._good_ms[number] = 0
        return True

    def _try_clear(self, number: int, clear: bool, elapsed_ms: int) -> bool:
        good_ms = self._good_ms[number] + elapsed_ms if clear else 0
        self._good_ms[number] = good_ms
        if not clear or good_ms < self._clear_ms[number]:
            return False
        self.active[number] = 0
        self._sums[number] = 0
        self._samples[number] = 0
        return True


def _shortened(delay_ms: int) -> int:
    """The delay less the resolution of time; only 0 stays "at once"."""
    return max(1, delay_ms - _RESOLUTION_MS) if delay_ms else 0
