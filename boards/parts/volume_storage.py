"""Files on a LittleFS volume of their own, away from the root filesystem. MicroPython only."""

from __future__ import annotations

import vfs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_VOLUME: Any = vfs.VfsLfs2  # the type stubs take it for abstract
# Every flush commits to the directory. 16 commits of 256 bytes fill its block, and a file that is
# opened while the block is just full has it erased by each of its flushes. So commits are small; a
# page of the flash takes them one after the other.
_OPTIONS = {"progsize": 32, "readsize": 256, "lookahead": 256}


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
    """(volume on the block device `blocks`, whether it had to be formatted). OSError."""
    try:
        return _VOLUME(blocks, **_OPTIONS), False
    except OSError:
        _VOLUME.mkfs(blocks, **_OPTIONS)
        return _VOLUME(blocks, **_OPTIONS), True


def open_volume(blocks: Any, is_new: bool = False) -> VolumeStorage:
    """Storage on the block device `blocks`; one that cannot be read is formatted. OSError.

    `is_new`: nothing was ever on it, so that formatting it loses nothing and is not told.
    """
    volume, formatted = littlefs(blocks)
    volume.mount(False, False)
    return VolumeStorage(volume, formatted and not is_new)
