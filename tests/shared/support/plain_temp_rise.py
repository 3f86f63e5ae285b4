"""The temperature rise as `gateway.protection.temp_rise` has it, sensor by sensor: what this says
must come out of the machine code too. And the count of what was lost, in the same way.
"""

from array import array

from gateway.rack.data import TEMP_ABSENT

_SNAPSHOTS = 3
_SNAPSHOT_MS = 19000  # five scans 4 s apart, with room for jitter
_WINDOW_MS = 44000
_FINE_WINDOW_MS = 38000
_OLDEST_MS = 240000  # a change over a longer time says nothing about now
_NONE = -1
_WHOLE_DEGREES_DC = 6  # counted less, of steps of 1 degC
_HALF_DEGREES_DC = 3
_LARGEST_FALL_DC = 10  # between two snapshots: cells are too heavy to cool faster
_LARGEST_DC = 16000  # times the ms of a minute is a small integer
_FEWEST = 3  # sensors that have a median to speak of


class PlainTempRise:
    """As `TempRise`."""

    def __init__(self, count, hot_dc=450):
        self.rise = 0
        self.hot_rise = 0
        self.sensor = 0
        self._hot_dc = hot_dc
        self._snapshots = [array("h", [TEMP_ABSENT] * count) for _ in range(_SNAPSHOTS)]
        self._ages_ms = array("i", [_NONE] * _SNAPSHOTS)
        self._newest = 0
        self._doubts_dc = bytearray([_WHOLE_DEGREES_DC] * count)
        self._window_ms = _WINDOW_MS

    def step(self, temps_dc, elapsed_ms):
        """Take one whole scan; `rise` of it."""
        self._age(elapsed_ms)
        used = self._choose()
        if used != _NONE:
            age_ms = max(self._ages_ms[used], self._window_ms)
            self._measure(temps_dc, self._snapshots[used], age_ms)
        newest_ms = self._ages_ms[self._newest]
        if newest_ms == _NONE or newest_ms >= _SNAPSHOT_MS:
            self._keep(temps_dc)
        return self.rise

    def _age(self, elapsed_ms):
        ages_ms = self._ages_ms
        for slot in range(_SNAPSHOTS):
            if ages_ms[slot] != _NONE:
                age_ms = ages_ms[slot] + elapsed_ms
                ages_ms[slot] = age_ms if age_ms <= _OLDEST_MS else _NONE

    def _choose(self):
        """The youngest snapshot that is old enough, else the oldest there is."""
        slot = self._newest
        used = _NONE
        for _ in range(_SNAPSHOTS):
            age_ms = self._ages_ms[slot]
            if age_ms == _NONE:
                break
            used = slot
            if age_ms >= self._window_ms:
                break
            slot = slot - 1 if slot else _SNAPSHOTS - 1
        return used

    def _measure(self, temps_dc, past_dc, age_ms):
        lowest_dc = 0x10000
        highest_dc = -0x10000
        present = 0
        for index in range(len(past_dc)):
            now_dc = temps_dc[index]
            if now_dc == TEMP_ABSENT:
                continue
            if past_dc[index] == TEMP_ABSENT:
                self._begin(index, now_dc)
            change_dc = now_dc - past_dc[index]
            if change_dc % 10:
                self._learn(index, change_dc)
            lowest_dc = min(lowest_dc, change_dc)
            highest_dc = max(highest_dc, change_dc)
            present += 1
        if not present:
            return
        common_dc = 0
        if present >= _FEWEST:
            half = (present + 1) // 2
            common_dc = _median_change(temps_dc, past_dc, half, lowest_dc, highest_dc)
        self._take_largest(temps_dc, past_dc, common_dc, age_ms)

    def _take_largest(self, temps_dc, past_dc, common_dc, age_ms):
        largest_dc = 0
        hot_dc = 0
        for index in range(len(past_dc)):
            now_dc = temps_dc[index]
            if now_dc == TEMP_ABSENT:
                continue
            rise_dc = now_dc - past_dc[index] - common_dc - self._doubts_dc[index]
            if rise_dc > largest_dc:
                largest_dc = rise_dc
                self.sensor = index
            if rise_dc > hot_dc and now_dc >= self._hot_dc:
                hot_dc = rise_dc
        self.rise = min(largest_dc, _LARGEST_DC) * 60000 // age_ms
        self.hot_rise = min(hot_dc, _LARGEST_DC) * 60000 // age_ms

    def _begin(self, index, temp_dc):
        """A sensor that was absent: its rise counts from now on."""
        for past_dc in self._snapshots:
            if past_dc[index] == TEMP_ABSENT:
                past_dc[index] = temp_dc

    def _learn(self, index, change_dc):
        """A change of no whole degree shows how fine the steps of a sensor are."""
        if change_dc % 5:
            self._doubts_dc[index] = 0
            self._window_ms = _FINE_WINDOW_MS
        elif self._doubts_dc[index]:
            self._doubts_dc[index] = _HALF_DEGREES_DC

    def _keep(self, temps_dc):
        """The oldest snapshot makes room for the newest."""
        older_dc = self._snapshots[self._newest - 1 if self._newest else _SNAPSHOTS - 1]
        newer_dc = self._snapshots[self._newest]
        known = self._ages_ms[self._newest] != _NONE
        self._newest = (self._newest + 1) % _SNAPSHOTS
        kept_dc = self._snapshots[self._newest]
        for index in range(len(kept_dc)):
            now_dc = temps_dc[index]
            # where one was absent, or after a long silence, this is no bound
            bound_dc = min(newer_dc[index], older_dc[index]) - _LARGEST_FALL_DC
            bounded = known and now_dc != TEMP_ABSENT
            kept_dc[index] = max(now_dc, bound_dc) if bounded else now_dc
        self._ages_ms[self._newest] = 0


def _median_change(temps_dc, past_dc, half, low_dc, high_dc):
    while low_dc < high_dc:
        middle_dc = (low_dc + high_dc) // 2
        within = 0
        for index in range(len(past_dc)):
            now_dc = temps_dc[index]
            if now_dc != TEMP_ABSENT and now_dc - past_dc[index] <= middle_dc:
                within += 1
        if within >= half:
            high_dc = middle_dc
        else:
            low_dc = middle_dc + 1
    return low_dc


def plain_lost(values, seen, lowest, highest, all_here):
    """How many values are no readings and were, or `all_here`; `seen` has a byte for each."""
    lost = 0
    for index in range(len(values)):
        if lowest <= values[index] <= highest:
            seen[index] = 1
        elif all_here or seen[index]:
            lost += 1
    return lost
