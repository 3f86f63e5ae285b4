"""A flash that was written with larger buffers of LittleFS, as firmware before had them."""

from __future__ import annotations

import re

from littlefs import LittleFS
from littlefs.context import UserContext

from boards.sim.cpython import flash
from host_tools.toolchain.paths import ROOT

BLOCKS = 64
SIZES = range(1, 700, 37)  # those up to 512 bytes stand in the directory


def content(size: int) -> bytes:
    return bytes(index * 7 + size & 0xFF for index in range(size))


def test_small_files_of_an_older_firmware_are_read_and_rewritten() -> None:
    memory = UserContext(BLOCKS * flash.BLOCK_BYTES)
    before = LittleFS(
        memory,
        block_size=flash.BLOCK_BYTES,
        block_count=BLOCKS,
        prog_size=32,
        read_size=256,
        cache_size=1024,
        lookahead_size=256,
    )
    for size in SIZES:
        with before.open(f"f{size}", "wb") as file:
            file.write(content(size))
    before.unmount()
    for change in (0, 1):  # as they were, then after each was appended to
        storage = flash.mount(memory, False, BLOCKS)
        assert not storage.formatted
        for size in SIZES:
            with storage.open(f"f{size}", "rb") as file:
                assert file.read() == content(size) + b"+" * change
            if not change:
                with storage.open(f"f{size}", "ab") as file:
                    file.write(b"+")


def test_the_laptop_opens_a_flash_with_the_buffers_of_the_board() -> None:
    board = (ROOT / "boards/parts/volume_storage.py").read_text()
    read_size = int(re.findall(r'"readsize": (\d+)', board)[0])
    for path in ("boards/sim/cpython/flash.py", "host_tools/emulator/memory.py"):
        text = (ROOT / path).read_text()
        sizes = [int(size) for size in re.findall(r"(?:read|cache)_size\W+(\d+)", text)]
        assert sizes == [read_size, 4 * read_size], path
