import sys
import unittest

from fake_board import FakeBoard

from gateway.northbound import program_slot
from gateway.northbound.self_test import SelfTest


class Rtc:
    def __init__(self, utc_ms):
        self._utc_ms = utc_ms

    def read(self):
        if self._utc_ms < 0:
            raise OSError(5, "the chip does not answer")
        return self._utc_ms


class SelfTestTest(unittest.TestCase):
    def setUp(self):
        self.board = FakeBoard()
        self.test = SelfTest(self.board, "config_b")

    def test_the_flash_is_written_and_left_as_it_was(self):
        self.board.data.files["other"] = b"kept"
        self.assertEqual(self.test.report()["flash"], {"formatted": False, "error": ""})
        self.assertEqual(self.board.data.files, {"other": b"kept"})

    def test_a_flash_that_fails_is_told(self):
        self.board.data.dead = True
        self.assertTrue(self.test.report()["flash"]["error"])

    def test_a_flash_that_forgets_is_told(self):
        self.board.data.open = Forgetful(self.board.data.open).open
        error = self.test.report()["flash"]["error"]
        self.assertEqual(error, "what was read is not what was written")

    def test_the_clock_chip(self):
        for rtc, expected in (
            (None, (False, 0)),
            (Rtc(0), (True, 0)),
            (Rtc(1790000000000), (True, 1790000000000)),
        ):
            self.board.rtc = rtc
            found = self.test.report()["rtc"]
            self.assertEqual((found["fitted"], found["utc_ms"]), expected)
            self.assertEqual(found["error"], "")
        self.board.rtc = Rtc(-1)
        self.assertTrue("does not answer" in self.test.report()["rtc"]["error"])

    def test_inputs_relays_and_what_the_board_misses(self):
        self.board.inputs.state[1] = 1
        self.board.problems = ["no network"]
        report = self.test.report()
        self.assertEqual(report["inputs"], [0, 1, 0])
        self.assertEqual(report["relays"], 4)
        self.assertEqual(report["board_problems"], ["no network"])
        self.assertEqual(bytes(self.board.relays.state), bytes(4))

    def test_a_laptop_has_no_slots(self):
        report = self.test.report()
        self.assertEqual((report["slot"], report["kept"]), ("", True))
        self.assertEqual(list(program_slot.keep("config_b")), ["refused"])

    def test_a_program_in_a_slot_is_on_trial_until_it_is_kept(self):
        sys.path.insert(0, "slot_b")
        try:
            self.assertEqual(program_slot.running(), "slot_b")
            self.assertFalse(program_slot.kept("config_b"))  # nobody wrote a file `slot` here
        finally:
            sys.path.pop(0)


class Forgetful:
    """Opens files that swap a byte while they are read."""

    def __init__(self, opened):
        self._opened = opened

    def open(self, name, mode):
        return Swapped(self._opened(name, mode)) if mode == "rb" else self._opened(name, mode)


class Swapped:
    def __init__(self, file):
        self._file = file

    def __enter__(self):
        return self

    def __exit__(self, *details):
        self._file.close()

    def read(self):
        content = self._file.read()
        return bytes([content[0] ^ 1]) + content[1:]


if __name__ == "__main__":
    unittest.main()
