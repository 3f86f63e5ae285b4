"""The configuration and its checksum as a pair on flash: taken together or not at all."""

import binascii
import json
import unittest

from fake_hardware import MemoryStorage
from sample_site import tree

from gateway.config import file as config_file
from gateway.config.file import CRC_FILE, FILE, ConfigWatch
from gateway.errors import ConfigError


def stored(content=None):
    storage = MemoryStorage()
    storage.files[FILE] = json.dumps(tree()).encode() if content is None else content
    storage.files[CRC_FILE] = config_file.checksum_text(storage.files[FILE])
    return storage


class LoadTest(unittest.TestCase):
    def refused(self, storage):
        try:
            config_file.load(storage)
        except ConfigError as error:
            return str(error)
        raise AssertionError("accepted")

    def test_the_pair_is_taken_and_its_checksum_kept(self):
        storage = stored()
        loaded = config_file.load(storage)
        self.assertEqual(loaded.text("site"), "test-site")
        self.assertEqual(loaded.crc, binascii.crc32(storage.files[FILE]))
        self.assertEqual(storage.files[CRC_FILE], b"%08x\n" % loaded.crc)

    def test_digits_count_in_either_case_and_with_any_line_end(self):
        storage = stored()
        digits = storage.files[CRC_FILE].strip()
        for written in (digits, digits.upper() + b"\r\n", b" " + digits + b" \n"):
            storage.files[CRC_FILE] = written
            self.assertEqual(config_file.load(storage).text("site"), "test-site")

    def test_what_is_missing_is_named_with_the_remedy(self):
        for name in (FILE, CRC_FILE):
            for damage in ("missing", "empty"):
                storage = stored()
                if damage == "empty":
                    storage.files[name] = b""
                else:
                    del storage.files[name]
                reason = self.refused(storage)
                self.assertTrue(reason.startswith(name + " is missing or unreadable: "), reason)
                self.assertIn("gatewayctl site build", reason)
                self.assertNotIn("\n", reason)

    def test_a_single_bit_anywhere_is_noticed(self):
        good = stored()
        content = good.files[FILE]
        for position in range(0, len(content), 97):
            bad = bytearray(content)
            bad[position] ^= 1
            good.files[FILE] = bytes(bad)
            reason = self.refused(good)
            self.assertTrue(reason.startswith("config.json: damaged or changed by hand"), reason)
            self.assertIn("gatewayctl site build", reason)

    def test_a_checksum_file_that_is_none(self):
        for text in (b"1234567", b"123456789", b"xyzxyzxy", b"0x123456", b"+1234567", b"\xff" * 8):
            storage = stored()
            storage.files[CRC_FILE] = text
            self.assertIn("config.crc: needs 8 hex digits", self.refused(storage))

    def test_content_is_judged_only_when_the_pair_fits(self):
        self.assertIn("not a JSON object", self.refused(stored(b"[]")))
        self.assertIn("config.json: no UTF-8", self.refused(stored(b"{\xff")))


class WatchTest(unittest.TestCase):
    def setUp(self):
        self.storage = stored()
        self.watch = ConfigWatch(self.storage, config_file.load(self.storage).crc)

    def round(self):
        for steps in range(1, 1000):
            if self.watch.step():
                return steps
        raise AssertionError("no end")

    def test_a_round_takes_slices_and_finds_nothing(self):
        slices = (len(self.storage.files[FILE]) + 127) // 128
        for _ in range(2):
            self.assertEqual(self.round(), slices + 1)
            self.assertEqual(self.watch.problem, "")

    def test_whatever_changes_is_told_until_it_is_mended(self):
        good = dict(self.storage.files)
        for name, content, words in (
            (FILE, good[FILE][:-1] + b" ", "config.json is no longer what runs"),
            (FILE, b"", "config.json is no longer what runs"),
            (CRC_FILE, b"00000000", "config.crc no longer fits config.json"),
            (CRC_FILE, b"", "config.crc no longer fits config.json"),
            (FILE, None, "cannot be read"),
            (CRC_FILE, None, "cannot be read"),
        ):
            if content is None:
                del self.storage.files[name]
            else:
                self.storage.files[name] = content
            self.round()
            self.assertIn(words, self.watch.problem)
            self.storage.files.update(good)
            self.round()
            self.assertEqual(self.watch.problem, "")

    def test_a_flash_that_dies_in_mid_round_is_told_and_the_next_round_begins_anew(self):
        self.assertFalse(self.watch.step())
        self.storage.dead = True
        self.round()
        self.assertIn("cannot be read", self.watch.problem)
        self.storage.dead = False
        self.round()
        self.assertEqual(self.watch.problem, "")


if __name__ == "__main__":
    unittest.main()
