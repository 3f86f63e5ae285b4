"""One journal file: records of one lane and boot in order. What it holds is known by its size, its
end and the file that follows; what stands between is found when it is read.
"""

from __future__ import annotations

from micropython import const

from gateway.telemetry import records
from gateway.telemetry.segment_search import can_be, first_good, is_torn, length_of
from gateway.telemetry.setbacks import FailedReads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.contracts import Storage

LETTERS = "emf"  # of the lanes, in file names
_SUFFIX = ".seg"
_FROM_END = const(2)  # of `seek`


class Segment:
    """Records first .. last of a boot, as far as none of them is damaged; last < first: none.

    `end` is the last record that the file may have held: `last` until damage is found there.
    """

    def __init__(self, lane: int, boot: int, first: int) -> None:
        self.lane = lane
        self.boot = boot
        self.first = first
        self.last = self.end = first - 1
        self.size = 0
        self.guessed = False  # how many records there are, because its end could not be read
        self.searched = -1  # from there on no good record was found; -1: nobody looked
        self.damaged = False  # found so by a reader
        self.failed_reads = FailedReads()

    @property
    def name(self) -> str:
        """File name."""
        return "%s%08x-%08x%s" % (LETTERS[self.lane], self.boot, self.first, _SUFFIX)


def parse(name: str, lane: int) -> Segment | None:
    """A segment of that lane and name, not measured; None for other files."""
    try:
        segment = Segment(lane, int(name[1:9], 16), int(name[10:18], 16))
    except ValueError:
        return None
    return segment if segment.name == name else None


def measure(storage: Storage, segment: Segment, buffer: memoryview, following: int) -> None:
    """Set the size of the file, unless it is known, and its last record. Raises OSError.

    `following` is the first record of the boot's next file: the last one here is that before it,
    and nothing is read. 0 = there is none: the end is read, one piece when the file is whole.
    """
    if not following:
        while not measure_on(storage, segment, buffer):
            pass
        return
    segment.last = segment.end = following - 1
    if segment.size < 0:
        with storage.open(segment.name, "rb") as file:
            segment.size = file.seek(0, _FROM_END)


def measure_on(storage: Storage, segment: Segment, buffer: memoryview) -> bool:
    """Look for the last record in one more piece of the file, from its end on; True: it is known.

    A piece is as long as `buffer`, which has room for two of the largest records. Raises OSError.
    """
    with storage.open(segment.name, "rb") as file:
        segment.size = file.seek(0, _FROM_END)
        if segment.searched < 0:
            begin = max(0, segment.size - len(buffer))
        else:
            begin = max(0, segment.searched - records.LARGEST_RECORD)
        file.seek(begin)
        count = file.readinto(buffer)
    last, end = _last_good(segment, buffer, count, begin)
    if begin and not end:
        segment.searched = begin
        return False
    unread = segment.size - begin - end
    segment.last = segment.end = last + _damaged(segment, buffer[end:count], unread, last)
    segment.guessed = False
    return True


def guess(segment: Segment, size: int, following: int) -> None:
    """In place of `measure` where that failed: as much as the file, of `size` bytes, can hold."""
    if segment.size <= 0:
        segment.size = size
    most = segment.size // records.HEADER_BYTES
    segment.last = segment.end = (following or segment.first + most) - 1
    segment.guessed = not following


def _last_good(segment: Segment, buffer: memoryview, count: int, begin: int) -> tuple[int, int]:
    """(number, end in the buffer) of the last good record in the piece of the file at `begin`.

    (number before the first, 0) when there is none.
    """
    last, end = segment.first - 1, 0
    at = 0
    while count - at >= records.HEADER_BYTES:
        at, length = first_good(buffer, at, count, segment.lane)
        if length:
            number = records.sequence_of(buffer, at)
            if number > last and can_be(number - segment.first, begin + at):
                last = number
                at = end = at + length
                continue
        at += 1
    return last, end


def _damaged(segment: Segment, rest: memoryview, unread: int, last: int) -> int:
    """How many records the last `unread` bytes of the file may be, `rest` the first of them.

    A record that is not all there is none, and no damage: pages end anywhere, and then the power
    went.
    """
    if not unread or is_torn(rest, unread, segment.lane, last + 1):
        return 0
    if len(rest) >= records.HEADER_BYTES and length_of(rest, 0) == unread:
        return 1
    return max(1, unread // records.HEADER_BYTES)
