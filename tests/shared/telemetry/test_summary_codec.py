import unittest
from array import array

from gateway.telemetry.records import SAMPLE_FIELDS
from gateway.telemetry.summary_codec import LARGEST_BYTES, ORDER, SummaryEncoder

ACQUIRED = SAMPLE_FIELDS.index("acquired_ms")
NUMBER = SAMPLE_FIELDS.index("summary_number")
CURRENT = SAMPLE_FIELDS.index("rack_current_da")
RACK = SAMPLE_FIELDS.index("rack")


def encode(encoder, values, key=False):
    out = bytearray(LARGEST_BYTES)
    return bytes(out[: encoder.encode(values, key, out, 0)])


class SummaryCodecTest(unittest.TestCase):
    def test_every_field_has_one_place(self):
        self.assertEqual(sorted(ORDER), sorted(SAMPLE_FIELDS))

    def test_bytes_are_as_documented(self):
        values = array("i", [0] * len(SAMPLE_FIELDS))
        encoder = SummaryEncoder()
        values[ACQUIRED] = 1000
        values[CURRENT] = -3
        values[RACK] = 2
        # changed: bits 0, 1 and 23; 1000 as 2000, -3 as 5, 2 as 4
        first = b"\x83\x80\x80\x04\xd0\x0f\x05\x04"
        self.assertEqual(encode(encoder, values, key=True), first)
        values[ACQUIRED] = 1500  # a step of 500, 500 less than the last one: 999
        values[NUMBER] = 1  # a step of 1, 1 more than the last one: 2
        self.assertEqual(encode(encoder, values), b"\x81\x02\xe7\x07\x02")
        values[ACQUIRED] = 2001  # 1 ms more than expected
        values[NUMBER] = 2
        self.assertEqual(encode(encoder, values), b"\x01\x02")
        values[ACQUIRED] = 2502
        values[NUMBER] = 3
        self.assertEqual(encode(encoder, values), b"\x00")

    def test_a_key_needs_nothing_that_came_before(self):
        values = array("i", range(len(SAMPLE_FIELDS)))
        encoder = SummaryEncoder()
        first = encode(encoder, values, key=True)
        for index in range(len(values)):
            values[index] = -7 * index
        encode(encoder, values)
        for index in range(len(values)):
            values[index] = index
        self.assertEqual(encode(encoder, values, key=True), first)

    def test_encoders_that_share_their_room_to_work_do_not_disturb_each_other(self):
        changes = [0] * len(ORDER)
        sharing = (SummaryEncoder(changes), SummaryEncoder(changes))
        alone = (SummaryEncoder(), SummaryEncoder())
        for step in range(4):
            for chain in (0, 1):
                values = [index * (step + 1) * (9 - 20 * chain) for index in range(len(ORDER))]
                self.assertEqual(encode(sharing[chain], values), encode(alone[chain], values))

    def test_the_widest_numbers_fit(self):
        lowest, highest = -(1 << 31), (1 << 32) - 1
        encoder = SummaryEncoder()
        longest = 0
        for number in (lowest, highest, lowest, highest):
            length = len(encode(encoder, [number] * len(SAMPLE_FIELDS)))
            longest = max(longest, length)
        self.assertEqual(longest, LARGEST_BYTES)

    def test_refuses_what_does_not_fit(self):
        encoder = SummaryEncoder()
        for count, room, start in (
            (len(SAMPLE_FIELDS) - 1, LARGEST_BYTES, 0),
            (len(SAMPLE_FIELDS) + 1, LARGEST_BYTES, 0),
            (len(SAMPLE_FIELDS), LARGEST_BYTES - 1, 0),
            (len(SAMPLE_FIELDS), LARGEST_BYTES, 1),
            (len(SAMPLE_FIELDS), LARGEST_BYTES, -1),
        ):
            with self.assertRaises(ValueError):
                encoder.encode([0] * count, True, bytearray(room), start)


if __name__ == "__main__":
    unittest.main()
