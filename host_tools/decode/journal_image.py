"""The telemetry journal inside a flash image, read without writing to it."""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from littlefs import LittleFS, LittleFSError, UserContext

from gateway.telemetry import records as layout
from gateway.telemetry.segment import LETTERS
from host_tools.decode.records import Record
from host_tools.decode.segment_file import decode_file
from host_tools.errors import UserError

BLOCK_BYTES = 4096
_SEGMENT = re.compile(rf"([{LETTERS}])([0-9a-f]{{8}})-([0-9a-f]{{8}})\.seg(?:\.bad)?")
_CURSOR_FILES = ("cursor-uplink-%s", "cursor-uplink-%s-1")  # they take turns
_CURSOR = struct.Struct("<III")  # boot, sequence number, checksum of these two
_LFS_IO_ERROR = -5


@dataclass(frozen=True)
class JournalImage:
    """Every good record, oldest first, lane by lane.

    Those of files that the gateway has set aside as unreadable (`.bad`) too, as far as they can be
    read here. `cursors` are (boot, sequence) of the last one that was acknowledged in each lane.
    `damaged` names the files with damage, which costs the records that it touches.
    """

    records: list[Record] = field(default_factory=list)
    cursors: tuple[tuple[int, int], ...] = ((0, 0),) * len(layout.LANES)
    damaged: list[str] = field(default_factory=list)

    @property
    def backlog(self) -> list[Record]:
        """Records that no acknowledgement has released."""
        return [
            record
            for record in self.records
            if (record.boot, record.seq) > self.cursors[record.lane]
        ]


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
    image = JournalImage(
        cursors=tuple(
            max(_cursor(_read(volume, name % letter, names)) for name in _CURSOR_FILES)
            for letter in LETTERS
        )
    )
    for lane, letter in enumerate(LETTERS):
        for name in names:
            match = _SEGMENT.fullmatch(name)
            if match and match[1] == letter:
                try:
                    data = _read(volume, name, names)
                except LittleFSError:
                    image.damaged.append(name)
                    continue
                _read_segment(name, data, lane, int(match[2], 16), int(match[3], 16), image)
    return image


def _read_segment(
    name: str, data: bytes, lane: int, boot: int, first: int, image: JournalImage
) -> None:
    found, damaged = decode_file(data, boot, lane, first)
    before = image.records[-1].key if image.records else (0, lane, 0)
    same = before[:2] == (boot, lane)  # a failed write is repeated in the next file
    image.records.extend(record for record in found if not same or record.seq > before[2])
    if damaged:
        image.damaged.append(name)


def _cursor(content: bytes) -> tuple[int, int]:
    if len(content) != _CURSOR.size:
        return 0, 0
    boot, seq, checksum = _CURSOR.unpack(content)
    return (boot, seq) if zlib.crc32(content[:8]) == checksum else (0, 0)


def _read(volume: LittleFS, name: str, names: list[str]) -> bytes:
    if name not in names:
        return b""
    with volume.open(name, "rb") as file:
        return bytes(file.read())
