"""Keeping the last minute in RAM allocates nothing."""

import unittest
from array import array

import micropython

from gateway.telemetry import records
from gateway.telemetry.rewind import CELLS, FAST, STEADY, Rewind


class RewindHeapLockTest(unittest.TestCase):
    def test_summaries_and_scans_across_many_blocks(self):
        rewind = Rewind(2, 416, 208, 60)
        values = array("i", [1000] * len(records.SAMPLE_FIELDS))
        cells = array("H", [3300] * 416)
        temps = array("h", [250] * 208)
        micropython.heap_lock()
        try:
            uptime_ms = 0
            while uptime_ms < 300000:
                uptime_ms += 100
                values[4] = uptime_ms
                values[7] = uptime_ms % 37
                cells[uptime_ms // 100 % 416] = 3300 + uptime_ms % 31
                temps[uptime_ms // 100 % 208] = 250 - uptime_ms % 7
                for rack in range(2):
                    rewind.take_summary(rack, values, uptime_ms)
                    if uptime_ms % 4000 == 0:
                        rewind.take_cells(rack, cells, temps if rack else None, uptime_ms)
                if uptime_ms % 50000 == 0:
                    rewind.seal(1)
        finally:
            micropython.heap_unlock()
        for stream in (CELLS, STEADY, FAST):
            self.assertTrue(rewind.ring(1, stream).first > 0)


if __name__ == "__main__":
    unittest.main()
