import binascii
import unittest

from fake_hardware import MemoryStorage

from gateway.uplink.device_key import load_key

KEY = bytes(range(7, 39))


def loaded(content):
    return load_key(MemoryStorage({"device.key": content, "config.json": b"{}"}))


class DeviceKeyTest(unittest.TestCase):
    def test_raw_and_hex_mean_the_same(self):
        digits = binascii.hexlify(KEY)
        upper = digits.decode().upper().encode()
        for content in (KEY, digits, upper, digits + b"\n", b" " + digits + b"\r\n"):
            self.assertEqual(loaded(content), (KEY, ""))

    def test_a_raw_key_may_begin_and_end_with_white_space(self):
        key = b"\n" + KEY[:30] + b"\n"
        self.assertEqual(loaded(key), (key, ""))

    def test_what_is_no_key_is_told_and_turns_commands_off(self):
        digits = binascii.hexlify(KEY)
        for content in (
            b"",
            KEY[:31],
            KEY + b"\n",
            digits[:63],
            digits + b"0",
            b"x" + digits[1:],
            digits * 3,
            b"\xff" * 32,  # an erased flash
            bytes(32),
            b"00" * 32,
        ):
            key, problem = loaded(content)
            self.assertIsNone(key)
            self.assertIn("device.key: needs 32 bytes", problem)
            self.assertIn("commands are off", problem)

    def test_absent_and_unreadable(self):
        self.assertEqual(
            load_key(MemoryStorage()),
            (None, "no device.key in the configuration: commands are off"),
        )
        storage = MemoryStorage({"device.key": KEY})
        storage.dead = True
        key, problem = load_key(storage)
        self.assertIsNone(key)
        self.assertIn("device.key", problem)


if __name__ == "__main__":
    unittest.main()
