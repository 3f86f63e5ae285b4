import struct
import unittest

from gateway.telemetry import records


def sample_record(sequence=7, payload=b"payload"):
    return records.encode(records.EVENT, sequence, 1234, 1800000000123, 1, payload)


class RecordTest(unittest.TestCase):
    def test_bytes_are_as_documented(self):
        record = records.encode(records.EVENT, 2, 3, 0x0123456789AB, 2, b"ab")
        self.assertEqual(record[:4], b"\xb5\x02\x02\x00")
        self.assertEqual(
            record[8:24], b"\x02\x00\x00\x00\x03\x00\x00\x00\xab\x89\x67\x45\x23\x01\x02\x00"
        )
        self.assertEqual(record[24:], b"ab")

    def test_check_accepts_whole_records_only(self):
        record = sample_record()
        self.assertEqual(records.check(record, 0, len(record)), len(record))
        self.assertEqual(records.check(b"xx" + record, 2, len(record) + 2), len(record))
        for end in range(len(record)):
            self.assertEqual(records.check(record, 0, end), 0)

    def test_every_flipped_bit_is_noticed(self):
        record = sample_record()
        for index in range(len(record)):
            for bit in range(8):
                bad = bytearray(record)
                bad[index] ^= 1 << bit
                self.assertEqual(records.check(bad, 0, len(bad)), 0, (index, bit))

    def test_payload_structures_have_the_documented_sizes(self):
        self.assertEqual(struct.calcsize(records.HEADER), records.HEADER_BYTES)
        self.assertEqual(struct.calcsize(records.BATCH), records.BATCH_BYTES)
        self.assertEqual(struct.calcsize(records.EVENT_PAYLOAD), records.EVENT_BYTES)
        self.assertEqual(struct.calcsize(records.SAMPLE_PAYLOAD), 46)


if __name__ == "__main__":
    unittest.main()
