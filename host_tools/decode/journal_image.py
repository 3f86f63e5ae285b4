"""The telemetry journal inside a flash image, read without writing to it."""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from littlefs import LittleFS, LittleFSError, UserContext

from host_tools.decode.records import Key, Record, decode_stream
from host_tools.errors import UserError

BLOCK_BYTES = 4096
_SEGMENT = re.compile(r"([0-9a-f]{8})-([0-9a-f]{8})\.seg")
_CURSOR_FILE = "cursor"
_CURSOR = struct.Struct("<III")  # boot, sequence number, checksum of these two
_LFS_IO_ERROR = -5


@dataclass(frozen=True)
class JournalImage:
    """Every good record, oldest first; `cursor` is the last one that was acknowledged.

    `damaged` names the files that could not be read to their end.
    """

    records: list[Record] = field(default_factory=list)
    cursor: Key = (0, 0)
    damaged: list[str] = field(default_factory=list)

    @property
    def backlog(self) -> list[Record]:
        """Records that no acknowledgement has released."""
        return [record for record in self.records if record.key > self.cursor]


class _ReadOnlyFlash(UserContext):
    """Block device of littlefs-python over the bytes of an image."""

    def __init__(self, content: bytes) -> None:
        self._content = memoryview(content)

    def read(self, cfg: Any, block: int, off: int, size: int) -> bytearray:
        start = block * BLOCK_BYTES + off
        return bytearray(self._content[start : start + size])

    def prog(self, cfg: Any, block: int, off: int, data: bytes) -> int:
        return _LFS_IO_ERROR

    def erase(self, cfg: Any, block: int) -> int:
        return _LFS_IO_ERROR

    def sync(self, cfg: Any) -> int:
        return 0


def read_image(path: Path) -> JournalImage:
    """The journal in the image file `path`; UserError when it is no flash image."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from error
    blocks = len(content) // BLOCK_BYTES
    if blocks < 2:
        raise UserError(f"{path}: {len(content)} bytes are no flash image")
    volume = LittleFS(
        context=_ReadOnlyFlash(content),
        mount=False,
        block_size=BLOCK_BYTES,
        block_count=blocks,
    )
    try:
        volume.mount()
        return _read_volume(volume)
    except LittleFSError as error:
        raise UserError(f"{path}: not a readable LittleFS image ({error})") from error


def _read_volume(volume: LittleFS) -> JournalImage:
    names = sorted(volume.listdir("/"))
    image = JournalImage(cursor=_cursor(_read(volume, _CURSOR_FILE, names)))
    for name in names:
        match = _SEGMENT.fullmatch(name)
        if match:
            _read_segment(_read(volume, name, names), int(match[1], 16), int(match[2], 16), image)
    return image


def _read_segment(data: bytes, boot: int, first: int, image: JournalImage) -> None:
    """Records up to the first that is bad or out of order: nothing behind it can be trusted."""
    found, end = decode_stream(data, boot)
    in_order = [record for seq, record in enumerate(found, first) if record.seq == seq]
    image.records.extend(in_order)
    if end < len(data) or len(in_order) < len(found):
        image.damaged.append(f"{boot:08x}-{first:08x}.seg")


def _cursor(content: bytes) -> Key:
    if len(content) != _CURSOR.size:
        return 0, 0
    boot, seq, checksum = _CURSOR.unpack(content)
    return (boot, seq) if zlib.crc32(content[:8]) == checksum else (0, 0)


def _read(volume: LittleFS, name: str, names: list[str]) -> bytes:
    if name not in names:
        return b""
    with volume.open(name, "rb") as file:
        return bytes(file.read())
