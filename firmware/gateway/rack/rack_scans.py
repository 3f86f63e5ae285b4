"""Everything of one rack that is read in spare time, and where it goes."""

from __future__ import annotations

from array import array

from micropython import const

from gateway.rack.fields_bind import CELLS, DETAILS, REQUEST, TEMPS
from gateway.rack.threshold_scan import ThresholdScan
from gateway.rack.unit_address import PLACES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gateway.modbus.link import Link
    from gateway.rack.block_reads import BlockReads
    from gateway.rack.data import RackData
    from gateway.rack.fields_bind import Block
    from gateway.rack.register_map import RegisterMap
    from gateway.rack.scan import Scan

_OVERDUE_PM = const(1000)  # a scan that is late by its whole period


class Periods:
    """How often what is read, ms; `of` by kind of block."""

    def __init__(
        self, summary_ms: int, cells_ms: int, temps_ms: int, details_ms: int, hot_ms: int
    ) -> None:
        self.summary_ms = summary_ms
        self.of = (summary_ms, cells_ms, temps_ms, details_ms)
        self.hot_ms = hot_ms


class RackScans:
    """How far the scans of the map are in one rack; `chosen` is the one to send.

    `place`: that of the rack on its line: racks begin one after the other, due all at once they
    would come in lumps. `reads`, `periods`, `state` and `ordered` are for the scans: the last two
    tell how far each is, and that the thresholds are to be read again.
    """

    def __init__(
        self,
        register_map: RegisterMap,
        reads: BlockReads,
        periods: Periods,
        place: int,
        first_due: int,
    ) -> None:
        self._map = register_map
        self.reads = reads
        self.periods = periods
        self.chosen: Any = None  # a Scan, as soon as one was due
        self.ordered = False
        scans = register_map.scans
        self.state = array("i", [-1] * (scans[-1].end if scans else 0))
        for scan in scans:
            if scan.kind == REQUEST:
                place = 0
            scan.start(self, first_due, place, PLACES)

    def choose(self, now: int, link: Link, room_ms: int, widest: bool) -> int:
        """How late the most urgent block is that fits, in 0.1 % of its period; negative: none.

        In the `widest` room there is, one that is a whole period late goes even if it is longer.
        """
        latest = -1
        for scan in self._map.scans:
            late = scan.lateness_pm(self, now)
            if late <= latest:
                continue
            fits = link.transfer_ms(self.reads.request(scan.current(self))) <= room_ms
            if fits or (widest and late >= _OVERDUE_PM):
                latest = late
                self.chosen = scan
        return latest

    def begin_block(self, now: int) -> Block:
        """The block of `chosen` to ask for now."""
        scan: Scan = self.chosen
        scan.block_begins(self, now)
        return scan.current(self)

    def end_block(self, now: int, good: bool) -> None:
        """That of `chosen` cannot be read, which is `good` where it does not exist."""
        self.chosen.block_ended(self, now, good)

    def take(self, data: RackData, buffer: bytearray, start: int, now: int) -> None:
        """The current block of `chosen` is complete, its registers stand at `start`."""
        scan: Scan = self.chosen
        block = scan.current(self)
        kind = block.poll
        if kind == DETAILS:
            self._map.decode_detail(data, block, buffer, start)
        elif kind == REQUEST:
            self._map.decode_thresholds(data, block, buffer, start)
        else:
            self._map.decode_array(data, block, buffer, start)
            if scan.has_changed(self, buffer, start):
                data.values_moved(now)
        if not scan.block_ended(self, now, True):
            return
        if kind == CELLS:
            data.cells_acquired = scan.began(self)
            data.cells_sequence += 1
        elif kind == TEMPS:
            data.temps_sequence += 1
        elif kind == REQUEST:
            data.thresholds_sequence += 1

    def due_in_ms(self, now: int, longest_ms: int) -> int:
        """Milliseconds until a block falls due, at most `longest_ms`."""
        for scan in self._map.scans:
            late_in_ms = scan.due_in_ms(self, now)
            if 0 < late_in_ms < longest_ms:
                longest_ms = late_in_ms
        return longest_ms

    def read_thresholds(self, now: int) -> None:
        """Read the limits set in the BMS again."""
        for scan in self._map.scans:
            if isinstance(scan, ThresholdScan):
                scan.order(self, now)

    def exchanges(self, link: Link) -> list[tuple[int, int]]:
        """(ms it takes, ms after which it comes again) of each block."""
        return [exchange for scan in self._map.scans for exchange in scan.exchanges(self, link)]

    def keep_comparable(self, now: int) -> None:
        """Keep every due time comparable; every few days at least."""
        for scan in self._map.scans:
            scan.keep_comparable(self, now)

    def restore(self) -> None:
        """Ask for every register again, also for those that were missing."""
        for scan in self._map.scans:
            scan.restore(self)
