"""Events that name site, racks and configuration."""

import struct
import unittest

from sample_site import settings

from gateway.telemetry import records
from gateway.telemetry.config_events import append_config
from gateway.telemetry.lane import LARGEST_RECORD


def events(loaded):
    """(code, rack, rule, level, value, limit, text) of each."""
    found = []

    def append(kind, payload):
        assert kind == records.EVENT
        assert records.HEADER_BYTES + len(payload) <= LARGEST_RECORD
        fields = struct.unpack(records.EVENT_PAYLOAD, payload[: records.EVENT_BYTES])
        found.append(fields + (payload[records.EVENT_BYTES :].decode(),))

    append_config(append, loaded)
    return found


class ConfigEventsTest(unittest.TestCase):
    def test_one_for_the_site_and_one_for_each_rack(self):
        loaded = settings(racks=3, site="plant-7", gateway="gw-001")
        site, *racks = events(loaded)
        self.assertEqual(site[:4], (records.CONFIG_IN_FORCE, records.NO_RACK, 255, 0))
        self.assertEqual((site[4] & 0xFFFFFFFF, site[5]), (loaded.crc, 3))
        self.assertIn("site plant-7, gateway gw-001, map ", site[6])
        self.assertIn("CRC-32 %08x" % loaded.crc, site[6])
        capacity_dah = loaded.integer("capacity_dah")
        code = records.CONFIG_IN_FORCE
        self.assertEqual(
            racks,
            [(code, n, 255, 0, 208, capacity_dah, "rack%02d" % (n + 1)) for n in range(3)],
        )

    def test_a_checksum_of_any_size_fits(self):
        loaded = settings()
        crc = loaded.crc
        try:
            for value in (0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF):
                loaded.crc = value
                self.assertEqual(events(loaded)[0][4] & 0xFFFFFFFF, value)
        finally:
            loaded.crc = crc

    def test_a_name_without_end_is_cut_and_the_record_not_lost(self):
        loaded = settings(racks=1)
        name = loaded.racks[0].name
        try:
            loaded.racks[0].name = "r" * 5000
            self.assertEqual(events(loaded)[1][6], "r" * 256)
        finally:
            loaded.racks[0].name = name


if __name__ == "__main__":
    unittest.main()
