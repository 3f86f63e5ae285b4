import unittest

from fake_hardware import MemoryStorage

from gateway.errors import StorageError
from gateway.protection.latch_store import LatchStore, mark_lost
from gateway.protection.reset_input import ResetInput


class LatchStoreTest(unittest.TestCase):
    def test_what_was_saved_comes_back(self):
        storage = MemoryStorage()
        self.assertEqual(LatchStore(storage, ["a", "b", "c"]).load(), [0, 0, 0])
        LatchStore(storage, ["a", "b", "c"]).save([0, 5, 256])
        self.assertEqual(LatchStore(storage, ["a", "b", "c"]).load(), [0, 5, 256])

    def test_only_changes_are_written(self):
        storage = MemoryStorage()
        store = LatchStore(storage, ["a", "b"])
        store.save([0, 1])
        done = storage.operations
        for _ in range(100):
            store.save([0, 1])
        self.assertEqual(storage.operations, done)

    def test_any_damaged_byte_is_noticed(self):
        storage = MemoryStorage()
        LatchStore(storage, ["a", "b"]).save([1, 0])
        good = storage.files["latches"]
        for index in range(len(good)):
            bad = bytearray(good)
            bad[index] ^= 0x10
            storage.files["latches"] = bytes(bad)
            with self.assertRaises(StorageError):
                LatchStore(storage, ["a", "b"]).load()
        for length in range(len(good)):
            storage.files["latches"] = good[:length]
            with self.assertRaises(StorageError):
                LatchStore(storage, ["a", "b"]).load()

    def test_power_cut_at_any_operation_keeps_old_or_new(self):
        for cut in range(1, 8):
            storage = MemoryStorage()
            LatchStore(storage, ["a"]).save([1])
            storage.operations = 0
            storage.fail_after = cut
            LatchStore(storage, ["a"]).save([2])
            after = MemoryStorage(storage.files)
            self.assertIn(LatchStore(after, ["a"]).load(), ([1], [2]))

    def test_latches_of_other_racks_and_of_a_lost_flash_are_refused(self):
        storage = MemoryStorage()
        LatchStore(storage, ["a", "b"]).save([1, 0])
        for names in (["b", "a"], ["a"], ["a", "b", "c"]):
            with self.assertRaises(StorageError):
                LatchStore(storage, names).load()

    def test_a_flash_that_lost_them_is_not_a_new_one(self):
        formatted = MemoryStorage()
        formatted.formatted = True
        with self.assertRaises(StorageError):
            LatchStore(formatted, ["a"]).load()
        mark_lost(formatted)
        after = MemoryStorage(formatted.files)  # the next start finds a sound volume
        with self.assertRaises(StorageError):
            LatchStore(after, ["a"]).load()
        in_use = MemoryStorage({"boot": b""})
        with self.assertRaises(StorageError):
            LatchStore(in_use, ["a"]).load()

    def test_dead_flash_is_counted_and_tried_again(self):
        storage = MemoryStorage()
        store = LatchStore(storage, ["a"])
        storage.dead = True
        store.save([1])
        self.assertEqual(store.write_errors, 1)
        storage.dead = False
        store.save([1])
        self.assertEqual(LatchStore(storage, ["a"]).load(), [1])


class ResetInputTest(unittest.TestCase):
    def test_only_a_push_counts(self):
        button = ResetInput()
        self.assertFalse(button.step(True))  # held, or broken, since start
        self.assertFalse(button.step(True))
        self.assertFalse(button.step(False))
        self.assertEqual([button.step(True) for _ in range(5)], [False, False, True, False, False])

    def test_bounce_and_noise_are_not_pushes(self):
        button = ResetInput()
        button.step(False)
        for _ in range(50):
            self.assertFalse(button.step(True))
            self.assertFalse(button.step(True))
            self.assertFalse(button.step(False))


if __name__ == "__main__":
    unittest.main()
