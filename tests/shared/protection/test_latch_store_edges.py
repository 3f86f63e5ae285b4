"""The file of the latches byte by byte, what is said of a bad one, when it is written."""

import binascii
import struct
import unittest

from fake_hardware import MemoryStorage

from gateway.errors import StorageError
from gateway.protection import rules
from gateway.protection.latch_store import LatchStore, mark_lost
from gateway.protection.latches import BY_SERVICE, RELEASED, Latches

HELD = 3  # a rule
MISSING = "latches: their file is missing"
DAMAGED = "latches: checksum does not match"
OTHERS = "latches: they belong to other racks"


def kept(names, bits):
    """A file as any release of this format must write it."""
    head = struct.pack("<HHI", 0x4C45, len(bits), binascii.crc32("\n".join(names).encode()))
    return sealed(head + bytes(bits))


def sealed(body):
    return body + struct.pack("<I", binascii.crc32(body))


def store_of(storage, names=("a", "b")):
    latches = [Latches(0, rules.RACK_RULES) for _ in names]
    return LatchStore(storage, list(names), latches), latches


def release(latches):
    levels = bytearray(latches.count)
    assert latches.reset(levels, BY_SERVICE, True) == RELEASED


def bits_of(latches):
    """What a file says of racks of which HELD alone may hold."""
    bits = bytearray(2 * sum([each.count for each in latches]))
    for number, each in enumerate(latches):
        bits[2 * rules.RACK_RULES * number + HELD] = each.held(HELD)
    return bits


class LateFailure(MemoryStorage):
    """Renames, and says that it failed."""

    late = False

    def rename(self, old, new):
        super().rename(old, new)
        if self.late:
            raise OSError(5)


class FormatTest(unittest.TestCase):
    def test_held_bits_and_trips_of_each_rack_behind_the_names(self):
        bits = bytearray(4 * rules.RACK_RULES)
        bits[HELD] = 1
        bits[2 * rules.RACK_RULES + rules.CHARGE_OVERCURRENT] = 1
        bits[3 * rules.RACK_RULES + rules.CHARGE_OVERCURRENT] = 1
        storage = MemoryStorage()
        store, latches = store_of(storage)
        latches[0].trip(HELD)
        latches[1].trip(rules.CHARGE_OVERCURRENT)
        self.assertTrue(store.save())
        self.assertEqual(storage.files, {"latches": kept(("a", "b"), bits)})

    def test_a_new_file_is_whole_before_it_takes_the_place_of_the_old_one(self):
        storage = MemoryStorage()
        store, latches = store_of(storage)
        store.save()
        before = storage.files["latches"]
        latches[0].trip(HELD)
        storage.operations = 0
        storage.fail_after = 3  # open, write, flush; not any more the rename
        self.assertFalse(store.save())
        self.assertEqual(sorted(storage.files), ["latches", "latches.new"])
        self.assertEqual(storage.files["latches"], before)
        self.assertEqual(len(storage.files["latches.new"]), len(before))

    def test_lost_latches_leave_a_note_in_place_of_the_file(self):
        storage = MemoryStorage()
        mark_lost(storage)
        self.assertEqual(storage.files, {"latches": b"lost"})


class RefusedTest(unittest.TestCase):
    def refusal(self, files):
        """What is said of such a flash in use; nothing is held then by what was read of it."""
        store, latches = store_of(MemoryStorage(files))
        with self.assertRaises(StorageError) as caught:
            store.load(False)
        self.assertFalse(latches[0].any_held or latches[1].any_held)
        return str(caught.exception)

    def test_each_reason_has_its_words(self):
        bits = bytes([1]) * (4 * rules.RACK_RULES)
        good = kept(("a", "b"), bits)
        self.assertEqual(self.refusal({}), MISSING)
        self.assertEqual(self.refusal({"latches.new": good}), MISSING)
        for content in (b"", b"lost", sealed(b""), sealed(b"7 bytes"), good[:-1], good + b"\x00"):
            self.assertEqual(self.refusal({"latches": content}), DAMAGED, content)
        for content in (
            kept(("b", "a"), bits),
            kept(("ab",), bits),
            kept(("a", "b"), bits[:-1]),
            kept(("a", "b"), bits + b"\x00"),
            sealed(good[:8]),
            sealed(good[:-4] + b"\x00"),
            sealed(b"\x00" + good[1:-4]),
        ):
            self.assertEqual(self.refusal({"latches": content}), OTHERS, content)


class SaveTest(unittest.TestCase):
    def test_what_was_loaded_is_not_written_again(self):
        storage = MemoryStorage()
        store_of(storage)[0].save()
        store, latches = store_of(storage)
        store.load(False)
        before = storage.operations
        self.assertTrue(store.save())
        self.assertEqual(storage.operations, before)
        latches[1].trip(HELD)
        self.assertTrue(store.changed)
        self.assertTrue(store.save())
        self.assertTrue(storage.operations > before)

    def test_a_save_that_failed_leaves_nothing_in_the_next_one(self):
        for done in range(5):  # of: open, write, flush, flush at the end, rename
            storage = MemoryStorage()
            store, latches = store_of(storage)
            for _ in range(3):  # so that each buffer had its turn
                latches[0].trip(HELD)
                storage.fail_after = storage.operations + done
                self.assertEqual(store.save(), done == 4)
                storage.dead, storage.fail_after = False, -1
                release(latches[0])
                latches[1].trip(HELD)
                self.assertTrue(store.save())
                self.assertEqual(storage.files["latches"], kept(("a", "b"), bits_of(latches)))
                release(latches[1])
                self.assertTrue(store.save())
                self.assertEqual(storage.files["latches"], kept(("a", "b"), bits_of(latches)))

    def test_a_failure_that_wrote_all_the_same_is_not_taken_for_what_was_there_before(self):
        for failures in (1, 2, 3):  # it is tried again each second
            storage = LateFailure()
            store, latches = store_of(storage)
            self.assertTrue(store.save())
            latches[0].trip(HELD)
            self.assertTrue(store.save())
            storage.late = True
            release(latches[0])
            for _ in range(failures):
                self.assertFalse(store.save())  # flash has it released
            storage.late = False
            latches[0].trip(HELD)
            self.assertTrue(store.save())
            self.assertEqual(storage.files["latches"], kept(("a", "b"), bits_of(latches)))

    def test_every_failure_counts(self):
        storage = MemoryStorage()
        store, _ = store_of(storage)
        storage.dead = True
        for number in (1, 2, 3):
            self.assertFalse(store.save())
            self.assertEqual(store.write_errors, number)


if __name__ == "__main__":
    unittest.main()
