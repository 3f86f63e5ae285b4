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

    def test_an_answer_before_the_start_and_what_is_asked_about_it(self):
        bench = RegisterFrames(table("soltaro_single_c"), 416, 208)
        answers = [(block, bench.answer(block)) for block in bench.map.summary]
        data, register_map = bench.data, bench.map
        micropython.heap_lock()
        try:
            for block, answer in answers:
                register_map.stage(data, block, answer, 9)
            taken = register_map.commit(data, 1000)
            starting = data.is_starting(1500) and data.reads_open(1500)
            silence_ms = data.silence_age_ms(1500)
            register_map.commit(data, 1500)  # nothing was read for this one
            missing_ms = data.implausible_ms(1600)
            data.hold_age(1600)
            still_ms = data.values_still_ms() + data.heartbeat_still_ms()
        finally:
            micropython.heap_unlock()
        self.assertFalse(taken)
        self.assertTrue(starting)
        self.assertEqual((silence_ms, missing_ms, still_ms), (500, 100, 0))

    def test_thresholds_of_a_prepared_rack(self):
        bench = RegisterFrames(table("soltaro_single_c"), 416, 208)
        bench.registers[0x2400] = 3650
        answers = [(block, bench.answer(block)) for block in bench.map.thresholds]
        data, register_map = bench.data, bench.map
        register_map.prepare(data)
        micropython.heap_lock()
        try:
            for block, answer in answers:
                register_map.decode_thresholds(data, block, answer, 9)
        finally:
            micropython.heap_unlock()
        at = register_map.threshold_names.index("level2_cell_over_set_mv")
        self.assertEqual(data.thresholds[at], 3650)

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
