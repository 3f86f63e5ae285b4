"""Messages of one rack's samples for the uplink: a lane of sets, turned round while it is read.

On flash stand sets: all racks at one instant, so that a power cut costs the same of each. Upstream
goes one block per rack and chunk, which decodes alone. So a chunk is read once per rack. Between
the chunks of a lane stand other records; they go upstream as they are.
"""

from __future__ import annotations

import binascii
import struct

from micropython import const

from gateway.telemetry import records
from gateway.telemetry.lane import LARGEST_RECORD
from gateway.telemetry.lane_reader import LaneReader
from gateway.telemetry.record_source import TOPIC, pack_batch
from gateway.telemetry.segment_reader import CALL_BYTES
from gateway.telemetry.segment_search import length_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.telemetry.cursor import Cursor
    from gateway.telemetry.lane import Lane

BLOCK_TOPIC = "blocks"
_RACKS = const(256)
_UNKNOWN = const(-1)
_CHECKSUM_BYTES = const(4)
_TIME_START = const(12)  # of the fields of BLOCK_TIME in a record's header


class BlockSource:
    """Builds messages behind a consumer's cursor and releases what was acknowledged.

    A message that takes more than one call is half built in the caller's buffer meanwhile
    (`busy`). `topic` and `mark` are those of the message just built. The chunk being written is
    not sent. A block too large for the buffer ends early, and the rest of its chunk counts as
    lost.
    """

    def __init__(
        self, lane: Lane, clock: Clock, consumer: str, scratch: memoryview | None = None
    ) -> None:
        """`scratch`: LARGEST_RECORD bytes that hold nothing between two calls; several sources
        can share it, None makes an own one.
        """
        self._lane = lane
        self._cursor: Cursor = lane.cursors[consumer]
        self._reader = LaneReader(lane, clock)
        self._scratch = scratch or memoryview(bytearray(LARGEST_RECORD))
        self._after = self._cursor.key  # everything up to there is built
        self._boot = 0  # of the chunk under way, as what follows
        self._chunk = 0  # its first number, 0 = none under way
        self._last = _UNKNOWN  # its last number; before the chunk where nothing of it was left
        self._racks = bytearray(_RACKS)  # 1: has frames in it that are not built yet
        self._rack = _UNKNOWN  # being built
        self._length = 0  # of the message being built, 0 = not begun
        self._frames = 0  # in it
        self._reached = 0  # number of the record read last
        self._cut = 0  # number of the first record that found no room
        self.lane = lane.number
        self.topic = BLOCK_TOPIC
        self.mark = self._after
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
        self.busy = False
        left = CALL_BYTES
        if not self._chunk:
            length = self._begin(buffer)
            if length or not self._chunk:
                return length
            left -= self._reader.spent
        if not self._length:
            self._begin_block()
        if self._walk(buffer, left):
            return self._finish_block(buffer)
        if self._reader.paused:
            self._length = 0  # the buffer is another's meanwhile: begun anew then
        self.busy = not self._reader.paused
        return 0

    def restart(self) -> None:
        """A new session: go on behind what was acknowledged."""
        self._after = self._cursor.key
        self._chunk = self._length = 0

    def release(self, mark: tuple[int, int]) -> None:
        """The message with that mark was acknowledged, and all before it."""
        self._lane.disposal.release(self._cursor, mark[0], mark[1])

    def _begin(self, buffer: memoryview) -> int:
        """Begin the next chunk, or build a message of what stands before it; its length or 0."""
        lane, reader = self._lane, self._reader
        boot, sequence = self._after
        if boot == lane.boot and sequence + 1 == lane.open_chunk:
            return 0
        if not reader.read(boot, sequence, self._scratch, 0):
            self.busy = reader.busy
            return 0
        chunk = self._chunk_at(0)
        if not chunk:
            return self._log(buffer)
        if chunk != reader.first:  # its beginning is lost, so it cannot be decoded
            self._skip_one()
        elif reader.boot != lane.boot or chunk != lane.open_chunk:
            reader.keep_place()
            self._boot, self._chunk, self._last = reader.boot, chunk, _UNKNOWN
        return 0

    def _log(self, buffer: memoryview) -> int:
        """A message of the records up to the next chunk."""
        reader = self._reader
        count, offset, end = 0, 0, records.BATCH_BYTES
        while count < reader.count and not self._chunk_at(offset):
            length = length_of(self._scratch, offset)
            if end + length > len(buffer):
                break
            buffer[end : end + length] = self._scratch[offset : offset + length]
            count, offset, end = count + 1, offset + length, end + length
        if not count:  # the buffer is too small
            self._skip_one()
            return 0
        self._after = self.mark = pack_batch(reader, self.lane, count, buffer)
        self.topic = TOPIC
        return end

    def _skip_one(self) -> None:
        """Pass over the record that was read, which cannot be sent."""
        reader = self._reader
        self._lane.losses.add(reader.boot, reader.first, reader.first)
        self._after = (reader.boot, reader.first)
        self.busy = True

    def _begin_block(self) -> None:
        if self._last == _UNKNOWN:  # what a walk that was broken off noted may be gone
            for rack in range(_RACKS):
                self._racks[rack] = 0
        self._rack = self._next_rack()
        self._length = records.BLOCK_BYTES
        self._frames = self._cut = 0
        self._reached = self._chunk - 1

    def _walk(self, buffer: memoryview, left: int) -> bool:
        """Read up to `left` bytes on and collect the rack's frames; True at the chunk's end."""
        reader, scratch = self._reader, self._scratch
        while left >= len(scratch):
            if not reader.read(self._boot, self._reached, scratch, 0, left):
                return not (reader.busy or reader.paused)
            if reader.boot != self._boot or reader.first != self._reached + 1:
                return True  # the rest is lost
            offset = 0
            for _ in range(reader.count):
                if self._chunk_at(offset) != self._chunk:
                    return True
                self._reached += 1
                length = length_of(scratch, offset)
                self._take(offset, offset + length, buffer)
                offset += length
            left -= reader.spent
        return False

    def _chunk_at(self, offset: int) -> int:
        """The chunk that the record belongs to; 0 when it is no set."""
        scratch = self._scratch
        body = records.HEADER_BYTES + records.SET_BYTES
        if scratch[offset + 1] != records.SET or length_of(scratch, offset) < body:
            return 0
        start = offset + records.HEADER_BYTES
        chunk: int = struct.unpack("<I", bytes(scratch[start : start + 4]))[0]
        return chunk

    def _take(self, record: int, end: int, buffer: memoryview) -> None:
        """Copy the rack's sections from the record there; the first time note all racks."""
        scratch = self._scratch
        start = record + records.HEADER_BYTES + records.SET_BYTES
        while start + records.SECTION_BYTES <= end:
            rack, _, cells, temps, summary, _ = struct.unpack_from(records.SECTION, scratch, start)
            size = records.SECTION_BYTES + cells + temps + summary
            if start + size > end:
                return  # nothing that this firmware writes
            if self._last == _UNKNOWN:
                self._racks[rack] = 1
                if self._rack == _UNKNOWN:
                    self._rack = rack
            if rack == self._rack:
                self._put(record, start, size, buffer)
            start += size

    def _put(self, record: int, start: int, size: int, buffer: memoryview) -> None:
        """One frame: time and section."""
        body = self._length + records.BLOCK_TIME_BYTES
        if self._cut or body + size + _CHECKSUM_BYTES > len(buffer):
            self._cut = self._cut or self._reached
            return
        time = record + _TIME_START
        buffer[self._length : body] = self._scratch[time : time + records.BLOCK_TIME_BYTES]
        buffer[body : body + size] = self._scratch[start : start + size]
        self._length = body + size
        self._frames += 1

    def _finish_block(self, buffer: memoryview) -> int:
        """Head and checksum; 0 when there is no frame to send."""
        boot, chunk, length = self._boot, self._chunk, self._length
        if self._last == _UNKNOWN:
            self._last = self._reached
        last = self._last
        self._lane.losses.add(boot, self._cut or self._reached + 1, last)
        if self._rack != _UNKNOWN:
            self._racks[self._rack] = 0
        self._length = 0
        self.mark = (boot, chunk - 1)
        if self._next_rack() == _UNKNOWN:  # that was the last one
            self._after = self.mark = (boot, last)
            self._chunk = 0
        if not self._frames:
            self.busy = True
            return 0
        struct.pack_into(
            records.BLOCK,
            buffer,
            0,
            records.VERSION,
            self.lane,
            self._rack,
            0,
            self._frames,
            boot,
            chunk,
            last,
        )
        struct.pack_into("<I", buffer, length, binascii.crc32(buffer[:length]))
        self.topic = BLOCK_TOPIC
        return length + _CHECKSUM_BYTES

    def _next_rack(self) -> int:
        """The first rack with frames that are not built; _UNKNOWN when there is none."""
        for rack in range(_RACKS):
            if self._racks[rack]:
                return rack
        return _UNKNOWN
