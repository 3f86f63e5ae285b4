"""The temperature rise against its definition, calculated from the whole history in floats.

Definition: a sensor's rise is its change over a time of about a minute, less the median of all
sensors' changes over the same time, per minute. A sensor of coarse steps may count up to 0.6 of a
step less, and a time between 38 and 44 s may count as 44 s. Which past scan within the allowed
ages is compared with is left open here.
"""

from __future__ import annotations

from array import array
from random import Random
from statistics import median_low

from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st
from plain_temp_rise import PlainTempRise
from small_int import SmallArray, SmallInt

from gateway.protection.temp_rise import TempRise
from gateway.rack.data import TEMP_ABSENT

YOUNGEST_S = 38
SNAPSHOTS_S = 19  # apart, or the next scan after that
SEEDS = st.integers(0, 1 << 30)
Scan = list[int]


def oldest_s(period_s: float) -> float:
    """Highest age that may be compared with: a scan less than it would not have been enough."""
    return 44 + SNAPSHOTS_S + 2 * period_s


def definition(now: Scan, then: Scan, age_s: float) -> float:
    """Rise of the fastest sensor, degC/min."""
    changes = [new - old for new, old in zip(now, then, strict=True)]
    return (max(changes) - median_low(changes)) / 10 * 60 / age_s


def history(seed: int) -> tuple[float, list[Scan]]:
    """Seconds per scan, and scans of a rack whose sensors never cool down."""
    rng = Random(seed)
    count = rng.randint(3, 9)
    step_dc = rng.choice([1, 5, 10])
    period_s = rng.choice([2.0, 4.0, 4.1, 10.0, 40.0])
    scans = [[10 * rng.randint(15, 40) for _ in range(count)]]
    for _ in range(int(2 * oldest_s(period_s) / period_s)):
        scans.append([old + step_dc * rng.choice([0, 0, 0, 1, 2]) for old in scans[-1]])
    return period_s, scans


def checked(count: int) -> TempRise:
    """One whose numbers complain when they are no small integers."""
    rise = TempRise(count)
    rise._snapshots = SmallArray("H", rise._snapshots)
    rise._ages_ms = SmallArray("i", rise._ages_ms)
    return rise


def feed(rise: TempRise, scan: Scan, period_s: float) -> int:
    return rise.step(SmallArray("h", scan), SmallInt(round(1000 * period_s)))


@profile(max_examples=200, deadline=None)
@given(seed=SEEDS)
def test_rise_is_that_over_some_allowed_time(seed: int) -> None:
    period_s, scans = history(seed)
    rise = checked(len(scans[0]))
    for number, scan in enumerate(scans):
        found = feed(rise, scan, period_s) / 10
        allowed = []
        for past in range(number):
            age_s = (number - past) * period_s
            if YOUNGEST_S <= age_s <= oldest_s(period_s):
                high = definition(scan, scans[past], age_s)
                low = definition(scan, scans[past], max(age_s, 44))
                allowed.append((low - 0.6 * 60 / age_s, high))
        if number * period_s > oldest_s(period_s):
            assert found <= max(high for _, high in allowed) + 0.001, number
            assert found >= min(low for low, _ in allowed) - 0.101, number
        else:
            assert found >= 0


@profile(max_examples=100, deadline=None)
@given(seed=SEEDS, common=st.integers(-9, 9))
def test_order_and_level_of_the_sensors_do_not_matter(seed: int, common: int) -> None:
    period_s, scans = history(seed)
    order = list(range(len(scans[0])))
    Random(seed).shuffle(order)
    one, other = TempRise(len(order)), TempRise(len(order))
    for scan in scans:
        moved = [scan[index] + 10 * common for index in order]
        assert feed(one, scan, period_s) == feed(other, moved, period_s)
        if one.rise:
            fastest = order[other.sensor]
            assert one.sensor == fastest or one.rise == other.rise


@profile(max_examples=100, deadline=None)
@given(seed=SEEDS, which=st.integers(0, 2), hotter=st.integers(1, 300))
def test_the_fastest_sensor_hotter_never_reads_less(seed: int, which: int, hotter: int) -> None:
    """All the same up to the last scan, once it is known how fine the sensors' steps are."""
    period_s, scans = history(seed)
    one, other = TempRise(len(scans[0])), TempRise(len(scans[0]))
    for rise in (one, other):
        for odd in (0, 1):
            rise.step(array("h", [250 + odd] * len(scans[0])), 4000)
        for scan in scans[:-1]:
            feed(rise, scan, period_s)
    last = scans[-1]
    raised = [temp + hotter * (index == which) for index, temp in enumerate(last)]
    before = feed(one, last, period_s)
    after = feed(other, raised, period_s)
    if one.rise and one.sensor == which:
        assert after >= before


READINGS = st.one_of(
    st.sampled_from([TEMP_ABSENT, 240, 245, 250, 251, 260, 449, 450, -500, 32767, -32767]),
    st.integers(200, 500),
)


@profile(max_examples=300, deadline=None)
@given(
    count=st.integers(1, 9),
    periods_ms=st.lists(st.sampled_from([2000, 4000, 19000, 40000, 240001]), max_size=12),
    data=st.data(),
)
def test_the_machine_code_says_what_a_loop_over_the_sensors_says(
    count: int, periods_ms: list[int], data: st.DataObject
) -> None:
    one, other = checked(count), PlainTempRise(count)
    scans = st.lists(READINGS, min_size=count, max_size=count)
    for period_ms in periods_ms:
        scan = data.draw(scans)
        assert feed(one, scan, period_ms / 1000) == other.step(array("h", scan), period_ms)
        assert (one.hot_rise, one.sensor) == (other.hot_rise, other.sensor)
