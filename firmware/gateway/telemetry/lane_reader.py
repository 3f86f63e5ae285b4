"""Reading a lane from a key on: recent records from RAM, older ones from flash."""

from __future__ import annotations

from gateway.clock import diff

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.telemetry.lane import Lane
    from gateway.telemetry.segment import Segment

_PATIENCE_MS = 200  # for a row of bad segments; the caller comes again


class LaneReader:
    """Reads over everything that cannot be read, and notes it as lost.

    `boot`, `first` and `count` are those of the last reading, `end` is its end in the buffer.
    """

    def __init__(self, lane: Lane, clock: Clock) -> None:
        self._lane = lane
        self._clock = clock
        self._files = lane.files.new_reader()
        self.boot = 0
        self.first = 0
        self.count = 0
        self.end = 0

    def read(self, boot: int, sequence: int, buffer: memoryview, start: int) -> int:
        """Copy whole records that follow the key to `buffer[start:]`; their count, 0 = none.

        They are of one boot and without a hole. What is too large for the buffer is lost.
        """
        lane = self._lane
        begin = self._clock.ticks()
        self.count = 0
        while diff(self._clock.ticks(), begin) <= _PATIENCE_MS:
            segment, source, first = self._find(boot, sequence)
            if segment is None:
                if first >= lane.ring.next:
                    return 0
                last = first
                count, end = lane.ring.read(first, buffer, start)
            else:
                last = segment.last
                count, end = lane.files.read(self._files, segment, first, buffer, start)
            if count > 0:
                self.boot, self.first, self.count, self.end = source, first, count, end
                return count
            if count < 0:  # this one record is too large for the buffer
                last = first
                boot, sequence = source, first
            lane.losses.add(source, first, last)
        return 0

    def keep_place(self) -> None:
        """Remember where the last reading of a file began: going back to there is cheap."""
        self._files.keep_place()

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
