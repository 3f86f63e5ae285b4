import unittest

from register_frames import GOLDEN, RegisterFrames, golden, table

from gateway.rack.data import SUMMARY_FIELDS
from gateway.rack.writes import CONSTANT, COUNTER

CONTACTOR_OPEN = ("contactor_state", 0)


class GoldenTest(unittest.TestCase):
    """Raw registers with what they mean, worked out by hand; holes read over and not."""

    def frames(self, hole_registers):
        for name in GOLDEN:
            source = golden(name)
            for frame in source["frames"]:
                bench = RegisterFrames(
                    table(source["map"]), source["cells"], source["temps"], hole_registers
                )
                for address, text in frame["registers"].items():
                    bench.put(int(address, 16), text)
                yield name, frame, bench

    def check(self, frame, bench):
        if "identity" in frame:
            self.assertEqual(bench.identity(), frame["identity"])
        bench.read_details()
        if "summary" in frame:
            self.assertTrue(bench.read_summary())
            found = bench.summary()
            for name, value in frame["summary"].items():
                self.assertEqual((name, found[name]), (name, value))
        if frame.get("refused"):
            self.assertFalse(bench.read_summary())
            self.assertEqual(bench.data.sequence, 0)
            self.assertEqual(bench.data.implausible, 1)
        self.assertEqual(bench.data.before_start, frame.get("before_start", 0))
        found = bench.details()
        for name, value in frame.get("details", {}).items():
            self.assertEqual((name, found[name]), (name, value))
        found = bench.read_thresholds() if "thresholds" in frame else {}
        for name, value in frame.get("thresholds", {}).items():
            self.assertEqual((name, found[name]), (name, value))

    def test_each_frame_means_what_was_worked_out(self):
        seen = 0
        for hole_registers in (0, 125):
            for name, frame, bench in self.frames(hole_registers):
                with self.subTest(map=name, frame=frame["what"], holes=hole_registers):
                    self.check(frame, bench)
                    seen += 1
        self.assertTrue(seen >= 30, seen)


class ReadsTest(unittest.TestCase):
    """What is asked for, worked out by hand from the register lists."""

    def reads(self, name, cells, temps, hole_registers=0):
        bench = RegisterFrames(table(name), cells, temps, hole_registers)
        return bench.map, lambda blocks: [(block.address, block.count) for block in blocks]

    def test_cells_of_a_rack_of_416(self):
        loaded, reads = self.reads("soltaro_single_c", 416, 416)
        self.assertEqual(
            reads(loaded.cells), [(0x2800, 104), (0x2868, 104), (0x28D0, 104), (0x2938, 104)]
        )
        self.assertEqual(reads(loaded.temps)[0], (0x2C00, 104))
        self.assertEqual(reads(loaded.summary), [(0x2100, 21), (0x2140, 3), (0x2010, 1)])

    def test_a_barrier_cuts_the_cells_where_the_device_wants_it(self):
        loaded, reads = self.reads("byd_c130", 216, 48, 125)
        self.assertEqual(reads(loaded.cells), [(0x2800, 119), (0x2877, 97)])
        self.assertEqual(reads(loaded.temps), [(0x2C00, 48)])
        optional = [block for block in loaded.details if block.optional]
        self.assertEqual(reads(optional), [(0x210D, 2), (0x216E, 2)])

    def test_a_pile_has_no_cells_and_a_register_that_does_not_exist(self):
        loaded, reads = self.reads("pylontech_powercube_m2", 416, 208, 125)
        self.assertEqual(loaded.cells + loaded.temps, ())
        self.assertEqual(reads(loaded.summary), [(0x1400, 33), (0x1432, 1)])
        self.assertEqual((loaded.stride, loaded.positions), (0x0700, 32))
        self.assertEqual([block.fixed for block in loaded.once], [True, True])
        self.assertEqual([block.fixed for block in loaded.summary], [False, False])

    def test_one_temperature_per_module_over_the_rest_of_the_module(self):
        loaded, reads = self.reads("sunspec_804", 416, 8, 125)
        self.assertEqual(reads(loaded.temps), [(40126, 113)])
        loaded, reads = self.reads("sunspec_804", 416, 8, 0)
        self.assertEqual(reads(loaded.temps), [(40126 + 16 * n, 1) for n in range(8)])


class WriteTest(unittest.TestCase):
    """What the gateway writes, worked out by hand from the register lists."""

    def test_opening_the_contactor(self):
        for name, cells, function, address, values in (
            ("generic_416s", 416, 6, 0x0100, (0,)),
            ("soltaro_single_c", 416, 6, 0x2010, (0,)),
            ("byd_c130", 216, 6, 0x2010, (0,)),
            ("sunspec_804", 416, 16, 40107, (2,)),
        ):
            with self.subTest(map=name):
                write = RegisterFrames(table(name), cells, 8).map.open_contactor
                self.assertEqual((write.function, write.address), (function, address))
                self.assertEqual(write.values, values)
                self.assertEqual((SUMMARY_FIELDS[write.slot], write.expected), CONTACTOR_OPEN)
        pile = RegisterFrames(table("pylontech_powercube_m2"), 416, 8).map
        self.assertIsNone(pile.open_contactor)  # its sleep command would reach all piles

    def test_signs_of_life(self):
        beat = RegisterFrames(table("generic_416s"), 416, 8).map.heartbeat
        self.assertEqual((beat.function, beat.address, beat.kind), (6, 0x0101, COUNTER))
        self.assertEqual(beat.period_ms, 10000)
        beat = RegisterFrames(table("soltaro_single_c"), 416, 8).map.heartbeat
        self.assertEqual((beat.function, beat.address, beat.kind), (6, 0x20F4, CONSTANT))
        self.assertEqual(beat.value, 60)
        self.assertEqual(beat.period_ms, 3600000)  # a stored parameter: not worn out
        for name, cells in (("byd_c130", 216), ("sunspec_804", 416)):
            self.assertIsNone(RegisterFrames(table(name), cells, 8).map.heartbeat)

    def test_limits_are_written_where_a_map_has_them(self):
        for name, cells in (("soltaro_single_c", 416), ("byd_c130", 216), ("sunspec_804", 416)):
            loaded = RegisterFrames(table(name), cells, 8).map
            self.assertIsNone(loaded.charge_limit)
            self.assertIsNone(loaded.discharge_limit)
            self.assertFalse(loaded.limits_together)


class ArrayTest(unittest.TestCase):
    def test_cells_and_temperatures_of_each_map(self):
        for name, cells, temps, first_cell, first_temp in (
            ("generic_416s", 416, 208, 0x1000, 0x2000),
            ("soltaro_single_c", 416, 416, 0x2800, 0x2C00),
            ("byd_c130", 216, 48, 0x2800, 0x2C00),
        ):
            with self.subTest(map=name):
                bench = RegisterFrames(table(name), cells, temps)
                bench.data.started = True
                for index in range(cells):
                    bench.registers[first_cell + index] = 3000 + index
                for index in range(temps):
                    bench.registers[first_temp + index] = index - 100
                bench.read_arrays()
                self.assertEqual(list(bench.data.cells_mv), [3000 + n for n in range(cells)])
                self.assertEqual(list(bench.data.temps_dc), [n - 100 for n in range(temps)])

    def test_module_temperatures_with_a_remembered_power_of_ten(self):
        bench = RegisterFrames(table("sunspec_804"), 416, 8)
        for index in range(8):
            bench.registers[40126 + 16 * index] = 25 + index
        bench.registers[40126 + 16] = 0x8000
        bench.read_arrays()
        self.assertEqual(list(bench.data.temps_dc), [-0x8000] * 8)  # the power is not known yet
        bench.put(40113, "FFFD 0000")
        bench.identity()
        bench.read_arrays()
        self.assertEqual(list(bench.data.temps_dc), [250, -0x8000, 270, 280, 290, 300, 310, 320])

    def test_zero_before_the_start_is_not_available(self):
        bench = RegisterFrames(table("soltaro_single_c"), 4, 2)
        bench.registers[0x2801] = 3300
        bench.read_arrays()
        self.assertEqual(list(bench.data.cells_mv), [0xFFFF, 3300, 0xFFFF, 0xFFFF])
        bench.data.started = True
        bench.read_arrays()
        self.assertEqual(list(bench.data.cells_mv), [0, 3300, 0, 0])


if __name__ == "__main__":
    unittest.main()
