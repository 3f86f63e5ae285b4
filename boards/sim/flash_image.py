"""The data flash: a LittleFS volume in an image file, the same on MicroPython and CPython."""

from __future__ import annotations

import sys

BLOCK_BYTES = 4096
BLOCK_COUNT = 4096  # 16 MiB

if sys.implementation.name == "micropython":
    import vfs

    # Every flush commits to the directory. 16 commits of 256 bytes fill its block, and a file that
    # is opened while the block is just full has it erased by each of its flushes. So commits are
    # small; a page of the flash takes them one after the other.
    _OPTIONS = {"progsize": 32, "readsize": 256, "lookahead": 256}

    class _ImageBlocks:
        """Block device contract of MicroPython over the image file."""

        def __init__(self, path: str) -> None:
            self.is_new = False
            try:
                self._file = open(path, "r+b")
            except OSError:
                self.is_new = True
                self._file = open(path, "w+b")
                self._file.seek(BLOCK_BYTES * BLOCK_COUNT - 1)
                self._file.write(b"\xff")

        def readblocks(self, block: int, buffer: bytearray, offset: int = 0) -> None:
            self._file.seek(block * BLOCK_BYTES + offset)
            self._file.readinto(buffer)

        def writeblocks(self, block: int, buffer: bytearray, offset: int = 0) -> None:
            self._file.seek(block * BLOCK_BYTES + offset)
            self._file.write(buffer)

        def ioctl(self, operation: int, _: int) -> int | None:
            if operation == 4:
                return BLOCK_COUNT
            if operation == 5:
                return BLOCK_BYTES
            return 0  # init, shut down, sync, erase: nothing to do for a file

    class VolumeStorage:
        """Storage contract over a mounted volume; all methods raise OSError."""

        block_bytes = BLOCK_BYTES

        def __init__(self, volume: vfs.VfsLfs2, formatted: bool) -> None:
            self._volume = volume
            self.formatted = formatted
            self.remove = volume.remove
            self.rename = volume.rename
            self.open = volume.open

        def names(self) -> list[str]:
            """Names of all files."""
            return [entry[0] for entry in self._volume.ilistdir("/")]

    def mount(blocks: object, is_new: bool) -> object:
        """Storage on a block device; an unreadable volume, or a new one, is formatted."""
        formatted = False
        try:
            volume = vfs.VfsLfs2(blocks, **_OPTIONS)
        except OSError:
            formatted = not is_new
            vfs.VfsLfs2.mkfs(blocks, **_OPTIONS)
            volume = vfs.VfsLfs2(blocks, **_OPTIONS)
        volume.mount(False, False)
        return VolumeStorage(volume, formatted)

    def open_flash(path: str) -> object:
        """Storage in the image file `path`; a new or unreadable image is formatted."""
        blocks = _ImageBlocks(path)
        return mount(blocks, blocks.is_new)

else:
    from cpython.flash import mount, open_flash  # noqa: F401 - the same by littlefs-python
