"""The black box: what a trip looked like, before and behind it, on flash and sent off first.

A box is a row of records in the lane of the events. Its header, with the rule, its points and the
state of the rack at that moment, is on flash together with the trip event, before anything else is
done about it. Then come the last minute of the rack, the summaries of the other racks, and for the
aftermath what the rack did, every few seconds. What is stored decodes, wherever a power cut comes.
"""

from __future__ import annotations

from gateway.clock import add, diff
from gateway.telemetry import records
from gateway.telemetry.box_records import AFTER, AGAIN, BEFORE, HEADER, OTHERS, Box, BoxRecords
from gateway.telemetry.rewind import STEADY, STREAMS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable

    from gateway.clock import Clock
    from gateway.config import Config
    from gateway.outputs.enforcer import Enforcer
    from gateway.telemetry.box_records import Block
    from gateway.telemetry.lane import Lane
    from gateway.telemetry.rewind import Rewind

# Writing a page of NOR flash stops everything for 50 ms (45 ms to erase it, 16 times 0.4 ms): half
# of the time is for the others.
_PART_MS = 100
_COLLECT_MS = 5000  # what a power cut may cost of the aftermath
_SHARED_MS = 10000  # trips that close together share the summaries of the other racks
_AT_ONCE = 4  # boxes of a rack; then one an hour
_HOUR_MS = 3600000
_LONGEST = 3  # aftermaths of a box, with those of further trips


class BlackBox:
    """`trip` begins a box, `step` writes it, a record per call at most; for the task that records,
    both may allocate. One box per rack at a time: a further trip goes into the box that is being
    written and makes its aftermath longer. A rule of the site gives one box with all racks.

    `boxes`: begun so far. `refused`: trips without a box, because the rack has had four and one
    more for each hour since; their events are there. `lost`: blocks that were overwritten first.
    """

    def __init__(
        self,
        lane: Lane,
        rewind: Rewind,
        enforcer: Enforcer,
        settings: Config,
        fill: Callable[[int, array[int]], None],
        clock: Clock,
        part_bytes: int = 3800,
    ) -> None:
        """`lane` is that of the events. `fill(rack, values)` fills an array in the order of
        records.SAMPLE_FIELDS. `part_bytes`: largest payload of a record; a block is never divided,
        so below 1824 some records are larger.
        """
        count = len(enforcer.pollers)
        self._lane = lane
        self._rewind = rewind
        self._racks = list(range(count))
        self._aftermath_ms = settings.integer("telemetry.aftermath_s") * 1000
        self._clock = clock
        self._records = BoxRecords(lane, rewind, enforcer, settings, fill, part_bytes)
        self._open: list[Box] = []
        self._unflushed = False
        self._due = clock.ticks()
        self._tokens = bytearray([_AT_ONCE] * (count + 1))  # the last one is the site's
        self._refill_at = add(self._due, _HOUR_MS)
        self._shared = 0  # number of the box with the newest summaries of all racks
        self._shared_at = self._due
        self.boxes = 0
        self.refused = 0
        self.lost = 0

    @property
    def active(self) -> list[int]:
        """Racks whose box is being written; NO_RACK for the site's."""
        return [box.rack for box in self._open]

    def trip(self, rack: int, rule: int, value: int) -> None:
        """A level 3 has just become active; `rack` NO_RACK for a rule of the site.

        The header is appended here; whoever calls flushes the lane, or the next step does.
        """
        now = self._clock.ticks()
        box = self._box_of(rack)
        if box is not None:
            box.ends_at = self._later_end(box, now)
            self._put_header(box, AGAIN, rack, rule, value)
            return
        owner = min(rack, len(self._tokens) - 1)
        if self._tokens[owner] == 0:
            self.refused += 1
            return
        self._tokens[owner] -= 1
        self.boxes += 1
        racks = self._racks if rack == records.NO_RACK else [rack]
        box = Box(rack, self.boxes & 0xFFFF, racks, now)
        if self._rewind.seconds:
            self._plan_before(box, now)
        if self._rewind.seconds and self._aftermath_ms:
            box.ends_at = add(now, self._aftermath_ms)
            box.collect_at = add(now, min(_COLLECT_MS, self._aftermath_ms))
        else:
            box.complete = True
        self._open.append(box)
        self._put_header(box, HEADER, rack, rule, value)

    def step(self, now: int) -> None:
        """Write the next record that is due, if any."""
        if diff(now, self._refill_at) >= 0:
            self._refill(now)
        if diff(now, self._shared_at) > _SHARED_MS:
            self._shared = 0
        if self._unflushed:
            self._unflushed = False
            self._lane.flush()
            return
        if not self._open:
            self._due = now
            return
        if diff(now, self._due) < 0 or self._is_full():
            return
        for box in self._open:
            if self._advance(box, now):
                self._due = add(now, _PART_MS)
                return

    def finish(self) -> None:
        """The gateway ends: bring what there is of every open box into the lane, page by page."""
        now = self._clock.ticks()
        for box in self._open:
            box.ends_at = box.collect_at = now
        while self._open:
            if self._is_full() and not self._write_page():
                return
            self._advance(self._open[0], now)
        self._lane.flush()

    # -- what belongs into a box --

    def _plan_before(self, box: Box, now: int) -> None:
        self._collect(box, BEFORE)
        if box.rack == records.NO_RACK:
            self._share(box, now)
        elif not self._shared:
            others: list[Block] = []
            for rack in self._racks:
                if rack != box.rack:
                    ring = self._rewind.ring(rack, STEADY)
                    ring.seal()
                    others += [(rack, STEADY, number) for number in range(ring.first, ring.next)]
            self._records.plan(box, OTHERS, others)
            self._share(box, now)

    def _share(self, box: Box, now: int) -> None:
        self._shared = box.number
        self._shared_at = now

    def _collect(self, box: Box, what: int) -> None:
        """Plan every block of the box's racks that it has not taken yet."""
        blocks: list[Block] = []
        for place, rack in enumerate(box.racks):
            self._rewind.seal(rack)
            taken = box.taken[place]
            for stream in range(STREAMS):
                ring = self._rewind.ring(rack, stream)
                if what != BEFORE and ring.first > taken[stream]:
                    self._lose(box, ring.first - taken[stream])
                first = max(ring.first, taken[stream])
                blocks += [(rack, stream, number) for number in range(first, ring.next)]
                taken[stream] = ring.next
        self._records.plan(box, what, blocks)

    # -- writing --

    def _is_full(self) -> bool:
        """Where the flash does not take the records, events need the room more."""
        return 2 * self._lane.ring.waiting > self._lane.ring.size

    def _write_page(self) -> bool:
        """False when the flash does not take any."""
        waiting = self._lane.ring.waiting
        self._lane.flush()
        return self._lane.ring.waiting < waiting

    def _advance(self, box: Box, now: int) -> bool:
        """Append one record of a box; False when none is due."""
        if not box.plan and not box.complete and diff(now, box.collect_at) >= 0:
            box.complete = diff(now, box.ends_at) >= 0
            box.collect_at = add(now, _COLLECT_MS)
            if diff(box.collect_at, box.ends_at) > 0:
                box.collect_at = box.ends_at
            self._collect(box, AFTER)
        if box.plan:
            self._lose(box, self._records.put_next(box))
            if not box.plan:
                self._unflushed = True
            return True
        if box.complete:
            self._open.remove(box)
            self._records.put_end(box)
            self._unflushed = True
            return True
        return False

    def _put_header(self, box: Box, what: int, rack: int, rule: int, value: int) -> None:
        self._records.put_header(box, what, rack, rule, value, self._shared, self.refused)
        self._unflushed = True

    # -- how many, how long --

    def _box_of(self, rack: int) -> Box | None:
        """The open box that a trip of `rack` belongs into."""
        for box in self._open:
            if box.rack in (rack, records.NO_RACK) and not box.complete:
                return box
        return None

    def _later_end(self, box: Box, now: int) -> int:
        """An aftermath from now on, but not for ever."""
        if diff(now, box.began) >= (_LONGEST - 1) * self._aftermath_ms:
            return box.ends_at
        return add(now, self._aftermath_ms)

    def _refill(self, now: int) -> None:
        self._refill_at = add(now, _HOUR_MS)
        for owner in range(len(self._tokens)):
            self._tokens[owner] = min(self._tokens[owner] + 1, _AT_ONCE)

    def _lose(self, box: Box, blocks: int) -> None:
        box.lost += blocks
        self.lost += blocks
