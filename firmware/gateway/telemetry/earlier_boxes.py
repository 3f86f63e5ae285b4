"""How many bytes of black boxes earlier boots left undelivered, counted a piece at a time."""

from __future__ import annotations

from micropython import const

from gateway.telemetry import records

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.contracts import Storage
    from gateway.telemetry.segment import Segment

_GONE = const(2)  # ENOENT
_PIECE_BYTES = 2 * records.LARGEST_RECORD


class EarlierBoxes:
    """`bytes`: of their records, at most. A file counts in full until it is read.

    `failures` counts files that could not be read, which go on counting in full.
    """

    def __init__(self, storage: Storage, segments: list[Segment]) -> None:
        self._storage = storage
        self._segments = segments
        self._buffer = memoryview(bytearray(_PIECE_BYTES if segments else 0))
        self._offset = 0  # in the first of them
        self._found = 0
        self._sizes = [segment.size for segment in segments]  # as counted: a reader may find more
        self.bytes = sum(self._sizes)
        self.failures = 0

    def forget(self) -> None:
        """All of them are delivered."""
        self._segments = []
        self._buffer = memoryview(b"")
        self.bytes = 0

    def step(self) -> None:
        """Read one piece, 8 KiB, while there is something to count."""
        if not self._segments:
            return
        try:
            used = self._count(self._segments[0])
        except OSError as error:
            if error.args[:1] == (_GONE,):  # delivered or dropped meanwhile
                self.bytes -= self._sizes[0]
            else:
                self.failures += 1
            self._next()
            return
        if not used:  # the end, or damage: what is behind it is not counted
            self.bytes -= self._sizes[0] - self._found
            self._next()

    def _next(self) -> None:
        self._offset = self._found = 0
        self._segments.pop(0)
        self._sizes.pop(0)
        if not self._segments:
            self._buffer = memoryview(b"")

    def _count(self, segment: Segment) -> int:
        """Bytes of good records in the next piece. Where it raises, nothing of it is counted."""
        buffer = self._buffer
        with self._storage.open(segment.name, "rb") as file:
            file.seek(self._offset)
            end = file.readinto(buffer)
        used = found = 0
        while True:
            length = records.check(buffer, used, end)
            if not length:
                break
            if buffer[used + 1] == records.BLACK_BOX:
                found += length
            used += length
        self._offset += used
        self._found += found
        return used
