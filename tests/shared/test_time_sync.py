"""The wall clock from a time server: what is believed, what is not, and what it leaves alone."""

import unittest

from time_server import FakeRtc, ServerBench, answer_to

from gateway.clock import NTP, RTC, UNSET

ROUND_MS = 20000
DAY_MS = 86400000


class SetTest(unittest.TestCase):
    def test_a_clock_that_was_never_set(self):
        bench = ServerBench()
        self.assertEqual(bench.clock.utc_quality, UNSET)
        bench.run_ms(ROUND_MS)
        self.assertEqual(bench.clock.utc_quality, NTP)
        self.assertTrue(abs(bench.error_ms()) <= 10, bench.error_ms())
        self.assertEqual(len(bench.changes), 1)
        moved_ms, before, error_ms = bench.changes[0]
        self.assertEqual(before, UNSET)
        self.assertTrue(abs(moved_ms - (1795000000000 - 946684800000)) < 2000, moved_ms)
        self.assertTrue(abs(error_ms) <= 10)  # told after it was set
        status = bench.sync.status()
        self.assertEqual((status["stratum"], status["failures"], status["reason"]), (2, 0, ""))
        self.assertTrue(status["age_s"] < 20)

    def test_a_board_that_knows_whole_seconds_only(self):
        for unset_quality in (UNSET, RTC):
            bench = ServerBench(quality=unset_quality)
            bench.clock.whole_seconds = True
            bench.run_round()
            self.assertEqual((bench.sync.reason, bench.clock.utc_quality), ("", NTP))
            self.assertTrue(abs(bench.error_ms()) <= 10, bench.error_ms())

    def test_four_questions_two_seconds_apart_then_a_period_of_rest(self):
        bench = ServerBench(period_s=64)
        bench.run_ms(200000)
        gaps = [b - a for a, b in zip(bench.asked, bench.asked[1:])]
        for index, gap in enumerate(gaps):
            least, most = (63000, 66000) if index % 4 == 3 else (2000, 2100)
            self.assertTrue(least <= gap <= most, gaps)
        self.assertEqual(len(bench.asked), 12)
        self.assertEqual(len(set(bench.origins)), 12)  # no cookie twice
        self.assertEqual(bench.sockets, 0)  # none left open

    def test_small_corrections_are_not_told_and_large_ones_are(self):
        bench = ServerBench()
        bench.run_ms(ROUND_MS)
        bench.start_ms += 900
        bench.run_ms(80000)
        self.assertTrue(abs(bench.error_ms()) <= 10)
        self.assertEqual(len(bench.changes), 1)
        bench.start_ms -= 5000
        bench.run_ms(80000)
        self.assertTrue(abs(bench.error_ms()) <= 10)
        self.assertEqual(len(bench.changes), 2)
        self.assertTrue(-5100 < bench.changes[1][0] < -4900, bench.changes)
        self.assertEqual(bench.changes[1][1], NTP)

    def test_the_shortest_way_counts(self):
        bench = ServerBench()
        slow = {1: 900, 2: 400, 4: 700}
        usual = bench.send

        def send(question):
            bench.back_ms = slow.get(len(bench.asked) + 1, 8)
            return usual(question)

        bench.send = send
        bench.run_ms(ROUND_MS)
        self.assertTrue(abs(bench.error_ms()) <= 10, bench.error_ms())
        self.assertTrue(bench.sync.status()["delay_ms"] < 30)

    def test_the_ticks_notice_nothing(self):
        bench = ServerBench()
        before = bench.clock.uptime_ms() - bench.clock.ticks()
        bench.run_ms(ROUND_MS)
        self.assertEqual((bench.clock.uptime_ms() - bench.clock.ticks() - before) & 0x3FFFFFFF, 0)

    def test_without_a_server_nothing_is_asked(self):
        bench = ServerBench(host="")
        bench.run_ms(100000)
        self.assertEqual((bench.asked, bench.clock.utc_quality), ([], UNSET))


class BoardClockTest(unittest.TestCase):
    def test_it_is_taken_at_the_start_and_set_by_the_server(self):
        rtc = FakeRtc(1795000003000)
        bench = ServerBench(rtc)
        bench.sync.read_rtc()
        self.assertEqual((bench.clock.utc_ms(), bench.clock.utc_quality), (1795000003000, RTC))
        bench.run_ms(ROUND_MS)
        self.assertEqual(bench.clock.utc_quality, NTP)
        self.assertEqual(bench.changes[0][1], RTC)
        self.assertEqual(len(rtc.written), 1)
        self.assertTrue(abs(rtc.written[0] - 1795000010000) < 20000)

    def test_it_is_set_again_once_a_day_and_after_a_large_step(self):
        rtc = FakeRtc()
        bench = ServerBench(rtc, period_s=3600)
        bench.run_ms(ROUND_MS)
        self.assertEqual(len(rtc.written), 1)
        bench.run_ms(DAY_MS + 2 * 3600000)
        self.assertEqual(len(rtc.written), 2)
        bench.start_ms += 3000
        bench.run_ms(2 * 3600000)
        self.assertEqual(len(rtc.written), 3)

    def test_one_that_was_never_set_or_cannot_be_read_leaves_it_unset(self):
        for now_ms in (0, 946684800000, 1767225599999):
            bench = ServerBench(FakeRtc(now_ms))
            bench.sync.read_rtc()
            self.assertEqual(bench.clock.utc_quality, UNSET)
        rtc = FakeRtc(1795000003000)
        rtc.broken = True
        bench = ServerBench(rtc)
        bench.sync.read_rtc()
        bench.run_ms(ROUND_MS)
        self.assertEqual(bench.clock.utc_quality, NTP)

    def test_a_clock_that_is_right_already_is_not_overruled(self):
        bench = ServerBench(FakeRtc(1795000003000), quality=RTC)
        bench.sync.read_rtc()
        self.assertEqual(bench.clock.utc_ms(), bench.clock.wall_ms())


class LiesTest(unittest.TestCase):
    def unset_after(self, **changes):
        bench = ServerBench()
        for name in changes:
            setattr(bench, name, changes[name])
        bench.run_ms(ROUND_MS)
        self.assertEqual(bench.clock.utc_quality, UNSET)
        self.assertEqual(bench.changes, [])
        self.assertTrue(bench.sync.failures > 0)
        self.assertEqual(bench.sockets, 0)
        return bench

    def test_answers_with_another_origin(self):
        bench = self.unset_after(lies={"origin": b"12345678"})
        self.assertIn("no question of ours", bench.sync.reason)

    def test_a_forged_answer_before_the_real_one_is_read_over(self):
        bench = ServerBench()
        usual = bench.send

        def send(question):
            usual(question)
            forged = answer_to(question, bench.true_ms() + 7200000, origin=b"forged!!")
            bench.waiting.insert(0, (bench.clock.uptime_ms() + 1, forged))
            bench.waiting.append((bench.clock.uptime_ms() + 30, forged))
            return 48

        bench.send = send
        bench.run_ms(ROUND_MS)
        self.assertEqual(bench.clock.utc_quality, NTP)
        self.assertTrue(abs(bench.error_ms()) <= 10)

    def test_an_answer_that_comes_twice_is_taken_once(self):
        bench = ServerBench()
        usual = bench.send

        def send(question):
            usual(question)
            when, packet = bench.waiting[-1]
            bench.waiting.append((when + 1, packet))  # is read as the answer to the next one
            return 48

        bench.send = send
        bench.run_ms(ROUND_MS)
        self.assertEqual(bench.clock.utc_quality, NTP)
        self.assertTrue(abs(bench.error_ms()) <= 10)

    def test_a_server_that_is_not_set_itself(self):
        self.assertIn("not synchronised", self.unset_after(lies={"leap": 3}).sync.reason)

    def test_silence(self):
        bench = self.unset_after(silent=range(1, 1000))
        self.assertIn("no answer within 1500 ms", bench.sync.reason)
        bench.run_ms(600000)
        pauses = [b - a for a, b in zip(bench.asked, bench.asked[1:])]
        self.assertTrue(max(pauses) >= 64000)  # slower and slower, up to the period
        bench.silent = ()
        bench.run_ms(100000)
        self.assertEqual(bench.clock.utc_quality, NTP)
        self.assertEqual(bench.sync.reason, "")

    def test_a_single_answer_is_not_enough(self):
        bench = self.unset_after(silent=(1, 2, 4))
        self.assertTrue(bench.sync.reason)
        bench = ServerBench()
        bench.silent = (1, 3)
        bench.run_ms(ROUND_MS)
        self.assertEqual(bench.clock.utc_quality, NTP)

    def test_no_network_and_a_port_that_is_closed(self):
        self.assertIn("cannot be asked", self.unset_after(refuse=True).sync.reason)

        def refused(_buffer):
            raise OSError(111)

        self.assertIn("does not listen", self.unset_after(readinto=refused).sync.reason)

    def test_answers_that_differ(self):
        bench = ServerBench()
        usual = bench.send

        def send(question):
            bench.ahead_ms += 700
            return usual(question)

        bench.send = send
        bench.run_ms(ROUND_MS)
        self.assertEqual(bench.clock.utc_quality, UNSET)
        self.assertIn("differ by", bench.sync.reason)

    def test_a_kiss_of_death_is_left_alone_for_long(self):
        bench = self.unset_after(lies={"stratum": 0, "reference": b"RATE"})
        self.assertEqual(len(bench.asked), 1)
        self.assertIn("RATE", bench.sync.reason)
        bench.lies = {}
        bench.run_ms(7 * 64000)
        self.assertEqual(len(bench.asked), 1)
        bench.run_ms(64000)
        self.assertEqual(bench.clock.utc_quality, NTP)

    def test_a_kiss_with_the_longest_period_does_not_outlast_the_ticks(self):
        bench = ServerBench(period_s=86400)
        bench.lies = {"stratum": 0, "reference": b"RSTR"}
        bench.run_ms(ROUND_MS)
        bench.lies = {}
        bench.run_ms(4 * DAY_MS)
        self.assertEqual(len(bench.asked), 1)
        bench.run_ms(2 * DAY_MS)
        self.assertTrue(len(bench.asked) > 1)
        self.assertEqual(bench.clock.utc_quality, NTP)

    def test_a_huge_step_of_a_clock_that_is_set_needs_two_rounds(self):
        for ahead_ms in (3600000, -3600000):
            bench = ServerBench()
            bench.run_round()
            bench.ahead_ms = ahead_ms
            bench.run_round()
            self.assertTrue(abs(bench.error_ms()) <= 10, bench.error_ms())
            self.assertIn("from our clock", bench.sync.reason)
            asked = bench.clock.uptime_ms()
            bench.run_round()
            self.assertTrue(bench.clock.uptime_ms() - asked < 30000)  # asked again soon
            self.assertTrue(abs(bench.error_ms() - ahead_ms) <= 10)
            self.assertEqual(len(bench.changes), 2)

    def test_a_huge_step_that_one_round_alone_wants_is_forgotten(self):
        bench = ServerBench()
        bench.run_round()
        for ahead_ms in (3600000, 0, 3600000, 0):
            bench.ahead_ms = ahead_ms
            bench.run_round()
            self.assertTrue(abs(bench.error_ms()) <= 10)
        self.assertEqual(bench.sync.reason, "")
        self.assertEqual(len(bench.changes), 1)

    def test_two_rounds_that_want_different_huge_steps_get_none(self):
        bench = ServerBench()
        bench.run_round()
        for _ in range(6):
            bench.ahead_ms += 3600000
            bench.run_round()
            self.assertTrue(abs(bench.error_ms()) <= 10)
        self.assertEqual(len(bench.changes), 1)

    def test_a_quarter_of_an_hour_is_the_most_that_one_round_may_move(self):
        for ahead_ms, moved in ((890000, True), (910000, False)):
            bench = ServerBench()
            bench.run_round()
            bench.ahead_ms = ahead_ms
            bench.run_round()
            self.assertEqual(abs(bench.error_ms()) > 10, moved)


class AgeTest(unittest.TestCase):
    def test_after_a_day_without_a_server_it_counts_as_a_boards_clock(self):
        bench = ServerBench(period_s=3600)
        bench.run_ms(ROUND_MS)
        bench.silent = range(1, 100000)
        bench.run_ms(DAY_MS - 60000)
        self.assertEqual(bench.clock.utc_quality, NTP)
        bench.run_ms(120000)
        self.assertEqual(bench.clock.utc_quality, RTC)
        bench.silent = ()
        bench.run_ms(2 * 3600000)
        self.assertEqual(bench.clock.utc_quality, NTP)
        self.assertEqual(bench.changes[-1][1], RTC)


if __name__ == "__main__":
    unittest.main()
