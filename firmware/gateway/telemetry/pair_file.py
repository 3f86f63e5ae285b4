"""Small files of two numbers and a checksum: the cursor, the boot id."""

from __future__ import annotations

import binascii
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.contracts import Storage


def read_pair(storage: Storage, name: str) -> tuple[int, int]:
    """The two numbers; zeros when the file is missing, damaged or unreadable."""
    try:
        with storage.open(name, "rb") as file:
            content = file.read()
    except OSError:
        return 0, 0
    if len(content) != 12 or content[8:] != struct.pack("<I", binascii.crc32(content[:8])):
        return 0, 0
    return struct.unpack("<II", content[:8])


def write_pair(storage: Storage, name: str, first: int, second: int) -> bool:
    """Keep two numbers of 32 bits; False when the flash did not take them."""
    body = struct.pack("<II", first, second)
    try:
        with storage.open(name, "wb") as file:
            file.write(body + struct.pack("<I", binascii.crc32(body)))
    except OSError:
        return False
    return True
