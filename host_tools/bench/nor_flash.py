"""A NOR flash that counts: erases, programmed pages, and the time both would take."""

from __future__ import annotations

from typing import Any

from littlefs import LittleFS, UserContext

from boards.sim.cpython import flash

BLOCK_BYTES = flash.BLOCK_BYTES
ERASE_MS = 45.0  # typical of 4 KiB sectors (W25Q series); the data sheet allows 400
PAGE_BYTES = 256
PAGE_MS = 0.4


class NorFlash(UserContext):
    """Block device of littlefs-python in RAM; reading takes no time here."""

    def __init__(self, blocks: int) -> None:
        self._content = bytearray(b"\xff") * (blocks * BLOCK_BYTES)
        self._blocks = blocks
        self.erases = 0
        self.pages = 0

    @property
    def busy_ms(self) -> float:
        """What erasing and programming would have taken so far."""
        return self.erases * ERASE_MS + self.pages * PAGE_MS

    def mount(self) -> Any:
        """A new volume on it, as the gateway's storage."""
        return flash.mount(self, is_new=True, block_count=self._blocks)

    def used_blocks(self) -> int:
        """Blocks that the volume takes, its own bookkeeping included."""
        volume = LittleFS(
            context=self, mount=False, block_size=BLOCK_BYTES, block_count=self._blocks
        )
        volume.mount()
        return int(volume.used_block_count)

    def read(self, cfg: Any, block: int, off: int, size: int) -> bytearray:
        """Copy."""
        start = block * BLOCK_BYTES + off
        return self._content[start : start + size]

    def prog(self, cfg: Any, block: int, off: int, data: bytes) -> int:
        """Program; the pages count."""
        start = block * BLOCK_BYTES + off
        self._content[start : start + len(data)] = data
        self.pages += -(-len(data) // PAGE_BYTES)
        return 0

    def erase(self, cfg: Any, block: int) -> int:
        """Erase a block, which counts."""
        start = block * BLOCK_BYTES
        self._content[start : start + BLOCK_BYTES] = b"\xff" * BLOCK_BYTES
        self.erases += 1
        return 0

    def sync(self, cfg: Any) -> int:
        """Nothing waits."""
        return 0
