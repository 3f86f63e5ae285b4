import struct
import unittest

from time_server import answer_to, stamp

from gateway.ntp import PACKET_BYTES, Answer, put_question

NOW_MS = 1795000000123
COOKIE = b"\x01\x02\x03\x04\x05\x06\x07\x08"


def asked():
    question = bytearray(PACKET_BYTES)
    put_question(question, COOKIE)
    return question


def judged(packet, sent=0x3FFFFFF0, now=0x00000010, cookie=COOKIE):
    """What an answer says 32 ms after the question, over the wrap of the ticks."""
    answer = Answer()
    reason = answer.take(bytearray(packet), len(packet), cookie, sent, now)
    return reason, answer


class QuestionTest(unittest.TestCase):
    def test_a_client_of_version_4_that_tells_no_time_of_its_own(self):
        question = bytearray(b"\xff" * PACKET_BYTES)
        put_question(question, COOKIE)
        self.assertEqual(bytes(question), b"\x23" + bytes(39) + COOKIE)


class AnswerTest(unittest.TestCase):
    def test_the_time_is_the_servers_and_half_the_way(self):
        reason, answer = judged(answer_to(asked(), NOW_MS, stay_ms=10))
        self.assertEqual(reason, "")
        self.assertTrue(20 <= answer.delay_ms <= 24, answer.delay_ms)
        late_ms = answer.utc_ms - (NOW_MS + 10 + 11)
        self.assertTrue(-2 <= late_ms <= 2, late_ms)
        self.assertEqual(answer.stratum, 2)

    def test_seconds_that_wrap_in_2036_go_on(self):
        for utc_s in (2085978495, 2085978496, 2085978497, 3000000000, 4294967290):
            reason, answer = judged(answer_to(asked(), utc_s * 1000 + 500))
            self.assertEqual(reason, "")
            self.assertEqual(answer.utc_ms // 1000, utc_s)
        self.assertEqual(stamp(2085978496000)[0], 0)

    def test_lies_and_faults_are_named(self):
        for lies, words in (
            ({"origin": COOKIE[:7] + b"\x09"}, "no question of ours"),
            ({"origin": bytes(8)}, "no question of ours"),
            ({"mode": 3}, "mode 3"),
            ({"mode": 5}, "mode 5"),
            ({"version": 2}, "version 2"),
            ({"version": 5}, "version 5"),
            ({"leap": 3}, "not synchronised"),
            ({"stratum": 16}, "not synchronised"),
            ({"stratum": 255}, "not synchronised"),
            ({"root_dispersion": 0x10001, "root_delay": 0}, "too far"),
            ({"root_dispersion": 0, "root_delay": 0x20002}, "too far"),
            ({"root_delay": 0xFFFFFFFF}, "too far"),
            ({"transmit": (0, 0)}, "no time of sending"),
            ({"transmit": stamp(NOW_MS - 1000)}, "inside the server"),
            ({"transmit": stamp(NOW_MS + 5001)}, "inside the server"),
            ({"transmit": stamp(NOW_MS + 40)}, "on the way"),  # longer inside than all of it
            ({"stratum": 0, "reference": b"RATE"}, "refused by the server: RATE"),
            ({"stratum": 0, "reference": b"\x00\x80\n\xff"}, "refused by the server"),
        ):
            reason, answer = judged(answer_to(asked(), NOW_MS, **lies))
            self.assertIn(words, reason, lies)
            self.assertEqual(answer.kiss != "", "refused" in reason)

    def test_a_kiss_for_a_question_that_was_not_asked_is_none(self):
        lies = {"stratum": 0, "reference": b"DENY", "origin": bytes(8)}
        reason, answer = judged(answer_to(asked(), NOW_MS, **lies))
        self.assertIn("no question", reason)
        self.assertEqual(answer.kiss, "")

    def test_an_answer_that_took_too_long(self):
        packet = answer_to(asked(), NOW_MS)
        self.assertEqual(judged(packet, 0, 1000)[0], "")
        self.assertIn("on the way", judged(packet, 0, 1001)[0])

    def test_a_time_before_this_program_existed(self):
        self.assertIn("before 2026", judged(answer_to(asked(), 946684800000))[0])
        self.assertIn("before 2026", judged(answer_to(asked(), 1767225599000))[0])
        self.assertEqual(judged(answer_to(asked(), 1767225600000))[0], "")

    def test_cut_short_at_any_byte(self):
        packet = answer_to(asked(), NOW_MS)
        for end in range(PACKET_BYTES):
            self.assertIn("bytes", judged(packet[:end])[0])

    def test_every_changed_bit_gives_a_reason_or_a_time_and_nothing_else(self):
        packet = answer_to(asked(), NOW_MS)
        for index in range(PACKET_BYTES):
            for bit in range(8):
                changed = bytearray(packet)
                changed[index] ^= 1 << bit
                reason, answer = judged(changed)
                self.assertTrue(isinstance(reason, str))
                if not reason:
                    self.assertTrue(answer.utc_ms >= 1767225600000)
                    self.assertTrue(0 <= answer.delay_ms <= 1000)

    def test_the_form_is_that_of_the_standard(self):
        """A server's answer taken apart by its offsets, not by our own helper."""
        packet = bytearray(48)
        packet[0], packet[1] = 0x24, 1
        packet[24:32] = COOKIE
        struct.pack_into(">II", packet, 32, 2208988800 + 1800000000, 0x80000000)
        struct.pack_into(">II", packet, 40, 2208988800 + 1800000000, 0xC0000000)
        reason, answer = judged(packet, 0, 250)
        self.assertEqual((reason, answer.utc_ms, answer.delay_ms), ("", 1800000000750, 0))


if __name__ == "__main__":
    unittest.main()
