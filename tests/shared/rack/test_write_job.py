"""How far a write is in a rack: orders, tries and echoes."""

import unittest

from gateway.rack.write_job import UNLIMITED, WriteJob, new_state
from gateway.rack.writes import Heartbeat

RETRY_MS = 500
BEAT = Heartbeat((6, 257, 1, 1, 10000, 0))


class WriteJobTest(unittest.TestCase):
    def setUp(self):
        self.job = WriteJob(1, BEAT, [0], 2, RETRY_MS)
        self.state = new_state(3)

    def send(self, now):
        self.assertTrue(self.job.is_due(self.state, now))
        self.job.sent(self.state, now)

    def test_nothing_is_due_before_an_order_and_after_its_echo(self):
        job, state = self.job, self.state
        self.assertFalse(job.is_due(state, 0))
        self.assertTrue(job.settled(state))
        job.order(state, 1000)
        self.assertFalse(job.settled(state))
        self.assertFalse(job.is_due(state, 999))
        self.send(1000)
        job.echoed(state)
        self.assertTrue(job.settled(state))
        self.assertFalse(job.is_due(state, 100000))

    def test_without_an_echo_it_is_repeated_and_given_up(self):
        job, state = self.job, self.state
        job.order(state, 0)
        self.send(0)
        self.assertFalse(job.not_echoed(state))
        self.assertFalse(job.is_due(state, RETRY_MS - 1))
        self.send(RETRY_MS)
        self.assertTrue(job.not_echoed(state))
        self.assertTrue(job.given_up(state))
        self.assertFalse(job.settled(state))
        self.assertFalse(job.is_due(state, 100000))
        self.assertEqual(job.counts(state).failed, 1)

    def test_the_echo_of_an_older_order_settles_no_newer_one(self):
        job, state = self.job, self.state
        job.order(state, 0)
        self.send(0)
        job.order(state, 10)
        job.echoed(state)
        self.assertFalse(job.settled(state))
        self.send(10)
        job.echoed(state)
        self.assertTrue(job.settled(state))
        self.assertEqual(job.confirmed(state), 2)

    def test_the_last_try_of_an_older_order_gives_up_no_newer_one(self):
        job, state = self.job, self.state
        job.order(state, 0)
        self.send(0)
        self.send(RETRY_MS)
        job.order(state, 600)
        self.assertFalse(job.not_echoed(state))
        self.send(600)
        self.assertFalse(job.not_echoed(state))
        self.send(600 + RETRY_MS)
        self.assertTrue(job.not_echoed(state))

    def test_one_without_end_is_never_given_up_and_may_go_on_after_its_echo(self):
        job, state = WriteJob(0, BEAT, [0], UNLIMITED, RETRY_MS), self.state
        job.order(state, 0)
        for number in range(300):
            self.assertTrue(job.is_due(state, number * RETRY_MS))
            job.sent(state, number * RETRY_MS)
            self.assertFalse(job.not_echoed(state))
        job.echoed(state)
        job.insist(state)
        self.assertFalse(job.is_due(state, 300 * RETRY_MS - 1))
        self.assertTrue(job.is_due(state, 300 * RETRY_MS))
        job.cancel(state)
        self.assertFalse(job.is_due(state, 300 * RETRY_MS))

    def test_racks_and_jobs_have_nothing_in_common(self):
        others = [WriteJob(number, BEAT, [0], 2, RETRY_MS) for number in (0, 2)]
        elsewhere = new_state(3)
        self.job.order(self.state, 0)
        self.job.note(self.state, 7)
        self.job.sent(self.state, 0)
        self.job.refused(self.state)
        self.assertEqual(list(elsewhere), list(new_state(3)))
        for other in others:
            self.assertTrue(other.settled(self.state))
            self.assertEqual((other.noted(self.state), other.counts(self.state).refused), (0, 0))
        self.assertEqual((self.job.noted(self.state), self.job.counts(self.state).refused), (7, 1))

    def test_weeks_later_it_is_still_due(self):
        job, state = self.job, self.state
        job.order(state, 5)
        now = 5
        for _ in range(20):
            now = (now + 24 * 3600 * 1000) & 0x3FFFFFFF
            job.keep_comparable(state, now)
        self.assertTrue(job.is_due(state, now))


if __name__ == "__main__":
    unittest.main()
