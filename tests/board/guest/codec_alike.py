# On the board: the codec's loops in assembler beside the same as viper, on frames of every sort.

import unittest
from array import array

from gateway.telemetry import cell_codec, cell_codec_thumb, cell_codec_viper
from gateway.telemetry.cell_codec import SIGNED_BIAS, largest_bytes, workspace

FRAMES = 12
COUNTS = (1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 104, 208, 416)
EXTREMES = (0, 1, 2, 0x7FFF, 0x8000, 0xFFFD, 0xFFFE, 0xFFFF)
BEYOND = b"\xa5" * 8


class Numbers:
    def __init__(self, seed):
        self.state = seed

    def below(self, limit):
        self.state = (self.state * 1103515245 + 12345) & 0x3FFFFFFF
        return (self.state >> 12) % limit

    def of(self, choices):
        return choices[self.below(len(choices))]


def frame(numbers, count, bias):
    """Values by chance: any, extremes, quiet ones with and without some that are not there."""
    kind = numbers.below(5)
    middle = numbers.of((3300, 0x8000, 20, 65500))
    values = []
    for index in range(count):
        value = middle + index * 7 % 31 + numbers.below(3)
        if kind == 0:
            value = numbers.below(0x10000)
        elif kind == 1 or (kind == 2 and not numbers.below(20)):
            value = numbers.of(EXTREMES)
        elif kind == 3:
            value = middle + numbers.below(3000)
        values.append((value & 0xFFFF) - bias)
    return array("h" if bias else "H", values)


class Side:
    """One of the two, with a chain of its own."""

    def __init__(self, loops, chain, count):
        self.loops = loops
        self.chain = array("H", chain)
        self.work = workspace(count)
        self.out = bytearray(largest_bytes(count) + len(BEYOND))

    def predict(self, values, order):
        return self.loops.predict(values, self.chain, self.work, order)

    def frame(self, rice):
        """All bytes of the buffer, and where the frame ends in it."""
        room = len(self.out) - len(BEYOND)
        self.out[room:] = BEYOND
        end = self.loops.write(self.work, rice, self.out, 0)
        return bytes(self.out[:end]), bytes(self.out[room:])


class CodecAlikeTest(unittest.TestCase):
    def test_the_board_uses_the_assembler(self):
        self.assertTrue(cell_codec.predict is cell_codec_thumb.predict)
        self.assertTrue(cell_codec.write is cell_codec_thumb.write)

    def test_the_same_states_and_bytes(self):
        numbers = Numbers(3)
        for count in COUNTS:
            for bias in (0, SIGNED_BIAS):
                # averages of every sort, and what follows them
                chain = [numbers.below(0x10000) for _ in range(count)] + [0, 0, 0, bias]
                thumb = Side(cell_codec_thumb, chain, count)
                viper = Side(cell_codec_viper, chain, count)
                for number in range(FRAMES):
                    at, state = numbers.below(count), numbers.of(EXTREMES)
                    thumb.chain[at] = viper.chain[at] = state
                    values = frame(numbers, count, bias)
                    order = 2 * count + (numbers.below(6) == 0)
                    self.compare(thumb, viper, values, order, (count, bias, number))

    def compare(self, thumb, viper, values, order, where):
        rice = thumb.predict(values, order)
        self.assertEqual(rice, viper.predict(values, order), where)
        self.assertEqual(thumb.work, viper.work, where)
        self.assertEqual(thumb.chain, viper.chain, where)
        for low_bits in (rice, rice + 1, 5, 16):
            bits = thumb.loops.count_bits(thumb.work, low_bits)
            self.assertEqual(bits, viper.loops.count_bits(viper.work, low_bits), where)
            if bits <= 20 * len(values):
                found, beyond = thumb.frame(low_bits)
                self.assertEqual((found, beyond), viper.frame(low_bits), where)
                self.assertEqual(beyond, BEYOND)


if __name__ == "__main__":
    unittest.main()
