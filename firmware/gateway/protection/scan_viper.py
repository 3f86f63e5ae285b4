"""The loops over a whole scan of cells or sensors, as machine code on a device.

Plain Python on CPython, with the same results. Nothing here looks at bounds: `temp_rise` and
`quantities` do. Numbers stay below 2^30. What is loaded through a pointer is never negative,
because a 64-bit host does not extend the sign: temperatures are looked at with 0x8000 added, so
that one which is absent (TEMP_ABSENT) is 0.

`past` holds the snapshots of `temp_rise` one after another, in this form. `steps` has two bits per
sensor: 0 = its temperature has only ever changed by whole degrees, 1 = by halves, more = by less.

Only the first two parameters live in registers, every other name in memory: they are what a loop
needs most.
"""

from __future__ import annotations

import micropython

TYPE_CHECKING = False
if TYPE_CHECKING:
    from micropython import ptr8, ptr16, ptr32


@micropython.viper
def count_lost(
    index: int,
    first: int,
    seen: ptr8,
    values: ptr16,
    flip: int,
    lowest: int,
    span: int,
    all_here: int,
) -> int:
    """How many of the values 0 .. index - 1 are not in lowest .. lowest + span and were before, or
    `all_here`; notes those that are in `seen`, a bit each from number `first` on. `flip` 0x8000
    for signed values.
    """
    lost = 0
    while index:
        index -= 1
        above = ((int(values[index]) & 0xFFFF) ^ flip) - lowest
        at = (first + index) >> 3
        bit = 1 << ((first + index) & 7)
        if above >= 0 and above <= span:
            seen[at] = int(seen[at]) | bit
        elif all_here or int(seen[at]) & bit:
            lost += 1
    return lost


@micropython.viper
def begin(index: int, at: int, past: ptr16, temps: ptr16, count: int, last: int) -> int:
    """Of sensors that are there and were absent in the snapshot at past[at:] the temperatures go
    to every snapshot where they were. `index`, `count`: of sensors; `last`: where the last begins.
    """
    while index:
        index -= 1
        now = (int(temps[index]) & 0xFFFF) ^ 0x8000
        if now == 0 or int(past[at + index]):
            continue
        slot = last + index
        while slot >= 0:
            if int(past[slot]) == 0:
                past[slot] = now
            slot -= count
    return at


@micropython.viper
def measure(index: int, at: int, past: ptr16, temps: ptr16, steps: ptr8, found: ptr32) -> int:
    """Changes since the snapshot at past[at:]: how many sensors have one, after `begin`.

    found[0], found[1]: the lowest and the highest change; found[2]: 1 when a sensor has just shown
    by its change that its steps are finer than half a degree.
    """
    lowest = 0x10000
    highest = -0x10000
    fine = 0
    present = 0
    while index:
        index -= 1
        now = (int(temps[index]) & 0xFFFF) ^ 0x8000
        if now == 0:
            continue
        present += 1
        change = now - int(past[at + index])
        if change < lowest:
            lowest = change
        if change > highest:
            highest = change
        shift = (index & 3) << 1
        if (int(steps[index >> 2]) >> shift) & 2 or change == 0:
            continue
        if change % 5:
            steps[index >> 2] = int(steps[index >> 2]) | (2 << shift)
            fine = 1
        elif change % 10:
            steps[index >> 2] = int(steps[index >> 2]) | (1 << shift)
    found[0] = lowest
    found[1] = highest
    found[2] = fine
    return present


@micropython.viper
def median_change(
    count: int, at: int, past: ptr16, temps: ptr16, half: int, low: int, high: int
) -> int:
    """The lowest change that at least `half` of the sensors do not exceed, in low .. high.

    Bisection: the changes of a minute are so alike that it takes a few passes, and neither a copy
    nor a sorted one is needed.
    """
    while low < high:
        middle = (low + high) >> 1
        within = 0
        index = count
        while index:
            index -= 1
            now = (int(temps[index]) & 0xFFFF) ^ 0x8000
            if now and now - int(past[at + index]) <= middle:
                within += 1
        if within >= half:
            high = middle
        else:
            low = middle + 1
    return low


@micropython.viper
def find_largest(
    index: int,
    at: int,
    past: ptr16,
    temps: ptr16,
    common: int,
    steps: ptr8,
    hot: int,
    found: ptr32,
) -> int:
    """The largest change above `common`, less 0.6 of a step of its sensor; 0 when none is above 0.

    found[0]: the same among sensors at `hot` (0x8000 added) or above; found[1]: the number of the
    first sensor with the largest, -1 = none.
    """
    largest = 0
    largest_hot = 0
    sensor = -1
    while index:
        index -= 1
        now = (int(temps[index]) & 0xFFFF) ^ 0x8000
        if now == 0:
            continue
        rise = now - int(past[at + index]) - common
        if rise <= 0:
            continue
        known = (int(steps[index >> 2]) >> ((index & 3) << 1)) & 3
        if known < 2:
            rise -= 6 - 3 * known
            if rise <= 0:
                continue
        if rise >= largest:  # counting down, the last one found is the first one
            largest = rise
            sensor = index
        if now >= hot and rise > largest_hot:
            largest_hot = rise
    found[0] = largest_hot
    found[1] = sensor
    return largest


@micropython.viper
def keep(index: int, at: int, past: ptr16, temps: ptr16, newer: int, older: int, fall: int) -> int:
    """A new snapshot at past[at:]: the temperatures, none lower than by `fall` below the lower one
    of the snapshots at `newer` and `older`.
    """
    while index:
        index -= 1
        now = (int(temps[index]) & 0xFFFF) ^ 0x8000
        if now:
            bound = int(past[newer + index])
            other = int(past[older + index])
            if other < bound:  # where one was absent this is no bound
                bound = other
            bound -= fall
            if bound > now:
                now = bound
        past[at + index] = now
    return at
