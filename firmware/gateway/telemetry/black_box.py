"""The black box: what a trip looked like, before and behind it, on flash and sent off first.

A box is a row of records in the lane of the events. Its header, with the rule, its points and the
state of the rack at that moment, goes to flash together with the trip event. Then come the last
minute of the rack, the summaries of the other racks, and for the aftermath what the rack did,
every few seconds. What is stored decodes, wherever a power cut comes.
"""

from __future__ import annotations

from micropython import const

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
    from gateway.telemetry.box_rations import BoxRations
    from gateway.telemetry.box_records import Block, Planned
    from gateway.telemetry.lane import Lane
    from gateway.telemetry.rewind import Rewind

# Writing a page of NOR flash stops everything for 50 ms (45 ms to erase it, 16 times 0.4 ms): half
# of the time is for the others.
_PART_MS = const(100)
_COLLECT_MS = const(5000)  # what a power cut may cost of the aftermath
_SHARED_MS = const(10000)  # trips that close together share the summaries of the other racks
_MOST_TRIES = const(3)
_LONGEST = const(3)  # aftermaths of a box, with those of further trips


class BlackBox:
    """`trip` begins a box, `step` writes it, a record per call at most; for the task that records,
    both may allocate. One box per rack at a time: a further trip goes into the box that is being
    written and makes its aftermath longer. A rule of the site gives one box with all racks.

    `boxes`: begun so far. `refused`: trips that the rations left without a box; their events are
    there. `lost`: blocks that were overwritten first, or that the rations left no room for.

    An error, of memory say, leaves everything as it was: the same call can be made again.
    """

    def __init__(
        self,
        lane: Lane,
        rations: BoxRations,
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
        self._lane = lane
        self._rations = rations
        self._rewind = rewind
        self._racks = list(range(len(enforcer.pollers)))
        self._aftermath_ms = settings.integer("telemetry.aftermath_s") * 1000
        self._clock = clock
        self._records = BoxRecords(lane, rations, rewind, enforcer, settings, fill, part_bytes)
        self._open: list[Box] = []
        self._due = clock.ticks()
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

        The header is appended here; the lane's next step writes it. Nothing follows it for a
        moment: what was done about the trip comes first.
        """
        now = self._clock.ticks()
        box = self._box_of(rack)
        if box is not None:
            self._records.put_header(box, AGAIN, rack, rule, value, self.refused)
            box.ends_at = self._later_end(box, now)
        elif self._rations.may_begin(rack):
            box = self._planned(rack, now)
            opened = self._open + [box]
            self._records.put_header(box, HEADER, rack, rule, value, self.refused)
            self._begin(box, opened)
        else:
            self.refused += 1
            return
        self._due = add(now, _PART_MS)
        self._lane.hurry()

    def step(self, now: int) -> None:
        """Write the next record that is due, if any."""
        self._rations.step(now)
        if diff(now, self._shared_at) > _SHARED_MS:
            self._shared = 0
        if not self._open:
            self._due = now
            return
        if diff(now, self._due) < 0 or self._is_full():
            return
        for box in self._open:
            if self._advance(box, now):
                return

    def finish(self) -> None:
        """The gateway ends: bring what there is of every open box into the lane, and on flash."""
        now = self._clock.ticks()
        for box in self._open:
            box.ends_at = box.collect_at = now
        while self._open:
            if self._is_full():
                self._lane.flush()
                if self._is_full():
                    return
            self._advance(self._open[0], now)
        self._lane.flush()

    # -- what belongs into a box --

    def _planned(self, rack: int, now: int) -> Box:
        """A box with all that was before; not yet begun."""
        racks = self._racks if rack == records.NO_RACK else [rack]
        box = Box(rack, self.boxes + 1 & 0xFFFF, racks, now)
        if self._rewind.seconds:
            box.shared = self._shared
            self._collect(box, BEFORE)
            if rack == records.NO_RACK:
                box.shared = box.number
            elif not box.shared:
                box.shared = box.number
                box.plan += self._others(rack)
        if self._rewind.seconds and self._aftermath_ms:
            box.ends_at = add(now, self._aftermath_ms)
            box.collect_at = add(now, min(_COLLECT_MS, self._aftermath_ms))
        else:
            box.complete = True
        return box

    def _begin(self, box: Box, opened: list[Box]) -> None:
        """Its header is recorded, so it is there. Allocates nothing."""
        self._open = opened
        self.boxes += 1
        self._rations.begun(box.rack)
        if box.shared == box.number:
            self._shared = box.number
            self._shared_at = box.began

    def _others(self, rack: int) -> list[Planned]:
        """The summaries of all racks but this."""
        blocks: list[Block] = []
        for other in self._racks:
            if other != rack:
                ring = self._rewind.ring(other, STEADY)
                ring.seal()
                blocks += [(other, STEADY, number) for number in range(ring.first, ring.next)]
        return self._records.plan(OTHERS, blocks)

    def _collect(self, box: Box, what: int) -> None:
        """Plan every block of the box's racks that it has not taken yet."""
        blocks: list[Block] = []
        taken: list[int] = []
        lost = 0
        for rack in box.racks:
            self._rewind.seal(rack)
            for stream in range(STREAMS):
                ring = self._rewind.ring(rack, stream)
                first = max(ring.first, box.taken[len(taken)])
                if what != BEFORE:
                    lost += first - box.taken[len(taken)]
                blocks += [(rack, stream, number) for number in range(first, ring.next)]
                taken.append(ring.next)
        box.plan += self._records.plan(what, blocks)
        box.taken = taken
        self._lose(box, lost)

    # -- writing --

    def _is_full(self) -> bool:
        """Where the flash does not take the records, events need the room more."""
        return 2 * self._lane.ring.waiting > self._lane.ring.size

    def _advance(self, box: Box, now: int) -> bool:
        """Append one record of a box; False when none is due."""
        waits = not box.plan and not box.complete
        if waits and diff(now, box.collect_at) < 0:
            return False
        self._due = add(now, _PART_MS)  # whether it works or not
        if waits:
            self._collect(box, AFTER)
            box.complete = diff(now, box.ends_at) >= 0
            box.collect_at = add(now, _COLLECT_MS)
            if diff(box.collect_at, box.ends_at) > 0:
                box.collect_at = box.ends_at
        if box.plan:
            self._put_next(box)
        elif box.complete:
            self._records.put_end(box)
            self._open.remove(box)
        else:
            return False
        if not box.plan:
            self._lane.hurry()
        return True

    def _put_next(self, box: Box) -> None:
        """One that fails is tried three times: the others must not wait for ever."""
        if box.tries == _MOST_TRIES:
            box.tries = 0
            self._lose(box, len(box.plan.pop(0)[1]))
            return
        box.tries += 1
        self._lose(box, self._records.put_next(box))
        box.tries = 0

    # -- how long --

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

    def _lose(self, box: Box, blocks: int) -> None:
        box.lost += blocks
        self.lost += blocks
