"""Decoding allocates nothing: each map's summary and arrays with the heap locked."""

import unittest
from array import array

import micropython
from register_frames import GOLDEN, RegisterFrames, golden, table

from gateway.rack.fields_array import extremes


class MapHeapLockTest(unittest.TestCase):
    def bench(self, name):
        source = golden(name)
        bench = RegisterFrames(table(source["map"]), source["cells"], source["temps"])
        for address, text in source["frames"][0]["registers"].items():
            bench.put(int(address, 16), text)
        bench.identity()
        return bench

    def test_stage_and_commit(self):
        for name in GOLDEN:
            with self.subTest(map=name):
                bench = self.bench(name)
                answers = [(block, bench.answer(block)) for block in bench.map.summary]
                data, register_map = bench.data, bench.map
                micropython.heap_lock()
                try:
                    for block, answer in answers:
                        register_map.stage(data, block, answer, 9)
                    taken = register_map.commit(data, 1000)
                finally:
                    micropython.heap_unlock()
                self.assertTrue(taken)

    def test_arrays_and_their_extremes(self):
        for name in GOLDEN:
            with self.subTest(map=name):
                bench = self.bench(name)
                blocks = bench.map.cells + bench.map.temps
                answers = [(block, bench.answer(block)) for block in blocks]
                data, register_map = bench.data, bench.map
                found = array("H", [0] * 4)
                micropython.heap_lock()
                try:
                    for block, answer in answers:
                        register_map.decode_array(data, block, answer, 9)
                    extremes(data.cells_mv, found, False)
                finally:
                    micropython.heap_unlock()
                self.assertEqual(len(answers) > 0, name != "pylontech-powercube-m2")


if __name__ == "__main__":
    unittest.main()
