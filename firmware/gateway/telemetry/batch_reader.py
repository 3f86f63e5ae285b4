"""Messages for the uplink: the records that follow a key, from the ring or from flash."""

from __future__ import annotations

import struct

from gateway.clock import diff
from gateway.telemetry import records

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.telemetry.losses import Losses
    from gateway.telemetry.ring import Ring
    from gateway.telemetry.segments import Segment, Segments

_PATIENCE_MS = 200  # for a row of bad segments; the caller comes again


class BatchReader:
    """Reads over everything that cannot be read, and notes it as lost."""

    def __init__(self, ring: Ring, segments: Segments, losses: Losses, clock: Clock) -> None:
        self._ring = ring
        self._segments = segments
        self._losses = losses
        self._clock = clock
        self.current_boot = 0  # the one whose records are in the ring
        self.boot = 0  # of the last batch, as the two below
        self.last_seq = 0
        self.length = 0

    def read(self, boot: int, seq: int, buffer: memoryview) -> int:
        """As Journal.read_batch."""
        begin = self._clock.ticks()
        while diff(self._clock.ticks(), begin) <= _PATIENCE_MS:
            segment, source, first = self._find(boot, seq)
            if segment is None:
                if first >= self._ring.next:
                    return 0
                last = first
                count, end = self._ring.read(first, buffer)
            else:
                last = segment.last
                count, end = self._segments.read(segment, first, buffer, records.BATCH_BYTES)
            if count > 0:
                struct.pack_into(
                    records.BATCH, buffer, 0, records.VERSION, 0, source, first, count
                )
                self.boot, self.last_seq, self.length = source, first + count - 1, end
                return count
            if count < 0:  # this one record is too large for the buffer
                last = first
                boot, seq = source, first
            self._losses.add(source, first, last)
        return 0

    def _find(self, boot: int, seq: int) -> tuple[Segment | None, int, int]:
        """(segment or None for the ring, boot, sequence) of the first record after (boot, seq)."""
        oldest = self._ring.oldest
        follows = seq + 1 if boot == self.current_boot else 1
        if boot != self.current_boot or follows < oldest:
            segment = self._segments.after(boot, seq)
            if segment is not None:
                first = max(segment.first, seq + 1) if segment.boot == boot else segment.first
                if segment.boot != self.current_boot or first < oldest:
                    return segment, segment.boot, first
        return None, self.current_boot, max(follows, oldest)
