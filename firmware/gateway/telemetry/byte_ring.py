"""The newest records in RAM: waiting for flash, and at hand for the uplink afterwards.

All of them stand one behind the other in one buffer that is taken once, so a page for flash may
end in the middle of a record and nothing is allocated to hold them.
"""

from __future__ import annotations

from array import array

from gateway.telemetry.segment_reader import TOO_LARGE


class ByteRing:
    """Records `oldest` .. `next` - 1 of this boot; those from `first` on wait for flash.

    At most `slots` - 1 records and less than `size` bytes. `taken` bytes of record `first` are on
    flash already, `waiting` bytes in all are not. `newest_begin` is the last record that begins a
    segment.
    """

    def __init__(self, size: int, slots: int) -> None:
        self._data = memoryview(bytearray(size))
        # Record n begins at place n % slots, record `next` is the end of all.
        self._starts = array("H" if size <= 0x10000 else "I", [0] * slots)
        self._begins = bytearray(slots)  # 1: this record is the first of a segment
        self.size = size
        self._used = 0
        self.next = 1  # sequence number of the next record
        self.oldest = 1
        self.first = 1
        self.taken = 0
        self.waiting = 0
        self.newest_begin = 0

    def fits(self, length: int) -> bool:
        """There is room for a record of that length."""
        return self._used + length < self.size and self.next - self.oldest < len(self._starts) - 1

    def drop(self) -> None:
        """Forget the oldest record; when it was waiting, it does so no more."""
        length = self.length(self.oldest)
        if self.first == self.oldest:
            self.waiting -= length - self.taken
            self.taken = 0
            self.first += 1
        self._used -= length
        self.oldest += 1

    def put(
        self, header: bytearray, payload: bytes | bytearray | memoryview, begins: bool
    ) -> None:
        """Take the next record, for which there is room."""
        slots = len(self._starts)
        start = self._starts[self.next % slots]
        self._begins[self.next % slots] = begins
        if begins:
            self.newest_begin = self.next
        length = len(header) + len(payload)
        self._copy(header, start)
        self._copy(payload, (start + len(header)) % self.size)
        self._used += length
        self.waiting += length
        self.next += 1
        self._starts[self.next % slots] = (start + length) % self.size

    def _copy(self, piece: bytes | bytearray | memoryview, start: int) -> None:
        head = min(len(piece), self.size - start)
        view = memoryview(piece)
        self._data[start : start + head] = view[:head]
        self._data[: len(piece) - head] = view[head:]

    def length(self, sequence: int) -> int:
        """Bytes of a record that is here."""
        slots = len(self._starts)
        end = self._starts[(sequence + 1) % slots]
        return (end - self._starts[sequence % slots]) % self.size

    def begins(self, sequence: int) -> bool:
        """A segment begins with this record."""
        return self._begins[sequence % len(self._starts)] != 0

    def span(self, room: int) -> int:
        """Waiting bytes that belong into one segment, at most `room`."""
        count, sequence = -self.taken, self.first
        while count < room and sequence < self.next:
            if sequence > self.first and self.begins(sequence):
                break
            count += self.length(sequence)
            sequence += 1
        return min(count, room)

    def pieces(self, count: int) -> list[memoryview]:
        """The next `count` waiting bytes, in one piece or two."""
        start = (self._starts[self.first % len(self._starts)] + self.taken) % self.size
        head = min(count, self.size - start)
        found = [self._data[start : start + head]]
        if head < count:
            found.append(self._data[: count - head])
        return found

    def take(self, count: int) -> None:
        """The next `count` waiting bytes are on flash."""
        self.waiting -= count
        self.taken += count
        while self.first < self.next and self.taken >= self.length(self.first):
            self.taken -= self.length(self.first)
            self.first += 1

    def give_back(self) -> None:
        """Record `first` has to be written anew from its beginning."""
        self.waiting += self.taken
        self.taken = 0

    def read(self, first: int, buffer: memoryview, start: int) -> tuple[int, int]:
        """Copy whole records from `first` on to `buffer[start:]`; (count or TOO_LARGE, end)."""
        sequence, end = first, start
        while sequence < self.next:
            length = self.length(sequence)
            if end + length > len(buffer):
                break
            source = self._starts[sequence % len(self._starts)]
            head = min(length, self.size - source)
            buffer[end : end + head] = self._data[source : source + head]
            buffer[end + head : end + length] = self._data[: length - head]
            end += length
            sequence += 1
        return sequence - first or TOO_LARGE, end
