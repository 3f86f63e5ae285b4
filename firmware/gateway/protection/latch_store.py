"""Latches on flash: a trip outlives a restart. Written new, then renamed over the old file.

Kept with a checksum of the rack names: bits of one rack must never come back as another's.
"""

from __future__ import annotations

import binascii
import struct

from micropython import const

from gateway.errors import StorageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.contracts import Storage
    from gateway.protection.latches import Latches

_FILE = "latches"
_NEW_FILE = "latches.new"
_MAGIC = const(0x4C45)  # format 2
_HEAD = "<HHI"  # magic, bytes that follow, checksum of the rack names
_HEAD_BYTES = const(8)
_CHECKSUM_BYTES = const(4)


def mark_lost(storage: Storage) -> None:
    """Leave a note that latches were lost; it holds until someone reset every rack.

    Called as soon as a formatted flash is found, so that no restart in between forgets it.
    """
    try:
        with storage.open(_FILE, "wb") as file:
            file.write(b"lost")
    except OSError:
        pass  # then there is no file, which counts as lost too


class LatchStore:
    """Keeps `latches` (of each rack, then of the site) on `storage`; writes only what changed."""

    def __init__(self, storage: Storage, names: list[str], latches: list[Latches]) -> None:
        self._storage = storage
        self._latches = latches
        self._size = sum([2 * each.count for each in latches])
        self._head = struct.pack(
            _HEAD, _MAGIC, self._size, binascii.crc32("\n".join(names).encode())
        )
        # What is on flash and what is to be, turn by turn: a save that finds no memory would end
        # the task that protects.
        self._content = bytearray(self._head + bytes(self._size + _CHECKSUM_BYTES))
        self._saved = bytearray(len(self._content))
        self.write_errors = 0

    def load(self, is_new: bool) -> None:
        """Restore the latches; none is held on a flash that `is_new`: no file was ever on it.

        StorageError when the file is damaged, is of other racks or rules, or is missing from a
        flash in use: the caller must then assume the worst.
        """
        if is_new and not self._storage.formatted:
            return
        if _FILE not in self._storage.names():
            raise StorageError("latches: their file is missing")
        with self._storage.open(_FILE, "rb") as file:
            content = file.read()
        body = content[:-_CHECKSUM_BYTES]
        if len(body) < _HEAD_BYTES or struct.unpack("<I", content[-_CHECKSUM_BYTES:])[
            0
        ] != binascii.crc32(body):
            raise StorageError("latches: checksum does not match")
        if body[:_HEAD_BYTES] != self._head or len(body) != _HEAD_BYTES + self._size:
            raise StorageError("latches: they belong to other racks")
        self._saved[:] = content
        at = _HEAD_BYTES
        for each in self._latches:
            each.restore(body, at)
            at += 2 * each.count

    def hold_all(self) -> None:
        """Every latch counts as held: nobody knows which ones were."""
        for each in self._latches:
            each.hold_all()

    @property
    def changed(self) -> bool:
        """A latch changed since the last `save`; allocates nothing."""
        changed = False
        for index in range(len(self._latches)):
            changed = changed or self._latches[index].changed
        return changed

    def save(self) -> bool:
        """Write the latches when they differ from the flash; a failure is counted: False."""
        content = self._content
        at = _HEAD_BYTES
        for each in self._latches:
            each.changed = False
            each.keep(content, at)
            at += 2 * each.count
        struct.pack_into("<I", content, at, binascii.crc32(memoryview(content)[:at]))
        if content == self._saved:
            return True
        try:
            with self._storage.open(_NEW_FILE, "wb") as file:
                file.write(content)
            self._storage.rename(_NEW_FILE, _FILE)
        except OSError:
            self.write_errors += 1
            self._saved[0] = 0  # as no file begins: what is on flash is not known
            return False
        self._saved, self._content = content, self._saved
        self._content[:_HEAD_BYTES] = self._head
        return True
