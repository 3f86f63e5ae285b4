"""Latches on flash: a trip outlives a restart. Written new, then renamed over the old file."""

from __future__ import annotations

import binascii
import struct

from gateway.errors import StorageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.contracts import Storage

_FILE = "latches"
_NEW_FILE = "latches.new"
_MAGIC = 0x4C43


class LatchStore:
    """Keeps one bit field per rack on `storage`; `save` writes only what changed."""

    def __init__(self, storage: Storage, racks: int) -> None:
        self._storage = storage
        self._racks = racks
        self._saved: bytes | None = None
        self.write_errors = 0

    def load(self) -> list[int]:
        """Bits per rack; zeros when nothing was ever saved.

        StorageError when the file is damaged: the caller must then assume the worst.
        """
        if _FILE not in self._storage.names():
            return [0] * self._racks
        with self._storage.open(_FILE, "rb") as file:
            content = file.read()
        body = content[:-4]
        if len(content) < 8 or struct.unpack("<I", content[-4:])[0] != binascii.crc32(body):
            raise StorageError("latches: checksum does not match")
        magic, count = struct.unpack("<HH", body[:4])
        if magic != _MAGIC or len(body) != 4 + 2 * count:
            raise StorageError("latches: not a latch file")
        bits = list(struct.unpack("<%dH" % count, body[4:]))
        self._saved = content if count == self._racks else None
        return (bits + [0] * self._racks)[: self._racks]

    def save(self, bits: list[int]) -> None:
        """Write `bits` when they differ from the flash; a failure is counted, not raised."""
        body = struct.pack("<HH", _MAGIC, len(bits)) + struct.pack("<%dH" % len(bits), *bits)
        content = body + struct.pack("<I", binascii.crc32(body))
        if content == self._saved:
            return
        try:
            with self._storage.open(_NEW_FILE, "wb") as file:
                file.write(content)
            self._storage.rename(_NEW_FILE, _FILE)
        except OSError:
            self.write_errors += 1
            return
        self._saved = content
