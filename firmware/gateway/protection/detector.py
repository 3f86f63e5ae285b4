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

from micropython import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.protection.thresholds import Thresholds

# The state of a detector.
_SAMPLES = const(3)  # bad ones since the sum was 0; more than enough are not counted
_MIN_SAMPLES = const(2)
_BAD = const(4)  # the last sample was
_CLEARING = const(8)  # it was at or within the clear point
_ACTIVE = const(16)


class Detectors:
    """A bank of detectors, one per level of `thresholds`; preallocated, `step` allocates nothing.

    `value`, `set_point` and `clear_point` are turned by side: high is bad.
    """

    def __init__(self, thresholds: Thresholds) -> None:
        count = len(thresholds.levels)
        self._thresholds = thresholds
        # Half milliseconds of bad time; while active and clearing, milliseconds of good time.
        self._times = array("i", [0] * count)
        self._states = bytearray(count)

    def step(
        self,
        number: int,
        value: int,
        set_point: int,
        clear_point: int,
        elapsed_ms: int,
        good_ms: int,
    ) -> bool:
        """Take one fresh sample; True when `is_active(number)` changed.

        `elapsed_ms`: for which the previous sample was fresh; 0 at the first one. `good_ms`: so
        much of it may count towards clearing, nothing when the data were stale in between.
        """
        state = self._states[number]
        clear = value <= clear_point
        bad = value >= set_point or (state & _BAD and not clear)
        after = state | _BAD if bad else state & ~_BAD
        if state & _ACTIVE:
            return self._try_clear(number, after, clear, good_ms)
        # Bad time counts whole, good time half.
        time = self._times[number]
        if state & _BAD:
            time += 2 * elapsed_ms
        else:
            time -= elapsed_ms
            if time <= 0:
                time = 0
                if elapsed_ms > 0:
                    after &= ~_SAMPLES
        self._times[number] = time
        if bad:
            if after & _SAMPLES < _MIN_SAMPLES:
                after += 1
            delay = self._thresholds.delays[number]
            if time >= delay and (not delay or after & _SAMPLES >= _MIN_SAMPLES):
                after |= _ACTIVE
        self._states[number] = after
        return after & _ACTIVE != 0

    def is_active(self, number: int) -> bool:
        """The condition holds."""
        return self._states[number] & _ACTIVE != 0

    def are_idle(self, first: int, end: int) -> bool:
        """None of first .. end - 1 counts anything: good samples would change nothing."""
        for number in range(first, end):
            if self._states[number] or self._times[number]:
                return False
        return True

    def is_running(self, number: int) -> bool:
        """Bad time is being counted, and the delay is not over yet."""
        state = self._states[number]
        return not state & _ACTIVE and (self._times[number] > 0 or state & _BAD != 0)

    def remaining_ms(self, number: int) -> int:
        """Bad time still missing until one that is running becomes active."""
        return max(0, self._thresholds.delays[number] - self._times[number] + 1) // 2

    def counted_ms(self, number: int) -> int:
        """Bad time that has been counted; what made it active, until it begins to clear."""
        return self._times[number] // 2

    def force(self, number: int) -> None:
        """Make it active now, as after a restart: the clear delay must pass from here on."""
        self.release(number, number + 1)
        self._states[number] = _ACTIVE | _BAD

    def release(self, first: int, end: int) -> None:
        """Forget everything about first .. end - 1, as at the start."""
        for number in range(first, end):
            self._times[number] = 0
            self._states[number] = 0

    def _try_clear(self, number: int, after: int, clear: bool, more_ms: int) -> bool:
        if not clear:
            self._states[number] = after & ~_CLEARING
            return False
        good_ms = self._times[number] + more_ms if after & _CLEARING else 0
        done = good_ms >= self._thresholds.clear_ms[number]
        self._times[number] = 0 if done else good_ms
        self._states[number] = after & _BAD if done else after | _CLEARING
        return done
