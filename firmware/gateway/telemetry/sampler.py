"""Turns rack data into records.

Watches sequence numbers instead of being called, so nothing in front of a relay waits for it:
every fresh summary becomes one sample, and a rack without fresh data gets one per period that says
so by its quality and age.
"""

from __future__ import annotations

import struct

from gateway.clock import add, diff
from gateway.rack import data as rack_data
from gateway.telemetry import records

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.outputs.enforcer import Enforcer
    from gateway.telemetry.journal import Journal


class Sampler:
    """Steps every few 10 ms; at most one sample per rack and step."""

    def __init__(
        self,
        journal: Journal,
        enforcer: Enforcer,
        clock: Clock,
        period_ms: int,
        cell_period_ms: int,
    ) -> None:
        now = clock.ticks()
        self._journal = journal
        self._enforcer = enforcer
        self._clock = clock
        self._period_ms = period_ms
        self._cell_period_ms = cell_period_ms
        count = len(enforcer.pollers)
        self._sequences = [0] * count
        self._sampled = [now] * count
        self._cells_sequences = [0] * count
        self._cells_due = [now] * count

    def step(self, now: int) -> None:
        """Record every rack that has something new, or has had nothing for too long."""
        for index in range(len(self._sequences)):
            data = self._enforcer.pollers[index].data
            if data.sequence != self._sequences[index]:
                self._sequences[index] = data.sequence
                self._sampled[index] = now
                self._record_sample(index, now)
            elif diff(now, self._sampled[index]) >= self._period_ms + self._period_ms // 2:
                self._sampled[index] = add(self._sampled[index], self._period_ms)
                self._record_sample(index, now)
            if self._cells_wanted(index, now):
                self._record_cells(index, now)

    def _record_sample(self, index: int, now: int) -> None:
        enforcer = self._enforcer
        data = enforcer.pollers[index].data
        decision = enforcer.protections[index].decision
        values = data.summary
        self._journal.append(
            records.SAMPLE,
            struct.pack(
                records.SAMPLE_PAYLOAD,
                index,
                data.quality(now),
                decision.level,
                decision.rule,
                self._uptime_of(data.acquired, now),
                data.sequence,
                _unsigned(values[rack_data.RACK_VOLTAGE_DV]),
                _signed(values[rack_data.RACK_CURRENT_DA]),
                _unsigned(values[rack_data.SOC_PM]),
                _unsigned(values[rack_data.SOH_PM]),
                _unsigned(values[rack_data.CELL_MAX_MV]),
                _unsigned(values[rack_data.CELL_MAX_INDEX]),
                _unsigned(values[rack_data.CELL_MIN_MV]),
                _unsigned(values[rack_data.CELL_MIN_INDEX]),
                _unsigned(values[rack_data.CELL_MEAN_MV]),
                _signed(values[rack_data.TEMP_MAX_DC]),
                _signed(values[rack_data.TEMP_MIN_DC]),
                _signed(values[rack_data.TEMP_MEAN_DC]),
                decision.charge_limit_da,
                decision.discharge_limit_da,
                _unsigned(values[rack_data.INSULATION_KOHM]),
                _unsigned(values[rack_data.ALARM_TRIP_BITS]),
                _unsigned(values[rack_data.CONTACTOR_STATE]) & 0xFF,
                enforcer.closed[index],
            ),
        )

    def _cells_wanted(self, index: int, now: int) -> bool:
        due = diff(now, self._cells_due[index]) >= 0
        if due:
            self._cells_due[index] = now  # stays comparable while no scan comes for days
        return due and (
            self._enforcer.pollers[index].data.cells_sequence != self._cells_sequences[index]
        )

    def _record_cells(self, index: int, now: int) -> None:
        data = self._enforcer.pollers[index].data
        self._cells_sequences[index] = data.cells_sequence
        self._cells_due[index] = add(now, self._cell_period_ms)
        cells = len(data.cells_mv)
        temps = len(data.temps_dc) if data.temps_sequence else 0  # not read is not 0 degC
        header = struct.pack(
            records.CELLS_PAYLOAD,
            index,
            0,
            cells,
            temps,
            self._uptime_of(data.cells_acquired, now),
        )
        voltages = struct.pack("<%dH" % cells, *data.cells_mv)
        temperatures = struct.pack("<%dh" % temps, *data.temps_dc) if temps else b""
        self._journal.append(records.CELLS, header + voltages + temperatures)

    def _uptime_of(self, ticks: int, now: int) -> int:
        """Uptime at `ticks`; wraps at 32 bits as the uptime in the record's header does."""
        return max(0, self._clock.uptime_ms() - diff(now, ticks)) & 0xFFFFFFFF


def _unsigned(value: int) -> int:
    """A 16-bit field; 65535 for what this rack BMS does not supply, and for what does not fit."""
    return value if 0 <= value < records.NO_UNSIGNED else records.NO_UNSIGNED


def _signed(value: int) -> int:
    """A signed 16-bit field; -32768 for what is not supplied or does not fit."""
    return value if -0x8000 < value < 0x8000 else records.NO_SIGNED
