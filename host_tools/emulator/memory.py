"""The PSRAM of the emulated board: a file with flash windows and shared words.

What lies where stands in boards/qemu_mps2/exchange.py.
"""

from __future__ import annotations

import mmap
import os
import secrets
import struct
from collections.abc import Mapping
from pathlib import Path

from littlefs import LittleFS, UserContext

BLOCK_BYTES = 4096
BYTES = 0x1000000
# name -> (offset, blocks)
WINDOWS = {"root": (0x000000, 512), "config": (0x200000, 64), "data": (0x300000, 2048)}
WORDS = 0xF00000
INPUTS, STOP, ENTROPY, RTC_S, ROOT_AT = 0x00, 0x04, 0x08, 0x18, 0x1C
BOOTS, DEAD_MAN, RTC_SET_S = 0x80, 0x84, 0x88
FRAMES, FRAMES_BYTES, FRAMES_FILL = 0xF10000, 0xC000, b"\xa5"
_ENTROPY_BYTES = 16
_WORDS_BYTES = 0x100


class Memory:
    """The file at `path`, mapped; a new one is erased flash with every word 0.

    The board and this process see each other's changes at once. Volumes may be read at any time,
    but written only while no board runs.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        is_new = not path.exists()
        if is_new:
            with path.open("wb") as file:
                for _ in range(BYTES // BLOCK_BYTES):
                    file.write(b"\xff" * BLOCK_BYTES)
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), BYTES)
        if is_new:
            self._map[WORDS : WORDS + _WORDS_BYTES] = bytes(_WORDS_BYTES)

    def close(self) -> None:
        """Let go of the file, which stays."""
        self._map.close()

    def word(self, offset: int) -> int:
        """A shared word."""
        (value,) = struct.unpack_from("<I", self._map, WORDS + offset)
        return int(value)

    def set_word(self, offset: int, value: int) -> None:
        """Write a shared word."""
        struct.pack_into("<I", self._map, WORDS + offset, value)

    def power_up(self) -> None:
        """What a start finds: new randomness, nobody wants an end."""
        start = WORDS + ENTROPY
        self._map[start : start + _ENTROPY_BYTES] = secrets.token_bytes(_ENTROPY_BYTES)
        self.set_word(STOP, 0)

    def set_input(self, number: int, level: bool) -> None:
        """Drive a digital input."""
        bits = self.word(INPUTS)
        self.set_word(INPUTS, bits | 1 << number if level else bits & ~(1 << number))

    def frames_bytes(self) -> int:
        """How much of FRAMES_BYTES the frames of functions have taken at most since the start."""
        return len(self._map[FRAMES : FRAMES + FRAMES_BYTES].rstrip(FRAMES_FILL))

    def window(self, name: str) -> bytes:
        """What a flash window holds, for gatewayctl decode."""
        offset, blocks = WINDOWS[name]
        return bytes(self._map[offset : offset + blocks * BLOCK_BYTES])

    def erase(self, name: str) -> None:
        """As a chip comes from its maker."""
        offset, blocks = WINDOWS[name]
        self._map[offset : offset + blocks * BLOCK_BYTES] = b"\xff" * (blocks * BLOCK_BYTES)

    def format(self, name: str, files: Mapping[str, bytes] | None = None) -> None:
        """A new volume with these files in a flash window; paths may have folders."""
        self.erase(name)
        volume = self._volume(name, mount=False)
        volume.format()
        volume.mount()
        for file_name, content in (files or {}).items():
            folder = os.path.dirname(file_name)
            if folder:
                volume.makedirs(folder, exist_ok=True)
            with volume.open(file_name, "wb") as file:
                file.write(content)
        volume.unmount()

    def add(self, name: str, file_name: str, text: str) -> None:
        """Write one more file into a volume."""
        volume = self._volume(name)
        with volume.open(file_name, "wb") as file:
            file.write(text.encode())
        volume.unmount()

    def read(self, name: str, file_name: str) -> bytes:
        """A file of a volume; FileNotFoundError."""
        with self._volume(name).open(file_name, "rb") as file:
            return bytes(file.read())

    def names(self, name: str) -> list[str]:
        """Files in the root of a volume."""
        return list(self._volume(name).listdir("/"))

    def _volume(self, name: str, mount: bool = True) -> LittleFS:
        offset, blocks = WINDOWS[name]
        return LittleFS(
            context=_Window(self._map, offset),
            mount=mount,
            block_size=BLOCK_BYTES,
            block_count=blocks,
            prog_size=32,  # as boards/parts/volume_storage.py has it
            read_size=128,
            cache_size=512,
            lookahead_size=256,
        )


class _Window(UserContext):
    """Block device of littlefs-python over a part of the mapping."""

    def __init__(self, memory: mmap.mmap, offset: int) -> None:
        self._memory = memory
        self._offset = offset

    def read(self, cfg: object, block: int, off: int, size: int) -> bytearray:
        start = self._offset + block * BLOCK_BYTES + off
        return bytearray(self._memory[start : start + size])

    def prog(self, cfg: object, block: int, off: int, data: bytes) -> int:
        start = self._offset + block * BLOCK_BYTES + off
        self._memory[start : start + len(data)] = bytes(data)
        return 0

    def erase(self, cfg: object, block: int) -> int:
        start = self._offset + block * BLOCK_BYTES
        self._memory[start : start + BLOCK_BYTES] = b"\xff" * BLOCK_BYTES
        return 0

    def sync(self, cfg: object) -> int:
        return 0
