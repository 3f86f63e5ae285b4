"""The records of a black box: their layout, and how they are put together."""

from __future__ import annotations

import struct
from array import array

from micropython import const

from gateway.protection import rules
from gateway.protection.changes import UNKNOWN
from gateway.telemetry import records, summary_codec
from gateway.telemetry.rewind import CELLS, STREAMS
from gateway.telemetry.summary_codec import SummaryEncoder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.config import Config
    from gateway.config.limits import Limit
    from gateway.outputs.enforcer import Enforcer
    from gateway.telemetry.box_rations import BoxRations
    from gateway.telemetry.lane import Lane
    from gateway.telemetry.rewind import Rewind

    Block = tuple[int, int, int]  # rack, stream, number
    Planned = tuple[int, list[Block]]  # a record to come: what it is, its blocks

# Every record: what it is, rack (255 = a rule of the site), number of the box in this boot, number
# of the record in the box.
PART = "<BBHH"
PART_BYTES = 6
HEADER = 0
BEFORE = 1
OTHERS = 2  # summaries of the racks that did not trip
AFTER = 3
AGAIN = 4  # another trip while the box was being written: a header without parts
END = 5
PART_NAMES = ("header", "before", "other racks", "after", "again", "end")

# Rule, level, racks of the site, summaries and bytes of text in this record; aftermath s; number
# of parts `before` and `other racks` that follow; number of the box that holds the other racks'
# summaries; trips so far that got no box; value, set and clear point in the rule's unit; delay ms
# as configured, and as it was counted (NO_DELAY: not known). Then the rule's name, then a key
# frame of the summary codec for each rack of the box.
HEADER_PAYLOAD = "<BBBBBHHHIiiiII"
HEADER_BYTES = 35
NO_DELAY = 0xFFFFFFFF
# Stream (rewind.CELLS, STEADY, FAST), rack, bytes of the frames, uptime ms of the first one, cells
# and sensors of a cell frame; then the frames, see `rewind`.
BLOCK = "<BBHIHH"
BLOCK_BYTES = 12
# Records of the box with this one; blocks that were overwritten before they could be stored.
END_PAYLOAD = "<HH"
END_BYTES = 4

_LEVEL_3 = const(2)
_LONGEST_NAME = const(64)  # of a rule


class Box:
    """One that is being written."""

    def __init__(self, rack: int, number: int, racks: list[int], now: int) -> None:
        self.rack = rack
        self.number = number
        self.racks = racks
        self.part = 0  # number of the next record
        self.shared = 0  # number of the box with the summaries of the other racks
        self.plan: list[Planned] = []
        self.tries = 0  # of the first of them
        self.taken = [0] * (STREAMS * len(racks))  # next block of each rack's streams
        self.began = now
        self.collect_at = now
        self.ends_at = now
        self.complete = False  # all that follows is in the plan
        self.lost = 0


class BoxRecords:
    """Appends the records of boxes to a lane, each put together in one buffer.

    An error, of memory say, leaves box and lane as they were: the call can be made again.
    """

    def __init__(
        self,
        lane: Lane,
        rations: BoxRations,
        rewind: Rewind,
        enforcer: Enforcer,
        settings: Config,
        fill: Callable[[int, array[int]], None],
        part_bytes: int,
    ) -> None:
        self._lane = lane
        self._rations = rations
        self._rewind = rewind
        self._enforcer = enforcer
        self._limits = settings.limits
        self._aftermath_s = settings.integer("telemetry.aftermath_s")
        self._fill = fill
        self._part_bytes = part_bytes
        self._values = array("i", [0] * len(records.SAMPLE_FIELDS))
        self._summary = SummaryEncoder()
        racks = len(enforcer.pollers)
        room = PART_BYTES + HEADER_BYTES + _LONGEST_NAME + racks * summary_codec.LARGEST_BYTES
        if rewind.seconds:  # blocks will follow the header
            room = max(room, part_bytes, PART_BYTES + BLOCK_BYTES + rewind.ring(0, CELLS).longest)
        self._record = bytearray(room)

    def plan(self, what: int, blocks: list[Block]) -> list[Planned]:
        """As few records as these blocks need, in this order."""
        planned: list[Planned] = []
        room = 0
        for block in blocks:
            size = BLOCK_BYTES + self._rewind.ring(block[0], block[1]).length(block[2])
            if size > room:
                planned.append((what, []))
                room = self._part_bytes - PART_BYTES
            planned[-1][1].append(block)
            room -= size
        return planned

    def put_header(
        self, box: Box, what: int, rack: int, rule: int, value: int, refused: int
    ) -> None:
        """HEADER of a box, or AGAIN: what tripped, and how the racks stand now."""
        record = self._record
        name = rules.name(rule).encode()
        points = self._points(rack, rule)
        racks = box.racks if rack == records.NO_RACK else [rack]
        struct.pack_into(
            HEADER_PAYLOAD,
            record,
            PART_BYTES,
            rule,
            rules.LEVEL_COUNT,
            len(self._enforcer.pollers),
            len(racks),
            len(name),
            self._aftermath_s,
            len(box.plan) if what == HEADER else 0,
            box.shared,
            refused & 0xFFFFFFFF,
            value,
            points[0],
            points[1],
            points[2],
            points[3],
        )
        end = PART_BYTES + HEADER_BYTES
        record[end : end + len(name)] = name
        end += len(name)
        for each in racks:
            self._fill(each, self._values)
            end = self._summary.encode(self._values, True, record, end)
        self._put(box, what, rack, end)

    def put_next(self, box: Box) -> int:
        """The first record of the plan; how many of its blocks are not stored: overwritten before,
        or, when the flash has no room for more boxes, all of them.
        """
        what, blocks = box.plan[0]
        lost = 0
        record = self._record
        end = PART_BYTES
        for rack, stream, number in blocks:
            ring = self._rewind.ring(rack, stream)
            length = ring.length(number)
            if not length:
                lost += 1
                continue
            is_cells = stream == CELLS
            struct.pack_into(
                BLOCK,
                record,
                end,
                stream,
                rack,
                length,
                ring.began_ms(number),
                self._rewind.cells if is_cells else 0,
                self._rewind.temps if is_cells else 0,
            )
            end += BLOCK_BYTES
            record[end : end + length] = ring.read(number)
            end += length
        if self._rations.has_room(end):
            self._put(box, what, box.rack, end)
        else:
            lost = len(blocks)
        box.plan.pop(0)
        return lost

    def put_end(self, box: Box) -> None:
        """The last record of a box."""
        struct.pack_into(
            END_PAYLOAD, self._record, PART_BYTES, box.part + 1 & 0xFFFF, box.lost & 0xFFFF
        )
        self._put(box, END, box.rack, PART_BYTES + END_BYTES)

    def _points(self, rack: int, rule: int) -> tuple[int, int, int, int]:
        """Set and clear point as they are now, delay as configured and as counted."""
        limit: Limit = self._limits[rules.name(rule)][_LEVEL_3]  # type: ignore[assignment]
        if rack == records.NO_RACK:
            return limit.set_point, limit.clear_point, limit.delay_ms, NO_DELAY
        protection = self._enforcer.protections[rack]
        side = protection.thresholds.sides[rule]
        set_point, clear_point = protection.points(rule, rules.LEVEL_COUNT)
        counted_ms = protection.counted_ms(rule)
        if counted_ms == UNKNOWN:
            counted_ms = NO_DELAY
        return set_point * side, clear_point * side, limit.delay_ms, counted_ms

    def _put(self, box: Box, what: int, rack: int, end: int) -> None:
        struct.pack_into(PART, self._record, 0, what, rack, box.number, box.part & 0xFFFF)
        sequence = self._lane.append(records.BLACK_BOX, memoryview(self._record)[:end])
        self._rations.took(sequence, end)
        box.part += 1
