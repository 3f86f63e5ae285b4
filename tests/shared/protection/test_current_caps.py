"""Caps ordered from outside: they join the minimum, they outlive a restart, they never give."""

import binascii
import struct
import unittest

from fake_hardware import MemoryStorage
from protection_bench import Bench

from gateway.protection import rules
from gateway.protection.current_caps import CurrentCaps
from gateway.protection.decision import limiter
from gateway.rack import data as slots

RATING_DA = 1570
NAMES = ["rack01", "rack02"]


class Told:
    """A decision that remembers the last cap."""

    def __init__(self):
        self.cap_da = None

    def cap(self, charge_da, discharge_da):
        self.cap_da = (charge_da, discharge_da)


def ordered(caps, rack, charge_da, discharge_da):
    """Cap and keep; whether it was kept."""
    caps.put(rack, charge_da, discharge_da)
    return caps.save()


def caps_on(storage, names=NAMES):
    """Caps as after a start, and what the decisions were told."""
    told = [Told() for _ in names]
    caps = CurrentCaps(storage, names, told)
    caps.load()
    return caps, told


class DecisionTest(unittest.TestCase):
    def granted(self, bench):
        decision = bench.decision
        return decision.charge_da, decision.discharge_da

    def test_a_cap_falls_at_once_and_its_end_rises_by_the_ramp(self):
        bench = Bench()
        bench.fresh(150000)
        self.assertEqual(self.granted(bench), (RATING_DA, RATING_DA))
        bench.decision.cap(400, RATING_DA)
        bench.fresh(500)
        self.assertEqual(self.granted(bench), (400, RATING_DA))
        self.assertEqual(limiter(bench.decision.charge_by), "order")
        self.assertEqual(bench.decision.discharge_by, rules.NO_RULE)
        self.assertEqual(bench.decision.charge_limit_da, 400)
        bench.decision.cap(RATING_DA, RATING_DA)
        bench.fresh(25000)
        self.assertEqual(self.granted(bench), (400, RATING_DA))  # held for 30 s
        self.assertEqual(bench.decision.charge_by, rules.BY_RAMP)
        bench.fresh(10000)
        self.assertTrue(400 < bench.decision.charge_da < 500, bench.decision.charge_da)
        bench.fresh(120000)
        self.assertEqual(self.granted(bench), (RATING_DA, RATING_DA))

    def test_each_direction_has_its_own(self):
        bench = Bench()
        bench.decision.cap(RATING_DA, 0)
        bench.fresh(150000)
        self.assertEqual(self.granted(bench), (RATING_DA, 0))
        self.assertEqual(bench.decision.discharge_by, rules.BY_ORDER)

    def test_whatever_is_ordered_nothing_is_given(self):
        bench = Bench()
        bench.decision.cap(30000, 30000)
        self.assertEqual(bench.decision.charge_cap_da, RATING_DA)
        self.assertEqual(bench.decision.discharge_cap_da, RATING_DA)
        bench.put({slots.CELL_MAX_MV: 3610})
        bench.fresh(150000)
        self.assertEqual(bench.decision.charge_da, 0)
        self.assertEqual(bench.decision.charge_by, rules.CELL_OVERVOLTAGE)
        bench.decision.cap(-5, -1)
        self.assertEqual(bench.decision.charge_cap_da, 0)
        self.assertEqual(bench.decision.discharge_cap_da, 0)

    def test_the_lesser_of_cap_and_level_holds(self):
        bench = Bench()
        # level 1: half of the rating, or less by the curve
        bench.put({slots.CELL_MAX_MV: 3500, slots.CELL_MIN_MV: 3490, slots.CELL_MEAN_MV: 3495})
        bench.put({slots.RACK_VOLTAGE_DV: 7269})
        bench.fresh(150000)
        derated_da = bench.decision.charge_da
        self.assertTrue(0 < derated_da < RATING_DA)
        bench.decision.cap(derated_da, RATING_DA)
        bench.fresh(500)
        self.assertTrue(bench.decision.charge_by != rules.BY_ORDER)  # equal: the level came first
        bench.decision.cap(derated_da - 1, RATING_DA)
        bench.fresh(500)
        self.assertEqual(bench.decision.charge_da, derated_da - 1)
        self.assertEqual(bench.decision.charge_by, rules.BY_ORDER)
        bench.decision.cap(derated_da + 1, RATING_DA)
        bench.fresh(60000)
        self.assertEqual(bench.decision.charge_da, derated_da)

    def test_a_cap_that_is_not_obeyed_is_a_limit_not_respected(self):
        bench = Bench()
        bench.protection.limits_sent = True
        bench.put({slots.RACK_CURRENT_DA: 1000})
        bench.fresh(150000)
        self.assertEqual(bench.level_of("limit_not_respected"), 0)
        bench.decision.cap(500, RATING_DA)
        bench.fresh(60000)
        self.assertTrue(bench.level_of("limit_not_respected") > 1)


class StoreTest(unittest.TestCase):
    def test_without_a_file_the_configuration_alone_holds(self):
        caps, told = caps_on(MemoryStorage())
        self.assertEqual((caps.of(0), caps.of(1)), ((None, None), (None, None)))
        self.assertEqual([each.cap_da for each in told], [None, None])
        self.assertEqual(caps.problem, "")

    def test_a_cap_outlives_a_restart_and_its_removal_too(self):
        storage = MemoryStorage()
        caps, told = caps_on(storage)
        self.assertTrue(ordered(caps, 1, 500, None))
        self.assertEqual(told[1].cap_da, (500, 0xFFFF))
        self.assertIsNone(told[0].cap_da)
        caps, told = caps_on(storage)
        self.assertEqual((caps.of(0), caps.of(1)), ((None, None), (500, None)))
        self.assertEqual(told[1].cap_da, (500, 0xFFFF))
        self.assertTrue(ordered(caps, 1, None, None))
        caps, told = caps_on(storage)
        self.assertEqual(caps.of(1), (None, None))
        self.assertEqual(caps.problem, "")

    def test_a_cap_goes_with_the_name_of_its_rack(self):
        storage = MemoryStorage()
        ordered(caps_on(storage)[0], 1, 0, 70)
        caps, told = caps_on(storage, ["rack00", "rack02", "rack01"])
        self.assertEqual(caps.of(1), (0, 70))
        self.assertEqual((caps.of(0), caps.of(2)), ((None, None), (None, None)))
        caps, told = caps_on(storage, ["rack01"])  # the other one is gone
        self.assertEqual((caps.of(0), caps.problem), ((None, None), ""))

    def test_any_damaged_byte_holds_every_rack_at_nothing_until_ordered_again(self):
        storage = MemoryStorage()
        ordered(caps_on(storage)[0], 1, 500, 600)
        good = storage.files["caps"]
        for index in range(len(good)):
            bad = bytearray(good)
            bad[index] ^= 0x10
            for content in (bytes(bad), good[:index]):
                storage.files["caps"] = content
                caps, told = caps_on(storage)
                self.assertEqual([each.cap_da for each in told], [(0, 0), (0, 0)])
                self.assertIn("ordered again", caps.problem)
        ordered(caps, 0, None, None)
        self.assertEqual(caps.problem, "")
        caps, told = caps_on(storage)
        self.assertEqual((caps.of(0), caps.of(1)), ((None, None), (0, 0)))

    def test_another_format_with_a_good_checksum_is_not_guessed_at(self):
        storage = MemoryStorage()
        for body in (b"\x43\x50\x01\x00", b"XX\x00\x00"):
            storage.files["caps"] = body + struct.pack("<I", binascii.crc32(body))
            caps, told = caps_on(storage)
            self.assertIn("another format", caps.problem)
            self.assertEqual(told[0].cap_da, (0, 0))

    def test_a_flash_that_fails_is_told_and_the_cap_holds_all_the_same(self):
        storage = MemoryStorage()
        caps, told = caps_on(storage)
        storage.dead = True
        self.assertFalse(ordered(caps, 0, 100, 100))
        self.assertEqual(told[0].cap_da, (100, 100))
        self.assertEqual(caps.write_errors, 1)
        caps, told = caps_on(storage)
        self.assertIn("cannot be read", caps.problem)
        self.assertEqual(told[0].cap_da, (0, 0))

    def test_what_was_not_kept_can_be_kept_later(self):
        storage = MemoryStorage()
        caps, _ = caps_on(storage)
        self.assertTrue(caps.kept)
        ordered(caps, 0, 800, 800)
        storage.dead = True
        ordered(caps, 0, 0, 0)
        self.assertFalse(caps.kept)
        self.assertFalse(caps.save())
        self.assertEqual((caps.kept, caps.write_errors), (False, 2))
        storage.dead = False
        self.assertTrue(caps.save())
        self.assertTrue(caps.kept)
        self.assertEqual(caps_on(storage)[0].of(0), (0, 0))

    def test_a_cut_while_writing_leaves_the_old_caps(self):
        for last in range(4):
            storage = MemoryStorage()
            caps, _ = caps_on(storage)
            ordered(caps, 0, 100, 200)
            storage.fail_after = storage.operations + last
            kept = ordered(caps, 0, 300, 400)
            after = MemoryStorage(storage.files)
            caps, _ = caps_on(after)
            self.assertEqual(caps.of(0), (300, 400) if kept else (100, 200))

    def test_the_file_is_the_same_in_every_release_of_this_format(self):
        storage = MemoryStorage()
        caps, _ = caps_on(storage)
        caps.put(0, 1, None)
        ordered(caps, 1, 500, 0)
        body = struct.pack("<HH", 0x5043, 2)
        body += struct.pack("<IHH", binascii.crc32(b"rack01"), 1, 0xFFFF)
        body += struct.pack("<IHH", binascii.crc32(b"rack02"), 500, 0)
        content = body + struct.pack("<I", binascii.crc32(body))
        self.assertEqual(storage.files, {"caps": content})
        caps, _ = caps_on(storage)
        self.assertEqual((caps.of(0), caps.of(1)), ((1, None), (500, 0)))
        storage.fail_after = storage.operations + 3  # open, write, flush; not the rename
        self.assertFalse(ordered(caps, 0, 7, 7))
        self.assertEqual(sorted(storage.files), ["caps", "caps.new"])
        self.assertEqual(storage.files["caps"], content)

    def test_what_is_wrong_is_told_whole(self):
        told = "caps: %s: 0 A until each rack's limit is ordered again"
        other = b"XX\x00\x00"
        for content, reason in (
            (b"", "checksum does not match"),
            (other + struct.pack("<I", binascii.crc32(other)), "another format"),
        ):
            caps, _ = caps_on(MemoryStorage({"caps": content}))
            self.assertEqual(caps.problem, told % reason)
        dead = MemoryStorage({"caps": b""})
        dead.dead = True
        caps, _ = caps_on(dead)
        self.assertEqual(caps.problem, told % ("cannot be read (%s)" % OSError(5)))
        for number in (1, 2):
            self.assertFalse(ordered(caps, 0, 1, 1))
            self.assertEqual(caps.write_errors, number)

    def test_what_does_not_fit_is_kept_within_the_file(self):
        storage = MemoryStorage()
        ordered(caps_on(storage)[0], 0, -1, 70000)
        self.assertEqual(caps_on(storage)[0].of(0), (0, None))


if __name__ == "__main__":
    unittest.main()
