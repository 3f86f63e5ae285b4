"""Random timelines in the words of `trace_player`: for hypothesis, and from a seeded generator.

Both choose the same moves. Readings lie at and around the points of the rules of the sample site,
a few far beyond.
"""

from __future__ import annotations

import random

from hypothesis import strategies as st
from timeline_bench import ROLES

READINGS = {
    "cell_max_mv": (3300, 3449, 3450, 3451, 3499, 3500, 3599, 3600, 3601, 3649, 3650, 3800),
    "cell_min_mv": (3290, 3001, 3000, 2999, 2900, 2801, 2800, 2799, 2501, 2500, 2400, 2000, 1990),
    "rack_voltage_dv": (6864, 7175, 7176, 7280, 7384, 7488, 6240, 6032, 5824, 5616, 6900),
    "cell_mean_mv": (3300, 3199, 3200, 3340, 3341, 3275, 3320),
    "rack_current_da": (0, 78, 79, 627, 628, 1570, 1648, 1805, 1961, 1962, 6594, 7000)
    + (-78, -79, -628, -1570, -1648, -1805, -1962, -6594),
    "temp_max_dc": (250, 399, 401, 470, 471, 500, 550, 599, 600, 650, -1, -10, -24, -50, -60),
    "temp_min_dc": (240, 80, 79, 50, 49, 0, -1, -100, -150, -200, -250, -300, -310),
    "insulation_kohm": (2000, 890, 738, 450, 369, 150, 101, 100, 50),
    "soc_pm": (500, 799, 800, 300, 301, 950, 100),
    "contactor_state": (1, 0, 2, 3),
    "charge_limit_da": (1570, 400, 0),
    "discharge_limit_da": (1570, 700, 20),
}
CELL_READINGS = (3300, 3310, 3400, 0xFFFF, 900)
PAUSES_MS = (20, 99, 100, 250, 495, 500, 501, 1000, 1495, 1500, 1501, 3000)
SILENCES_MS = (50, 1400, 1600, 2999, 3100, 5000, 11000)
CELLS = range(4)


class Chooser:
    """The moves of a random walk; `pick` and `count` decide."""

    def __init__(self, pick, count) -> None:
        self.pick = pick  # of a sequence
        self.count = count  # whole number in lowest..highest

    def line(self) -> str:
        move = self.pick(MOVES)
        return getattr(self, move)()

    def paced(self, most: int) -> str:
        return f"{self.pick(PAUSES_MS)} x{self.count(1, most)}"

    def reading(self) -> str:
        slot = self.pick(sorted(READINGS))
        return f"s {self.paced(30)} {slot}={self.pick(READINGS[slot])}"

    def well(self) -> str:
        return f"h {self.pick((100, 500, 1000))} x{self.count(1, 60)}"

    def long_well(self) -> str:
        return f"h 500 x{self.count(100, 300)}"

    def frozen(self) -> str:
        return f"f 500 x{self.count(1, 130)}"

    def rejected(self) -> str:
        return f"j {self.pick((100, 500))} x{self.count(1, 25)}"

    def silence(self) -> str:
        return f"w {self.pick(SILENCES_MS)} 50"

    def cells(self) -> str:
        return f"c {self.pick(CELLS)}={self.pick(CELL_READINGS)}"

    def temperatures(self) -> str:
        return f"t {self.pick(CELLS)}={self.count(-50, 600)}"

    def site(self) -> str:
        return f"i {self.count(0, len(ROLES) - 1)} {self.count(0, 1)}"

    def ordered(self) -> str:
        return f"o {self.count(0, 1)}"

    def limits(self) -> str:
        return f"l {self.count(0, 1)}"

    def reset(self) -> str:
        return f"r {self.pick(('operator', 'service'))}"

    def restart(self) -> str:
        return "b"


MOVES = (
    *["reading"] * 8,
    *["well"] * 4,
    *("long_well", "frozen", "rejected", "silence", "silence", "cells", "temperatures"),
    *("site", "ordered", "limits", "reset", "reset", "restart"),
)


@st.composite
def lines(draw: st.DrawFn, most: int = 25, without: tuple[str, ...] = ()) -> list[str]:
    """A timeline; commands that begin with a letter in `without` are left out."""
    chooser = Chooser(
        lambda each: draw(st.sampled_from(list(each))), lambda a, b: draw(st.integers(a, b))
    )
    drawn = [chooser.line() for _ in range(draw(st.integers(1, most)))]
    return [line for line in drawn if line[0] not in without]


def walk(seed: int, length: int) -> list[str]:
    """A seeded timeline, the same on every machine."""
    chance = random.Random(seed)
    chooser = Chooser(lambda each: chance.choice(list(each)), chance.randint)
    return [chooser.line() for _ in range(length)]
