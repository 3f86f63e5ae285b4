import struct
import unittest

from time_server import HandTime

from gateway.clock import NTP, RTC, UNSET
from gateway.telemetry import records
from gateway.telemetry.clock_records import ClockRecords


class ClockRecordsTest(unittest.TestCase):
    def changed(self, uptime_ms, utc_ms, quality, moved_ms, before):
        clock = HandTime()
        clock.advance(uptime_ms)
        clock.set_utc(utc_ms, quality)
        kept, events = [], []
        kept_records = ClockRecords(
            lambda kind, payload: kept.append((kind, payload)),
            lambda code, rack, text: events.append((code, rack, text)),
            clock,
        )
        kept_records.changed(moved_ms, before)
        ((kind, payload),) = kept
        self.assertEqual(kind, records.CLOCK)
        self.assertEqual(len(payload), struct.calcsize(records.CLOCK_PAYLOAD))
        return struct.unpack(records.CLOCK_PAYLOAD, payload), events

    def test_uptime_and_utc_of_one_moment(self):
        utc_ms = 1795000000123
        fields, events = self.changed(76543, utc_ms, NTP, utc_ms - 76543, UNSET)
        uptime_ms, low, high, quality, zero = fields
        self.assertEqual((uptime_ms, high << 32 | low, quality, zero), (76543, utc_ms, NTP, 0))
        ((code, rack, text),) = events
        self.assertEqual((code, rack), (records.CLOCK_SET, records.NO_RACK))
        self.assertEqual(text, "by a time server, was unset, moved by 1794999923580 ms")

    def test_a_step_back_after_days(self):
        clock_ms = 1795000000000
        fields, events = self.changed(0x1FFFFFFF, clock_ms, NTP, -5000, RTC)
        self.assertEqual(fields[0], 0x1FFFFFFF)
        self.assertIn("was the board's clock, moved by -5000 ms", events[0][2])


if __name__ == "__main__":
    unittest.main()
