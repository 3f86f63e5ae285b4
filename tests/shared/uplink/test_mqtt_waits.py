"""The client's small parts, each alone: pauses, deadlines, the window."""

from __future__ import annotations

import random
import unittest

from gateway.backoff import Backoff
from gateway.uplink.mqtt_packet import MqttError
from gateway.uplink.mqtt_window import MqttWindow
from gateway.uplink.waits import Waits


class FixedRandom:
    """The largest random number there is."""

    def getrandbits(self, bits):
        return (1 << bits) - 1


class TestBackoff(unittest.TestCase):
    def test_bound_doubles_up_to_the_cap(self):
        backoff = Backoff(500, 30000, FixedRandom())
        pauses = [backoff.next_ms() for _ in range(8)]
        self.assertEqual(pauses, [499, 999, 1999, 3999, 7999, 15999, 29999, 29999])
        backoff.reset()
        self.assertEqual(backoff.next_ms(8), 3999)

    def test_whole_range_is_used(self):
        random.seed(5)
        backoff = Backoff(1000, 1000, random)
        pauses = [backoff.next_ms() for _ in range(2000)]
        self.assertLess(min(pauses), 20)
        self.assertGreater(max(pauses), 980)
        self.assertLess(abs(sum(pauses) // 2000 - 500), 40)


class HandClock:
    def __init__(self, now):
        self.now = now

    def ticks(self):
        return self.now & 0x3FFFFFFF


class TestWaits(unittest.TestCase):
    def test_deadline_counts_from_the_last_progress_and_over_a_wrap(self):
        clock = HandClock(0x3FFFFFFF - 50)
        waits = Waits(clock, (("a", 100), ("b", 1000)))
        waits.begin("a")
        waits.begin("b")
        clock.now += 100
        self.assertEqual(waits.overdue(), "")
        waits.begin("a")  # goes on
        clock.now += 1
        self.assertEqual(waits.overdue(), "no a within 100 ms")
        waits.progress("a")
        clock.now += 100
        self.assertEqual(waits.overdue(), "")
        waits.end("a")
        clock.now += 800
        self.assertEqual(waits.overdue(), "no b within 1000 ms")
        self.assertTrue(waits.pending("b"))
        waits.clear()
        self.assertEqual(waits.overdue(), "")


class TestWindow(unittest.TestCase):
    def test_ids_wrap_past_zero_and_skip_those_in_use(self):
        window = MqttWindow(4)
        window.next_packet_id = 65534
        self.assertEqual([window.add(None, None) for _ in range(3)], [65534, 65535, 1])
        window.reserved = 2
        window.next_packet_id = 65535
        self.assertEqual(window.add(None, None), 3)
        self.assertEqual((len(window), window.room), (4, 0))

    def test_the_oldest_is_acknowledged_first(self):
        window = MqttWindow(3)
        acked = []
        ids = [window.add(acked.append, mark) for mark in "abc"]
        with self.assertRaises(MqttError):
            window.acknowledge(ids[1])
        for packet_id in ids:
            window.acknowledge(packet_id)
        self.assertEqual(acked, ["a", "b", "c"])
        with self.assertRaises(MqttError):
            window.acknowledge(ids[2])

    def test_ids_go_on_after_a_lost_session(self):
        window = MqttWindow(3)
        first = window.add(None, None)
        window.clear()
        self.assertEqual((window.add(None, None), len(window)), (first + 1, 1))


if __name__ == "__main__":
    unittest.main()
