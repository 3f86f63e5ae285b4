"""The journal: what is recorded, in three lanes on one flash."""

from __future__ import annotations

from micropython import const

from gateway.telemetry import boot_id, records
from gateway.telemetry.block_source import BlockSource
from gateway.telemetry.earlier_boxes import EarlierBoxes
from gateway.telemetry.lane import LARGEST_RECORD, Lane
from gateway.telemetry.record_source import RecordSource
from gateway.telemetry.retention import Retention

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gateway.clock import Clock
    from gateway.contracts import Random, Storage

EVENTS_RING_BYTES = 32768  # black boxes go through it
_PLAIN_EVENTS_RING_BYTES = const(10240)  # without black boxes
_IDLE_RING_BYTES = const(704)  # nothing but gap records comes: a whole report has room
_EVENTS_FLUSH_MS = const(2000)  # those that are not urgent; the others are flushed at once
_MINUTE_PATIENCE = const(5)
_LISTINGS = const(3)


class Lanes:
    """`events`, `minute` and `fine`: one boot id, one capacity, one step.

    `instant_bytes` of the samples of one instant wait in RAM at most while a page of them is
    written: what comes faster when flash takes nothing is lost, and told. Minutes that wait stand
    among the 10 s samples, too, so they may wait longer; not so without those. `boxes`, `minute`
    and `fine`: whether there will be black boxes, minutes and 10 s samples; without them the RAM
    for them is not taken, and what stands on flash of them is still delivered. `random` helps to
    find an unused boot id.
    """

    def __init__(
        self,
        storage: Storage,
        clock: Clock,
        appended: Any,
        *,
        segment_bytes: int,
        capacity_bytes: int,
        events_pm: int,
        flush_ms: int,
        instant_bytes: int = 16384,
        boxes: bool = True,
        minute: bool = True,
        fine: bool = True,
        consumers: tuple[str, ...] = ("uplink",),
        random: Random | None = None,
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._random = random
        self._errors = 0
        self._retention = retention = Retention(capacity_bytes, events_pm, segment_bytes)
        events_ring_bytes = EVENTS_RING_BYTES if boxes else _PLAIN_EVENTS_RING_BYTES
        samples_ring_bytes = 2 * LARGEST_RECORD + instant_bytes
        minute_ring_bytes = samples_ring_bytes if minute else _IDLE_RING_BYTES
        fine_ring_bytes = samples_ring_bytes if fine else _IDLE_RING_BYTES

        def lane(number: int, flush_ms: int, ring_bytes: int) -> Lane:
            return Lane(
                storage,
                clock,
                appended,
                number,
                retention,
                segment_bytes=segment_bytes,
                flush_ms=flush_ms,
                ring_bytes=ring_bytes,
                consumers=consumers,
            )

        minute_flush_ms = _MINUTE_PATIENCE * flush_ms if fine else flush_ms
        events_flush_ms = min(flush_ms, _EVENTS_FLUSH_MS)
        self.events = lane(records.EVENTS, events_flush_ms, events_ring_bytes)
        self.minute = lane(records.MINUTE, minute_flush_ms, minute_ring_bytes)
        self.fine = lane(records.FINE, flush_ms, fine_ring_bytes)
        self.all = retention.lanes = (self.events, self.minute, self.fine)
        self.appended = appended
        self.boot = 0
        self.earlier_boxes = EarlierBoxes(storage, [])

    def open(self) -> None:
        """Find what earlier boots left and begin this one; a damaged flash starts empty.

        What cannot be listed is left to the next start: then no cursor passes it in this one.
        """
        files = self._try_to_list_files()
        for lane in self.all:
            lane.disposal.holds_cursors = files is None
        files = files or []
        buffer = memoryview(bytearray(2 * LARGEST_RECORD))
        known = max([lane.load(files, buffer) for lane in self.all])
        self.boot, kept = boot_id.begin(self._storage, self._clock, self._random, known)
        self._errors += not kept
        for lane in self.all:
            lane.begin(self.boot)
        events = self.events
        undelivered = [
            segment
            for segment in events.files.all
            if (segment.boot, segment.last) > events.delivered
        ]
        self.earlier_boxes = EarlierBoxes(self._storage, undelivered)

    def _try_to_list_files(self) -> list[tuple[str, int]] | None:
        for _ in range(_LISTINGS):
            try:
                return self._list_files()
            except OSError:
                self._errors += 1
        return None

    def _list_files(self) -> list[tuple[str, int]]:
        """(name, size) of all files in order; size -1: not known."""
        sizes = getattr(self._storage, "sizes", None)
        return sorted(sizes() if sizes else [(name, -1) for name in self._storage.names()])

    def sources(self, consumer: str = "uplink") -> tuple[RecordSource, BlockSource, BlockSource]:
        """What the consumer sends, in order of priority: events, minutes, 10 s samples."""
        scratch = memoryview(bytearray(LARGEST_RECORD))
        return (
            RecordSource(self.events, self._clock, consumer),
            BlockSource(self.minute, self._clock, consumer, scratch),
            BlockSource(self.fine, self._clock, consumer, scratch),
        )

    def step(self, now: int) -> None:
        """Do what is due, events first: one page, one cursor or one deletion.

        Where there is none, one piece of what earlier boots left is read.
        """
        for lane in self.all:
            if lane.step(now):
                return
        self.earlier_boxes.step()

    def flush(self) -> None:
        """Write the events that wait now."""
        self.events.flush()

    def close(self) -> None:
        """Write all records and the cursors, close the files."""
        lanes = list(reversed(self.all))
        for _ in self.all:  # a page of one lane may have dropped a file of another, which tells it
            lanes = [lane for lane in lanes if lane.write_all()]
        for lane in self.all:
            lane.close()

    @property
    def events_bytes(self) -> int:
        """What events may take of the flash while samples need it, too."""
        return self._retention.events_bytes

    @property
    def backlog(self) -> int:
        """Records that not every consumer has released yet."""
        return sum([lane.backlog for lane in self.all])

    @property
    def dropped(self) -> int:
        """Records that will never be delivered, as far as known; not those of earlier reports."""
        return sum([lane.dropped for lane in self.all])

    @property
    def corrupt(self) -> int:
        """Files that could not be read to their end."""
        return sum([lane.corrupt for lane in self.all])

    @property
    def removed_aside(self) -> int:
        """Files that could not be read and were deleted for newer ones of the kind."""
        return sum([lane.files.removed_aside for lane in self.all])

    @property
    def write_errors(self) -> int:
        """Failures of the flash."""
        errors = self._errors + self.earlier_boxes.failures
        return errors + sum([lane.write_errors for lane in self.all])
