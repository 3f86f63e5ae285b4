"""A lane of the journal: its records in order, on flash until their delivery is acknowledged.

Records wait in a ring in RAM until a page of them is full. A record is *stored* once it is on
flash, *delivered* once every consumer's cursor has passed it; its key is (boot, lane, sequence).
A failing flash is counted and tried again after a pause, and never raises out of here; what it
costs is named by gap records. A step asks one thing of the flash at most, for everything stands
still meanwhile: a page, a cursor, or a file that goes.

A lane of samples goes in chunks: records that refer to each other, with consecutive numbers and
in one file as far as the flash lets it.
"""

from __future__ import annotations

from micropython import const

from gateway.telemetry import records
from gateway.telemetry.byte_ring import ByteRing
from gateway.telemetry.disposal import Disposal
from gateway.telemetry.losses import Losses
from gateway.telemetry.pages import Pages
from gateway.telemetry.segment_files import SegmentFiles
from gateway.telemetry.setbacks import Setbacks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gateway.clock import Clock
    from gateway.contracts import Storage
    from gateway.telemetry.retention import Retention
    from gateway.telemetry.segment import Segment

_SMALL_RECORD = const(64)  # bytes; the ring has a slot for each so many of its own
_LEAST_SLOTS = const(20)  # a report of losses is 17 records, and one slot stays free
PAGE_BYTES = 4096
LARGEST_RECORD = records.LARGEST_RECORD


class Lane:
    """Append, read through a source, release up to a key.

    `appended` is an event set on every append. `stored` is the last sequence number of this boot
    that is on flash or was given up. `open_chunk` is the first number of the chunk being written,
    0 when there is none.
    """

    def __init__(
        self,
        storage: Storage,
        clock: Clock,
        appended: Any,
        number: int,
        retention: Retention,
        *,
        segment_bytes: int,
        flush_ms: int,
        ring_bytes: int,
        consumers: tuple[str, ...] = ("uplink",),
    ) -> None:
        self._clock = clock
        self._setbacks = Setbacks(flush_ms)
        self.number = number
        self.appended = appended
        self.ring = ByteRing(ring_bytes, max(_LEAST_SLOTS, ring_bytes // _SMALL_RECORD))
        self.files = SegmentFiles(storage, number, segment_bytes)
        self.losses = Losses()
        self._pages = Pages(
            self.files,
            self.ring,
            self._setbacks,
            retention,
            clock,
            segment_bytes=segment_bytes,
            flush_ms=flush_ms,
        )
        self.disposal = Disposal(
            storage,
            clock,
            self.files,
            self.ring,
            self.losses,
            self._setbacks,
            retention,
            consumers,
        )
        self.cursors = self.disposal.cursors
        self.boot = 0
        self.open_chunk = 0
        self.appended_bytes = 0  # since the start

    def load(self, files: list[tuple[str, int]], buffer: memoryview) -> int:
        """As SegmentFiles.load; the largest boot id there. A damaged flash starts empty."""
        known = self.disposal.load()
        self.files.load(files, buffer)
        return max(known, self.files.newest_boot)

    def begin(self, boot: int) -> None:
        """What is appended from now on is of this boot."""
        self.boot = self.disposal.boot = boot

    @property
    def stored(self) -> int:
        """Last record of this boot that is on flash or was given up."""
        return self.ring.first - 1

    @property
    def delivered(self) -> tuple[int, int]:
        """(boot, sequence) of the last record that every consumer has acknowledged."""
        return self.disposal.delivered

    @property
    def corrupt(self) -> int:
        """Segments in which damage was found, or that could not be read."""
        return self.files.corrupt

    @property
    def write_errors(self) -> int:
        """Failures of the flash."""
        return self._setbacks.total + self.files.read_errors

    @property
    def dropped(self) -> int:
        """Records that will never be delivered, as far as known; not those of earlier reports."""
        return self.losses.count

    @property
    def backlog(self) -> int:
        """Records that not every consumer has released yet."""
        return self.count_after(self.delivered)

    def count_after(self, key: tuple[int, int]) -> int:
        """Records behind `key`, in RAM and on flash."""
        oldest = self.ring.oldest
        in_ram = self.ring.next - max(oldest, key[1] + 1 if key[0] == self.boot else 0)
        return in_ram + self.files.count_between(key, (self.boot, oldest))

    def _in_ram_only(self, key: tuple[int, int]) -> int:
        """Records behind `key` that are not on flash."""
        return self.ring.next - 1 - max(self.stored, key[1] if key[0] == self.boot else 0)

    # -- taking records --

    def append(self, kind: int, payload: bytes | bytearray | memoryview) -> int:
        """Take a record; returns its sequence number. It is on flash after about `flush_ms`.

        One of more than LARGEST_RECORD bytes, or that outgrows the ring, is lost. The payload is
        copied.
        """
        ring, clock = self.ring, self._clock
        sequence = ring.next
        if records.HEADER_BYTES + len(payload) > min(LARGEST_RECORD, ring.size - 1):
            self.losses.add(self.boot, sequence, sequence)
            kind, payload = records.GAP, self.losses.payloads()[-1]  # the number must be used
        header = records.encode_header(
            kind,
            sequence,
            clock.uptime_ms(),
            clock.utc_ms(),
            clock.utc_quality,
            payload,
            self.number,
        )
        length = records.HEADER_BYTES + len(payload)
        while not ring.fits(length):  # flash did not take them: the oldest goes
            self._give_up_oldest()
        self._pages.put(header, payload, self.open_chunk)
        self.appended_bytes += length
        self.appended.set()
        return sequence

    def begin_chunk(self) -> int:
        """The record appended next begins a chunk; returns its sequence number."""
        self.open_chunk = 0
        self._report_losses()
        self._pages.plan.begin_chunk()
        self.open_chunk = self.ring.next
        return self.open_chunk

    def chunk_full(self, expected_bytes: int) -> bool:
        """A chunk has to begin before so many bytes more; at least one instant is in each."""
        if not self.open_chunk:
            return True
        if self.ring.next == self.open_chunk:
            return False
        if self._setbacks.in_a_row and 2 * self.ring.waiting > self.ring.size:
            return True  # only what is whole in RAM can still be sent
        return not self._pages.plan.has_room(expected_bytes)

    def end_chunk(self) -> None:
        """The open chunk is complete: it may go upstream."""
        self.open_chunk = 0
        self.appended.set()

    # -- writing --

    def step(self, now: int) -> bool:
        """Do what is due: write a page or a cursor, or delete a segment; True when it did one."""
        disposal, pages = self.disposal, self._pages
        if not self.open_chunk:
            self._report_losses()
        if pages.failed:  # what is delivered goes before another one is tried
            tried = disposal.keep_up(now)
            pages.failed = tried and not disposal.stuck  # a page may work where that does not
            if tried:
                return True
        if disposal.wants_room:
            disposal.make_room()
            return True
        if self._setbacks.pausing(now):
            return False
        if pages.due(now):
            self._write_page()
            return True
        return disposal.keep_up(now)

    def hurry(self) -> None:
        """What waits now is due: the next step writes it, or as many steps as it has pages."""
        self._pages.hurry()

    def flush(self) -> None:
        """Write all that waits, page by page: for an end that may come at once."""
        self.hurry()
        while self.ring.waiting and not self._setbacks.pausing(self._clock.ticks()):
            if not self._write_page():
                return

    def write_all(self) -> bool:
        """Write all records and report all losses; False when the flash failed."""
        self.end_chunk()
        self._report_losses()
        while self.ring.waiting:
            if not self._write_page():
                return False
        return True

    def close(self) -> None:
        """Behind `write_all`: write the cursors, delete what they passed, close the files."""
        self.disposal.close()
        self.files.close()
        self.files.close_readers()

    def give_up(self, segment: Segment) -> None:
        """Set a file aside that cannot be read; what is not in RAM of it is lost."""
        last = segment.end
        if segment.boot == self.boot:
            last = min(last, self.ring.oldest - 1)
            if segment is self.files.writer.segment:
                self._pages.abandon()
        self.disposal.set_aside(segment, last)

    def _give_up_oldest(self) -> None:
        ring = self.ring
        if ring.oldest == ring.first:
            self.files.close()  # a file has no holes, and no record in pieces
            self.losses.add(self.boot, ring.oldest, ring.oldest)
        ring.drop()

    def _write_page(self) -> bool:
        """As Pages.write, and what a file that went for it held is told; False when it failed."""
        try:
            self._pages.write(self.boot)
        except OSError as error:
            self.disposal.make_room_after(error)
            return False
        if not self.open_chunk:
            self._report_losses()
        return True

    def _report_losses(self) -> None:
        """Append gap records for all losses, when the ring is not itself about to overflow."""
        losses, ring = self.losses, self.ring
        if not losses.unreported:
            return
        held = ring.next - ring.oldest
        if 2 * ring.waiting <= ring.size or 2 * self._in_ram_only(self.delivered) <= held:
            known = losses.count
            for payload in losses.payloads():
                self.append(records.GAP, payload)
            if losses.count == known:  # else they pushed something out: another report
                losses.reported(self.boot, ring.next - 1)
