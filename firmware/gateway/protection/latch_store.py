"""Latches on flash: a trip outlives a restart. Written new, then renamed over the old file.

Kept with a checksum of the rack names: bits of one rack must never come back as another's.
"""

from __future__ import annotations

import binascii
import struct

from gateway.errors import StorageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.contracts import Storage

_FILE = "latches"
_NEW_FILE = "latches.new"
_MAGIC = 0x4C44
_HEAD = "<HHI"  # magic, racks, checksum of their names
_HEAD_BYTES = 8


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
    """Keeps one bit field per rack on `storage`; `save` writes only what changed."""

    def __init__(self, storage: Storage, names: list[str]) -> None:
        self._storage = storage
        self._head = struct.pack(
            _HEAD, _MAGIC, len(names), binascii.crc32("\n".join(names).encode())
        )
        self._racks = len(names)
        self._saved: bytes | None = None
        self.write_errors = 0

    def load(self) -> list[int]:
        """Bits per rack; zeros on a flash that never held a file.

        StorageError when the file is damaged, is of other racks, or is missing from a flash in
        use: the caller must then assume the worst.
        """
        names = self._storage.names()
        if not names and not self._storage.formatted:
            return [0] * self._racks
        if _FILE not in names:
            raise StorageError("latches: their file is missing")
        with self._storage.open(_FILE, "rb") as file:
            content = file.read()
        body = content[:-4]
        if len(body) < _HEAD_BYTES or struct.unpack("<I", content[-4:])[0] != binascii.crc32(body):
            raise StorageError("latches: checksum does not match")
        if body[:_HEAD_BYTES] != self._head or len(body) != _HEAD_BYTES + 2 * self._racks:
            raise StorageError("latches: they belong to other racks")
        self._saved = content
        return list(struct.unpack("<%dH" % self._racks, body[_HEAD_BYTES:]))

    def save(self, bits: list[int]) -> bool:
        """Write `bits` when they differ from the flash; a failure is counted: False."""
        body = self._head + struct.pack("<%dH" % len(bits), *bits)
        content = body + struct.pack("<I", binascii.crc32(body))
        if content == self._saved:
            return True
        try:
            with self._storage.open(_NEW_FILE, "wb") as file:
                file.write(content)
            self._storage.rename(_NEW_FILE, _FILE)
        except OSError:
            self.write_errors += 1
            return False
        self._saved = content
        return True
