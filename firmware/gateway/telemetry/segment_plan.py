"""Which records begin a new journal file, decided as they are appended."""

from __future__ import annotations


class SegmentPlan:
    """Counts the bytes of the newest segment as if all that waits in RAM were written.

    Without chunks a segment begins where the next record does not fit any more. A chunk stands in
    one segment: it begins another one when the last is all but full, or had no room for more.
    """

    def __init__(self, segment_bytes: int) -> None:
        self._segment_bytes = segment_bytes
        self._bytes = 0
        self._full = False  # the next chunk begins a segment

    def has_room(self, expected_bytes: int) -> bool:
        """So much more fits; otherwise the next chunk begins a segment."""
        if self._bytes + expected_bytes > self._segment_bytes:
            self._full = True
        return not self._full

    def begin_chunk(self) -> None:
        """The next record begins a chunk."""
        if self._bytes > self._segment_bytes - self._segment_bytes // 8:
            self._full = True

    def add(self, length: int, in_chunk: bool, begins_chunk: bool) -> bool:
        """Take a record; True when a segment begins with it."""
        begins = self._full if in_chunk else self._bytes + length > self._segment_bytes
        begins = begins and (begins_chunk or not in_chunk)
        if begins:
            self._bytes, self._full = 0, False
        self._bytes += length
        return begins

    def abandon(self, waiting_bytes: int) -> None:
        """What waits goes to another file than was planned."""
        self._bytes = min(self._bytes, waiting_bytes)
