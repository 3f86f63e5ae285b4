"""Twelve racks with made-up readings, as the firmware's own recording takes them."""

from __future__ import annotations

from array import array
from dataclasses import replace
from typing import Any, cast

import numpy as np

from gateway.rack.data import RackData
from gateway.telemetry.rack_summary import RackSummary
from host_tools.bench.cell_data import CELLS, NOISES_MV, CellData, Profile, generate, samples
from host_tools.bench.virtual_clock import VirtualClock

RACKS = 12


class MadeUpSite:
    """`racks` and `summary` of frame after frame of `profile`, each rack with its own seed."""

    def __init__(self, profile: Profile, frames: int, temps: int, clock: VirtualClock) -> None:
        wanted = replace(profile, frames=frames)
        self._clock = clock
        self._data = [generate(wanted, NOISES_MV[0], seed=1 + rack) for rack in range(RACKS)]
        self._temps = [_temps(data, 101 + rack, temps) for rack, data in enumerate(self._data)]
        self.racks = [
            RackData(rack, "", CELLS, temps, 1000, clock.ticks()) for rack in range(RACKS)
        ]
        self.summary = _Readings([samples(data) for data in self._data])

    def show(self, frame: int) -> None:
        """From now on the racks say what this frame holds."""
        self.summary.frame = frame
        for rack, data in enumerate(self.racks):
            data.cells_mv = array("H", self._data[rack].cells_mv[frame].tolist())
            data.temps_dc = array("h", self._temps[rack][frame].tolist())
            data.cells_sequence = data.temps_sequence = frame + 1
            data.cells_acquired = self._clock.ticks()


class Nobody:
    """Waits for no record."""

    def set(self) -> None:
        """A record came."""


class _Readings(RackSummary):
    """The racks' summaries as they were made up."""

    def __init__(self, rows: list[list[list[int]]]) -> None:
        self._rows = rows
        self.frame = 0

    def fill(self, rack: int, values: array[int]) -> None:
        """As RackSummary.fill."""
        for index, value in enumerate(self._rows[rack][self.frame]):
            values[index] = value
        values[0] = rack


def _temps(data: CellData, seed: int, count: int) -> Any:
    """`count` sensors: those of the rack, and those of another one where it has not as many."""
    if count == data.temps_dc.shape[1]:
        return data.temps_dc
    other = generate(data.profile, data.noise_mv, seed=seed)
    return cast(Any, np.hstack((data.temps_dc, other.temps_dc)))[:, :count]
