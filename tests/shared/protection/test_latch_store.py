import unittest

from fake_hardware import MemoryStorage

from gateway.errors import StorageError
from gateway.protection import rules
from gateway.protection.latch_store import LatchStore, mark_lost
from gateway.protection.latches import Latches
from gateway.protection.reset_input import ResetInput

OV = rules.CELL_OVERVOLTAGE
OC = rules.CHARGE_OVERCURRENT


def store_of(storage, names, held=()):
    """A store of two racks and the site; `held` are (rack, rule) to trip."""
    latches = [Latches(0, rules.RACK_RULES) for _ in names]
    latches.append(Latches(rules.RACK_RULES, rules.RULE_COUNT - rules.RACK_RULES))
    for rack, rule in held:
        latches[rack].trip(rule)
    return LatchStore(storage, names, latches), latches


class LatchStoreTest(unittest.TestCase):
    def test_what_was_saved_comes_back(self):
        storage = MemoryStorage()
        store, latches = store_of(storage, ["a", "b"], ((1, OV), (0, OC), (2, rules.GAS)))
        self.assertTrue(store.changed)
        self.assertTrue(store.save())
        self.assertFalse(store.changed)
        store, latches = store_of(storage, ["a", "b"])
        store.load(False)
        self.assertFalse(store.changed)
        self.assertEqual([each.names() for each in latches], [
            ["charge_overcurrent"], ["cell_overvoltage"], ["gas"]])  # fmt: skip
        self.assertEqual(latches[0].trips(OC), 1)

    def test_a_new_flash_holds_no_latch(self):
        store, latches = store_of(MemoryStorage(), ["a"])
        store.load(True)
        self.assertFalse(latches[0].any_held)

    def test_only_changes_are_written(self):
        storage = MemoryStorage()
        store, _ = store_of(storage, ["a", "b"], ((1, OV),))
        store.save()
        done = storage.operations
        for _ in range(100):
            store.save()
        self.assertEqual(storage.operations, done)

    def test_any_damaged_byte_is_noticed(self):
        storage = MemoryStorage()
        store_of(storage, ["a"], ((0, OV),))[0].save()
        good = storage.files["latches"]
        for index in range(len(good)):
            bad = bytearray(good)
            bad[index] ^= 0x10
            storage.files["latches"] = bytes(bad)
            with self.assertRaises(StorageError):
                store_of(storage, ["a"])[0].load(False)
        for length in range(len(good)):
            storage.files["latches"] = good[:length]
            with self.assertRaises(StorageError):
                store_of(storage, ["a"])[0].load(False)

    def test_power_cut_at_any_operation_keeps_old_or_new(self):
        for cut in range(1, 8):
            storage = MemoryStorage()
            store_of(storage, ["a"], ((0, OV),))[0].save()
            storage.operations = 0
            storage.fail_after = cut
            store_of(storage, ["a"], ((0, OC),))[0].save()
            store, latches = store_of(MemoryStorage(storage.files), ["a"])
            store.load(False)
            self.assertIn(latches[0].names(), (["cell_overvoltage"], ["charge_overcurrent"]))

    def test_latches_of_other_racks_and_of_a_lost_flash_are_refused(self):
        storage = MemoryStorage()
        store_of(storage, ["a", "b"], ((0, OV),))[0].save()
        for names in (["b", "a"], ["a"], ["a", "b", "c"]):
            with self.assertRaises(StorageError):
                store_of(storage, names)[0].load(False)

    def test_a_flash_that_lost_them_is_not_a_new_one(self):
        formatted = MemoryStorage()
        formatted.formatted = True
        with self.assertRaises(StorageError):
            store_of(formatted, ["a"])[0].load(True)
        mark_lost(formatted)
        after = MemoryStorage(formatted.files)  # the next start finds a sound volume
        with self.assertRaises(StorageError):
            store_of(after, ["a"])[0].load(False)
        in_use = MemoryStorage({"boot": b""})
        with self.assertRaises(StorageError):
            store_of(in_use, ["a"])[0].load(False)

    def test_dead_flash_is_counted_and_tried_again(self):
        storage = MemoryStorage()
        store, _ = store_of(storage, ["a"], ((0, OV),))
        storage.dead = True
        self.assertFalse(store.save())
        self.assertEqual(store.write_errors, 1)
        storage.dead = False
        self.assertTrue(store.save())
        store, latches = store_of(storage, ["a"])
        store.load(False)
        self.assertTrue(latches[0].held(OV))


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
