"""Writing the newest journal file, page by page.

A LittleFS file is a chain of blocks: block 0 is all data, block k begins with a pointer of 4 bytes
for each time that 2 divides k, and one more. A file that is flushed in the middle of a block has
that block copied to a fresh one by the next write; flushed where a block ends, it has not. So a
page goes up to there, even if a record stands across.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gateway.contracts import Storage
    from gateway.telemetry.segment import Segment


class SegmentWriter:
    """The file being written; methods raise OSError when the flash fails."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._block_bytes = getattr(storage, "block_bytes", 4096)
        self._file: Any = None
        self._block = 0  # that the next byte goes to
        self._block_end = self._block_bytes  # length of the file when this block is full
        self.segment: Segment | None = None

    @property
    def room(self) -> int:
        """Bytes to the end of the block: the size of the next page."""
        return self._block_end - (self.segment.size if self.segment is not None else 0)

    def begin(self, segment: Segment) -> None:
        """Make the file of `segment`; the one before is closed."""
        self.close()
        self._block, self._block_end = 0, self._block_bytes
        self._file = self._storage.open(segment.name, "wb")
        self.segment = segment

    def write(self, pieces: list[memoryview], segment: Segment) -> None:
        """Append and push to flash."""
        for piece in pieces:
            self._file.write(piece)
        self._file.flush()
        for piece in pieces:
            segment.size += len(piece)
        while segment.size >= self._block_end:
            self._block += 1
            self._block_end += self._block_bytes - 4 * _pointers(self._block)

    def close(self) -> None:
        """Close the file; the next page begins a new one. Raises nothing."""
        file, self._file, self.segment = self._file, None, None
        self._block_end = self._block_bytes
        if file is not None:
            try:
                file.close()
            except OSError:
                pass  # what counts was flushed


def _pointers(block: int) -> int:
    """Pointers at the beginning of a file's block `block`, from 1."""
    count = 1
    while not block & 1:
        block >>= 1
        count += 1
    return count
