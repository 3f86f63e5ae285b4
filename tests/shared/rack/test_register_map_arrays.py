import sys
import unittest
from array import array

from gateway.rack import fields_array
from gateway.rack.fields_array import CELL_ABSENT, TEMP_ABSENT, Piece

MICROPYTHON = sys.implementation.name == "micropython"
WAYS = ((False, "bytecode"), (True, "machine code")) if MICROPYTHON else ((False, "bytecode"),)


def numbers(count):
    """Repeatable 16-bit numbers, the ends of the range among them."""
    value = 1
    found = [0, 0xFFFF, 0x8000, 0x7FFF]
    while len(found) < count:
        value = value * 25173 + 13849 & 0xFFFF
        found.append(value)
    return found[:count]


def signed(value):
    return value - 0x10000 if value >= 0x8000 else value


class CopyTest(unittest.TestCase):
    """The same on both ways: a plain piece, unsigned and signed."""

    def copy(self, machine_code, target_number, raw, start, first, size):
        target = array("h" if target_number else "H", [7] * size)
        field = (first, 0, 1, target_number, None, None)
        piece = Piece(target_number, 4, 2, first, 1, len(raw), field)
        self.assertTrue(piece.plain)
        buffer = bytearray(start + 4)
        for value in raw:
            buffer.append(value >> 8)
            buffer.append(value & 0xFF)
        way = fields_array.decode_array_bytecode
        if machine_code:
            way = fields_array.decode_array_viper
        way(target, buffer, start, piece)
        checked = array("h" if target_number else "H", [7] * size)
        fields_array.decode_piece(checked, piece, buffer, start, ())
        self.assertEqual(target, checked)
        with self.assertRaises(IndexError):
            fields_array.decode_piece(checked, piece, buffer[:-1], start, ())
        with self.assertRaises(IndexError):
            fields_array.decode_piece(checked[: size - 1], piece, buffer, start, ())
        return list(target)

    def test_every_register_comes_over_and_nothing_else_changes(self):
        raw = numbers(104)
        for machine_code, way in WAYS:
            for start in (3, 9):
                with self.subTest(way=way, start=start):
                    found = self.copy(machine_code, 0, raw, start, 5, 109)
                    self.assertEqual(found, [7] * 5 + raw)
                    found = self.copy(machine_code, 1, raw, start, 5, 109)
                    self.assertEqual(found, [7] * 5 + [signed(value) for value in raw])


class ExtremesTest(unittest.TestCase):
    def extremes(self, machine_code, typecode, values):
        found = array(typecode, [9] * 5)
        way = fields_array.extremes_bytecode
        if machine_code:
            way = fields_array.extremes_viper
        way(array(typecode, values), found, typecode == "h")
        checked = array(typecode, [9] * 5)
        fields_array.extremes(array(typecode, values), checked, typecode == "h")
        self.assertEqual(found, checked)
        self.assertEqual(found[4], 9)
        return list(found)[:4]

    def test_highest_and_lowest_with_the_first_of_equals(self):
        for machine_code, way in WAYS:
            with self.subTest(way=way):
                found = self.extremes(machine_code, "H", [3300, 3301, 0, 3301, 0])
                self.assertEqual(found, [3301, 1, 0, 2])
                found = self.extremes(machine_code, "h", [-10, 250, -400, 250])
                self.assertEqual(found, [250, 1, -400, 2])
                found = self.extremes(machine_code, "h", [-10])
                self.assertEqual(found, [-10, 0, -10, 0])

    def test_what_is_not_available_is_left_out(self):
        for machine_code, way in WAYS:
            with self.subTest(way=way):
                found = self.extremes(machine_code, "H", [CELL_ABSENT, 3300, CELL_ABSENT, 3200])
                self.assertEqual(found, [3300, 1, 3200, 3])
                found = self.extremes(machine_code, "h", [TEMP_ABSENT, -3, -7])
                self.assertEqual(found, [-3, 1, -7, 2])
                found = self.extremes(machine_code, "H", [CELL_ABSENT] * 3)
                self.assertEqual(found, [CELL_ABSENT, 0xFFFF, CELL_ABSENT, 0xFFFF])
                found = self.extremes(machine_code, "h", [TEMP_ABSENT] * 3)
                self.assertEqual(found, [TEMP_ABSENT, -1, TEMP_ABSENT, -1])

    def test_random_arrays_agree_with_the_built_in_functions(self):
        raw = numbers(416)
        values = [value for value in raw if value != CELL_ABSENT]
        for machine_code, way in WAYS:
            with self.subTest(way=way):
                found = self.extremes(machine_code, "H", raw)
                self.assertEqual(found, [
                    max(values), raw.index(max(values)), min(values), raw.index(min(values))
                ])  # fmt: skip


if __name__ == "__main__":
    unittest.main()
