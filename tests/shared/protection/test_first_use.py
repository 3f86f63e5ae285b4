"""New is only a device that never was in use: empty flash alone does not say so."""

import unittest

from fake_hardware import MemoryStorage

from gateway.errors import StorageError
from gateway.protection import first_use, rules
from gateway.protection.latch_store import LatchStore, mark_lost
from gateway.protection.latches import Latches


def formatted(files=None):
    storage = MemoryStorage(files)
    storage.formatted = True
    return storage


def dead():
    storage = MemoryStorage()
    storage.dead = True
    return storage


class FirstUseTest(unittest.TestCase):
    def test_new_is_a_device_with_nothing_on_either_flash(self):
        self.assertTrue(first_use.is_new(MemoryStorage(), MemoryStorage({"config.json": b"{}"})))

    def test_whatever_remembers_a_life_before_makes_it_an_old_one(self):
        config = MemoryStorage()
        self.assertTrue(first_use.mark(config))
        for data, beside in (
            (MemoryStorage(), config),
            (MemoryStorage({"boot": b""}), MemoryStorage()),
            (formatted(), MemoryStorage()),
            (dead(), MemoryStorage()),
            (MemoryStorage(), dead()),
        ):
            self.assertFalse(first_use.is_new(data, beside))

    def test_the_mark_is_written_once_and_a_failure_is_told(self):
        config = MemoryStorage()
        self.assertTrue(first_use.mark(config))
        self.assertIn(b"has protected racks", config.files["in-use"])
        config.files["in-use"] = b""  # cut while writing: that it is there is enough
        self.assertTrue(first_use.mark(config))
        self.assertEqual(config.files["in-use"], b"")
        self.assertFalse(first_use.mark(dead()))
        full = MemoryStorage()
        full.fail_after = 1
        self.assertFalse(first_use.mark(full))

    def test_a_format_without_a_write_and_a_restart_still_hold_every_rack(self):
        config = MemoryStorage()
        first_use.mark(config)
        data = formatted()
        data.dead = True
        mark_lost(data)  # fails with the flash
        after = MemoryStorage(data.files)  # the next start: empty, readable and well again
        self.assertEqual(after.files, {})
        store = LatchStore(after, ["a"], [Latches(0, rules.RACK_RULES)])
        with self.assertRaises(StorageError):
            store.load(first_use.is_new(after, config))


if __name__ == "__main__":
    unittest.main()
