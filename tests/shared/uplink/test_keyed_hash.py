import binascii
import unittest

from gateway.uplink.keyed_hash import hmac_sha256, same

# RFC 4231, test cases 1, 2, 3 and 4: key, data, code.
VECTORS = (
    (
        b"\x0b" * 20,
        b"Hi There",
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
    ),
    (
        b"Jefe",
        b"what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ),
    (
        b"\xaa" * 20,
        b"\xdd" * 50,
        "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
    ),
    (
        bytes(range(1, 26)),
        b"\xcd" * 50,
        "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
    ),
)


class KeyedHashTest(unittest.TestCase):
    def test_published_vectors_in_one_piece_and_in_many(self):
        for key, data, code in VECTORS:
            whole = hmac_sha256(key, data)
            self.assertEqual(binascii.hexlify(whole).decode(), code)
            for cut in range(len(data)):
                self.assertEqual(hmac_sha256(key, data[:cut], b"", data[cut:]), whole)

    def test_a_key_that_would_have_to_be_hashed_first_is_refused(self):
        self.assertEqual(len(hmac_sha256(bytes(64), b"")), 32)
        with self.assertRaises(ValueError):
            hmac_sha256(bytes(65), b"")


class SameTest(unittest.TestCase):
    def test_every_bit_and_the_length_count(self):
        code = bytes(range(32))
        self.assertTrue(same(code, bytes(code)))
        for index in range(32):
            for bit in range(8):
                other = bytearray(code)
                other[index] ^= 1 << bit
                self.assertFalse(same(code, bytes(other)))
        self.assertFalse(same(code, code[:31]))
        self.assertFalse(same(code, code + b"\0"))
        self.assertTrue(same(b"", b""))


if __name__ == "__main__":
    unittest.main()
