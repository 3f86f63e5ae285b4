"""One journal file: whole records of one lane and boot in order, whatever its name promises."""

from __future__ import annotations

from gateway.telemetry import records
from gateway.telemetry.segment_reader import length_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.contracts import Storage

LETTERS = "emf"  # of the lanes, in file names
_SUFFIX = ".seg"


class Segment:
    """Good records first .. last of a boot; last < first when there is none.

    `end` is the last record that the file may have held: `last` when it is undamaged. `box_bytes`:
    good records of black boxes that `scan` found.
    """

    def __init__(self, lane: int, boot: int, first: int) -> None:
        self.lane = lane
        self.boot = boot
        self.first = first
        self.last = self.end = first - 1
        self.size = 0
        self.box_bytes = 0

    @property
    def name(self) -> str:
        """File name."""
        return "%s%08x-%08x%s" % (LETTERS[self.lane], self.boot, self.first, _SUFFIX)


def parse(name: str, lane: int) -> Segment | None:
    """An unread segment of that lane and name; None for other files."""
    try:
        segment = Segment(lane, int(name[1:9], 16), int(name[10:18], 16))
    except ValueError:
        return None
    return segment if segment.name == name else None


def scan(
    storage: Storage,
    segment: Segment,
    buffer: memoryview,
    on_gap: Callable[[int, int, bytes], None],
) -> bool:
    """Set what the file holds; False when there is damage in it. Raises OSError.

    `buffer` has room for the largest record; `on_gap` gets boot, sequence and payload of each gap
    record. A record cut off at the end is no damage: pages end anywhere, and then the power went.
    """
    held = 0  # unread bytes at the beginning of `buffer`
    good = True
    unread = 0  # behind the good part
    with storage.open(segment.name, "rb") as file:
        while True:
            count = file.readinto(buffer[held:])
            if not count:
                break
            segment.size += count
            if not good:
                unread += count
                continue
            end = held + count
            used = _step_over(segment, buffer, end, on_gap)
            held = end - used
            buffer[:held] = bytes(buffer[used:end])
            unread = held
            if held == len(buffer):
                good, held = False, 0
    segment.end = segment.last
    if not unread or good and _is_torn(segment, buffer, unread):
        return True
    segment.end += max(1, unread // records.HEADER_BYTES)
    return False


def _step_over(
    segment: Segment,
    buffer: memoryview,
    end: int,
    on_gap: Callable[[int, int, bytes], None],
) -> int:
    """Count the good records at the beginning of `buffer`; returns where they end."""
    offset = 0
    while True:
        length = records.check(buffer, offset, end)
        if not length or records.sequence_of(buffer, offset) != segment.last + 1:
            return offset
        segment.last += 1
        if buffer[offset + 1] == records.BLACK_BOX:
            segment.box_bytes += length
        elif buffer[offset + 1] == records.GAP:
            payload = bytes(buffer[offset + records.HEADER_BYTES : offset + length])
            on_gap(segment.boot, segment.last, payload)
        offset += length


def _is_torn(segment: Segment, buffer: memoryview, count: int) -> bool:
    """The last `count` bytes of the file are the beginning of the next record."""
    if buffer[0] != records.MAGIC:
        return False
    if count < records.HEADER_BYTES:
        return True
    return records.sequence_of(buffer, 0) == segment.last + 1 and length_of(buffer, 0) > count
