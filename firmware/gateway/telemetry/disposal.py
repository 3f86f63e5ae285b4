"""Which files of a lane go: those that all have passed, and others when there must be room.

A file goes in steps of one thing each that is asked of the flash. Before one goes that the cursors
on flash have not passed, flash is told in a small file up to where nothing is left: the power may
fail before the report of the loss is written.
"""

from __future__ import annotations

from gateway.telemetry.cursor import Cursor
from gateway.telemetry.pair_file import KeptPair
from gateway.telemetry.retention import DELIVERED, LOST, NOTHING, PREPARED
from gateway.telemetry.segment import LETTERS
from gateway.telemetry.setbacks import is_full

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.contracts import Storage
    from gateway.telemetry.byte_ring import ByteRing
    from gateway.telemetry.losses import Losses
    from gateway.telemetry.retention import Retention
    from gateway.telemetry.segment import Segment
    from gateway.telemetry.segment_files import SegmentFiles
    from gateway.telemetry.setbacks import Setbacks

    Key = tuple[int, int]  # boot, sequence number


class Disposal:
    """The cursors of a lane's consumers by name, and what goes behind them.

    `holds_cursors`: they stay as they are on flash, which has files that are not known here.
    `wants_room`: a write failed for want of room. `stuck`: the last deletion failed.
    """

    def __init__(
        self,
        storage: Storage,
        clock: Clock,
        files: SegmentFiles,
        ring: ByteRing,
        losses: Losses,
        setbacks: Setbacks,
        retention: Retention,
        consumers: tuple[str, ...],
    ) -> None:
        self._clock = clock
        self._files = files
        self._ring = ring
        self._losses = losses
        self._setbacks = setbacks
        self._retention = retention
        letter = LETTERS[files.lane]
        self._gone_file = KeptPair(storage, ("lost-" + letter, "lost-%s-1" % letter))
        self._gone = (0, 0)  # flash was told: up to there nothing is left
        self.cursors = {
            name: Cursor(storage, clock, "cursor-%s-%s" % (name, letter)) for name in consumers
        }
        self.holds_cursors = False
        self.wants_room = False
        self.stuck = False
        self._owes_note = False  # a file went without one
        self.boot = 0

    def load(self) -> int:
        """Take what flash holds; the newest boot of which it tells."""
        for cursor in self.cursors.values():
            cursor.load()
        self._gone = self._gone_file.read()
        self._losses.delivered(self.delivered)
        self._losses.add_gone(self._gone[0], self._gone[1])
        return max(self.delivered[0], self._gone[0])

    @property
    def delivered(self) -> Key:
        """(boot, sequence) of the last record that every consumer has acknowledged."""
        return min([cursor.key for cursor in self.cursors.values()])

    @property
    def _kept(self) -> Key:
        """The same, as far as flash knows."""
        return min([cursor.kept for cursor in self.cursors.values()])

    def release(self, cursor: Cursor, boot: int, sequence: int) -> None:
        """The consumer of `cursor` has everything up to there; never moves backwards."""
        if cursor.advance(boot, sequence):
            self._losses.delivered(self.delivered)

    # -- behind the cursors --

    def keep_up(self, now: int) -> bool:
        """Write a cursor that is due, or delete what all have passed; True when it tried.

        First of all the note that a full flash did not take has one more try.
        """
        self.stuck = False
        if self._owes_note:
            self._owes_note = False
            self._note(self._gone)
            return True
        for cursor in self.cursors.values():
            if cursor.due(now) and self._may_pass():
                self._write_cursor(cursor)
                return True
        if not self._passed():
            return False
        self.stuck = not self._drop_passed()
        return True

    def close(self) -> None:
        """Write the cursors and delete what they passed."""
        self.write_cursors()
        while self._passed() and self._drop_passed():
            pass

    def write_cursors(self) -> None:
        """Keep the cursors on flash, where they may be; a failure is tried again later."""
        for cursor in self.cursors.values():
            self._write_cursor(cursor)

    def _may_pass(self) -> bool:
        """A cursor on flash passes no loss that would then never be told, and no unknown file."""
        stored = self._ring.first - 1
        return not self.holds_cursors and self._losses.are_told(self.boot, stored)

    def _write_cursor(self, cursor: Cursor) -> bool:
        """Keep it on flash; False when that failed, or may not be."""
        if not self._may_pass():
            return False
        written = cursor.write()
        self._setbacks.total += not written
        return written

    def _passed(self) -> bool:
        """All cursors on flash have passed the oldest segment."""
        oldest = self._files.oldest()
        return oldest is not None and (oldest.boot, oldest.end) <= self._kept

    def _drop_passed(self) -> bool:
        """Delete the oldest segment; False when that failed."""
        try:
            self._files.drop_oldest()
        except OSError:
            self._setbacks.count(self._clock.ticks())
            return False
        return True

    # -- for room --

    def make_room_after(self, error: OSError) -> None:
        """The next step gives up a segment for a write that failed, when that may help."""
        if not self._setbacks.may_be_full(error):
            return
        self._retention.is_full = is_full(error)
        if self._retention.is_full:
            self._retention.shrink()
        self.wants_room = True

    def make_room(self) -> None:
        """Give up a segment of this lane or another, or prepare it for the next step."""
        self.wants_room = False
        try:
            self.wants_room = self._retention.drop_one() == PREPARED
        except OSError:
            self._setbacks.total += 1

    def drop_oldest(self) -> int:
        """Delete the oldest segment, delivered or not; NOTHING without one. Raises OSError.

        When the cursor that has passed it is not on flash, only that is written: else the next
        start takes the segment for lost. When none has, only that it goes is written. The next
        call deletes it then. Where flash does not take the note, it goes only when flash is full:
        else room is not what is missing. The note follows then.
        """
        oldest = self._files.oldest()
        if oldest is None:
            return NOTHING
        end = (oldest.boot, oldest.end)
        is_delivered = end <= self.delivered
        for cursor in self.cursors.values():
            passed = cursor.kept < (oldest.boot, oldest.last) <= cursor.key
            if passed and self._write_cursor(cursor):
                return PREPARED
        if end > self._kept and end > self._gone:
            if not self._note(end):
                if not self._retention.is_full:
                    return NOTHING
                self._gone = end
                self._owes_note = True
            return PREPARED
        self._files.drop_oldest()
        self._lose(oldest, oldest.end)
        return DELIVERED if is_delivered else LOST

    def set_aside(self, segment: Segment, last: int) -> None:
        """A file that cannot be read goes, and its records up to `last` are lost.

        Where flash does not take the note, the next start finds the file again.
        """
        end = (segment.boot, segment.end)
        self._files.set_aside(segment, end <= self._gone or self._note(end))
        self._lose(segment, last)

    def _note(self, end: Key) -> bool:
        """Tell flash that nothing is left up to there; False when it does not take that."""
        written = self._gone_file.write(end[0], end[1])
        self._setbacks.total += not written
        if written:
            self._gone = end
        return written

    def _lose(self, segment: Segment, last: int) -> None:
        """A file is gone, and reports of losses that earlier boots wrote into it."""
        self._losses.add(segment.boot, segment.first, last)
        if segment.boot != self.boot:
            self._losses.add_reports(segment.boot, segment.first, last)
