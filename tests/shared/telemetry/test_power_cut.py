"""The power fails in every single program and erase of the flash: what was stored is there.

On the LittleFS of each interpreter. FAT on the same flash is the control: there it goes wrong, and
the test sees it.
"""

import gc
import sys
import unittest

from power_cut import Life, losses
from torn_flash import TornFlash, images

BLOCK_BYTES = 4096
BLOCKS = 32
SECTOR_BYTES = 512
# for every test: a heap of 2 MiB that was used has no two holes of this size
WRITTEN = bytearray(BLOCKS * BLOCK_BYTES)
BEFORE = bytearray(BLOCKS * BLOCK_BYTES)

if sys.implementation.name == "micropython":
    import vfs
    from volume_storage import VolumeStorage, open_volume

    class Blocks:
        """Block device contract of MicroPython over a TornFlash."""

        def __init__(self, flash):
            self.flash = flash
            self._count = len(flash.content) // flash.block_bytes

        def readblocks(self, block, buffer, offset=0):
            start = block * self.flash.block_bytes + offset
            buffer[:] = memoryview(self.flash.content)[start : start + len(buffer)]

        def writeblocks(self, block, buffer, offset=0):
            self.flash.program(block * self.flash.block_bytes + offset, buffer)

        def ioctl(self, operation, block):
            if operation == 4:
                return self._count
            if operation == 5:
                return self.flash.block_bytes
            if operation == 6:
                self.flash.erase(block)
            return 0

    def lfs(flash, is_new):
        return open_volume(Blocks(flash), is_new)

    def fat(flash, is_new):
        blocks = Blocks(flash)
        formatted = False
        volume = vfs.VfsFat(blocks)
        try:
            volume.mount(False, False)
        except OSError:
            formatted = not is_new
            vfs.VfsFat.mkfs(blocks)
            volume = vfs.VfsFat(blocks)
            volume.mount(False, False)
        return VolumeStorage(volume, formatted)

    if not hasattr(vfs, "VfsFat"):
        fat = None

else:
    from littlefs import UserContext

    from boards.sim.cpython import flash as lfs_flash

    class Blocks(UserContext):
        """Block device of littlefs-python over a TornFlash."""

        def __init__(self, flash):
            self.flash = flash

        def read(self, cfg, block, off, size):
            start = block * BLOCK_BYTES + off
            return self.flash.content[start : start + size]

        def prog(self, cfg, block, off, data):
            self.flash.program(block * BLOCK_BYTES + off, data)
            return 0

        def erase(self, cfg, block):
            self.flash.erase(block)
            return 0

        def sync(self, cfg):
            return 0

    def lfs(flash, is_new):
        return lfs_flash.mount(Blocks(flash), is_new, BLOCKS)

    fat = None


def new_flash(block_bytes):
    """WRITTEN as a flash that nothing was written to."""
    flash = TornFlash(WRITTEN, block_bytes)
    for block in range(len(WRITTEN) // block_bytes):
        flash.erase(block)
    return flash


def live(open_storage, block_bytes, lives_before=0):
    """(content before, log of every operation, stones) of a life on a new volume.

    Or on one on which so many lives wrote the same numbers before and went.
    """
    flash = new_flash(block_bytes)
    storage = open_storage(flash, True)
    for _ in range(lives_before):
        life = Life(storage, lambda: 0)
        life.run()
        life.end()
    BEFORE[:] = WRITTEN
    flash.log = []
    life = Life(storage, lambda: len(flash.log))
    life.run()
    return BEFORE, flash.log, life.stones


def cut_everywhere(open_storage, block_bytes, lives_before=0, step=1):
    """(cuts, lines of what a start found wrong)."""
    before, log, stones = live(open_storage, block_bytes, lives_before)
    gc.collect()
    cuts, wrong, boot = 0, [], 1 + lives_before
    for done, tear, content in images(before, log, block_bytes, step, WRITTEN):
        cuts += 1
        try:
            storage = open_storage(TornFlash(content, block_bytes), False)
            found = losses(stones, done, storage, boot)
        except (OSError, ValueError) as error:  # FAT has names of rubbish then
            found = ["does not start: %s" % error]
        wrong += ["cut in operation %d, %s: %s" % (done, tear, line) for line in found]
        gc.collect()
    return cuts, wrong


class PowerCutTest(unittest.TestCase):
    def setUp(self):
        gc.collect()

    def test_the_life_has_everything_in_it(self):
        _, log, stones = live(lfs, BLOCK_BYTES)
        erases = sum([data is None for _, data in log])
        self.assertTrue(erases > 40 and len(log) > 250, (erases, len(log)))
        events, minute, fine = stones[-1][1]
        self.assertTrue(events[0] > 20 and fine[0] > 20, (events, fine))  # passed, dropped
        self.assertTrue(events[1] > 30 and minute[1] > 10 and fine[1] > 70)

    def test_littlefs_loses_nothing(self):
        cuts, wrong = cut_everywhere(lfs, BLOCK_BYTES)
        self.assertEqual(wrong, [])
        self.assertTrue(cuts > 750, cuts)

    def test_littlefs_gives_nothing_of_an_earlier_boot_for_this_ones(self):
        """The same lanes and numbers stand all over the flash, in blocks that are free."""
        cuts, wrong = cut_everywhere(lfs, BLOCK_BYTES, lives_before=2, step=5)
        self.assertEqual(wrong, [])
        self.assertTrue(cuts > 150, cuts)

    def test_records_of_an_earlier_boot_in_a_file_of_this_one_would_be_seen(self):
        storage = lfs(new_flash(BLOCK_BYTES), True)
        life = Life(storage, lambda: 0)
        life.run()
        with storage.open("m00000001-00000001.seg", "rb") as file:
            stale = file.read()
        life.end()
        life = Life(storage, lambda: 0)
        life.run()
        self.assertEqual(losses(life.stones, 0, storage, 2), [])
        with storage.open("m00000002-00000001.seg", "wb") as file:
            file.write(stale)
        (line,) = losses(life.stones, 0, storage, 2)
        self.assertIn("lane 1: missing [], wrong ", line)

    def test_littlefs_loses_nothing_when_the_start_is_cut_off_too(self):
        if sys.implementation.name == "micropython":
            self.skipTest("two more copies of the flash do not fit into this heap")
        before, log, stones = live(lfs, BLOCK_BYTES)
        starts, wrong = 0, []
        for done, tear, content in images(before, log, BLOCK_BYTES, 29):
            if tear != "half":
                continue
            torn = bytearray(content)
            flash = TornFlash(content, BLOCK_BYTES)
            flash.log = []
            losses(stones, done, lfs(flash, False))
            for again, other, found in images(torn, flash.log, BLOCK_BYTES):
                starts += 1
                lines = losses(stones, done, lfs(TornFlash(found, BLOCK_BYTES), False))
                wrong += ["%d, %d, %s: %s" % (done, again, other, line) for line in lines]
                gc.collect()
        self.assertEqual(wrong, [])
        self.assertTrue(starts > 60, starts)

    def test_fat_loses_what_was_stored(self):
        if fat is None:
            self.skipTest("no FAT in this interpreter")
        cuts, wrong = cut_everywhere(fat, SECTOR_BYTES)
        self.assertTrue(len(wrong) > cuts // 50, (len(wrong), cuts))
        for kind in ("missing", "configuration"):
            self.assertTrue([line for line in wrong if kind in line], kind)


if __name__ == "__main__":
    unittest.main()
