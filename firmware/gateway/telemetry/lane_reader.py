"""Reading a lane from a key on: recent records from RAM, older ones from flash."""

from __future__ import annotations

from gateway.telemetry.segment_files import HOPELESS, PAUSED
from gateway.telemetry.segment_reader import BUSY, CALL_BYTES, LOST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.telemetry.lane import Lane
    from gateway.telemetry.segment import Segment

    Key = tuple[int, int]  # boot, sequence number


class LaneReader:
    """Reads over everything that is missing or cannot be read, and notes it as lost.

    `boot`, `first` and `count` are those of the last reading, `end` is its end in the buffer,
    `spent` what it took of its budget. Without records it is `busy`, and the next call goes on;
    or it is `paused`, because flash could not be read and is left alone; or there are none now.
    """

    def __init__(self, lane: Lane, clock: Clock) -> None:
        self._lane = lane
        self._clock = clock
        self._files = lane.files.new_reader()
        self._passed = ((0, 0), (0, 0))  # behind the first key all is lost up to the second
        self.boot = 0
        self.first = 0
        self.count = 0
        self.end = 0
        self.spent = 0
        self.busy = False
        self.paused = False

    def read(
        self, boot: int, sequence: int, buffer: memoryview, start: int, budget: int = CALL_BYTES
    ) -> int:
        """Copy whole records that follow the key to `buffer[start:]`; their count, 0 = none.

        They are of one boot and without a hole. What is too large for the buffer is lost. No more
        than `budget` bytes are read.
        """
        asked = behind = (boot, sequence)
        if asked == self._passed[0]:
            behind = self._passed[1]
        self.count = 0
        self.busy = self.paused = False
        self._files.left = budget
        lost = self._read(behind, buffer, start)
        while lost is not None:
            self._passed = (asked, lost)
            lost = self._read(lost, buffer, start)
        self.spent = budget - self._files.left
        return self.count

    def keep_place(self) -> None:
        """Remember where the last reading of a file began: going back to there is cheap."""
        self._files.keep_place()

    def _read(self, behind: Key, buffer: memoryview, start: int) -> Key | None:
        """Read once; the key up to which all is lost when that is what was found."""
        lane, reader = self._lane, self._files
        segment, boot, first = self._find(behind[0], behind[1])
        self._note_hole(behind, boot, first)
        if segment is None:
            if first >= lane.ring.next:
                return None
            count, end = lane.ring.read(first, buffer, start)
            reader.left -= end - start
        else:
            now = self._clock.ticks()
            count, end = lane.files.read(reader, segment, first, buffer, start, now)
            if count == HOPELESS:
                lane.give_up(segment)
                self.busy = True  # it is not among the files any more
                return None
        if count > 0:
            self.boot, self.first, self.count, self.end = boot, first, count, end
            return None
        if count in (BUSY, PAUSED):
            self.busy = count == BUSY
            self.paused = count == PAUSED
            return None
        last = reader.lost if count == LOST else first
        if count == LOST and boot == lane.boot:
            last = min(last, lane.ring.oldest - 1)  # behind that they are in RAM
        lane.losses.add(boot, first, last)
        if count == LOST and boot != lane.boot:  # one of them may have been a report
            lane.losses.add_reports(boot, first, last)
        return boot, last

    def _note_hole(self, behind: Key, boot: int, first: int) -> None:
        """What is missing between a key and the next record that is there is lost.

        Without a key it may begin anywhere.
        """
        follows = behind[1] + 1 if behind[0] == boot else 1
        if behind[0]:
            self._lane.losses.add(boot, follows, first - 1)

    def _find(self, boot: int, sequence: int) -> tuple[Segment | None, int, int]:
        """(segment or None for RAM, boot, sequence) of the first record after (boot, sequence)."""
        lane = self._lane
        oldest = lane.ring.oldest
        follows = sequence + 1 if boot == lane.boot else 1
        if boot != lane.boot or follows < oldest:
            segment = lane.files.after(boot, sequence)
            if segment is not None:
                first = segment.first
                if segment.boot == boot:
                    first = max(first, sequence + 1)
                if segment.boot != lane.boot or first < oldest:
                    return segment, segment.boot, first
        return None, lane.boot, max(follows, oldest)
