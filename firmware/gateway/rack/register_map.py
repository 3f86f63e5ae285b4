"""Applies a generated register map: which registers to ask for and how to take an answer over.

A map is data (see `gateway.rack.maps`); nothing here knows a vendor.
"""

from __future__ import annotations

from array import array

from gateway.errors import ConfigError
from gateway.modbus.pdu import READ_LIMIT
from gateway.rack.data import (
    CELL_COUNT,
    CELL_MAX_MV,
    CELL_MIN_MV,
    SUMMARY_FIELDS,
    TEMP_COUNT,
    TEMP_MAX_DC,
    TEMP_MIN_DC,
    VITAL,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gateway.rack.data import RackData


class RegisterMap:
    """A map bound to the cell and sensor count of a site; ConfigError when it cannot serve."""

    def __init__(self, table: Any, cells: int, temps: int) -> None:
        self.cells = cells
        self.temps = temps
        self.summary_address, self.summary_count = table.SUMMARY
        self.contactor_command = table.CONTACTOR_COMMAND
        self.gateway_heartbeat = table.GATEWAY_HEARTBEAT
        self.charge_limit_request = table.CHARGE_LIMIT_REQUEST_DA
        self.discharge_limit_request = table.DISCHARGE_LIMIT_REQUEST_DA
        self._fields = _bind(table.FIELDS)
        self._raw = array("i", [0] * len(SUMMARY_FIELDS))
        self.cell_blocks = split(table.CELLS_ADDRESS, cells)
        self.temp_blocks = split(table.TEMPS_ADDRESS, temps)

    def decode_summary(self, data: RackData, buffer: bytearray, start: int, now: int) -> bool:
        """Take the summary over from registers at `start`; False when a vital one is implausible.

        All or nothing: an implausible answer leaves the older values and their age standing, so
        bad data ages into comm loss instead of hiding a limit. `now`: when it was asked for, so
        that an age is never told too young. Allocates nothing.
        """
        raw = self._raw
        for slot, offset, signed, low, high, vital in self._fields:
            value = buffer[start + offset] << 8 | buffer[start + offset + 1]
            if signed and value >= 0x8000:
                value -= 0x10000
            if not low <= value <= high:
                if vital:
                    return self._refuse(data)
                data.odd_values += 1
            raw[slot] = value
        if raw[CELL_COUNT] != self.cells or raw[TEMP_COUNT] != self.temps:
            return self._refuse(data)
        if raw[CELL_MAX_MV] < raw[CELL_MIN_MV] or raw[TEMP_MAX_DC] < raw[TEMP_MIN_DC]:
            return self._refuse(data)
        summary = data.summary
        for slot in range(len(raw)):
            summary[slot] = raw[slot]
        data.acquired = now
        data.sequence += 1
        data.suspect = False
        return True

    def _refuse(self, data: RackData) -> bool:
        data.suspect = True
        data.implausible += 1
        return False


def decode_array(
    target: array[int], signed: bool, first: int, count: int, buffer: bytearray, start: int
) -> None:
    """Copy `count` 16-bit registers at `start` to `target[first:]`; allocates nothing."""
    for index in range(count):
        value = buffer[start] << 8 | buffer[start + 1]
        if signed and value >= 0x8000:
            value -= 0x10000
        target[first + index] = value
        start += 2


def split(address: int, count: int) -> tuple[tuple[int, int, int], ...]:
    """Even reads of at most 125 registers: (address, first index, count) each."""
    reads = -(-count // READ_LIMIT)
    size = -(-count // reads)
    return tuple(
        (address + first, first, min(size, count - first)) for first in range(0, count, size)
    )


def _bind(fields: Any) -> tuple[tuple[int, int, bool, int, int, bool], ...]:
    """(slot, byte offset, signed, low, high, vital) per field, in the map's order."""
    slots = {name: slot for slot, name in enumerate(SUMMARY_FIELDS)}
    bound = []
    for name, offset, kind, low, high in fields:
        if name not in slots:
            raise ConfigError("register map: unknown summary field %s" % name)
        slot = slots.pop(name)
        bound.append((slot, 2 * offset, kind == 1, low, high, slot in VITAL))
    if slots:
        raise ConfigError("register map: no register for %s" % ", ".join(sorted(slots)))
    return tuple(bound)
