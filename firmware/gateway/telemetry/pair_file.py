"""Small files of two numbers and a checksum: the boot id; in two files: cursors, what is gone."""

from __future__ import annotations

import binascii
import struct

from micropython import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.contracts import Storage

_TRIES = const(3)  # of a reading: what is not known at the start is not known for a whole boot
_MISSING = const(2)  # ENOENT


class KeptPair:
    """A pair that only grows, in two files that take turns: one is always whole.

    A file is written over in place; where that is FAT, a power cut leaves nothing of what it held.
    A write costs as much as one of a single file.
    """

    def __init__(self, storage: Storage, names: tuple[str, str]) -> None:
        self._storage = storage
        self._names = names
        self._turn = 0  # which of them is written next

    def read(self) -> tuple[int, int]:
        """The larger pair; zeros when neither file can be read. To be called before `write`."""
        found = [read_pair(self._storage, name) for name in self._names]
        self._turn = found.index(min(found))
        return max(found)

    def write(self, first: int, second: int) -> bool:
        """Keep a larger pair; False when the flash did not take it: the one before is there."""
        if not write_pair(self._storage, self._names[self._turn], first, second):
            return False
        self._turn = 1 - self._turn
        return True


def read_pair(storage: Storage, name: str) -> tuple[int, int]:
    """The two numbers; zeros when the file is missing, or damaged or unreadable in three tries."""
    for _ in range(_TRIES):
        try:
            with storage.open(name, "rb") as file:
                content = file.read()
        except OSError as error:
            if error.args[:1] == (_MISSING,):
                break
            continue
        if len(content) == 12 and content[8:] == struct.pack("<I", binascii.crc32(content[:8])):
            return struct.unpack("<II", content[:8])
    return 0, 0


def write_pair(storage: Storage, name: str, first: int, second: int) -> bool:
    """Keep two numbers of 32 bits; False when the flash did not take them."""
    body = struct.pack("<II", first, second)
    try:
        with storage.open(name, "wb") as file:
            file.write(body + struct.pack("<I", binascii.crc32(body)))
    except OSError:
        return False
    return True
