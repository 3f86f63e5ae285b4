"""What is taken of a site whose racks are on a wire, and how often."""

import unittest

from recorded_site import RecordedSite

from gateway.rack.data import GOOD, STALE
from gateway.telemetry import records


class SampleTest(unittest.TestCase):
    def test_every_fresh_summary_is_taken_once(self):
        site = RecordedSite()
        site.run_ms(10000)
        samples = site.memory.samples
        self.assertEqual([each["summary_number"] for each in samples], list(range(1, 21)))
        self.assertEqual(samples[5]["quality"], GOOD)
        self.assertEqual(samples[5]["cell_max_mv"], 3310)
        self.assertEqual(samples[5]["rack_voltage_dv"], 6864)
        acquired = [each["acquired_ms"] for each in samples]
        self.assertEqual([b - a for a, b in zip(acquired[1:], acquired[2:])], [500] * 18)

    def test_a_silent_rack_is_still_taken_once_per_period_and_says_so(self):
        site = RecordedSite()
        site.run_ms(5000)
        known = len(site.memory.samples)
        site.wire.silent = True
        site.run_ms(10000)
        samples = site.memory.samples[known:]
        self.assertTrue(18 <= len(samples) <= 21, len(samples))
        self.assertEqual(samples[-1]["quality"], STALE)
        self.assertEqual(samples[-1]["summary_number"], samples[3]["summary_number"])

    def test_level_rule_limits_and_relay_are_in_the_sample(self):
        site = RecordedSite()
        site.run_ms(3000)
        self.assertEqual(site.now()["relay"], 1)
        site.wire.registers[0x000A] = 3700
        site.run_ms(2500)
        last = site.now()
        self.assertEqual((last["level"], last["rule"], last["relay"]), (3, 0, 0))
        self.assertEqual((last["charge_da"], last["discharge_da"]), (0, 0))

    def test_every_whole_scan_is_taken_once(self):
        site = RecordedSite()
        site.run_ms(29500)
        scans = site.memory.scans
        self.assertEqual(len(scans), site.data.cells_sequence)
        self.assertTrue(6 <= len(scans) <= 8, len(scans))
        self.assertEqual(scans[-1][:2], ([3300, 3301, 3302, 3303], [240, 241]))
        self.assertEqual(scans[-1][2] - scans[-2][2], 4000)

    def test_temperatures_that_were_never_read_are_none(self):
        site = RecordedSite()
        site.wire.registers = {
            address: value
            for address, value in site.wire.registers.items()
            if not 0x2000 <= address < 0x3000
        }
        site.run_ms(6000)
        self.assertTrue(site.memory.scans)
        self.assertEqual(site.data.temps_sequence, 0)
        self.assertTrue(all([temps is None for _, temps, _ in site.memory.scans]))

    def test_what_the_bms_does_not_supply_is_no_number(self):
        site = RecordedSite()
        del site.wire.registers[0x0016]  # insulation
        del site.wire.registers[0x0013]  # mean temperature
        site.run_ms(4000)
        last = site.now()
        self.assertEqual(last["insulation_kohm"], records.NO_UNSIGNED)
        self.assertEqual(last["temp_mean_dc"], records.NO_SIGNED)
        self.assertEqual((last["quality"], last["temp_max_dc"]), (GOOD, 250))

    def test_uptime_wraps_after_49_days_as_in_the_header(self):
        site = RecordedSite()
        site.run_ms(3000)
        site.clock._uptime_ms += 1 << 32
        site.run_ms(1000)
        self.assertTrue(3000 < site.now()["acquired_ms"] <= 4000)

    def test_uptime_above_24_days_is_a_signed_number_with_the_same_bits(self):
        site = RecordedSite()
        site.run_ms(3000)
        site.clock._uptime_ms += 1 << 31
        site.run_ms(1000)
        acquired = site.now()["acquired_ms"]
        self.assertTrue((1 << 31) + 3000 < acquired & 0xFFFFFFFF <= (1 << 31) + 4000)


if __name__ == "__main__":
    unittest.main()
