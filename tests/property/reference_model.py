"""Protection of one rack in plain Python, written from its specification and not from its code.

Time is a plain count of milliseconds that never wraps. A value is that of a rule: an integer, or
None while the rule has nothing to judge.

A sample's verdict is bad at or beyond the set point, good at or within the clear point, else the
last one. It holds until the next sample, as long as the data are fresh. Bad time adds, good time
takes half away, never below zero; time that was stale, or had nothing to judge, does neither.
Active: on a bad sample when the sum has reached the delay, to within the resolution of time, and
at least two bad samples contributed since the sum was zero. Cleared: samples at or within the
clear point for the whole clear delay without a break; time with a gap in it does not count there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor

RESOLUTION_MS = 5  # sample times are known to this
RELEASES = 5  # of a latch that releases itself, then a person must

CHARGE, DISCHARGE = 1, 2
NONE, WARN, DERATE, STOP, OPEN, AT_ONCE = range(6)  # what a level does
AUTOMATIC, WAIT, OPERATOR, SERVICE = range(4)  # how its level 3 is released


@dataclass
class Point:
    """One level of one rule; `side` 1: too high is bad, -1: too low."""

    set_point: int
    clear_point: int
    delay_ms: int
    clear_ms: int
    side: int = 1


@dataclass
class Detector:
    """Hysteresis, then time."""

    point: Point
    fresh_ms: int
    bad: bool = False
    halves: int = 0  # bad time so far, in half milliseconds
    bad_samples: int = 0
    active: bool = False
    within_ms: int = 0
    was_within: bool = False  # the sample before, while active
    last: int | None = None  # when the last sample was taken
    blind: bool = False  # there was nothing to judge since

    def sample(self, value: int | None, at: int, stale: bool = False) -> None:
        """One sample, taken at `at`; None: nothing to judge in it. `stale`: from old data."""
        passed = 0 if self.last is None else max(0, at - self.last)
        self.last = at
        if value is None:
            self.blind = True
            return
        gap = self.blind or passed > self.fresh_ms or stale
        self.feed(value, 0 if self.blind else min(passed, self.fresh_ms), gap)
        self.blind = False

    def feed(self, value: int, fresh: int, gap: bool) -> None:
        """The same, told for how long the sample before was fresh, and whether a gap followed."""
        point = self.point
        within = (value - point.clear_point) * point.side <= 0
        was_bad = self.bad
        if (value - point.set_point) * point.side >= 0:
            self.bad = True
        elif within:
            self.bad = False
        if self.active:
            self._clear(within, 0 if gap else fresh)
        else:
            self._set(was_bad, fresh)

    def restored(self) -> None:
        """Active at a start because of its latch: everything has to be shown anew."""
        self.active = self.bad = True
        self.within_ms = 0
        self.was_within = False

    @property
    def running(self) -> bool:
        """Bad time counts and the delay is not over."""
        return not self.active and (self.bad or self.halves > 0)

    def _set(self, was_bad: bool, fresh: int) -> None:
        if was_bad:
            self.halves += 2 * fresh
        else:
            self.halves = max(0, self.halves - fresh)
            if self.halves == 0 and fresh > 0:
                self.bad_samples = 0
        if self.bad:
            self.bad_samples += 1
            needed = max(1, self.point.delay_ms - RESOLUTION_MS)
            enough = self.halves >= 2 * needed and self.bad_samples >= 2
            self.active = enough or self.point.delay_ms == 0
            self.was_within = False

    def _clear(self, within: bool, good_ms: int) -> None:
        self.within_ms = self.within_ms + good_ms if within and self.was_within else 0
        self.was_within = within
        if within and self.within_ms >= self.point.clear_ms:
            self.active = False
            self.halves = 0
            self.bad_samples = 0
            self.within_ms = 0


@dataclass
class Rule:
    """Three levels with their reactions, and the latch of the third."""

    name: str
    direction: int
    reactions: tuple[int, int, int]
    kind: int
    detectors: list[Detector | None]  # None: this level does not exist
    latched: bool = False
    trips: int = 0  # of a latch that releases itself

    def sample(self, value: int | None, at: int, stale: bool = False) -> None:
        """One sample for every level."""
        third = self.detectors[2]
        was_active = third is not None and third.active
        for detector in self.detectors:
            if detector is not None:
                detector.sample(value, at, stale)
        if third is None or third.active == was_active or self.kind == AUTOMATIC:
            return
        if third.active:
            if self.kind == WAIT and not self.latched:
                self.trips += 1
            self.latched = True
        elif self.kind == WAIT and self.trips <= RELEASES:
            self.latched = False

    def forget(self) -> None:
        """Service judges what cannot be measured any more."""
        for number, detector in enumerate(self.detectors):
            if detector is not None:
                self.detectors[number] = Detector(
                    detector.point, detector.fresh_ms, last=detector.last, blind=True
                )

    @property
    def level(self) -> int:
        """The highest level whose condition holds."""
        return max([0] + [n + 1 for n, each in enumerate(self.detectors) if each and each.active])

    @property
    def in_force(self) -> int:
        """The same with the latch, which counts as level 3."""
        return 3 if self.latched else self.level


def reset(rules: list[Rule], service: bool, fresh: bool) -> bool:
    """A person asks: all latches are released, or none while one of them must hold."""
    held = [rule for rule in rules if rule.latched]
    if not held or not fresh or any(rule.level == 3 for rule in held):
        return False
    if any(rule.kind == SERVICE for rule in held) and not service:
        return False
    for rule in rules:
        rule.latched = False
        rule.trips = 0
    return True


@dataclass
class Silence:
    """Age of the data, or the sum of the time they were stale less half the time they were not."""

    fresh_ms: int
    longest_ms: int
    halves: int = 0  # half milliseconds

    def value(self, age_ms: int, elapsed_ms: int) -> int:
        """What the rule of lost communication looks at."""
        if age_ms > self.fresh_ms:
            self.halves = min(self.halves + 2 * elapsed_ms, 2 * self.longest_ms)
        else:
            self.halves = max(self.halves - elapsed_ms, 0)
        return max(age_ms, self.halves // 2)


@dataclass
class Ramp:
    """A limit falls at once; it rises by steps at least a second apart, `hold_ms` after a fall."""

    hold_ms: int
    step_da: int
    ready: int  # no rise before
    granted_da: int = 0

    def follow(self, target_da: int, now: int) -> int:
        """The current granted at `now` when nothing but the ramp were in the way of the target."""
        if target_da < self.granted_da:
            self.granted_da = target_da
            self.ready = now + self.hold_ms + 1000
        elif target_da == self.granted_da:
            self.ready = max(self.ready, now + 1000)
        elif now >= self.ready:
            self.granted_da = min(target_da, self.granted_da + self.step_da)
            self.ready = now + 1000
        return self.granted_da


def on_curve(points: list[tuple[int, int]], x: int) -> int:
    """Straight lines through (value, 0.1 %), flat outside, rounded down."""
    if x <= points[0][0]:
        return points[0][1]
    for (left, low), (right, high) in zip(points, points[1:], strict=False):
        if x <= right:
            return floor(low + Fraction((high - low) * (x - left), right - left))
    return points[-1][1]


def in_the_cold(warm: int, cold: int, hottest_dc: int) -> int:
    """An under-voltage point between 0 and -5 degC, rounded towards the warm, higher one."""
    part = Fraction(min(max(-hottest_dc, 0), 50), 50)
    return ceil(warm - (warm - cold) * part)


@dataclass
class Rack:
    """All rules that act on a rack: levels, latches, permit and the current of each direction."""

    rules: list[Rule]
    ratings: tuple[int, int]
    derate_pm: int
    ramps: tuple[Ramp, Ramp]
    seen: bool = False
    curve_pm: tuple[int, int] = (1000, 1000)  # what the curves leave of the ratings
    granted: tuple[int, int] = (0, 0)
    by_name: dict[str, Rule] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.by_name = {rule.name: rule for rule in self.rules}

    def sample(self, values: dict[str, int | None], at: int, stale: bool = False) -> None:
        """Values taken at `at`, for the rules they move."""
        for name, value in values.items():
            self.by_name[name].sample(value, at, stale)

    def decide(self, now: int, fresh: bool) -> None:
        """The current of both directions from the levels in force; nothing before any data."""
        targets = [self.target(CHARGE), self.target(DISCHARGE)] if self.seen else [0, 0]
        if not fresh:  # what nobody sees does not rise
            targets = [min(each, self.granted[n]) for n, each in enumerate(targets)]
        self.granted = tuple(
            ramp.follow(each, now) for ramp, each in zip(self.ramps, targets, strict=True)
        )

    def target(self, direction: int) -> int:
        """What levels and curves allow in one direction, 0.1 A."""
        share = self.curve_pm[direction - 1]
        for rule in self.rules:
            for reaction in rule.reactions[: rule.in_force]:
                if reaction >= OPEN or (reaction == STOP and rule.direction & direction):
                    share = 0
                elif reaction == DERATE and rule.direction & direction:
                    share = min(share, self.derate_pm)
        return self.ratings[direction - 1] * share // 1000

    @property
    def permit(self) -> bool:
        """Whether the contactor may stay closed: data have been seen, no level 3 in force."""
        return self.seen and not any(
            rule.reactions[rule.in_force - 1] >= OPEN for rule in self.rules if rule.in_force
        )

    @property
    def level(self) -> int:
        """The worst one in force."""
        return max(rule.in_force for rule in self.rules)

    def restore(self, kept: dict[str, tuple[bool, int]]) -> None:
        """After a restart: a latch must show its whole clear delay again."""
        for rule in self.rules:
            rule.latched, rule.trips = kept[rule.name]
            if rule.latched and rule.detectors[2] is not None:
                rule.detectors[2].restored()
