"""How fast the fastest sensor of a rack warms up against the others.

Each sensor's change over the last 40 to 60 s, less the median change of the rack: what warms all
of them alike, load or coolant, cancels. Snapshots and no filter, because for a given answer to
one step of a coarse sensor nothing shows a lasting rise earlier than a plain difference does.

A BMS that reports whole degrees (or halves) makes a sensor jump by a step when it has warmed by
next to nothing. A sensor that has only ever changed by such steps therefore counts 0.6 of a step
less: one step then reads 0.6 degC/min at most, and a lasting rise 0.6 to 0.8 degC/min too little.

Worst of 1500 simulated onsets each, 40 sensors, noise 0.03 degC, from the onset of the rise:

    steps of    a scan every   6 degC/min reads > 5   12 degC/min reads > 10    noise reads
    0.1 degC    4 s            52 s                   52 s                      <= 0.4 degC/min
    0.1 degC    40 s           76 s                   75 s                      <= 0.3
    1 degC      4 s            106 s                  61 s                      <= 0.5
    1 degC      40 s           187 s                  115 s                     <= 0.5

A rise of more than half of the sensors at once is common to them: the limits of the temperature
itself are there for that.
"""

from __future__ import annotations

from array import array

from micropython import const

from gateway.protection import scan_viper

_SNAPSHOTS = const(3)
_SNAPSHOT_MS = const(19000)  # five scans 4 s apart, with room for jitter
# The age from which a snapshot is used. Racks that report whole degrees need the longer one: one
# step may read 0.5 degC/min, where the lowest alarm clears, and 6 degC/min must read above 5. The
# shorter one lets two scans 40 s apart do.
_WINDOW_MS = const(44000)
_FINE_WINDOW_MS = const(38000)
_OLDEST_MS = const(240000)  # a change over a longer time says nothing about now
_NONE = const(-1)
_LARGEST_FALL_DC = const(10)  # between two snapshots: cells are too heavy to cool faster
_ANY_FALL_DC = const(0x10000)  # when nobody has looked for long
_LARGEST_DC = const(16000)  # times the ms of a minute is a small integer
_FEWEST = const(3)  # sensors that have a median to speak of
_ZERO = const(0x8000)  # 0 degC in a snapshot


class TempRise:
    """Rise of the sensors of one rack; 6 1/4 bytes per sensor.

    `rise` is the largest one in 0.1 degC/min (>= 0), `sensor` its number, `hot_rise` the largest
    among the sensors that are at `hot_dc` or above. With fewer than three sensors present there is
    nothing to compare with: their rise then counts in full. `known`: the last scan had one before
    it to compare with, the first one of all and the first after more than 240 s have none.

    Until there is a snapshot old enough a change counts as if it had taken the whole window: too
    little rather than too much.
    """

    def __init__(self, count: int, hot_dc: int = 450) -> None:
        self.rise = 0
        self.hot_rise = 0
        self.sensor = 0
        self.known = False
        self._hot = hot_dc + _ZERO
        self._snapshots = array("H", [0] * (_SNAPSHOTS * count))  # 0.1 degC + _ZERO; 0 = absent
        self._ages_ms = array("i", [_NONE] * _SNAPSHOTS)
        self._newest = 0
        self._steps = bytearray((count + 3) // 4)  # how fine those of each sensor are
        self._window_ms = _WINDOW_MS

    def step(self, temps_dc: array[int], elapsed_ms: int) -> int:
        """Take one whole scan; `rise` of it, 0.1 degC/min. Allocates nothing.

        `temps_dc` as in `RackData`, of as many sensors; `elapsed_ms` since the scan before. An
        absent sensor has no part in it; when it comes back its rise counts from there. Without any
        sensor, and while nothing is `known`, the last results stay.
        """
        if _SNAPSHOTS * len(temps_dc) != len(self._snapshots):
            raise ValueError("a scan of another number of sensors")
        self._age(elapsed_ms)
        used = self._choose()
        self.known = used != _NONE
        if self.known:
            self._measure(temps_dc, used)
        newest_ms = self._ages_ms[self._newest]
        if newest_ms == _NONE or newest_ms >= _SNAPSHOT_MS:
            self._keep(temps_dc)
        return self.rise

    def _age(self, elapsed_ms: int) -> None:
        ages_ms = self._ages_ms
        for slot in range(_SNAPSHOTS):
            if ages_ms[slot] != _NONE:
                age_ms = ages_ms[slot] + elapsed_ms
                ages_ms[slot] = age_ms if age_ms <= _OLDEST_MS else _NONE

    def _choose(self) -> int:
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

    def _measure(self, temps_dc: array[int], used: int) -> None:
        age_ms = max(self._ages_ms[used], self._window_ms)
        count = len(temps_dc)
        at = used * count
        past = self._snapshots
        steps = self._steps
        scan_viper.begin(count, at, past, temps_dc, count, (_SNAPSHOTS - 1) * count)
        present = scan_viper.measure(count, at, past, temps_dc, steps, _found)
        if not present:
            return
        if _found[2]:
            self._window_ms = _FINE_WINDOW_MS
        common_dc = 0
        if present >= _FEWEST:
            half = (present + 1) // 2
            common_dc = scan_viper.median_change(
                count, at, past, temps_dc, half, _found[0], _found[1]
            )
        largest_dc = scan_viper.find_largest(
            count, at, past, temps_dc, common_dc, steps, self._hot, _found
        )
        if largest_dc:
            self.sensor = _found[1]
        self.rise = min(largest_dc, _LARGEST_DC) * 60000 // age_ms
        self.hot_rise = min(_found[0], _LARGEST_DC) * 60000 // age_ms

    def _keep(self, temps_dc: array[int]) -> None:
        """The oldest snapshot makes room for the newest.

        One reading that is far too low would look like a rise until the snapshot is out of use,
        so a snapshot falls by 1 degC at most; from the lower of the last two, so that one reading
        far too high does not hold it up. What was before a long silence holds nothing up.
        """
        count = len(temps_dc)
        newer = self._newest
        known = self._ages_ms[newer] != _NONE
        older = newer - 1 if newer else _SNAPSHOTS - 1
        self._newest = (newer + 1) % _SNAPSHOTS
        scan_viper.keep(
            count,
            self._newest * count,
            self._snapshots,
            temps_dc,
            newer * count,
            older * count,
            _LARGEST_FALL_DC if known else _ANY_FALL_DC,
        )
        self._ages_ms[self._newest] = 0


_found = array("i", [0] * 3)  # what the loops tell beside their result; used within one step only
