"""Everything of one rack that is read in spare time, and where it goes."""

from __future__ import annotations

from gateway.rack.block_read import PLACES, BlockRead
from gateway.rack.scan import Scan
from gateway.rack.threshold_scan import ThresholdScan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.modbus.link import Link
    from gateway.rack.block_read import UnitAddress
    from gateway.rack.data import RackData
    from gateway.rack.fields_bind import Block
    from gateway.rack.register_map import RegisterMap

_OVERDUE_PM = 1000  # a scan that is late by its whole period


class Periods:
    """How often what is read, ms."""

    def __init__(
        self, summary_ms: int, cells_ms: int, temps_ms: int, details_ms: int, hot_ms: int
    ) -> None:
        self.summary_ms = summary_ms
        self.cells_ms = cells_ms
        self.temps_ms = temps_ms
        self.details_ms = details_ms
        self.hot_ms = hot_ms


class RackScans:
    """The scans of cells, temperatures, details and thresholds; `chosen` is the one to send.

    Where the map has no details or no thresholds there is no scan of them.
    """

    def __init__(
        self, register_map: RegisterMap, address: UnitAddress, periods: Periods, first_due: int
    ) -> None:
        self._map = register_map
        self._address = address
        self._cells = self._scan(register_map.cells, periods.cells_ms, first_due)
        self._temps = self._scan(register_map.temps, periods.temps_ms, first_due)
        self._all: tuple[Scan, ...] = (self._cells, self._temps)
        self._details: Scan | None = None
        if register_map.details:
            self._details = self._scan(register_map.details, periods.details_ms, first_due)
            self._all += (self._details,)
        self._thresholds: ThresholdScan | None = None
        if register_map.thresholds:
            self._thresholds = ThresholdScan(self._reads(register_map.thresholds), first_due)
            self._all += (self._thresholds,)
        self.chosen = self._cells

    @property
    def reads(self) -> tuple[BlockRead, ...]:
        """All blocks."""
        return tuple([read for scan in self._all for read in scan.reads])

    def choose(self, now: int, link: Link, room_ms: int, widest: bool) -> int:
        """How late the most urgent block is that fits, in 0.1 % of its period; negative: none.

        In the `widest` room there is, one that is a whole period late goes even if it is longer.
        """
        latest = -1
        for scan in self._all:
            late = scan.lateness_pm(now)
            if late <= latest:
                continue
            fits = link.transfer_ms(scan.current.request()) <= room_ms
            if fits or (widest and late >= _OVERDUE_PM):
                latest = late
                self.chosen = scan
        return latest

    def take(self, data: RackData, scan: Scan, now: int) -> None:
        """The current block of `scan` is complete."""
        read = scan.current
        if scan is self._details:
            self._map.decode_detail(data, read.block, read.data, read.start)
        elif scan is self._thresholds:
            self._map.decode_thresholds(data, read.block, read.data, read.start)
        else:
            self._map.decode_array(data, read.block, read.data, read.start)
            if scan.has_changed():
                data.values_moved(now)
        if not scan.block_ended(now, True):
            return
        if scan is self._cells:
            data.cells_acquired = scan.began
            data.cells_sequence += 1
        elif scan is self._temps:
            data.temps_sequence += 1
        elif scan is self._thresholds:
            data.thresholds_sequence += 1

    def due_in_ms(self, now: int, longest_ms: int) -> int:
        """Milliseconds until a block falls due, at most `longest_ms`."""
        for scan in self._all:
            late_in_ms = scan.due_in_ms(now)
            if 0 < late_in_ms < longest_ms:
                longest_ms = late_in_ms
        return longest_ms

    def read_thresholds(self, now: int) -> None:
        """Read the limits set in the BMS again."""
        if self._thresholds is not None:
            self._thresholds.order(now)

    def exchanges(self, link: Link) -> list[tuple[int, int]]:
        """(ms it takes, ms after which it comes again) of each block."""
        return [exchange for scan in self._all for exchange in scan.exchanges(link)]

    def keep_comparable(self, now: int) -> None:
        """Keep every due time comparable; every few days at least."""
        for scan in self._all:
            scan.keep_comparable(now)

    def restore(self) -> None:
        """Ask for every register again, also for those that were missing."""
        for scan in self._all:
            scan.restore()

    def _scan(self, blocks: tuple[Block, ...], period_ms: int, now: int) -> Scan:
        """Racks of a line begin one after the other: due all at once, they would come in lumps."""
        return Scan(self._reads(blocks), period_ms, now, self._address.place, PLACES)

    def _reads(self, blocks: tuple[Block, ...]) -> tuple[BlockRead, ...]:
        return tuple([BlockRead(block, self._address) for block in blocks])
