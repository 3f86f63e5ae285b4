"""The data flash: a LittleFS volume in an image file, the same on MicroPython and CPython."""

from __future__ import annotations

import sys

BLOCK_BYTES = 4096
BLOCK_COUNT = 4096  # 16 MiB

if sys.implementation.name == "micropython":
    from volume_storage import open_volume

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

    def open_flash(path: str) -> object:
        """Storage in the image file `path`; what is no volume is formatted, else OSError."""
        blocks = _ImageBlocks(path)
        return open_volume(blocks, blocks.is_new)

else:
    from cpython.flash import open_flash  # noqa: F401 - the same by littlefs-python
