"""What is recorded of an opening: each stage with the current and the time since it began."""

import gc
import unittest

from black_box_bench import ESTOP, BlackBoxSite, events_of
from enforcer_bench import SITE_RELAY
from rack_wire import OPEN_COMMAND

from gateway import units
from gateway.protection import rules
from gateway.rack.data import ABSENT
from gateway.telemetry import records

STAGES = (
    records.TRIP,
    records.OPENING,
    records.OPEN_COMMAND,
    records.RELAY_OPENED,
    records.CONTACTOR,
    records.OPENING_PROVEN,
    records.ESCALATION,
)


class RackEventsTest(unittest.TestCase):
    def setUp(self):
        gc.collect()
        self.site = BlackBoxSite(rewind_s=0)

    def closed(self, wanted_da=0, obeys=True):
        """Closed and carrying that current."""
        wire = self.site.wires[0]
        wire.wanted_da = wanted_da
        wire.obeys = obeys
        self.site.run_ms(8000)
        self.assertEqual(self.site.closed()[0], 1)
        self.before = len(events_of(self.site.lanes))

    def stages(self, rack=0):
        """(code, value, limit, text) of the stages since it was closed."""
        found = events_of(self.site.lanes)[self.before :]
        return [
            (event[0], event[4], event[5], event[6])
            for event in found
            if event[0] in STAGES and event[1] in (rack, records.NO_RACK)
        ]

    def test_current_that_goes_when_asked(self):
        self.closed(800)
        self.site.protections[0].latches.trip(rules.CELL_OVERVOLTAGE)
        self.site.run_ms(5000)
        opening, ordered, relay, *rest = self.stages()
        self.assertTrue(opening[1] > 31, opening)  # not at rest
        text = "0 A asked for, %s" % units.text(opening[1], "0.1 A")
        self.assertEqual(opening, (records.OPENING, opening[1], 0, text))
        self.assertEqual((relay[0], relay[1], relay[3]), (records.RELAY_OPENED, 0, "0.0 A"))
        self.assertTrue(100 <= relay[2] <= 2000, relay)  # not before a summary showed it
        self.assertEqual((ordered[0], ordered[3]), (records.OPEN_COMMAND, "ordered"))
        codes = [stage[0] for stage in rest]
        self.assertEqual(codes[-1], records.OPENING_PROVEN)
        self.assertIn(records.CONTACTOR, codes)
        proven = rest[-1]
        self.assertEqual((proven[1], proven[3]), (0, "contactor open, 0.0 A"))
        self.assertTrue(relay[2] <= proven[2] <= relay[2] + 1000, proven)

    def test_current_that_does_not_go_is_told_at_each_stage(self):
        self.closed(900, obeys=False)
        self.site.trip()
        self.site.run_ms(8000)
        stages = self.stages()
        by_code = {stage[0]: stage for stage in stages if stage[0] != records.OPEN_COMMAND}
        self.assertEqual(by_code[records.OPENING][1], 900)
        self.assertIn("90.0 A", by_code[records.OPENING][3])
        commands = [stage for stage in stages if stage[0] == records.OPEN_COMMAND]
        self.assertEqual([each[3] for each in commands], ["ordered", "confirmed by the BMS"])
        self.assertEqual([each[1] for each in commands][0], 900)
        self.assertTrue(2000 <= commands[0][2] <= 2100, commands)

    def test_contactor_that_ignores_the_command_opens_by_the_relay_under_load(self):
        self.closed(900, obeys=False)
        wire = self.site.wires[0]
        wire.stuck = 1
        self.site.trip()
        self.site.run_until(lambda: not self.site.closed()[0], 6000)
        wire.stuck = 0
        self.site.run_ms(1000)
        stages = self.stages()
        relay = [stage for stage in stages if stage[0] == records.RELAY_OPENED][0]
        self.assertEqual((relay[1], relay[3]), (900, "90.0 A"))
        self.assertTrue(3000 <= relay[2] <= 3100, relay)  # 2 s for the current, 1 s for the BMS
        self.assertEqual(stages[-1][3], "contactor open, 0.0 A, opened under load")

    def test_welded_contactor_is_an_escalation_with_what_was_read_back(self):
        self.closed(900, obeys=False)
        self.site.wires[0].stuck = 1
        self.site.trip()
        self.site.run_ms(9000)
        escalation = self.stages()[-1]
        self.assertEqual((escalation[0], escalation[1]), (records.ESCALATION, 900))
        self.assertTrue(6000 <= escalation[2] <= 6200, escalation)
        text = "it did not open, the site relay does; contactor closed, 90.0 A"
        self.assertEqual(escalation[3], text + ", opened under load")
        self.assertEqual(self.site.relays.state[SITE_RELAY], 0)

    def test_emergency_stop_is_at_once(self):
        self.closed(900, obeys=False)
        self.site.inputs.levels[ESTOP] = False
        self.site.run_ms(1500)
        stages = self.stages()
        codes = [stage[0] for stage in stages[:4]]
        self.assertEqual(
            codes, [records.TRIP, records.OPENING, records.OPEN_COMMAND, records.RELAY_OPENED]
        )
        self.assertEqual(stages[1][3], "at once, 90.0 A")
        self.assertEqual(stages[3][2], 0)
        opened = [e for e in events_of(self.site.lanes) if e[0] == records.RELAY_OPENED]
        self.assertEqual({event[2:4] for event in opened}, {(rules.ESTOP, 3)})

    def test_silent_rack_has_no_current_to_tell(self):
        self.closed(900)
        self.site.wires[0].silent = True
        self.site.run_ms(13000)
        relay = [stage for stage in self.stages() if stage[0] == records.RELAY_OPENED][0]
        self.assertEqual((relay[1], relay[3]), (ABSENT, "current unknown"))

    def test_an_opening_after_a_reset_is_told_anew(self):
        self.closed()
        self.site.trip()
        self.site.run_ms(4000)
        self.site.wires[0].registers[0x000A] = 3310
        self.site.wires[0].registers[OPEN_COMMAND] = 1
        self.site.run_ms(8000)
        self.site.reset(0)
        self.site.wires[0].registers[OPEN_COMMAND] = 1
        self.site.run_ms(8000)
        self.assertEqual(self.site.closed()[0], 1)
        self.site.trip()
        self.site.run_ms(4000)
        stages = self.stages()
        openings = [stage for stage in stages if stage[0] == records.OPENING]
        proofs = [stage for stage in stages if stage[0] == records.OPENING_PROVEN]
        self.assertEqual((len(openings), len(proofs)), (2, 2))
        self.assertTrue(proofs[1][2] < 2000, proofs)


class FlushTest(unittest.TestCase):
    def test_each_stage_is_on_flash_as_soon_as_it_is_recorded(self):
        site = BlackBoxSite(rewind_s=0)
        site.run_ms(8000)
        lane = site.lanes.events
        waiting = []
        site.writes = False  # the box would write them along
        site.each = lambda: waiting.append(lane.ring.next - 1 - lane.stored)
        site.trip()
        site.run_ms(5000)
        codes = [event[0] for event in events_of(site.lanes)]
        self.assertIn(records.OPENING_PROVEN, codes)
        self.assertEqual(set(waiting), {0})

    def test_trips_of_many_racks_in_one_step_cost_one_write(self):
        site = BlackBoxSite(racks=3, rewind_s=0)
        site.run_ms(8000)
        storage = site.storage
        for rack in range(3):
            site.changes.put(rack, rules.TEMP_RISE, 3, 1, 120)
        before = storage.operations
        site.recorder.step()
        self.assertEqual(storage.operations, before)
        site.lanes.step(site.clock.ticks())
        several = storage.operations - before
        self.assertEqual(site.lanes.events.stored, site.lanes.events.ring.next - 1)
        site.changes.put(0, rules.TEMP_RISE, 2, 1, 40)
        before = storage.operations
        site.recorder.step()
        site.lanes.step(site.clock.ticks())
        self.assertEqual(storage.operations - before, several)
        self.assertTrue(several > 0)


if __name__ == "__main__":
    unittest.main()
