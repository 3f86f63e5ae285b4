"""Messages of whole records for the uplink: a lane as it stands."""

from __future__ import annotations

import struct

from gateway.telemetry import records
from gateway.telemetry.lane_reader import LaneReader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.telemetry.cursor import Cursor
    from gateway.telemetry.lane import Lane

TOPIC = "log"


class RecordSource:
    """Builds messages behind a consumer's cursor and releases what was acknowledged.

    A message is the batch header and whole records of one boot without a hole. `topic` and `mark`
    are those of the message just built. Finding its place in a file may take more than one call
    (`busy`).
    """

    topic = TOPIC

    def __init__(self, lane: Lane, clock: Clock, consumer: str) -> None:
        self._lane = lane
        self._cursor: Cursor = lane.cursors[consumer]
        self._reader = LaneReader(lane, clock)
        self.mark = self._cursor.key
        self.lane = lane.number
        self.busy = False

    @property
    def backlog(self) -> int:
        """Records that no acknowledgement has released yet."""
        return self._lane.count_after(self._cursor.key)

    @property
    def appended_bytes(self) -> int:
        """Bytes that the lane has taken since the start."""
        return self._lane.appended_bytes

    def next(self, buffer: memoryview) -> int:
        """Length of the next message, built in `buffer`; 0 = none now, or `busy`."""
        count = self._reader.read(self.mark[0], self.mark[1], buffer, records.BATCH_BYTES)
        self.busy = self._reader.busy
        if not count:
            return 0
        self.mark = pack_batch(self._reader, self.lane, count, buffer)
        return self._reader.end

    def restart(self) -> None:
        """A new session: go on behind what was acknowledged."""
        self.mark = self._cursor.key

    def release(self, mark: tuple[int, int]) -> None:
        """The message with that mark was acknowledged, and all before it."""
        self._lane.disposal.release(self._cursor, mark[0], mark[1])


def pack_batch(reader: LaneReader, lane: int, count: int, buffer: memoryview) -> tuple[int, int]:
    """The header of a message of the first `count` records that `reader` read; returns its key."""
    struct.pack_into(
        records.BATCH, buffer, 0, records.VERSION, lane, reader.boot, reader.first, count
    )
    return reader.boot, reader.first + count - 1
