"""The whole application on a board in RAM: start, trip, reset, restart, and starts that fail."""

import json
import unittest

from app_bench import closed, run, until
from fake_board import FakeBoard
from sample_site import settings

from gateway import app
from gateway.northbound.safe_mode import SafeMode
from gateway.telemetry.bms_thresholds import BmsThresholds


class ToldRack:
    """A poller whose map names a limit of the BMS; the map of the tests names none."""

    threshold_names = ("level2_cell_over_set_mv",)

    def __init__(self, data):
        self.data = data


class RunTest(unittest.TestCase):
    def test_trip_latch_and_reset_by_push_button(self):
        board = FakeBoard()

        async def scenario(gateway):
            await until(board, lambda: closed(board) == (1, 1), "both closed")
            board.wires[15020].registers[0x000A] = 3700
            await until(board, lambda: closed(board) == (0, 1), "rack 1 tripped")
            self.assertIn("latches", board.data.files)  # before anything else can happen
            board.inputs.state[0] = 1
            await board.clock.sleep_ms(300)
            self.assertEqual(closed(board), (0, 1))  # refused: the cell is still too high
            board.inputs.state[0] = 0
            board.wires[15020].registers[0x000A] = 3310
            await board.clock.sleep_ms(1200)
            self.assertEqual(closed(board), (0, 1))  # cleared, but latched
            board.inputs.state[0] = 1
            await until(board, lambda: closed(board) == (1, 1), "closed again")
            texts = [text for _, text in gateway.parts.recorder.latest]
            self.assertIn("rack01 reset: by the operator: released", texts)
            self.assertIn(
                "rack01 reset refused: by the operator: its condition still holds", texts
            )

        run(board, scenario)
        self.assertEqual(closed(board), (0, 0))
        self.assertTrue(board.fed > 5)

    def test_a_proof_test_waits_for_the_push_button_and_its_push_resets_nothing(self):
        board = FakeBoard()

        async def scenario(gateway):
            parts = gateway.parts
            await until(board, lambda: closed(board) == (1, 1), "both closed")
            await board.clock.sleep_ms(300)
            ordered = json.loads(parts.console.answer(b"prooftest rack02"))["ordered"]
            self.assertEqual(ordered["state"], "confirm")
            await board.clock.sleep_ms(300)
            self.assertEqual(closed(board), (1, 1))
            before = board.relays.changes
            board.inputs.state[0] = 1

            def ended():
                return json.loads(parts.console.answer(b"prooftest"))["last"]

            await until(board, ended, "result")
            self.assertTrue(ended()["passed"], ended())
            await board.clock.sleep_ms(100)
            self.assertEqual((board.relays.changes - before, closed(board)), (2, (1, 1)))
            texts = [text for _, text in parts.recorder.latest]
            opened = texts.index("rack02 relay opened: proof test")
            self.assertIn("rack02 relay closed", texts[opened + 1 :])
            self.assertIn("rack02 proof test: relay: passed", texts)
            self.assertFalse([text for text in texts if "reset" in text], texts)
            self.assertIn("prooftests", board.data.files)

        run(board, scenario)

    def test_a_configuration_that_changes_on_flash_is_told_once(self):
        board = FakeBoard()

        async def scenario(gateway):
            def told():
                texts = [text for _, text in gateway.parts.recorder.latest]
                return len([text for text in texts if "configuration" in text])

            await board.clock.sleep_ms(1200)
            self.assertEqual(told(), 0)
            self.assertEqual(gateway.parts.status.status()["config"]["problem"], "")
            board.config.files["config.json"] += b" "
            await until(board, told, "change noticed")
            await board.clock.sleep_ms(1200)
            self.assertEqual(told(), 1)
            problem = gateway.parts.status.status()["config"]["problem"]
            self.assertEqual(problem, "config.json is no longer what runs")

        before = app._CONFIG_MS, app._SLICE_MS
        app._CONFIG_MS, app._SLICE_MS = 50, 1
        try:
            run(board, scenario)
        finally:
            app._CONFIG_MS, app._SLICE_MS = before

    def test_limits_of_a_bms_and_its_state_of_start_stand_in_the_status(self):
        board = FakeBoard()

        async def scenario(gateway):
            parts = gateway.parts
            racks = [ToldRack(poller.data) for poller in parts.southbound.pollers]
            recording = parts.recording
            recording.bms_thresholds = BmsThresholds(racks, settings().limits, parts.recorder.note)
            data = racks[1].data
            data.thresholds.append(3700)
            data.thresholds_sequence += 1
            await until(board, lambda: recording.bms_thresholds.found[1], "compared")
            status = parts.status.status()
            first, second = status["racks"]
            self.assertEqual(first["bms_thresholds"], [])
            self.assertEqual(second["bms_thresholds"], [["level2_cell_over_set_mv", 3700, 3650]])
            self.assertEqual((second["starting"], second["unit"]["open_forbidden"]), (False, 0))
            self.assertEqual((status["self_check"], status["clock"]["deviation_pm"]), ("", 0))
            self.assertEqual(len(status["config"]["crc"]), 8)
            parts.enforcer.self_check.problem = "made up"
            data.take_sign_of_life(board.clock.ticks(), True)
            self.assertTrue(parts.status.status()["racks"][1]["starting"])
            self.assertEqual(parts.status.status()["self_check"], "made up")

        run(board, scenario)

    def test_latch_outlives_a_power_cut_right_after_the_trip(self):
        board = FakeBoard()

        async def scenario(gateway):
            await until(board, lambda: closed(board) == (1, 1), "both closed")
            board.wires[15021].registers[0x000C] = 2400
            await until(board, lambda: closed(board) == (1, 0), "rack 2 tripped")
            board.kept = dict(board.data.files)

        run(board, scenario)
        after = FakeBoard(data=board.kept)

        async def healthy(gateway):
            await until(after, lambda: closed(after)[0] == 1, "rack 1 closed")
            await after.clock.sleep_ms(600)
            self.assertEqual(closed(after), (1, 0))

        run(after, healthy)

    def test_damaged_or_lost_latches_keep_every_rack_open(self):
        for damage in ("content", "format"):
            board = FakeBoard(data={"latches": b"\x00" * 20})
            if damage == "format":
                board = FakeBoard()
                board.data.formatted = True

            async def scenario(gateway, board=board):
                await board.clock.sleep_ms(900)
                self.assertEqual(closed(board), (0, 0))
                self.assertTrue(gateway.parts.enforcer.armed)

            with self.subTest(damage=damage):
                run(board, scenario)

    def test_a_flash_that_comes_back_empty_is_not_that_of_a_new_device(self):
        first = FakeBoard()

        async def new(gateway):
            await until(first, lambda: closed(first) == (1, 1), "both closed")

        run(first, new)
        after = FakeBoard()  # nothing on its flash, and no sign that it was formatted
        after.config.files["in-use"] = first.config.files["in-use"]

        async def lost(gateway):
            await after.clock.sleep_ms(900)
            self.assertTrue(gateway.parts.enforcer.armed)
            self.assertEqual(closed(after), (0, 0))

        run(after, lost)

    def test_a_config_flash_that_takes_no_mark_stops_nothing_and_is_told(self):
        board = FakeBoard()
        usual = board.config.open

        def open_file(name, mode):
            if mode == "wb":
                raise OSError(30)
            return usual(name, mode)

        board.config.open = open_file

        async def scenario(gateway):
            await until(board, lambda: closed(board) == (1, 1), "both closed")
            lines = gateway.parts.logs.ring.lines
            self.assertTrue([line for line in lines if "in-use cannot be written" in line], lines)

        run(board, scenario)

    def test_death_of_the_enforcing_loop_opens_everything_and_starves_the_watchdog(self):
        board = FakeBoard()

        async def scenario(gateway):
            await until(board, lambda: closed(board) == (1, 1), "both closed")

            def broken(now):
                raise ValueError("broken")

            gateway.parts.enforcer.step = broken
            await until(board, lambda: closed(board) == (0, 0), "all open")
            await board.clock.sleep_ms(150)
            fed = board.fed
            await board.clock.sleep_ms(400)
            self.assertEqual(board.fed, fed)
            self.assertEqual(gateway.parts.status.status()["mode"], "safe")
            self.assertIn("broken", gateway.parts.status.status()["reason"])

        run(board, scenario)

    def test_protection_works_on_with_a_dead_flash(self):
        board = FakeBoard()

        async def scenario(gateway):
            await until(board, lambda: closed(board) == (1, 1), "both closed")
            board.data.dead = True
            await board.clock.sleep_ms(300)
            self.assertEqual(closed(board), (1, 1))
            board.wires[15020].registers[0x000F] = 650
            await until(board, lambda: closed(board) == (0, 1), "rack 1 tripped")
            self.assertTrue(gateway.parts.latch_store.write_errors > 0)

        run(board, scenario)

    def test_latches_lost_before_a_start_in_safe_mode_stay_lost(self):
        first = FakeBoard()
        first.data.formatted = True
        first.configure(b"{}")
        self.assertIsInstance(app.build(first), SafeMode)
        board = FakeBoard(data=first.data.files)

        async def scenario(gateway):
            await board.clock.sleep_ms(900)
            self.assertEqual(closed(board), (0, 0))

        run(board, scenario)


class StartTest(unittest.TestCase):
    def refused(self, board):
        board.relays.state[3] = 1
        gateway = app.build(board)
        self.assertIsInstance(gateway, SafeMode)
        self.assertEqual(bytes(board.relays.state), bytes(4))
        return gateway.status()["reason"]

    def test_what_the_device_cannot_accept_ends_in_safe_mode(self):
        missing = FakeBoard()
        del missing.config.files["config.json"]
        self.assertIn("config.json", self.refused(missing))
        broken = FakeBoard()
        broken.configure(b"{\xff")
        self.assertIn("config.json: no UTF-8", self.refused(broken))
        unproved = FakeBoard()
        del unproved.config.files["config.crc"]
        self.assertIn("config.crc is missing", self.refused(unproved))
        changed = FakeBoard()
        changed.config.files["config.json"] += b" "
        self.assertIn("config.json: damaged or changed by hand", self.refused(changed))
        self.assertIn("trip_relay", self.refused(self.with_relay(9)))
        for name in ("no_such_map", "__init__"):
            self.assertIn("map", self.refused(FakeBoard(map=name)))
        far = [
            {"name": "reset", "number": 0, "role": "reset"},
            {"name": "far", "number": 7, "role": "leak"},
        ]
        self.assertIn("inputs: far: number 7", self.refused(FakeBoard(inputs=far)))
        hasty = FakeBoard(outputs={"arm_delay_ms": 9999})
        hasty.capabilities = ("tcp",)
        self.assertIn("outputs.arm_delay_ms: 9999, a board in the field", self.refused(hasty))
        for relay in ("site", "ventilation", "suppression"):
            name = "%s_relay" % relay
            self.assertIn("outputs." + name, self.refused(FakeBoard(outputs={name: 4})))

    def with_relay(self, relay):
        board = FakeBoard()
        text = board.config.files["config.json"].decode()
        text = text.replace('"trip_relay": 1', '"trip_relay": %d' % relay)
        board.configure(text.encode())
        return board

    def test_a_start_that_fails_for_any_reason_ends_in_safe_mode(self):
        board = FakeBoard()

        def broken():
            raise KeyError("no network")

        board.network = broken
        self.assertIn("no network", self.refused(board))

    def test_relays_are_open_when_a_run_is_interrupted(self):
        board = FakeBoard()

        async def stopping():
            await until(board, lambda: closed(board) == (1, 1), "both closed")
            raise KeyboardInterrupt

        board.stopping = stopping
        with self.assertRaises(KeyboardInterrupt):
            app.run(board)
        self.assertEqual(bytes(board.relays.state), bytes(4))

    def test_a_relay_that_fails_at_the_end_keeps_no_other_closed(self):
        board = FakeBoard()
        healthy = board.relays.set

        def broken(number, energised):
            if number == 0:
                raise OSError(5)
            healthy(number, energised)

        async def stopping():
            await until(board, lambda: closed(board) == (1, 1), "both closed")
            board.relays.set = broken
            raise KeyboardInterrupt

        board.stopping = stopping
        with self.assertRaises(OSError):
            app.run(board)
        self.assertEqual(bytes(board.relays.state[1:]), bytes(3))


if __name__ == "__main__":
    unittest.main()
