"""Files on a LittleFS volume of their own, away from the root filesystem. MicroPython only."""

from __future__ import annotations

import binascii
import time

import vfs
from micropython import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_VOLUME: Any = vfs.VfsLfs2  # the type stubs take it for abstract
# Every flush commits to the directory. 16 commits of 256 bytes fill its block, and a file that is
# opened while the block is just full has it erased by each of its flushes. So commits are small; a
# page of the flash takes them one after the other.
# A volume has two buffers of four times `readsize`, an open file one. With half of that a flush
# takes two and a half times as long, for files of up to 512 bytes stand in the directory itself.
_OPTIONS = {"progsize": 32, "readsize": 128, "lookahead": 256}
_TRIES = const(3)  # of a mount
_PAUSE_MS = const(50)  # between two: a supply that dips, or a line that rings, is over then
_SUPERBLOCKS = (0, 1)  # one is the copy of the other
_BLOCK_SIZE = const(5)  # operation of `ioctl`
_VOLUME_SEEN = const(-1)  # no checksum
_NAME_AT = const(8)
_NAME = b"littlefs"


class VolumeStorage:
    """contracts.Storage over a volume that is not mounted anywhere; methods raise OSError."""

    def __init__(self, volume: Any, formatted: bool) -> None:
        self._volume = volume
        self.formatted = formatted
        self.open = volume.open
        self.remove = volume.remove
        self.rename = volume.rename

    def names(self) -> list[str]:
        """Names of all files."""
        return [entry[0] for entry in self._volume.ilistdir("/")]

    def sizes(self) -> list[tuple[str, int]]:
        """Names of all files and their sizes in bytes."""
        return [(entry[0], entry[3]) for entry in self._volume.ilistdir("/")]


def littlefs(blocks: Any) -> tuple[Any, bool]:
    """(volume on the block device `blocks`, whether it had to be formatted).

    Only what is no volume is formatted, and reads the same at each of `_TRIES` looks: one bad look
    shows an erased flash where a volume is. OSError where there is a volume that does not mount,
    or where the blocks cannot be read, or read differently: then nothing is written, for somebody
    may still get at the data.
    """
    looks = []
    reason = ""
    for number in range(_TRIES):
        if number:
            time.sleep_ms(_PAUSE_MS)
        try:
            return _VOLUME(blocks, **_OPTIONS), False
        except OSError as error:
            reason = "the volume does not mount (%s): copy it out, then erase it" % error
        try:
            looks.append(_look(blocks))
        except OSError as error:
            reason = "the volume cannot be read (%s): start again, or replace the flash" % error
    if len(looks) < _TRIES or _VOLUME_SEEN in looks:
        raise OSError(reason)
    if min(looks) != max(looks):
        raise OSError("the volume reads differently each time: start again, or replace the flash")
    _VOLUME.mkfs(blocks, **_OPTIONS)
    return _VOLUME(blocks, **_OPTIONS), True


def _look(blocks: Any) -> int:
    """Checksum of what stands in place of the superblocks; _VOLUME_SEEN when one is there."""
    block = bytearray(blocks.ioctl(_BLOCK_SIZE, 0))
    checksum = 0
    for number in _SUPERBLOCKS:
        failed = blocks.readblocks(number, block)
        if failed:
            raise OSError(-failed)
        if _is_superblock(block):
            return _VOLUME_SEEN
        checksum = binascii.crc32(block, checksum)
    return checksum


def _is_superblock(block: bytearray) -> bool:
    """The first commit of this block is whole and one of a LittleFS superblock.

    Behind the revision stand tags, each XORed with the one before, with their data; the tag of the
    checksum ends the commit. A format that was cut off has none, or a wrong one.
    """
    if block[_NAME_AT : _NAME_AT + len(_NAME)] != _NAME:
        return False
    at, tag = 4, 0xFFFFFFFF
    while at + 8 <= len(block):
        tag ^= int.from_bytes(block[at : at + 4], "big")
        at += 4
        if tag >> 31:  # nothing was written here
            return False
        if tag >> 20 & 0x780 == 0x500:
            checksum = binascii.crc32(block[:at]) ^ 0xFFFFFFFF
            return bool(checksum == int.from_bytes(block[at : at + 4], "little"))
        size = tag & 0x3FF
        at += 0 if size == 0x3FF else size  # that: a deleted entry
    return False


def open_volume(blocks: Any, is_new: bool = False) -> VolumeStorage:
    """Storage on the block device `blocks`; OSError as `littlefs`.

    `is_new`: nothing was ever on it, so that formatting it loses nothing and is not told.
    """
    volume, formatted = littlefs(blocks)
    volume.mount(False, False)
    return VolumeStorage(volume, formatted and not is_new)
