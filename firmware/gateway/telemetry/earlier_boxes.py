"""How many bytes of black boxes earlier boots left undelivered, counted a piece at a time."""

from __future__ import annotations

from gateway.telemetry import records

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.contracts import Storage
    from gateway.telemetry.segment import Segment

_GONE = 2  # ENOENT
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
        self.bytes = sum([segment.size for segment in segments])
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
        segment = self._segments[0]
        try:
            used = self._count(segment)
        except OSError as error:
            if error.args[0] == _GONE:  # delivered or dropped meanwhile
                self.bytes -= segment.size
            else:
                self.failures += 1
            self._next()
            return
        if not used:  # the end, or damage: what is behind it is not counted
            self.bytes -= segment.size - self._found
            self._next()

    def _next(self) -> None:
        self._offset = self._found = 0
        self._segments.pop(0)
        if not self._segments:
            self._buffer = memoryview(b"")

    def _count(self, segment: Segment) -> int:
        """Bytes of good records in the next piece."""
        buffer = self._buffer
        with self._storage.open(segment.name, "rb") as file:
            file.seek(self._offset)
            end = file.readinto(buffer)
        used = 0
        while True:
            length = records.check(buffer, used, end)
            if not length:
                break
            if buffer[used + 1] == records.BLACK_BOX:
                self._found += length
            used += length
        self._offset += used
        return used
