"""Files on a LittleFS volume of their own, away from the root filesystem."""

from __future__ import annotations

import vfs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_VOLUME: Any = vfs.VfsLfs2  # the type stubs take it for abstract
# A commit of 32 bytes, not of a page: 16 commits of 256 would fill a directory's block.
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


def open_volume(blocks: Any) -> VolumeStorage:
    """Storage on the block device `blocks`; one that cannot be read is formatted. OSError."""
    formatted = False
    try:
        volume = _VOLUME(blocks, **_OPTIONS)
    except OSError:
        formatted = True
        _VOLUME.mkfs(blocks, **_OPTIONS)
        volume = _VOLUME(blocks, **_OPTIONS)
    volume.mount(False, False)
    return VolumeStorage(volume, formatted)
