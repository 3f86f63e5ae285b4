"""The data flash on CPython: the same LittleFS image, through littlefs-python."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

from littlefs import LittleFS, LittleFSError, UserContext

BLOCK_BYTES = 4096
BLOCK_COUNT = 4096
_NAME_AT = 8
_NAME = b"littlefs"


class _ImageContext(UserContext):
    """Block device of littlefs-python over an image file."""

    def __init__(self, path: str) -> None:
        image = Path(path)
        self.is_new = not image.exists()
        if self.is_new:
            with image.open("wb") as file:
                file.truncate(BLOCK_BYTES * BLOCK_COUNT)
        self._file = image.open("r+b", buffering=0)

    def __del__(self) -> None:
        self._file.close()

    def read(self, cfg: Any, block: int, off: int, size: int) -> bytearray:
        self._file.seek(block * BLOCK_BYTES + off)
        return bytearray(self._file.read(size) or b"")

    def prog(self, cfg: Any, block: int, off: int, data: bytes) -> int:
        self._file.seek(block * BLOCK_BYTES + off)
        self._file.write(data)
        return 0

    def erase(self, cfg: Any, block: int) -> int:
        return 0

    def sync(self, cfg: Any) -> int:
        return 0


class _LfsFile:
    """File contract; every failure of LittleFS becomes an OSError."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def __enter__(self) -> _LfsFile:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()

    def read(self, size: int = -1) -> bytes:
        return bytes(_translated(self._file.read, size))

    def readinto(self, buffer: memoryview) -> int:
        return int(_translated(self._file.readinto, buffer))

    def write(self, data: bytes) -> int:
        return int(_translated(self._file.write, data))

    def seek(self, offset: int, whence: int = 0) -> int:
        return int(_translated(self._file.seek, offset, whence))

    def flush(self) -> None:
        _translated(self._file.flush)

    def close(self) -> None:
        _translated(self._file.close)


class _LfsStorage:
    """Storage contract; every failure of LittleFS becomes an OSError."""

    block_bytes = BLOCK_BYTES

    def __init__(self, volume: LittleFS, formatted: bool) -> None:
        self._volume = volume
        self.formatted = formatted

    def open(self, name: str, mode: str) -> _LfsFile:
        # unbuffered: only then does `flush` reach the image, as it does on MicroPython
        return _LfsFile(_translated(self._volume.open, name, mode, 0))

    def names(self) -> list[str]:
        return list(_translated(self._volume.listdir, "/"))

    def sizes(self) -> list[tuple[str, int]]:
        return [(entry.name, entry.size) for entry in _translated(self._list)]

    def _list(self) -> list[Any]:
        return list(self._volume.scandir("/"))

    def remove(self, name: str) -> None:
        _translated(self._volume.remove, name)

    def rename(self, old: str, new: str) -> None:
        _translated(self._volume.rename, old, new)


def _translated(operation: Any, *arguments: Any) -> Any:
    try:
        return operation(*arguments)
    except LittleFSError as error:
        raise OSError(-error.code if error.code < 0 else errno.EIO, str(error)) from error


def _holds_volume(context: Any) -> bool:
    """One of the two superblocks has the name that LittleFS gives it.

    A process that is killed leaves whole writes, so unlike volume_storage.py no half ones count.
    """
    return any(context.read(None, block, _NAME_AT, len(_NAME)) == _NAME for block in (0, 1))


def mount(context: UserContext, is_new: bool, block_count: int = BLOCK_COUNT) -> _LfsStorage:
    """Storage on a block device; what is no volume is formatted.

    OSError where there is one that does not mount: somebody may still get at the data.
    """
    formatted = False
    options: dict[str, Any] = {
        "context": context,
        "block_size": BLOCK_BYTES,
        "block_count": block_count,
        "prog_size": 32,  # as volume_storage.py has it
        "read_size": 128,
        "cache_size": 512,
        "lookahead_size": 256,
    }
    volume = LittleFS(mount=False, **options)
    try:
        volume.mount()
    except LittleFSError as error:
        if _holds_volume(context):
            raise OSError(
                errno.EIO, f"the volume does not mount ({error}): copy it out, then erase it"
            ) from error
        formatted = not is_new
        volume.format()
        volume.mount()
    return _LfsStorage(volume, formatted)


def open_flash(path: str) -> _LfsStorage:
    """Storage in the image file `path`; as `mount`, a new one is formatted."""
    context = _ImageContext(path)
    return mount(context, context.is_new)
