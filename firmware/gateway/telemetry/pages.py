"""When the bytes that wait in a lane's ring go to flash, and what a failed write costs."""

from __future__ import annotations

from gateway.clock import diff
from gateway.telemetry.segment_plan import SegmentPlan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.telemetry.byte_ring import ByteRing
    from gateway.telemetry.retention import Retention
    from gateway.telemetry.segment_files import SegmentFiles
    from gateway.telemetry.setbacks import Setbacks


class Pages:
    """Writes `ring` to `files`, a page when it is full, when it is old or when it is urgent.

    `failed`: the last write did, and nothing was tried since. `plan` says where files begin.
    """

    def __init__(
        self,
        files: SegmentFiles,
        ring: ByteRing,
        setbacks: Setbacks,
        retention: Retention,
        clock: Clock,
        *,
        segment_bytes: int,
        flush_ms: int,
    ) -> None:
        self._files = files
        self._ring = ring
        self._setbacks = setbacks
        self._retention = retention
        self._clock = clock
        self._flush_ms = flush_ms
        self._waiting_since = 0
        self._urgent = 0  # records up to this one are due
        self.plan = SegmentPlan(segment_bytes)
        self.failed = False

    def put(self, header: bytearray, payload: bytes | bytearray | memoryview, chunk: int) -> None:
        """Take the next record into the ring, which has room for it; `chunk` is the open one."""
        ring = self._ring
        if not ring.waiting:
            self._waiting_since = self._clock.ticks()
        length = len(header) + len(payload)
        ring.put(header, payload, self.plan.add(length, chunk > 0, ring.next == chunk))

    def hurry(self) -> None:
        """What waits now is due: the next step writes it, or as many steps as it has pages."""
        self._urgent = self._ring.next - 1

    def due(self, now: int) -> bool:
        """A page is to be written."""
        if not self._ring.waiting:
            return False
        return self._hurried(now) or self._files.page_full(self._ring)

    def _hurried(self, now: int) -> bool:
        """Something that waits must not wait for a whole page."""
        urgent = self._ring.first <= self._urgent
        return urgent or diff(now, self._waiting_since) >= self._flush_ms

    def write(self, boot: int) -> None:
        """Write the oldest waiting bytes, or make room for them. OSError when the flash failed."""
        try:
            if not self._retention.has_room() and self._retention.drop_one():
                return
            self._files.write_page(boot, self._ring, self._hurried(self._clock.ticks()))
        except OSError:
            self._setbacks.count(self._clock.ticks())
            self.abandon()
            self.failed = True
            raise
        self._waiting_since = self._clock.ticks()
        self._setbacks.in_a_row = 0
        self._retention.wrote()

    def abandon(self) -> None:
        """What a failed write left in the file is unknown: go on in another one."""
        self._files.close()
        self._ring.give_back()
        self.plan.abandon(self._ring.waiting)
