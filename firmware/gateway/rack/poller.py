"""What one rack wants from its bus: which request is due, and what its answer means.

The bus (see `gateway.rack.bus`) decides between the racks that share it. Every job of a rack has
its own due time; nothing here waits or sends.
"""

from __future__ import annotations

from micropython import const

from gateway.rack import incidents
from gateway.rack.block_reads import BlockReads
from gateway.rack.identity_check import IdentityCheck
from gateway.rack.rack_scans import RackScans
from gateway.rack.rack_writes import RackWrites
from gateway.rack.restore_time import RestoreTime
from gateway.rack.summary_cycle import SummaryCycle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.modbus.link import Link
    from gateway.modbus.pdu import Request
    from gateway.rack.data import RackData
    from gateway.rack.fields_bind import Block
    from gateway.rack.incidents import Incidents
    from gateway.rack.rack_scans import Periods
    from gateway.rack.register_map import RegisterMap
    from gateway.rack.unit_address import UnitAddress
    from gateway.rack.write_job import WriteJob
    from gateway.rack.writes import Write

# What the request in flight is for.
_NOTHING = const(0)
_SUMMARY = const(1)
_SCAN = const(2)
_IDENTITY = const(3)
_PROBE = const(4)
_WRITE = const(5)

_ILLEGAL_ADDRESS = const(2)
_GATEWAY_SILENCE = (0x0A, 0x0B)  # a converter in between could not reach the unit
_REPORTED = const(32)  # missing registers that are remembered as told


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
        self._map = register_map
        self._log = log
        log.make_room(data.index)
        self._reads = BlockReads(address)
        for block in register_map.blocks:
            self._reads.request(block)  # what cannot be asked for is found at the start
        self._summary = SummaryCycle(register_map.summary, self._reads, periods, first_due)
        self._identity = IdentityCheck(register_map, data, first_due)
        self._scans = RackScans(register_map, self._reads, periods, address.place, first_due)
        self._restore_time = RestoreTime(first_due)
        self._reported: tuple[int, ...] = ()
        self.writes = RackWrites(register_map, address, first_due)
        self.probe_request()  # a map without room for probes is found at the start
        # What is in flight, as far as the job needs it.
        self._job = _NOTHING
        self._block = register_map.summary[0]
        self._write: WriteJob | None = None

    # What is due. Each returns the request to send, which then counts as sent, or None.

    def opening(self, now: int) -> Request | None:
        """The command that opens the contactor, while it may still be closed.

        Not while the map's interlock forbids it; that is counted and told.
        """
        writes = self.writes
        if not writes.hold_open or not self._trusted or not writes.opening_due(now):
            return None
        if writes.open_commands and self.open_proved(now):
            return None
        if writes.forbids_opening(self.data, now):
            self._tell(incidents.OPEN_FORBIDDEN, writes.opening, 0, now)
            return None
        return self._send_write(writes.opening, writes.request(writes.opening), now)

    def contactor_open(self, now: int) -> bool:
        """Whether fresh data, and nothing less, show the contactor open."""
        return self.data.reads_open(now)

    def open_proved(self, now: int) -> bool:
        """Whether fresh data show what the map names as proof of an opening, or it open."""
        return self.writes.opening_proved(self.data, now)

    @property
    def opening_write(self) -> Write | None:
        """The map's command that opens the contactor."""
        return self._map.open_contactor

    @property
    def writes_limits(self) -> bool:
        """The map has a register for the granted current of each direction."""
        return self._map.charge_limit is not None and self._map.discharge_limit is not None

    @property
    def threshold_names(self) -> tuple[str, ...]:
        """What `data.thresholds` are, in their order."""
        return self._map.threshold_names

    @property
    def identified(self) -> bool:
        """It has shown that it is the device of the map."""
        return self._identity.passed

    @property
    def in_summary(self) -> bool:
        """Some blocks of a summary have been read, others not yet."""
        return self._summary.under_way

    @property
    def worst_age_ms(self) -> int:
        """Longest time between two summaries so far."""
        return self.data.worst_age_ms

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
            return self._send_read(_IDENTITY, self._identity.block)
        return self._send_read(_SUMMARY, self._summary.next_block(now))

    def write(self, now: int, link: Link, room_ms: int, urgent: bool) -> Request | None:
        """Only an `urgent` write (a granted current has changed, a sign of life is very late).

        Or, not `urgent`, any other one that fits into `room_ms`.
        """
        job = self.writes.due(now, urgent) if self._trusted else None
        if job is None:
            return None
        request = self.writes.request(job)
        if not urgent and link.transfer_ms(request) > room_ms:
            return None
        return self._send_write(job, request, now)

    def hot_late_ms(self, now: int) -> int:
        """How long a summary out of turn has been wanted; negative when none is."""
        return self._summary.hot_late_ms(now) if self.hot else -1

    def probe_request(self) -> Request:
        """What `probe` would send."""
        return self._reads.address.probe(self._map.probes)

    def probe(self) -> Request:
        """One short request that shows whether the unit is back, and that it owes nothing."""
        self._job = _PROBE
        return self.probe_request()

    def scan_late_pm(self, now: int, link: Link, room_ms: int, widest: bool) -> int:
        """How late the most urgent block is that fits, in 0.1 % of its period; negative: none.

        In the `widest` room there is, one that is a whole period late goes even if it is longer.
        """
        return self._scans.choose(now, link, room_ms, widest) if self._trusted else -1

    def scan(self, now: int) -> Request:
        """The block that `scan_late_pm` found."""
        return self._send_read(_SCAN, self._scans.begin_block(now))

    def due_in_ms(self, now: int) -> int:
        """Milliseconds until something may become due; may be negative."""
        if self.health.wants_probe:
            return -self.health.probe_overdue_ms(now)
        return self._scans.due_in_ms(now, -self._summary.late_ms(now))

    # How long things take, for the schedule and for its check beforehand.

    def summary_ms(self, link: Link) -> int:
        """How long reading a whole summary takes."""
        return self._summary.transfer_ms(link)

    def slow_exchanges(self, link: Link) -> list[tuple[int, int]]:
        """(ms it takes, ms after which it comes again) of everything but the summary."""
        return self.writes.exchanges(link) + self._scans.exchanges(link)

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
            whole = self._reads.take(self._block, link.buffer, start)
            if whole is not None:
                self._scans.take(self.data, whole, start, now)
        elif job == _IDENTITY:
            self._note_identity(self._identity.take(link.buffer, start, now))
        elif job == _WRITE and self._write is not None:
            self.writes.echoed(self._write)
        return False

    def refused(self, code: int, now: int) -> None:
        """An exception answer: the unit lives, unless a converter says that it does not."""
        job = self._job
        if code in _GATEWAY_SILENCE or (job == _PROBE and self.health.in_doubt):
            # a probe in doubt must be answered by registers: by those of another block, then
            self._reads.address.probe_elsewhere()
            self.missed(now)
            return
        self._job = _NOTHING
        self.health.refused(now)
        self._see_return(now)
        if job == _SUMMARY:
            self._refuse_summary(code, now)
        elif job == _SCAN:
            self._refuse_read(code, now)
            if code != _ILLEGAL_ADDRESS or self._reads.empty(self._block):
                self._scans.end_block(now, code == _ILLEGAL_ADDRESS)
        elif job == _IDENTITY:
            self._note_identity(self._identity.refused(code, now))
        elif job == _WRITE and self._write is not None:
            write = self._write
            self.writes.refused(write)
            self._tell(incidents.WRITE_REFUSED, write, code, now)
            self._end_write(write, now)

    def missed(self, now: int) -> None:
        """No usable answer came."""
        job = self._job
        if self.health.missed(now):
            self._log.put(self.data.index, incidents.UNIT_DOWN, 0, self.health.misses)
        self.aborted(now)
        if job == _WRITE and self._write is not None:
            self._end_write(self._write, now)

    def aborted(self, now: int) -> None:
        """There will be no answer; what it was for begins again or goes on without it."""
        job = self._job
        self._job = _NOTHING
        if job == _SUMMARY or self._summary.under_way:
            self._summary.begin_again(True)
        if job == _SCAN:
            self._reads.rewind(self._block)
            self._scans.end_block(now, False)

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

    def read_thresholds(self, now: int) -> None:
        """Read the limits set in the BMS anew, in spare time; `data.thresholds_sequence` tells."""
        self._scans.read_thresholds(now)

    def retry_now(self, now: int) -> None:
        """Forget every pause and every missing register: ask for all of it again."""
        self.health.retry_now(now)
        self._restore_time.wanted = True

    def keep_grid(self, now: int) -> None:
        """Keep the grid of the summaries, whether the rack answers or not; twice a period."""
        self._summary.keep_grid(now)
        self._see_return(now)
        if self._job == _NOTHING and self._restore_time.is_due(now):
            self._restore(now)

    def keep_comparable(self, now: int) -> None:
        """What has been due for long is due now: ticks more than 6 days apart do not compare.

        To be called each minute or so, whatever the rack does.
        """
        self.data.hold_age(now)
        self._scans.keep_comparable(now)
        self.writes.keep_comparable(now)
        self._identity.keep_comparable(now)
        self.health.keep_comparable(now)
        self._log.keep_comparable(self.data.index, now)

    def reconnected(self, now: int) -> None:
        """The link stands again: who is at the other end of it now must show again who it is."""
        self._identity.restart(now)
        self._restore_time.wanted = True
        self._scans.read_thresholds(now)
        self.writes.repeat_all(now)

    @property
    def _trusted(self) -> bool:
        """It is the device of the map, and the next answer will be to the next request."""
        return self._identity.passed and not self.health.in_doubt

    def _take_summary(self, buffer: bytearray, start: int) -> bool:
        whole = self._reads.take(self._block, buffer, start)
        if whole is None:
            return False
        if self._summary.trial:  # what was missing as a whole is back
            self._restore_time.wanted = True
            self._summary.begin_again(False)
            return False
        data = self.data
        self._map.stage(data, self._block, whole, start)
        if not self._summary.block_taken():
            return False
        if not self._identity.passed:
            data.doubt()
            return False
        fresh = self._map.commit(data, self._summary.asked)
        if fresh:
            self._restore_time.served()
        return fresh

    def _note_identity(self, fits: bool) -> None:
        if not fits:
            self._log.put(self.data.index, incidents.IDENTITY, 0, 0)

    def _refuse_read(self, code: int, now: int) -> None:
        block = self._block
        if code != _ILLEGAL_ADDRESS:
            self._reads.rewind(block)
            return
        avoid = self._map.probes.counts
        address, count = self._reads.refused(block, avoid, self._map.joined(block))
        if not count:
            return
        if self._map.missing(self.data, block, address, count):
            self._restore_time.vital_missing(now)
        if address not in self._reported and len(self._reported) < _REPORTED:
            self._reported += (address,)
            self._log.put(self.data.index, incidents.REGISTER_MISSING, address, count)

    def _refuse_summary(self, code: int, now: int) -> None:
        if self._summary.trial:
            self._reads.give_up(self._block)
            self._summary.begin_again(False)
            return
        self._refuse_read(code, now)
        self._summary.begin_again(code == _ILLEGAL_ADDRESS and not self._reads.empty(self._block))

    def _send_read(self, job: int, block: Block) -> Request:
        self._job = job
        self._block = block
        return self._reads.request(block)

    def _send_write(self, job: WriteJob, request: Request, now: int) -> Request:
        self._job = _WRITE
        self._write = job
        self.writes.sent(job, now)
        return request

    def _end_write(self, job: WriteJob, now: int) -> None:
        if self.writes.not_echoed(job):
            self._tell(incidents.WRITE_FAILED, job, 0, now)

    def _tell(self, code: int, write: WriteJob, extra: int, now: int) -> None:
        self._log.put_of_write(self.data.index, code, write.number, write.address, extra, now)

    def _see_return(self, now: int) -> bool:
        """The unit may be another BMS now, or the same one started anew; True when it is so."""
        if self._returns == self.health.returns:
            return False
        self._returns = self.health.returns
        self._log.put(self.data.index, incidents.UNIT_BACK, 0, 0)
        self.reconnected(now)
        return True

    def _restore(self, now: int) -> None:
        self._restore_time.done(now)
        self._map.restore(self.data)
        self._summary.restore()
        self._scans.restore()
