"""Applies a generated register map: which registers to ask for and how to take an answer over.

A map is data (see `gateway.rack.maps`); nothing here knows a vendor. The order of a summary cycle:
`stage` for each block of `summary`, then `commit` once.
"""

from __future__ import annotations

from array import array

from micropython import const

from gateway.errors import ConfigError
from gateway.rack import fields_bind
from gateway.rack.data import (
    ABSENT,
    CELL_ABSENT,
    CELL_COUNT,
    CELL_MAX_INDEX,
    CELL_MAX_MV,
    CELL_MEAN_MV,
    CELL_MIN_INDEX,
    CELL_MIN_MV,
    CONTACTOR_OPEN,
    CONTACTOR_STATE,
    RACK_CURRENT_DA,
    RACK_VOLTAGE_DV,
    SUMMARY_FIELDS,
    TEMP_ABSENT,
    TEMP_COUNT,
    TEMP_MAX_DC,
    TEMP_MAX_INDEX,
    TEMP_MIN_DC,
    TEMP_MIN_INDEX,
    VITAL,
)
from gateway.rack.fields import TOP, value_of
from gateway.rack.fields_alarm import add_alarms
from gateway.rack.fields_array import decode_piece, void_zeros
from gateway.rack.fields_bind import Block
from gateway.rack.fields_expected import unexpected
from gateway.rack.fields_missing import joined, rows_on, silent_alarms
from gateway.rack.fields_wide import text_of
from gateway.rack.planned_scans import planned_scans
from gateway.rack.planned_writes import PlannedWrites
from gateway.rack.probes import Probes
from gateway.rack.writes import Heartbeat, LimitWrite, Write

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gateway.rack.data import RackData

TABLE_FORMAT = 2
_NEW_CYCLE = const(1 << 16)  # in data.staged; beyond every block's order
# What a summary is worth.
_WHOLE = const(0)
_BLANK = const(1)  # a vital value has not been measured yet
_VOID = const(2)
_INDEX_OF_CELLS = (CELL_MAX_INDEX, CELL_MIN_INDEX)
_INDEX_OF_TEMPS = (TEMP_MAX_INDEX, TEMP_MIN_INDEX)
_VITAL_BITS = sum([1 << slot for slot in VITAL])


class RegisterMap:
    """A map bound to the cell and sensor count of a site; ConfigError when it cannot serve.

    Immutable, shared by all racks with this map. `stride`: registers from one rack to the next
    behind the same unit (0 = there is none). Blocks by poll class: `summary` (each cycle, in this
    order), `cells`, `temps`, `details` (spare time), `once` (identity), `thresholds` (limits
    set in the BMS, seldom).
    """

    def __init__(self, table: Any, cells: int, temps: int, hole_registers: int = 0) -> None:
        if getattr(table, "TABLE_FORMAT", 0) != TABLE_FORMAT:
            raise ConfigError("register map: generated for another version of the firmware")
        fewest, most = table.CELLS
        if not fewest <= cells <= most or temps < 0:
            raise ConfigError(
                "register map: serves %d to %d cells, not %d" % (fewest, most, cells)
            )
        self.cells_count = cells
        self.temps_count = temps
        self.stride: int = table.STRIDE
        self.positions: int = table.POSITIONS
        self.max_block: int = table.MAX_BLOCK
        self.detail_names: tuple[str, ...] = table.DETAIL_NAMES
        self.threshold_names: tuple[str, ...] = table.THRESHOLD_NAMES
        sizes = (cells, temps)
        self.summary, self.cells, self.temps, self.details, self.once, self.thresholds = [
            fields_bind.bind(table, poll, sizes, hole_registers)
            for poll in range(fields_bind.REQUEST + 1)
        ]
        self.open_contactor = Write(table.OPEN_CONTACTOR) if table.OPEN_CONTACTOR else None
        self.heartbeat = Heartbeat(table.HEARTBEAT) if table.HEARTBEAT else None
        self.charge_limit = LimitWrite(table.CHARGE_LIMIT) if table.CHARGE_LIMIT else None
        self.discharge_limit = LimitWrite(table.DISCHARGE_LIMIT) if table.DISCHARGE_LIMIT else None
        self.limits_together = bool(table.LIMITS_TOGETHER)
        self.writes = PlannedWrites(self)
        self.scans = planned_scans(self)
        self._probes: Probes | None = None
        self._table = table
        self._started_slot: int = table.STARTED[0] if table.STARTED else -1
        self._started_values: tuple[int, ...] = table.STARTED[1:]
        self._mean_derived = CELL_MEAN_MV in table.DERIVED
        self._rules: tuple[tuple[int, int, int, int], ...] = table.RULES
        supplied = [rule[0] for rule in table.RULES] + [CELL_COUNT, TEMP_COUNT]
        for slot in VITAL:
            if slot not in supplied:
                raise ConfigError("register map: no register for %s" % SUMMARY_FIELDS[slot])
        self._supplied = 0  # bits of the summary slots that `supplied` of a rack tells of
        for slot in supplied + list(table.DERIVED):
            self._supplied |= 1 << slot

    @property
    def blocks(self) -> tuple[Block, ...]:
        """All that is ever read of a rack, where most depends on it first."""
        return self.summary + self.once + self.cells + self.temps + self.details + self.thresholds

    @property
    def probes(self) -> Probes:
        """What shows whether a unit is back; ConfigError when there is nothing for it."""
        if self._probes is None:
            self._probes = Probes(self.blocks)
        return self._probes

    def stage(self, data: RackData, block: Block, buffer: bytearray, start: int) -> None:
        """Decode the summary block whose registers stand at `start`; allocates nothing."""
        staging = data.staging
        if block.order <= data.staged:
            for slot in range(len(staging)):
                staging[slot] = ABSENT
        data.staged = block.order
        details = data.details
        for field in block.fields:
            value = value_of(field, buffer, start, details)
            staging[field[0]] = value if ABSENT <= value <= TOP else TOP
        for alarm in block.alarms:
            add_alarms(alarm, buffer, start, staging)

    def commit(self, data: RackData, acquired: int) -> bool:
        """Judge what was staged and take it over; False when a vital value is implausible.

        All or nothing: an implausible summary leaves the older values and their age standing, so
        bad data ages into comm loss instead of hiding a limit. One of a BMS that has not started
        is a sign of life instead, and no sample either (see RackData). `acquired`: when it was
        asked for, so that an age is never told too young. Allocates nothing.
        """
        if data.staged == _NEW_CYCLE:  # nothing was staged since the last time
            data.reject(acquired)
            return False
        data.staged = _NEW_CYCLE
        self._see_start(data)
        absent = 0  # bits of the slots whose registers do not exist in this device
        for missing in data.missing_registers:
            absent |= missing[3]
        verdict = self._judge(data, absent)
        if verdict == _VOID:
            data.reject(acquired)
        elif verdict == _BLANK:
            _take_blank(data, acquired)
        else:
            self._take_over(data, absent, acquired)
        return verdict == _WHOLE

    def _judge(self, data: RackData, absent: int) -> int:
        """What the staged summary is worth; what is implausible or missing is ABSENT after it."""
        staging = data.staging
        verdict = _WHOLE
        for slot, low, high, zero in self._rules:
            value = staging[slot]
            vital = _VITAL_BITS >> slot & 1
            if absent >> slot & 1:
                value = ABSENT
            elif value == 0 and zero and not data.started:
                staging[slot] = ABSENT
                if vital:
                    verdict = _BLANK
                continue
            elif value != ABSENT and not low <= value <= high:
                value = ABSENT
                data.odd_values += 1 - vital
            if vital and value == ABSENT:
                return _VOID
            staging[slot] = value
        data.odd_values += _drop_beyond(staging, _INDEX_OF_CELLS, self.cells_count)
        data.odd_values += _drop_beyond(staging, _INDEX_OF_TEMPS, self.temps_count)
        data.before_start += verdict == _BLANK
        return verdict if self._counts_and_extremes_fit(staging) else _VOID

    def _take_over(self, data: RackData, absent: int, acquired: int) -> None:
        staging = data.staging
        if self._mean_derived:
            voltage_mv = 100 * staging[RACK_VOLTAGE_DV]
            staging[CELL_MEAN_MV] = (voltage_mv + self.cells_count // 2) // self.cells_count
        supplied = self._supplied & ~absent
        for slot in range(len(data.supplied)):
            data.supplied[slot] = supplied >> slot & 1
        data.take(acquired)

    def _see_start(self, data: RackData) -> None:
        slot = self._started_slot
        data.started = slot < 0 or data.staging[slot] in self._started_values

    def _counts_and_extremes_fit(self, staging: array[int]) -> bool:
        if staging[CELL_COUNT] == ABSENT:
            staging[CELL_COUNT] = self.cells_count
        if staging[TEMP_COUNT] == ABSENT:
            staging[TEMP_COUNT] = self.temps_count
        if staging[CELL_COUNT] != self.cells_count or staging[TEMP_COUNT] != self.temps_count:
            return False
        return (
            staging[CELL_MAX_MV] >= staging[CELL_MIN_MV]
            and staging[TEMP_MAX_DC] >= staging[TEMP_MIN_DC]
        )

    def decode_array(self, data: RackData, block: Block, buffer: bytearray, start: int) -> None:
        """A block of `cells` or `temps` into data.cells_mv and data.temps_dc.

        Not available: CELL_ABSENT, TEMP_ABSENT. Allocates nothing.
        """
        for piece in block.pieces:
            target = data.temps_dc if piece.target else data.cells_mv
            decode_piece(target, piece, buffer, start, data.details)
            if piece.zero_absent and not data.started:
                void_zeros(target, piece)
        if data.missing_registers:
            self._void_missing(data, block)

    def _void_missing(self, data: RackData, block: Block) -> None:
        for function, first, count, _ in data.missing_registers:
            if function != block.function:
                continue
            for piece in block.pieces:
                target = data.temps_dc if piece.target else data.cells_mv
                absent = TEMP_ABSENT if piece.target else CELL_ABSENT
                at = block.address + piece.at // 2 + piece.word
                for index in range(piece.count):
                    if at < first + count and first < at + piece.words:
                        target[piece.first + index * piece.every] = absent
                    at += piece.step // 2

    def decode_detail(self, data: RackData, block: Block, buffer: bytearray, start: int) -> None:
        """A block of `details` or `once` into data.details, in the order of `detail_names`.

        Texts stand there as str, what is not available as ABSENT. May allocate.
        """
        self.prepare(data)
        self._decode(data, block, buffer, start, data.details)

    def prepare(self, data: RackData) -> None:
        """Make room for details and thresholds; at start, not while running."""
        data.make_room(len(self.detail_names), len(self.threshold_names))

    def decode_thresholds(
        self, data: RackData, block: Block, buffer: bytearray, start: int
    ) -> None:
        """A block of `thresholds` into data.thresholds, in the order of `threshold_names`.

        What is not available stands there as ABSENT. Allocates nothing in a prepared rack.
        """
        self._decode(data, block, buffer, start, data.thresholds)

    def _decode(
        self, data: RackData, block: Block, buffer: bytearray, start: int, values: list[Any]
    ) -> None:
        for field in block.fields:
            values[field[0]] = value_of(field, buffer, start, data.details)
        for target, words in block.texts:
            values[target] = text_of(buffer, start, words)
        for target, low, high in block.ranges:
            if not low <= values[target] <= high:
                values[target] = ABSENT
        for function, first, count, _ in data.missing_registers:
            for row in rows_on(self._table, block, function, first, count):
                values[row[1]] = ABSENT

    def identity_problem(self, data: RackData, block: Block, buffer: bytearray, start: int) -> str:
        """What in this block of `once` does not fit the map or the site; "" when all fits.

        Allocates only when something does not fit, for values of more than 32 bits and texts, and
        for a rack that was not prepared.
        """
        self.decode_detail(data, block, buffer, start)
        sizes = (self.cells_count, self.temps_count)
        return unexpected(block, data.details, self.detail_names, sizes)

    def joined(self, block: Block) -> tuple[int, ...]:
        """Offsets in `block` of registers that belong to the value of the one before them."""
        return joined(self._table, block)

    def missing(self, data: RackData, block: Block, address: int, count: int) -> bool:
        """These registers of `block` do not exist in this device (addresses as in the map).

        What stands on them is absent from now on. True when a vital value of the summary is among
        them: this rack cannot be served. Allocates.
        """
        known = data.missing_registers
        slots = 0
        if block.poll == fields_bind.SUMMARY:
            for row in rows_on(self._table, block, block.function, address, count):
                slots |= 1 << row[1]
            here = [(block.function, address, count, 0)]
            for slot in silent_alarms(self._table, known + here):
                slots |= 1 << slot
        elif block.poll == fields_bind.REQUEST:
            for row in rows_on(self._table, block, block.function, address, count):
                data.thresholds[row[1]] = ABSENT
        entry = (block.function, address, count, slots)
        if entry not in known:
            known.append(entry)
        if block.pieces:
            self._void_missing(data, block)
        return slots & _VITAL_BITS != 0

    def restore(self, data: RackData) -> None:
        """Forget what was missing: all of it will be asked for again."""
        if data.missing_registers:
            data.missing_registers.clear()


def _drop_beyond(staging: array[int], slots: tuple[int, ...], count: int) -> int:
    """Void indices of cells or sensors that this site does not have; how many."""
    odd = 0
    for slot in slots:
        if staging[slot] >= count:
            staging[slot] = ABSENT
            odd += 1
    return odd


def _take_blank(data: RackData, acquired: int) -> None:
    """Vital zeros of a BMS that has not started: a sign of life as long as nothing flows."""
    reads_open = data.staging[CONTACTOR_STATE] == CONTACTOR_OPEN
    may_be_open = reads_open or data.staging[CONTACTOR_STATE] == ABSENT
    nothing_flows = data.staging[RACK_CURRENT_DA] == 0 or data.staging[RACK_CURRENT_DA] == ABSENT
    if may_be_open and nothing_flows:
        data.take_sign_of_life(acquired, reads_open)
    else:
        data.reject(acquired)
