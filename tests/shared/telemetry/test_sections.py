import struct
import unittest
from array import array

from gateway.telemetry import summary_codec
from gateway.telemetry.cell_codec import SIGNED_BIAS, CellEncoder, largest_bytes
from gateway.telemetry.records import KEY, SAMPLE_FIELDS, SECTION, SECTION_BYTES
from gateway.telemetry.sections import SetEncoder, largest_section_bytes
from gateway.telemetry.summary_codec import SummaryEncoder

RACKS, CELLS, TEMPS = 3, 16, 4
SUMMARY = array("i", range(len(SAMPLE_FIELDS)))
CELLS_MV = array("H", range(3300, 3300 + CELLS))
TEMPS_DC = array("h", range(-2, TEMPS - 2))


def alone(encoder, values):
    """What a chain of its own begins with."""
    out = bytearray(200)
    return bytes(out[: encoder.encode(values, True, out, 0)])


class SectionTest(unittest.TestCase):
    def setUp(self):
        self.encoder = SetEncoder(RACKS, CELLS, TEMPS)
        self.out = bytearray(self.encoder.largest + 5)

    def encode(self, rack=1, cells=CELLS_MV, temps=TEMPS_DC, age_ms=0, key=False):
        """Header and data of the next section."""
        end = self.encoder.encode(rack, SUMMARY, cells, temps, age_ms, key, self.out, 5)
        section = bytes(self.out[5:end])
        return struct.unpack(SECTION, section[:SECTION_BYTES]), section[SECTION_BYTES:]

    def test_holds_summary_cells_and_temperatures_one_behind_the_other(self):
        summary = alone(SummaryEncoder(), SUMMARY)
        cells = alone(CellEncoder(CELLS), CELLS_MV)
        temps = alone(CellEncoder(TEMPS, SIGNED_BIAS), TEMPS_DC)
        head, data = self.encode(age_ms=1250)
        self.assertEqual(head, (1, KEY, len(cells), len(temps), len(summary), 12))
        self.assertEqual(data, summary + cells + temps)

    def test_a_rack_has_a_chain_of_its_own_that_begins_with_a_key(self):
        first = self.encode(rack=0)
        other = self.encode(rack=2)
        self.assertEqual(other[0][1:], first[0][1:])
        self.assertEqual(other[1], first[1])
        head, data = self.encode(rack=0)
        self.assertEqual(head[1], 0)
        self.assertTrue(len(data) < len(first[1]) // 2)
        self.assertEqual(self.encode(rack=0, key=True), first)

    def test_without_a_new_scan_there_are_no_frames(self):
        self.encode()
        head, data = self.encode(cells=None, temps=None)
        self.assertEqual(head[2:5], (0, 0, len(data)))

    def test_frames_that_come_late_in_a_chain_begin_one_of_their_own(self):
        self.encode()  # a chain before this one
        head, _ = self.encode(cells=None, temps=None, key=True)
        self.assertEqual(head[1:4], (KEY, 0, 0))
        head, data = self.encode(temps=None)
        self.assertEqual((head[1], data[-head[2] :]), (0, alone(CellEncoder(CELLS), CELLS_MV)))
        head, data = self.encode(cells=None)
        temps = alone(CellEncoder(TEMPS, SIGNED_BIAS), TEMPS_DC)
        self.assertEqual((head[1], data[-head[3] :]), (0, temps))

    def test_the_age_of_cells_is_bounded(self):
        for age_ms, written in ((-1, 0), (99, 0), (100, 1), (25499, 254), (1 << 29, 255)):
            self.assertEqual(self.encode(age_ms=age_ms)[0][5], written)

    def test_too_little_room_is_refused_before_anything_changes(self):
        first = self.encode(rack=0)
        for length, start in ((self.encoder.largest - 1, 0), (self.encoder.largest, -1)):
            with self.assertRaises(ValueError):
                self.encoder.encode(
                    2, SUMMARY, CELLS_MV, TEMPS_DC, 0, False, bytearray(length), start
                )
        self.assertEqual(self.encode(rack=2)[1], first[1])

    def test_the_largest_section_is_the_sum_of_its_parts(self):
        frames = largest_bytes(CELLS) + largest_bytes(TEMPS)
        expected = SECTION_BYTES + summary_codec.LARGEST_BYTES + frames
        self.assertEqual(largest_section_bytes(CELLS, TEMPS), expected)


if __name__ == "__main__":
    unittest.main()
