"""The black box: which records a trip leaves, in which order, and how many."""

import gc
import struct
import unittest

from black_box_bench import ESTOP, TEMP_MAX, BlackBoxSite, events_of, parts_of

from gateway.protection import rules
from gateway.telemetry import box_records, records
from gateway.telemetry.box_records import AFTER, AGAIN, BEFORE, END, HEADER, OTHERS
from gateway.telemetry.rewind import CELLS, FAST, STEADY

HOUR_MS = 3600000


def stages(parts, box=1):
    """What the records of one box are, without repetitions."""
    found = []
    for part in parts:
        if part.box == box and found[-1:] != [part.what]:
            found.append(part.what)
    return found


class BlackBoxTest(unittest.TestCase):
    def setUp(self):
        gc.collect()

    def tripped(self, after_ms=20000, **options):
        site = BlackBoxSite(**options)
        site.run_ms(20000)
        site.trip()
        site.run_ms(after_ms)
        return site

    def test_a_trip_gives_a_whole_box_in_order(self):
        parts = parts_of(self.tripped().lanes)
        self.assertEqual(stages(parts), [HEADER, BEFORE, OTHERS, AFTER, END])
        self.assertEqual([part.number for part in parts], list(range(len(parts))))
        self.assertEqual({(part.rack, part.box) for part in parts}, {(0, 1)})
        self.assertTrue(all(len(part.payload) <= 3800 for part in parts))

    def test_header_says_what_tripped_and_by_how_much(self):
        parts = parts_of(self.tripped().lanes)
        header = parts[0].header
        rule, level, racks, samples, text_bytes, aftermath_s, planned, shared, refused = header[:9]
        self.assertEqual((rule, level), (rules.CELL_OVERVOLTAGE, 3))
        self.assertEqual((racks, samples, aftermath_s, shared, refused), (2, 1, 10, 1, 0))
        self.assertEqual(parts[0].body[35 : 35 + text_bytes], b"cell_overvoltage")
        before = [part for part in parts if part.what in (BEFORE, OTHERS)]
        self.assertEqual(planned, len(before))
        value, set_point, clear_point, delay_ms, counted_ms = header[9:]
        self.assertEqual((value, set_point, clear_point, delay_ms), (3700, 3650, 3450, 1000))
        self.assertTrue(995 <= counted_ms < 1200, counted_ms)

    def test_what_was_counted_before_a_trip_long_ago_is_not_known(self):
        site = BlackBoxSite()
        site.box.trip(0, rules.TEMP_RISE, 120)
        site.run_ms(1000)
        header = parts_of(site.lanes)[0].header
        self.assertEqual((header[0], header[13]), (rules.TEMP_RISE, box_records.NO_DELAY))

    def test_points_of_a_rule_that_is_too_low_are_not_turned(self):
        site = BlackBoxSite()
        site.run_ms(10000)
        site.wires[0].registers[0x000C] = 2400
        site.run_ms(3000)
        header = parts_of(site.lanes)[0].header
        self.assertEqual(header[0], rules.CELL_UNDERVOLTAGE)
        self.assertEqual(header[9:12], (2400, 2500, 2800))

    def test_blocks_are_the_rack_whole_and_the_summaries_of_the_others(self):
        parts = parts_of(self.tripped().lanes)
        blocks = {what: set() for what in (BEFORE, OTHERS, AFTER)}
        for part in parts:
            if part.what in blocks:
                blocks[part.what] |= {block[:2] for block in part.blocks()}
        self.assertEqual(blocks[BEFORE], {(CELLS, 0), (STEADY, 0), (FAST, 0)})
        self.assertEqual(blocks[OTHERS], {(STEADY, 1)})
        self.assertEqual(blocks[AFTER], {(CELLS, 0), (STEADY, 0), (FAST, 0)})

    def test_trip_and_header_are_on_flash_before_anything_else(self):
        site = BlackBoxSite()
        site.run_ms(20000)
        site.trip()
        site.run_until(lambda: site.box.boxes, 3000)
        found = parts_of(site.lanes)
        self.assertEqual([part.what for part in found], [HEADER])
        self.assertTrue(site.lanes.events.stored >= found[0].sequence)
        codes = [event[0] for event in events_of(site.lanes)]
        self.assertIn(records.TRIP, codes)

    def test_one_record_per_step_and_none_within_100_ms(self):
        site = BlackBoxSite()
        site.run_ms(20000)
        times = []
        count = [site.lanes.events.ring.next]

        def watch():
            new = site.lanes.events.ring.next - count[0]
            count[0] += new
            if site.box.boxes and new:
                times.append((site.clock.uptime_ms(), new))

        site.each = watch
        site.trip()
        site.run_ms(6000)
        parts = [each for each in times if each[0] > times[0][0] + 3500]  # events are over
        self.assertTrue(parts)
        self.assertEqual({new for _, new in parts}, {1})
        gaps = [later[0] - earlier[0] for earlier, later in zip(parts, parts[1:])]
        self.assertTrue(all(gap >= 100 for gap in gaps), gaps)

    def test_small_records_where_the_uplink_wants_them(self):
        parts = parts_of(self.tripped(part_bytes=250).lanes)
        self.assertEqual(stages(parts), [HEADER, BEFORE, OTHERS, AFTER, END])
        for part in parts[1:-1]:  # a block is never divided
            self.assertTrue(len(part.payload) <= 250 or len(part.blocks()) == 1)
        self.assertTrue(len([part for part in parts if part.what == BEFORE]) > 1)

    def test_a_good_end_completes_the_box(self):
        site = self.tripped(after_ms=6000)
        self.assertEqual(site.box.active, [0])
        site.box.finish()
        self.assertEqual(site.box.active, [])
        parts = parts_of(site.lanes)
        self.assertEqual(stages(parts), [HEADER, BEFORE, OTHERS, AFTER, END])
        newest_ms = max([block[3] for part in parts[1:-1] for block in part.blocks()])
        self.assertTrue(newest_ms > 21000, newest_ms)

    def test_a_good_end_does_not_wait_for_a_dead_flash(self):
        site = self.tripped(after_ms=6000)
        site.storage.dead = True
        ring = site.lanes.events.ring
        while ring.waiting < ring.size * 3 // 4:
            site.lanes.events.append(records.EVENT, bytes(1000))
        site.box.finish()
        self.assertEqual(site.box.active, [0])

    def test_no_aftermath(self):
        parts = parts_of(self.tripped(aftermath_s=0).lanes)
        self.assertEqual(stages(parts), [HEADER, BEFORE, OTHERS, END])

    def test_no_rewind_leaves_header_and_end(self):
        parts = parts_of(self.tripped(rewind_s=0).lanes)
        self.assertEqual(stages(parts), [HEADER, END])
        self.assertEqual(parts[0].header[6], 0)

    def test_without_a_cell_scan(self):
        site = BlackBoxSite()
        for wire in site.wires:
            for index in range(4):
                del wire.registers[0x1000 + index]
        site.run_ms(20000)
        site.trip()
        site.run_ms(20000)
        parts = parts_of(site.lanes)
        self.assertEqual(stages(parts), [HEADER, BEFORE, OTHERS, AFTER, END])
        streams = {block[0] for part in parts[1:-1] for block in part.blocks()}
        self.assertEqual(streams, {STEADY, FAST})


class SeveralTripsTest(unittest.TestCase):
    def setUp(self):
        gc.collect()

    def test_two_racks_share_the_summaries_of_the_others(self):
        site = BlackBoxSite(racks=3)
        site.run_ms(20000)
        site.trip(0)
        site.run_ms(1000)
        site.trip(1)
        site.run_ms(20000)
        parts = parts_of(site.lanes)
        self.assertEqual(stages(parts, 1), [HEADER, BEFORE, OTHERS, AFTER, END])
        self.assertEqual(stages(parts, 2), [HEADER, BEFORE, AFTER, END])
        headers = [part.header for part in parts if part.what == HEADER]
        self.assertEqual([header[7] for header in headers], [1, 1])
        self.assertEqual(site.box.active, [])

    def test_much_later_there_are_new_ones(self):
        site = BlackBoxSite(racks=3)
        site.run_ms(20000)
        site.trip(0)
        site.run_ms(25000)
        site.trip(1)
        site.run_ms(20000)
        parts = parts_of(site.lanes)
        self.assertEqual(stages(parts, 2), [HEADER, BEFORE, OTHERS, AFTER, END])
        self.assertEqual([p.header[7] for p in parts if p.what == HEADER], [1, 2])

    def test_another_trip_of_the_rack_goes_into_its_box_and_makes_it_longer(self):
        site = BlackBoxSite()
        site.run_ms(20000)
        site.trip()
        site.run_ms(7000)
        site.wires[0].registers[TEMP_MAX] = 640
        site.run_ms(30000)
        parts = parts_of(site.lanes)
        self.assertEqual({part.box for part in parts}, {1})
        again = [part for part in parts if part.what == AGAIN]
        found = {part.header[0] for part in again}
        self.assertEqual(found, {rules.CHARGE_OVERTEMPERATURE, rules.DISCHARGE_OVERTEMPERATURE})
        self.assertEqual(again[0].header[9], 640)
        last = [part for part in parts if part.what == AFTER][-1].blocks()[-1]
        first = parts[0]
        self.assertEqual((first.what, parts[-1].what), (HEADER, END))
        self.assertTrue(last[3] - 21000 > 12000, last)  # uptime: well beyond 10 s after the trip

    def test_a_box_does_not_go_on_for_ever(self):
        site = BlackBoxSite()
        site.run_ms(20000)
        site.box.trip(0, rules.TEMP_RISE, 120)
        for _ in range(5):
            site.run_ms(5000)
            site.box.trip(0, rules.TEMP_RISE, 120)
        self.assertEqual((site.box.boxes, site.box.active), (1, [0]))
        site.run_ms(7000)
        self.assertEqual((site.box.boxes, site.box.active), (1, []))

    def test_a_rule_of_the_site_gives_one_box_with_all_racks(self):
        site = BlackBoxSite()
        site.run_ms(20000)
        site.inputs.levels[ESTOP] = False
        site.run_ms(3000)
        site.trip(1)
        site.run_ms(20000)
        parts = parts_of(site.lanes)
        self.assertEqual({part.box for part in parts}, {1})
        self.assertEqual(stages(parts)[:2], [HEADER, BEFORE])
        self.assertEqual((parts[0].rack, parts[-1].what), (records.NO_RACK, END))
        header = parts[0].header
        self.assertEqual((header[0], header[3]), (rules.ESTOP, 2))
        self.assertEqual(header[9:12], (1, 1, 0))
        self.assertEqual(header[13], box_records.NO_DELAY)
        for what in (BEFORE, AFTER):
            racks = {b[1] for part in parts if part.what == what for b in part.blocks()}
            self.assertEqual(racks, {0, 1})
        again = [part for part in parts if part.what == AGAIN]
        self.assertEqual([(part.rack, part.header[0]) for part in again], [(1, 0)])

    def test_boxes_of_a_rack_are_limited_and_the_refused_counted(self):
        site = BlackBoxSite(aftermath_s=0)
        site.run_ms(20000)
        box = site.box

        def trip(rack):
            box.trip(rack, rules.TEMP_RISE, 120)
            for _ in range(50):
                box.step(site.clock.advance(100))

        for _ in range(6):
            trip(0)
        self.assertEqual((box.boxes, box.refused), (4, 2))
        trip(1)  # another rack's are its own
        self.assertEqual((box.boxes, box.refused), (5, 2))
        for _ in range(60):  # an hour
            box.step(site.clock.advance(60000))
        for _ in range(2):
            trip(0)
        self.assertEqual((box.boxes, box.refused), (6, 3))
        last = [part for part in parts_of(site.lanes) if part.what == HEADER][-1]
        self.assertEqual(last.header[8], 2)

    def test_a_restored_latch_is_no_trip(self):
        site = BlackBoxSite()
        site.protections[0].latches.trip(rules.CELL_OVERVOLTAGE)
        site.protections[0].restored()
        site.run_ms(10000)
        self.assertTrue(site.protections[0].decision.tripped)
        self.assertEqual((site.box.boxes, parts_of(site.lanes)), (0, []))

    def test_works_after_weeks_without_a_trip(self):
        site = BlackBoxSite(aftermath_s=0)
        for _ in range(24 * 15):  # ticks wrap after 12.4 days
            site.box.step(site.clock.advance(HOUR_MS))
        for protection in site.protections:
            protection.data.hold_age(site.clock.ticks())
        site.box.trip(1, rules.TEMP_RISE, 120)
        for _ in range(50):
            site.box.step(site.clock.advance(100))
        self.assertEqual(stages(parts_of(site.lanes)), [HEADER, END])


class FlashTroubleTest(unittest.TestCase):
    def setUp(self):
        gc.collect()

    def test_blocks_that_were_overwritten_are_counted_and_the_box_is_numbered_as_said(self):
        site = BlackBoxSite()
        site.run_ms(20000)
        site.trip()
        site.run_until(lambda: site.box.boxes, 3000)
        site.writes = False
        site.run_ms(240000, 20)
        site.writes = True
        site.run_ms(3000)
        parts = parts_of(site.lanes)
        self.assertEqual([part.number for part in parts], list(range(len(parts))))
        self.assertEqual(stages(parts), [HEADER, BEFORE, OTHERS, AFTER, END])
        total, lost = struct.unpack(box_records.END_PAYLOAD, parts[-1].body)
        self.assertEqual((total, lost), (len(parts), site.box.lost))
        self.assertTrue(lost >= 2, lost)

    def test_a_flash_that_takes_nothing_keeps_the_events_and_raises_nothing(self):
        site = BlackBoxSite(cells=4)
        site.run_ms(20000)
        site.storage.dead = True
        site.trip()
        site.run_ms(60000)
        codes = [event[0] for event in events_of(site.lanes)]
        self.assertIn(records.TRIP, codes)
        self.assertIn(records.OPENING_PROVEN, codes)
        ring = site.lanes.events.ring
        self.assertTrue(ring.waiting < ring.size * 3 // 4, ring.waiting)


if __name__ == "__main__":
    unittest.main()
