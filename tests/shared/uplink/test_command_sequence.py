import unittest

from fake_hardware import MemoryStorage

from gateway.uplink.command_sequence import CommandSequence

FILES = ("command-0", "command-1")
LARGEST = (1 << 53) - 1


class CommandSequenceTest(unittest.TestCase):
    def test_what_was_kept_comes_back_beyond_32_bits(self):
        for number in (1, 0xFFFFFFFF, 0x100000000, 1795000000123, LARGEST):
            storage = MemoryStorage()
            self.assertTrue(CommandSequence(storage).keep(number))
            self.assertEqual(CommandSequence(storage).last, number)

    def test_the_highest_of_both_files_counts_whatever_the_order(self):
        storage = MemoryStorage()
        sequence = CommandSequence(storage)
        self.assertEqual(sequence.last, 0)
        for number in (5, 6, 9, 12):
            self.assertTrue(sequence.keep(number))
            self.assertEqual(CommandSequence(storage).last, number)
        for number in (20, 30, 31):  # over restarts
            sequence = CommandSequence(storage)
            sequence.keep(number)
        self.assertEqual(CommandSequence(storage).last, 31)
        self.assertEqual(sorted(storage.files), list(FILES))

    def test_a_damaged_file_forgets_one_number_at_most(self):
        for damaged in FILES:
            storage = MemoryStorage()
            sequence = CommandSequence(storage)
            for number in range(1, 12):
                sequence.keep(number)
            content = bytearray(storage.files[damaged])
            content[0] ^= 1
            storage.files[damaged] = bytes(content)
            sequence = CommandSequence(storage)
            self.assertTrue(sequence.last in (10, 11), sequence.last)
            sequence.keep(12)  # over the damaged one
            self.assertEqual(CommandSequence(storage).last, 12)

    def test_a_cut_at_any_operation_forgets_nothing_that_was_acknowledged(self):
        for last in range(4):
            storage = MemoryStorage()
            sequence = CommandSequence(storage)
            for number in (1, 2, 3):
                sequence.keep(number)
            storage.fail_after = storage.operations + last
            kept = sequence.keep(4)
            after = MemoryStorage(storage.files)
            self.assertTrue(CommandSequence(after).last >= (4 if kept else 3))

    def test_what_only_asks_is_not_written(self):
        storage = MemoryStorage()
        sequence = CommandSequence(storage)
        sequence.see(8)
        self.assertEqual((sequence.last, storage.files), (8, {}))
        sequence.see(5)
        self.assertEqual(sequence.last, 8)

    def test_the_latest_time_is_kept_every_ten_minutes(self):
        storage = MemoryStorage()
        sequence = CommandSequence(storage)
        self.assertEqual(sequence.latest_s, 0)
        written = []
        for second in range(1800000000, 1800002000):
            sequence.see_time(second)
            before = storage.operations
            sequence.keep_time()
            if storage.operations != before:
                written.append(second)
        self.assertEqual([second - 1800000000 for second in written], [0, 600, 1200, 1800])
        sequence.see_time(1700000000)
        self.assertEqual(sequence.latest_s, 1800001999)
        self.assertEqual(CommandSequence(storage).latest_s, 1800001800)
        sequence.see_time(1 << 40)
        sequence.keep_time()
        self.assertEqual(CommandSequence(storage).latest_s, 0xFFFFFFFF)

    def test_a_time_that_the_flash_does_not_take_is_counted_and_not_tried_all_the_time(self):
        storage = MemoryStorage()
        sequence = CommandSequence(storage)
        storage.dead = True
        for second in range(1800000000, 1800000601):
            sequence.see_time(second)
            sequence.keep_time()
        self.assertEqual(sequence.write_errors, 2)
        self.assertEqual(sequence.latest_s, 1800000600)

    def test_a_flash_that_fails_is_counted_and_the_number_not_taken(self):
        storage = MemoryStorage()
        sequence = CommandSequence(storage)
        storage.dead = True
        self.assertFalse(sequence.keep(3))
        self.assertEqual((sequence.last, sequence.write_errors), (0, 1))


if __name__ == "__main__":
    unittest.main()
