"""Mounting the data volume: what is on it is formatted only when it is no volume."""

import gc
import unittest

from torn_flash import TornFlash, images
from volume_storage import VolumeStorage, open_volume

BLOCK_BYTES = 4096
BLOCKS = 16
CONTENT = b"kept" * 300


class Blocks:
    """Block device over a TornFlash whose next reads fail: `failing` of them, as `how` says.

    "raises", "returns" an error, or seems fine and fills the buffer with the byte `how`.
    """

    def __init__(self, flash, failing=0, how="raises"):
        self.flash = flash
        self.failing = failing
        self._how = how

    def readblocks(self, block, buffer, offset=0):
        if self.failing:
            self.failing -= 1
            if self._how == "raises":
                raise OSError(5)
            if self._how == "returns":
                return -5
            for index in range(len(buffer)):
                buffer[index] = self._how
            return 0
        start = block * BLOCK_BYTES + offset
        buffer[:] = memoryview(self.flash.content)[start : start + len(buffer)]
        return 0

    def writeblocks(self, block, buffer, offset=0):
        self.flash.program(block * BLOCK_BYTES + offset, buffer)
        return 0

    def ioctl(self, operation, block):
        if operation == 4:
            return len(self.flash.content) // BLOCK_BYTES
        if operation == 5:
            return BLOCK_BYTES
        if operation == 6:
            self.flash.erase(block)
        return 0


def erased(blocks=BLOCKS):
    return TornFlash(bytearray(b"\xff" * (blocks * BLOCK_BYTES)), BLOCK_BYTES)


def lived():
    """Flash with a volume that holds a file, and has written its root a few times."""
    flash = erased()
    storage = open_volume(Blocks(flash))
    for _ in range(5):
        with storage.open("file", "wb") as file:
            file.write(CONTENT)
    return flash


class MountTest(unittest.TestCase):
    def setUp(self):
        gc.collect()

    def assert_kept(self, storage):
        self.assertFalse(storage.formatted)
        with storage.open("file", "rb") as file:
            self.assertEqual(file.read(), CONTENT)

    def assert_refused(self, blocks, words):
        before = bytes(blocks.flash.content)
        try:
            open_volume(blocks)
        except OSError as error:
            self.assertTrue(words in str(error), error)
        else:
            self.fail("opened")
        self.assertTrue(bytes(blocks.flash.content) == before)

    def test_an_erased_flash_is_formatted(self):
        for content in (b"\xff", b"\x00", b"littlefs"):
            flash = erased()
            flash.content[:] = (content * BLOCK_BYTES)[:BLOCK_BYTES] * BLOCKS
            self.assertTrue(open_volume(Blocks(flash)).formatted)

    def test_a_read_that_fails_now_and_then_is_tried_again(self):
        for how in ("raises", "returns"):
            for failing in (1, 2):
                self.assert_kept(open_volume(Blocks(lived(), failing, how)))

    def test_a_flash_that_reads_as_erased_for_a_moment_keeps_its_volume(self):
        for byte in (0xFF, 0x00, 0x5A):
            # a mount reads both superblocks, then they are looked at
            for failing in range(1, 9):
                self.assert_kept(open_volume(Blocks(lived(), failing, byte)))

    def test_a_flash_that_is_no_volume_and_reads_differently_is_refused(self):
        class Noise(Blocks):
            reads = 0

            def readblocks(self, block, buffer, offset=0):
                super().readblocks(block, buffer, offset)
                self.reads += 1
                buffer[-1] ^= self.reads & 0xFF
                return 0

        self.assert_refused(Noise(erased()), "reads differently")

    def test_what_cannot_be_read_is_refused_and_not_formatted(self):
        for how in ("raises", "returns"):
            self.assert_refused(Blocks(lived(), 1000, how), "cannot be read")
            self.assert_refused(Blocks(erased(), 1000, how), "cannot be read")

    def test_a_volume_of_another_size_is_refused(self):
        flash = lived()
        flash.content = flash.content[: (BLOCKS - 4) * BLOCK_BYTES]
        self.assert_refused(Blocks(flash), "does not mount")

    def test_a_superblock_that_was_torn_leaves_the_other_one(self):
        for block in (0, 1):
            flash = lived()
            flash.erase(block)
            storage = open_volume(Blocks(flash))
            self.assertTrue(isinstance(storage, VolumeStorage))
            self.assertFalse(storage.formatted)

    def test_power_that_fails_while_it_is_formatted_leaves_no_board_in_safe_mode(self):
        flash = erased()
        before = bytearray(flash.content)
        flash.log = []
        open_volume(Blocks(flash))
        cuts = 0
        for _, _, content in images(before, flash.log, BLOCK_BYTES):
            cuts += 1
            gc.collect()
            open_volume(Blocks(TornFlash(bytearray(content), BLOCK_BYTES)))
        self.assertTrue(cuts >= 9, cuts)


if __name__ == "__main__":
    unittest.main()
