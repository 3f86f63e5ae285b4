"""Encoding cells, temperatures, summaries and whole sections with the heap locked."""

import unittest
from array import array

import micropython

from gateway.telemetry.cell_codec import SIGNED_BIAS, CellEncoder
from gateway.telemetry.records import SAMPLE_FIELDS
from gateway.telemetry.sections import SetEncoder
from gateway.telemetry.summary_codec import LARGEST_BYTES, SummaryEncoder

CELLS = 416
TEMPS = 104


def locked(encoder, values, key, out):
    """Where the frame ends; MemoryError when encoding allocates."""
    micropython.heap_lock()
    try:
        return encoder.encode(values, key, out, 0)
    finally:
        micropython.heap_unlock()


def locked_section(encoder, rack, summary, cells, temps, key, out):
    """Where the section ends; MemoryError when encoding allocates."""
    micropython.heap_lock()
    try:
        return encoder.encode(rack, summary, cells, temps, 1500, key, out, 50)
    finally:
        micropython.heap_unlock()


def states(typecode, count, middle, absent):
    """Frames of every sort: quiet, moved, one and half of the cells not read, all of them."""
    quiet = array(typecode, [middle + index % 20 for index in range(count)])
    moved = array(typecode, [middle + 30 + index % 20 for index in range(count)])
    one = array(typecode, quiet)
    one[3] = absent
    half = array(typecode, [absent if index & 1 else middle for index in range(count)])
    none = array(typecode, [absent] * count)
    return quiet, moved, one, half, none, quiet


class HeapLockCodecTest(unittest.TestCase):
    def test_frames(self):
        for encoder, frames in (
            (CellEncoder(CELLS), states("H", CELLS, 3300, 0xFFFF)),
            (CellEncoder(TEMPS, SIGNED_BIAS), states("h", TEMPS, -10, -0x8000)),
        ):
            out = bytearray(encoder.largest)
            for key in (True, False):
                for values in frames:
                    self.assertTrue(locked(encoder, values, key, out) > 0)

    def test_summaries(self):
        encoder = SummaryEncoder()
        out = bytearray(LARGEST_BYTES)
        for values in (
            array("i", range(len(SAMPLE_FIELDS))),
            array("i", [-1000 * index for index in range(len(SAMPLE_FIELDS))]),
            array("i", [(1 << 29) - 1] * len(SAMPLE_FIELDS)),
            array("i", [-(1 << 29)] * len(SAMPLE_FIELDS)),
        ):
            for key in (True, False):
                self.assertTrue(locked(encoder, values, key, out) > 0)

    def test_sections(self):
        encoder = SetEncoder(2, CELLS, TEMPS)
        out = bytearray(encoder.largest + 50)
        view = memoryview(out)
        summary = array("i", range(len(SAMPLE_FIELDS)))
        cells, temps = states("H", CELLS, 3300, 0)[0], states("h", TEMPS, 250, -0x8000)[0]
        for buffer in (out, view):
            for rack, scan_mv, scan_dc, key in (
                (0, cells, temps, True),
                (0, None, None, False),
                (1, None, temps, True),
                (0, cells, None, False),
                (1, cells, temps, False),
            ):
                end = locked_section(encoder, rack, summary, scan_mv, scan_dc, key, buffer)
                self.assertTrue(end > 50)


if __name__ == "__main__":
    unittest.main()
