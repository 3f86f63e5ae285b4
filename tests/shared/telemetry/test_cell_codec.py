import binascii
import unittest
from array import array

from gateway.telemetry.cell_codec import (
    KEY,
    MOST_CELLS,
    SIGNED_BIAS,
    CellEncoder,
    largest_bytes,
)

CELLS = 416
TEMPS = 104


class Numbers:
    """The same numbers by chance on every interpreter."""

    def __init__(self, seed):
        self.state = seed

    def below(self, limit):
        self.state = (self.state * 1103515245 + 12345) & 0x3FFFFFFF
        return (self.state >> 12) % limit


def encode(encoder, values, key=False):
    out = bytearray(encoder.largest)
    return bytes(out[: encoder.encode(values, key, out, 0)])


def noisy(numbers, values, middle):
    """Readings around `middle`, each with its own lasting deviation."""
    for index in range(len(values)):
        values[index] = middle + (index * 7) % 31 + numbers.below(3)


class CellCodecTest(unittest.TestCase):
    def test_bytes_of_two_cells_are_as_documented(self):
        encoder = CellEncoder(2)
        values = array("H", (3300, 3302))
        # key, Rice 0; 2 cells; mean 3301 x 16 = 52816 as 105632; rests -1 and 1 as 2 and 1
        self.assertEqual(encode(encoder, values), b"\x80\x02\xa0\xb9\x06\x0b")
        self.assertEqual(encode(encoder, values), b"\x00\x00\x00")
        # Rice 2; mean 3304: 48 more, as 96; rests -3 and 3 as 6 and 5: bits 10 01, 10 10
        values[1] = 3308
        self.assertEqual(encode(encoder, values), b"\x02\x60\x59")
        # mean 3300; rest 2 as 3: bits 1110; that cell is not read: twelve ones, 62233 as 124466
        values[1] = 0xFFFF
        self.assertEqual(encode(encoder, values), b"\x00\x7f\xf7\xff\x32\xe6\x01")

    def test_long_chains_are_the_same_on_every_interpreter(self):
        numbers = Numbers(1)
        cells, temps = CellEncoder(CELLS), CellEncoder(TEMPS, SIGNED_BIAS)
        cells_mv, temps_dc = array("H", [0] * CELLS), array("h", [0] * TEMPS)
        checksum = length = 0
        for frame in range(150):
            noisy(numbers, cells_mv, 3300 + numbers.below(40))
            noisy(numbers, temps_dc, -20 + frame // 10)
            if frame % 40 > 20:
                cells_mv[7] = (0xFFFF, 0)[frame & 1]
                temps_dc[3] = (-0x8000, 0x7FFF)[frame & 1]
            for index in range(frame % 50 // 49 * CELLS):  # two frames of any values at all
                cells_mv[index] = numbers.below(0x10000)
                temps_dc[index % TEMPS] = numbers.below(0x10000) - 0x8000
            for piece in (
                encode(cells, cells_mv, frame % 60 == 0),
                encode(temps, temps_dc, frame % 60 == 0),
            ):
                checksum = binascii.crc32(piece, checksum)
                length += len(piece)
        self.assertEqual((length, checksum), (26166, 2770759358))

    def test_only_a_key_frame_begins_a_chain(self):
        encoder = CellEncoder(TEMPS, SIGNED_BIAS)
        values = array("h", range(TEMPS))
        first = encode(encoder, values)
        self.assertEqual(first[0] & KEY, KEY)
        self.assertEqual(encode(encoder, values)[0] & KEY, 0)
        # it does not depend on what was there before
        encode(encoder, array("h", [-0x8000] * TEMPS))
        self.assertEqual(encode(encoder, values, key=True), first)

    def test_cells_that_are_not_read_stay_cheap(self):
        for absent in (0, 0xFFFF):
            for missing in (1, 20, CELLS - 1, CELLS):
                encoder = CellEncoder(CELLS)
                values = array("H", [3300] * CELLS)
                encode(encoder, values)
                for index in range(missing):
                    values[index] = absent
                self.assertTrue(len(encode(encoder, values)) <= 60 + 4 * missing)
                self.assertTrue(len(encode(encoder, values)) <= 60, (absent, missing))
                self.assertTrue(len(encode(encoder, values, key=True)) <= 60 + 4 * missing)
                for index in range(missing):
                    values[index] = 3300
                self.assertTrue(len(encode(encoder, values)) <= 60 + 4 * missing)

    def test_nothing_is_written_outside_of_the_frame_whatever_the_values(self):
        numbers = Numbers(5)
        for count in (1, 2, 3, 100):
            encoder = CellEncoder(count)
            values = array("H", [0] * count)
            out = bytearray(encoder.largest + 20)
            for frame in range(200):
                for index in range(count):
                    values[index] = (0, 1, 2, 0xFFFD, 0xFFFE, 0xFFFF)[numbers.below(6)]
                    if frame % 3 == 0:
                        values[index] = (1, 0xFFFE)[index * 50 // count & 1] ^ (frame & 1)
                for index in range(len(out)):
                    out[index] = 0xA5
                end = encoder.encode(values, frame % 7 == 0, out, 10)
                self.assertTrue(10 < end <= 10 + largest_bytes(count), (count, frame, end))
                self.assertEqual(bytes(out[:10]), b"\xa5" * 10)
                self.assertEqual(bytes(out[end:]), b"\xa5" * (len(out) - end))

    def test_refuses_what_does_not_fit(self):
        for count in (0, -1, MOST_CELLS + 1):
            with self.assertRaises(ValueError):
                CellEncoder(count)
        encoder = CellEncoder(3)
        out = bytearray(encoder.largest)
        for values, start in (
            (array("H", (1, 2)), 0),
            (array("H", (1, 2, 3, 4)), 0),
            (array("H", (1, 2, 3)), 1),
            (array("H", (1, 2, 3)), -1),
        ):
            with self.assertRaises(ValueError):
                encoder.encode(values, True, out, start)
        self.assertEqual(out, bytearray(encoder.largest))


if __name__ == "__main__":
    unittest.main()
