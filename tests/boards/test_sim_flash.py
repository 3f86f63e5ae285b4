"""The simulated board's flash image: what is on it is formatted only when it is no volume."""

from __future__ import annotations

from pathlib import Path

import pytest

from boards.sim.cpython import flash


def lived(path: Path) -> Path:
    storage = flash.open_flash(str(path))
    with storage.open("file", "wb") as file:
        file.write(b"kept" * 300)
    return path


def damage(path: Path, offset: int, data: bytes) -> bytes:
    content = bytearray(path.read_bytes())
    content[offset : offset + len(data)] = data
    path.write_bytes(content)
    return bytes(content)


@pytest.mark.parametrize("offset", [16, 24, 48])
def test_a_volume_that_does_not_mount_is_refused_and_left_as_it_is(
    tmp_path: Path, offset: int
) -> None:
    path = lived(tmp_path / "flash.img")
    for block in (0, 1):
        content = damage(path, block * flash.BLOCK_BYTES + offset, bytes(8))
    with pytest.raises(OSError, match="copy it out, then erase it"):
        flash.open_flash(str(path))
    assert path.read_bytes() == content


def test_one_superblock_is_enough(tmp_path: Path) -> None:
    path = lived(tmp_path / "flash.img")
    damage(path, 0, bytes(flash.BLOCK_BYTES))
    storage = flash.open_flash(str(path))
    assert not storage.formatted
    with storage.open("file", "rb") as file:
        assert file.read() == b"kept" * 300


@pytest.mark.parametrize("byte", [b"\x00", b"\xff", b"\x5a"])
def test_what_is_no_volume_is_formatted_and_told(tmp_path: Path, byte: bytes) -> None:
    path = tmp_path / "flash.img"
    path.write_bytes(byte * flash.BLOCK_BYTES * flash.BLOCK_COUNT)
    assert flash.open_flash(str(path)).formatted
    assert not flash.open_flash(str(path)).formatted
