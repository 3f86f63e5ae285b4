"""What one rack wants from its bus: which request is due, and what its answer means.

The bus (see `gateway.rack.bus`) decides between the racks that share it. Every job of a rack has
its own due time; nothing here waits or sends.
"""

from __future__ import annotations

from gateway.clock import add, diff
from gateway.errors import ConfigError
from gateway.rack import incidents
from gateway.rack.block_read import PLACES, BlockRead
from gateway.rack.data import CONTACTOR_OPEN, CONTACTOR_STATE, GOOD
from gateway.rack.identity_check import IdentityCheck
from gateway.rack.rack_writes import RackWrites
from gateway.rack.scan import Scan
from gateway.rack.summary_cycle import SummaryCycle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.modbus.link import Link
    from gateway.modbus.pdu import Request
    from gateway.rack.block_read import UnitAddress
    from gateway.rack.data import RackData
    from gateway.rack.fields_bind import Block
    from gateway.rack.incidents import Incidents
    from gateway.rack.register_map import RegisterMap
    from gateway.rack.write_job import WriteJob

# What the request in flight is for.
_NOTHING = 0
_SUMMARY = 1
_SCAN = 2
_IDENTITY = 3
_PROBE = 4
_WRITE = 5

_ILLEGAL_ADDRESS = 2
_GATEWAY_SILENCE = (0x0A, 0x0B)  # a converter in between could not reach the unit
# A register that was missing is asked for again; where the rack cannot be served without it after
# 2 s, then after twice as long each time: many a BMS does not know its registers while it starts.
_RESTORE_MS = 3600000
_RESTORE_VITAL_MS = 2000
_RESTORE_VITAL_LONGEST_MS = 256000
_PROBE_BLOCKS = 4  # a probe that is refused is tried on the next one
_REPORTED = 32  # missing registers that are remembered as told
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


class RackPoller:
    """Keeps `data` fresh and carries commands to the rack BMS; usually allocates nothing.

    `hot`: a detector is running on this rack, so its summary is wanted as fast as the bus allows.
    """

    def __init__(
        self,
        data: RackData,
        register_map: RegisterMap,
        address: UnitAddress,
        periods: Periods,
        first_due: int,
        log: Incidents,
    ) -> None:
        self.data = data
        register_map.prepare(data)
        self.health = address.health
        self._returns = 0  # of the unit, that this rack knows of
        self.hot = False
        self.worst_age_ms = 0  # longest time between two summaries so far
        self._map = register_map
        self._log = log
        self._hot_ms = periods.hot_ms
        self._summary = SummaryCycle(register_map, address, periods.summary_ms, first_due)
        self._identity = IdentityCheck(register_map, data, address, first_due)
        self._cells = self._make_scan(register_map.cells, address, periods.cells_ms, first_due)
        self._temps = self._make_scan(register_map.temps, address, periods.temps_ms, first_due)
        self._details = self._make_scan(
            register_map.details, address, periods.details_ms, first_due
        )
        self._scans = (self._cells, self._temps, self._details)
        self._restore_due = add(first_due, _RESTORE_MS)
        self._restore_wanted = False
        self._vital_pause_ms = _RESTORE_VITAL_MS
        self._reported: list[int] = []
        self._address = address
        self._probe_blocks = self._choose_probes(address)
        self._probe_block = 0
        self._probes = self._make_probes()
        self.writes = RackWrites(register_map, address, first_due)
        # What is in flight, as far as the job needs it.
        self._job = _NOTHING
        self._read = self._summary.reads[0]
        self._scan = self._cells
        self._write: WriteJob | None = None

    # What is due. Each returns the request to send, which then counts as sent, or None.

    def opening(self, now: int) -> Request | None:
        """The command that opens the contactor, while it may still be closed."""
        writes = self.writes
        if not writes.hold_open or not self._trusted or not writes.opening_due(now):
            return None
        return self._send_write(writes.opening, now) if self._may_be_closed(now) else None

    @property
    def identified(self) -> bool:
        """It has shown that it is the device of the map."""
        return self._identity.passed

    @property
    def in_summary(self) -> bool:
        """Some blocks of a summary have been read, others not yet."""
        return self._summary.under_way

    @property
    def skipped(self) -> int:
        """Summary slots that passed unused."""
        return self._summary.skipped

    def summary_late_ms(self, now: int) -> int:
        """How long the summary has been due; negative before."""
        return self._summary.late_ms(now)

    def summary(self, now: int) -> Request:
        """The next block of the summary, or of the identity where that must come first."""
        if self._identity.is_due(now):
            return self._send_read(_IDENTITY, self._identity.read)
        return self._send_read(_SUMMARY, self._summary.next_read(now))

    def write(self, now: int, link: Link, room_ms: int, urgent: bool) -> Request | None:
        """Only an `urgent` write (a granted current has changed, a sign of life is very late).

        Or, not `urgent`, any other one that fits into `room_ms`.
        """
        job = self.writes.due(now, urgent) if self._trusted else None
        if job is None or (not urgent and link.transfer_ms(job.request) > room_ms):
            return None
        return self._send_write(job, now)

    def hot_late_ms(self, now: int) -> int:
        """How long a summary out of turn has been wanted; negative when none is."""
        return self._summary.since_begun_ms(now) - self._hot_ms if self.hot else -1

    @property
    def probe_request(self) -> Request:
        """What `probe` would send."""
        health = self.health
        return self._probes[health.doubts & 1 | (0 if health.patient else 2)]

    def probe(self) -> Request:
        """One short request that shows whether the unit is back, and that it owes nothing."""
        self._job = _PROBE
        return self.probe_request

    def scan_late_pm(self, now: int, link: Link, room_ms: int, widest: bool) -> int:
        """How late the most urgent block is that fits, in 0.1 % of its period; negative: none.

        In the `widest` room there is, one that is a whole period late goes even if it is longer.
        """
        latest = -1
        if self._trusted:
            for scan in self._scans:
                late = scan.lateness_pm(now)
                if late <= latest:
                    continue
                fits = link.transfer_ms(scan.current.request) <= room_ms
                if fits or (widest and late >= _OVERDUE_PM):
                    latest = late
                    self._scan = scan
        return latest

    def scan(self, now: int) -> Request:
        """The block that `scan_late_pm` found."""
        self._scan.block_begins(now)
        return self._send_read(_SCAN, self._scan.current)

    def due_in_ms(self, now: int) -> int:
        """Milliseconds until something may become due; may be negative."""
        if self.health.wants_probe:
            return -self.health.probe_overdue_ms(now)
        due_ms = -self._summary.late_ms(now)
        for scan in self._scans:
            late_in_ms = scan.due_in_ms(now)
            if 0 < late_in_ms < due_ms:
                due_ms = late_in_ms
        return due_ms

    # How long things take, for the schedule and for its check beforehand.

    def summary_ms(self, link: Link) -> int:
        """How long reading a whole summary takes."""
        return self._summary.transfer_ms(link)

    def slow_exchanges(self, link: Link) -> list[tuple[int, int]]:
        """(ms it takes, ms after which it comes again) of everything but the summary."""
        exchanges = self.writes.exchanges(link)
        for scan in self._scans:
            exchanges += scan.exchanges(link)
        return exchanges

    # What came.

    def answered(self, link: Link, now: int) -> bool:
        """A good answer; True when a fresh good summary was taken over."""
        job = self._job
        self._job = _NOTHING
        self.health.answered()
        if self._see_return(now) and job == _IDENTITY:
            return False  # it begins anew
        start = link.request.data_at
        if job == _SUMMARY:
            return self._take_summary(link.buffer, start)
        if job == _SCAN:
            self._take_scan(link, start, now)
        elif job == _IDENTITY:
            self._note_identity(self._identity.take(link.buffer, start, now))
        elif job == _WRITE and self._write is not None:
            self._write.echoed()
        return False

    def refused(self, code: int, now: int) -> None:
        """An exception answer: the unit lives, unless a converter says that it does not."""
        job = self._job
        if code in _GATEWAY_SILENCE or (job == _PROBE and self.health.in_doubt):
            # a probe in doubt must be answered by registers: by those of another block, then
            self._probe_block = (self._probe_block + 1) % len(self._probe_blocks)
            self._probes = self._make_probes()
            self.missed(now)
            return
        self._job = _NOTHING
        self.health.refused(now)
        self._see_return(now)
        if job == _SUMMARY:
            self._refuse_summary(code, now)
        elif job == _SCAN:
            self._refuse_read(code, now)
            if code != _ILLEGAL_ADDRESS or self._read.empty:
                self._scan.block_ended(now, code == _ILLEGAL_ADDRESS)
        elif job == _IDENTITY:
            self._note_identity(self._identity.refused(code, now))
        elif job == _WRITE and self._write is not None:
            self._write.refused += 1
            self._log.put(self.data.index, incidents.WRITE_REFUSED, self._write.address, code)
            self._end_write(self._write)

    def missed(self, now: int) -> None:
        """No usable answer came."""
        job = self._job
        if self.health.missed(now):
            self._log.put(self.data.index, incidents.UNIT_DOWN, 0, self.health.misses)
        self.aborted(now)
        if job == _WRITE and self._write is not None:
            self._end_write(self._write)

    def aborted(self, now: int) -> None:
        """There will be no answer; what it was for begins again or goes on without it."""
        job = self._job
        self._job = _NOTHING
        if job == _SUMMARY or self._summary.under_way:
            self._summary.begin_again(True)
        if job == _SCAN:
            self._read.rewind()
            self._scan.block_ended(now, False)

    # Orders from protection, and from a person.

    def open_contactor(self, now: int) -> None:
        """Command the BMS contactor open as soon as possible, and again until it reads open."""
        self.writes.open_contactor(now)

    def leave_contactor(self) -> None:
        """The contactor is the BMS's own business again."""
        self.writes.leave_contactor()

    def set_limits(self, charge_da: int, discharge_da: int, now: int) -> None:
        """Current the gateway grants (0.1 A); written when it changes and now and then again."""
        self.writes.set_limits(charge_da, discharge_da, now)

    def retry_now(self, now: int) -> None:
        """Forget every pause and every missing register: ask for all of it again."""
        self.health.retry_now(now)
        self._restore_wanted = True

    def keep_grid(self, now: int) -> None:
        """Keep the grid of the summaries, whether the rack answers or not; twice a period."""
        self._summary.keep_grid(now)
        self._see_return(now)
        if self._job == _NOTHING and (self._restore_wanted or diff(now, self._restore_due) >= 0):
            self._restore(now)

    def keep_comparable(self, now: int) -> None:
        """What has been due for long is due now: ticks more than 6 days apart do not compare.

        To be called each minute or so, whatever the rack does.
        """
        for scan in self._scans:
            scan.keep_comparable(now)
        self.writes.keep_comparable(now)
        self._identity.keep_comparable(now)
        self.health.keep_comparable(now)

    def reconnected(self, now: int) -> None:
        """The link stands again: who is at the other end of it now must show again who it is."""
        self._identity.restart(now)
        self._restore_wanted = True
        self.writes.repeat_all(now)

    @property
    def _trusted(self) -> bool:
        """It is the device of the map, and the next answer will be to the next request."""
        return self._identity.passed and not self.health.in_doubt

    def _take_summary(self, buffer: bytearray, start: int) -> bool:
        read = self._read
        if not read.take(buffer, start):
            return False
        if self._summary.trial:  # what was missing as a whole is back
            self._restore_wanted = True
            self._summary.begin_again(False)
            return False
        data = self.data
        self._map.stage(data, read.block, read.data, read.start)
        if not self._summary.block_taken():
            return False
        if not self._identity.passed:
            data.suspect = True
            return False
        before = data.acquired
        first = data.sequence == 0
        fresh = self._map.commit(data, self._summary.asked)
        if fresh:
            self._vital_pause_ms = _RESTORE_VITAL_MS
        if fresh and not first:
            self.worst_age_ms = max(self.worst_age_ms, diff(data.acquired, before))
        return fresh

    def _take_scan(self, link: Link, start: int, now: int) -> None:
        scan = self._scan
        read = self._read
        if not read.take(link.buffer, start):
            return
        data = self.data
        if scan is self._details:
            self._map.decode_detail(data, read.block, read.data, read.start)
        else:
            self._map.decode_array(data, read.block, read.data, read.start)
        if not scan.block_ended(now, True):
            return
        if scan is self._cells:
            data.cells_acquired = scan.began
            data.cells_sequence += 1
        elif scan is self._temps:
            data.temps_sequence += 1

    def _note_identity(self, fits: bool) -> None:
        if not fits:
            self._log.put(self.data.index, incidents.IDENTITY, 0, 0)

    def _refuse_read(self, code: int, now: int) -> None:
        read = self._read
        if code != _ILLEGAL_ADDRESS:
            read.rewind()
            return
        address, count = read.refused()
        if not count:
            return
        if self._map.missing(self.data, read.block, address, count):
            self._restore_soon(now)
        if address not in self._reported and len(self._reported) < _REPORTED:
            self._reported.append(address)
            self._log.put(self.data.index, incidents.REGISTER_MISSING, address, count)

    def _refuse_summary(self, code: int, now: int) -> None:
        if self._summary.trial:
            self._read.give_up()
            self._summary.begin_again(False)
            return
        self._refuse_read(code, now)
        self._summary.begin_again(code == _ILLEGAL_ADDRESS and not self._read.empty)

    def _restore_soon(self, now: int) -> None:
        """Earlier than usual, unless that is under way already."""
        if diff(self._restore_due, now) > self._vital_pause_ms:
            self._restore_due = add(now, self._vital_pause_ms)
            self._vital_pause_ms = min(2 * self._vital_pause_ms, _RESTORE_VITAL_LONGEST_MS)

    def _send_read(self, job: int, read: BlockRead) -> Request:
        self._job = job
        self._read = read
        return read.request

    def _send_write(self, job: WriteJob, now: int) -> Request:
        self._job = _WRITE
        self._write = job
        job.sent(now)
        return job.request

    def _end_write(self, job: WriteJob) -> None:
        if job.not_echoed():
            self._log.put(self.data.index, incidents.WRITE_FAILED, job.address, 0)

    def _see_return(self, now: int) -> bool:
        """The unit may be another BMS now, or the same one started anew; True when it is so."""
        if self._returns == self.health.returns:
            return False
        self._returns = self.health.returns
        self._log.put(self.data.index, incidents.UNIT_BACK, 0, 0)
        self.reconnected(now)
        return True

    def _restore(self, now: int) -> None:
        self._restore_due = add(now, _RESTORE_MS)
        self._restore_wanted = False
        self._map.restore(self.data)
        self._summary.restore()
        for scan in self._scans:
            scan.restore()

    def _make_scan(
        self, blocks: tuple[Block, ...], address: UnitAddress, period_ms: int, now: int
    ) -> Scan:
        """Racks of a line begin one after the other: due all at once, they would come in lumps."""
        reads = [BlockRead(block, address, self._map.joined(block)) for block in blocks]
        return Scan(reads, period_ms, now, address.place, PLACES)

    def _choose_probes(self, address: UnitAddress) -> list[Block]:
        """Blocks to probe in, and two lengths that no other answer of this unit has.

        A few blocks, as the registers at the beginning of one may not exist in a device.
        """
        reads = self._summary.reads + self._identity.reads
        for scan in self._scans:
            reads = reads + scan.reads
        taken = [read.block.count for read in reads]
        blocks = [read.block for read in reads]
        longest = max([block.count for block in blocks])
        free = [count for count in range(2, longest) if count not in taken]
        blocks = [block for block in blocks if len(free) > 1 and block.count > free[1]]
        if not blocks:
            raise ConfigError("register map: blocks too short to probe a unit with")
        address.probe_counts = (free[0], free[1])
        return blocks[:_PROBE_BLOCKS]

    def _make_probes(self) -> list[Request]:
        """Both lengths with the deadline of any request, then both with a short one."""
        block = self._probe_blocks[self._probe_block]
        counts = self._address.probe_counts
        return [
            self._address.read(block, 0, count, short)
            for short in (False, True)
            for count in counts
        ]

    def _may_be_closed(self, now: int) -> bool:
        """Only fresh good data that say "open" are believed, and only after a command."""
        if self.writes.open_commands == 0 or self.data.quality(now) != GOOD:
            return True
        return self.data.summary[CONTACTOR_STATE] != CONTACTOR_OPEN
