"""Whatever a rack sends: documented events only, no wrong value, no growing memory."""

import gc
import os
import unittest

from tcp_fuzz import Fuzz

from gateway.modbus.link import LOST, REFUSED, REPLY, TIMED_OUT

# FUZZ=<number> in the environment says how many answers; these take less than half a minute
USUAL = 100000 if hasattr(gc, "mem_alloc") else 1000000
COUNT = int(os.getenv("FUZZ") or USUAL)
GROWTH_BYTES = 4096


def held_bytes():
    """Heap in use, garbage collected first."""
    if hasattr(gc, "mem_alloc"):
        for _ in range(3):
            gc.collect()
        return gc.mem_alloc()
    import tracemalloc

    gc.collect()
    return tracemalloc.get_traced_memory()[0]


class TcpLinkFuzzTest(unittest.TestCase):
    def test_link_and_strict_parser_agree_on_every_answer(self):
        fuzz = Fuzz(20261)
        fuzz.run(COUNT)
        for event in (REPLY, REFUSED, TIMED_OUT, LOST):
            self.assertTrue(fuzz.seen[event] > COUNT // 100, fuzz.seen)
        self.assertEqual(fuzz.link.replies, fuzz.seen[REPLY])
        self.assertEqual(fuzz.link.refusals, fuzz.seen[REFUSED])
        self.assertTrue(fuzz.link.late > COUNT // 100)

    def test_memory_stays_flat(self):
        tracing = not hasattr(gc, "mem_alloc")
        if tracing:
            import tracemalloc

            tracemalloc.start()
        try:
            fuzz = Fuzz(7)
            fuzz.run(2000)
            before = held_bytes()
            fuzz.run(10000)
            grown = held_bytes() - before
        finally:
            if tracing:
                tracemalloc.stop()
        self.assertTrue(grown < GROWTH_BYTES, grown)


if __name__ == "__main__":
    unittest.main()
