import unittest

from gateway.modbus.crc16 import crc16

# From Modbus over serial line V1.02 (appendix B), the Modbus protocol guides, and the catalogue
# of CRCs ("CRC-16/MODBUS": check value of the nine digits).
VECTORS = (
    (b"", 0xFFFF),
    (b"\x02\x07", 0x1241),
    (b"123456789", 0x4B37),
    (b"\x11\x03\x00\x6b\x00\x03", 0x8776),
    (b"\x01\x04\x02\xff\xff", 0x80B8),
)


def bitwise(data):
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc


class CrcTest(unittest.TestCase):
    def test_published_vectors(self):
        for data, crc in VECTORS:
            with self.subTest(data=data):
                self.assertEqual(crc16(data, 0, len(data)), crc)

    def test_equals_the_definition_bit_by_bit(self):
        data = bytearray((index * 73 + 19) & 0xFF for index in range(256))
        for start, stop in ((0, 256), (0, 255), (3, 200), (100, 101), (256, 256)):
            with self.subTest(start=start, stop=stop):
                self.assertEqual(crc16(data, start, stop), bitwise(data[start:stop]))
        self.assertEqual(crc16(memoryview(data)[5:20], 1, 9), bitwise(data[6:14]))

    def test_frame_with_its_crc_has_no_remainder(self):
        frame = bytearray(b"\x11\x03\x00\x6b\x00\x03\x76\x87")
        self.assertEqual(crc16(frame, 0, len(frame)), 0)

    def test_nothing_outside_the_buffer_is_read(self):
        for start, stop in ((-1, 2), (0, 5), (3, 2)):
            with self.subTest(start=start, stop=stop):
                with self.assertRaises(ValueError):
                    crc16(bytearray(4), start, stop)


if __name__ == "__main__":
    unittest.main()
