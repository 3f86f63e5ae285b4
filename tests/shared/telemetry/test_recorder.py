"""Events of a site whose racks are on a wire."""

import struct
import unittest

from fake_hardware import QuietLog
from recorded_site import RecordedSite

from gateway.rack import incidents
from gateway.telemetry import records


def events(site):
    """(code, rack, rule, level, value, limit, text) of each new one."""
    found = []
    for kind, payload in site.records(records.EVENTS):
        if kind == records.EVENT:
            fields = struct.unpack(records.EVENT_PAYLOAD, payload[: records.EVENT_BYTES])
            found.append(fields + (payload[records.EVENT_BYTES :].decode(),))
    return found


class BrokenLog(QuietLog):
    def info(self, message, *values):
        raise OSError(32)

    warning = info


class ForgetfulLog(QuietLog):
    """Finds no memory for so many lines."""

    short = 0

    def warning(self, message, *values):
        if self.short:
            self.short -= 1
            raise MemoryError
        super().warning(message, *values)


class EventTest(unittest.TestCase):
    def test_what_the_log_refuses_is_on_flash_with_the_next_step(self):
        site = RecordedSite(BrokenLog())
        with self.assertRaises(OSError):
            site.recorder.note(records.STOP, records.NO_RACK, "why")
        site.lanes.step(site.clock.ticks())
        self.assertEqual(site.lanes.events.stored, 1)
        self.assertEqual(events(site)[0][6], "why")
        self.assertIn("why", site.recorder.latest[-1][1])

    def test_trip_is_recorded_with_its_reason_and_its_effects(self):
        site = RecordedSite()
        site.run_ms(3000)
        events(site)
        site.wire.registers[0x000A] = 3700
        site.run_ms(2700)
        found = events(site)
        codes = [event[0] for event in found]
        trip = codes.index(records.TRIP)
        self.assertEqual(
            codes[trip : trip + 4],
            [records.TRIP, records.OPENING, records.OPEN_COMMAND, records.RELAY_OPENED],
        )
        self.assertIn(records.CONTACTOR, codes)
        self.assertIn(records.OPENING_PROVEN, codes)
        self.assertEqual(found[trip][1:6], (0, 0, 3, 3700, 3650))
        self.assertIn("cell_overvoltage", found[trip][6])

    def test_each_stall_of_the_protecting_loop_is_on_flash_at_once_before_its_relays(self):
        site = RecordedSite(flush_ms=100000)
        site.run_ms(3000)
        for number in (1, 2):
            while not site.enforcer.closed[0]:
                site.run_ms(20)
            site.run_ms(20)
            events(site)
            site.enforcer.step(site.clock.advance(600))
            site.recorder.step()
            site.lanes.step(site.clock.ticks())
            self.assertEqual(site.lanes.events.stored, site.lanes.events.ring.next - 1)
            found = events(site)
            codes = [event[0] for event in found]
            self.assertEqual(codes[0], records.STALL)
            self.assertIn(records.RELAY_OPENED, codes)
            self.assertEqual(found[0][1:6], (records.NO_RACK, 255, 0, number, 0))
            self.assertIn("stood still", found[0][6])
            site.recorder.step()
            self.assertEqual(events(site), [])

    def test_a_stall_that_found_no_memory_comes_in_the_next_step(self):
        site = RecordedSite()
        site.run_ms(3000)
        events(site)
        site.enforcer.step(site.clock.advance(600))
        site.enforcer.step(site.clock.advance(600))
        append = site.lanes.events.append

        def scarce(kind, payload):
            site.lanes.events.append = append
            raise MemoryError

        site.lanes.events.append = scarce
        with self.assertRaises(MemoryError):
            site.recorder.step()
        for _ in range(3):
            site.recorder.step()
        stalls = [event[4] for event in events(site) if event[0] == records.STALL]
        self.assertEqual(stalls, [1, 2])

    def relay_events(self, site, *steps):
        """Texts that follow on (faults of the relays, milliseconds later) each."""
        for faults, later_ms in steps:
            site.enforcer.bank.faults = faults
            site.clock.advance(later_ms)
            site.recorder.step()
        return [event[6] for event in events(site) if event[6].startswith("relays: ")]

    def test_a_fault_of_the_relays_is_told_at_once_and_that_it_went_after_a_minute(self):
        site = RecordedSite()
        one, two = ("relays: output %d does not follow its orders" % number for number in (0, 1))
        both = "relays: output 0 and 1 does not follow its orders"
        self.assertEqual(self.relay_events(site, (1, 0), (3, 0), (3, 90000)), [one, both])
        self.assertEqual(self.relay_events(site, (2, 0), (2, 59999)), [two])
        self.assertEqual(self.relay_events(site, (0, 0)), [])
        self.assertEqual(self.relay_events(site, (0, 1)), ["relays: all follow again"])
        self.assertEqual(self.relay_events(site, (0, 99000)), [])
        self.assertEqual(self.relay_events(site, (1, 0)), [one])

    def test_faults_of_the_relays_that_come_and_go_do_not_flood_the_events(self):
        site = RecordedSite()
        hour = [(1 << number % 3, 3000) for number in range(1200)]
        found = self.relay_events(site, *hour)
        self.assertTrue(60 <= len(found) <= 180, len(found))

    def test_a_fault_of_the_relays_that_found_no_memory_comes_in_the_next_step(self):
        site = RecordedSite()
        append = site.lanes.events.append

        def scarce(kind, payload):
            site.lanes.events.append = append
            raise MemoryError

        site.lanes.events.append = scarce
        with self.assertRaises(MemoryError):
            self.relay_events(site, (1, 0))
        self.assertEqual(len(self.relay_events(site, (1, 0), (1, 0))), 1)

    def test_what_the_bus_noticed_becomes_events_with_words(self):
        site = RecordedSite()
        del site.wire.registers[0x0016]
        site.run_ms(3000)
        site.wire.silent = True
        site.run_ms(3000)
        site.wire.silent = False
        site.run_ms(3000)
        texts = [event[6] for event in events(site) if event[0] == records.BUS]
        self.assertEqual(
            texts,
            [
                "register 0x0016 (1 of them) does not exist",
                "no answer to 3 requests in a row",
                "answers again",
            ],
        )

    def test_many_resets_at_once_are_one_write_to_flash(self):
        site = RecordedSite(flush_ms=100000)
        site.run_ms(100)
        before = site.lanes.events.stored
        for _ in range(12):
            site.recorder.note(records.RESET, 0, "by the operator: released")
        self.assertEqual(site.lanes.events.stored, before)
        site.lanes.step(site.clock.ticks())
        self.assertEqual(site.lanes.events.stored, site.lanes.events.ring.next - 1)

    def test_a_trip_that_could_not_be_recorded_is_recorded_in_the_next_step(self):
        trips = []
        site = RecordedSite(trip=lambda *told: trips.append(told))
        site.run_ms(3000)
        events(site)
        append = site.lanes.events.append

        def scarce(kind, payload):
            site.lanes.events.append = append  # there is memory again
            raise MemoryError

        site.wire.registers[0x000A] = 3700
        while site.enforcer.closed[0]:
            site.enforcer.step(site.clock.advance(1))
        site.lanes.events.append = scarce
        with self.assertRaises(MemoryError):
            site.recorder.step()
        site.recorder.step()
        codes = [event[0] for event in events(site)]
        self.assertEqual(codes.count(records.TRIP), 1)
        self.assertIn(records.RELAY_OPENED, codes)
        self.assertEqual(len(trips), 1)

    def test_a_trip_is_recorded_once_though_its_box_or_its_line_finds_no_memory(self):
        trips = []

        def begin_box(*told):
            trips.append(told)
            if len(trips) == 1:
                raise MemoryError

        log = ForgetfulLog()
        site = RecordedSite(log, trip=begin_box)
        site.run_ms(3000)
        events(site)
        site.wire.registers[0x000A] = 3700
        while site.enforcer.closed[0]:
            site.enforcer.step(site.clock.advance(1))
        log.short = 1
        with self.assertRaises(MemoryError):
            site.recorder.step()
        site.recorder.step()
        codes = [event[0] for event in events(site)]
        self.assertEqual(codes.count(records.TRIP), 1)
        self.assertEqual((len(trips), site.recorder.untold), (2, 1))

    def test_an_incident_that_found_no_memory_comes_in_the_next_step(self):
        site = RecordedSite()
        site.run_ms(3000)
        events(site)
        append = site.lanes.events.append

        def scarce(kind, payload):
            site.lanes.events.append = append
            raise MemoryError

        site.recorder._bus_log.put(0, incidents.UNIT_BACK, 0, 0)
        site.lanes.events.append = scarce
        with self.assertRaises(MemoryError):
            site.recorder.step()
        site.recorder.step()
        self.assertEqual([event[6] for event in events(site)], ["answers again"])

    def test_a_change_that_cannot_be_recorded_at_all_is_given_up_and_counted(self):
        site = RecordedSite()
        site.run_ms(3000)
        site.recorder._changes.put(0, 254, 3, 1, 0)  # no rule has this number
        for _ in range(3):
            with self.assertRaises(KeyError):
                site.recorder.step()
        site.recorder.step()
        self.assertEqual(site.recorder.changes_failed, 1)

    def test_trip_is_on_flash_at_once(self):
        site = RecordedSite(flush_ms=100000)
        site.run_ms(3000)
        site.wire.registers[0x000A] = 3700
        while site.enforcer.closed[0]:
            site.run_ms(20)
        site.run_ms(20)
        self.assertTrue(site.lanes.events.ring.next - 1 - site.lanes.events.stored <= 2)

    def test_what_somebody_ordered_is_on_flash_at_once(self):
        site = RecordedSite(flush_ms=100000)
        site.recorder.note(records.COMMAND, records.NO_RACK, "limit: done")
        site.lanes.step(site.clock.ticks())
        self.assertEqual(site.lanes.events.stored, site.lanes.events.ring.next - 1)

    def test_latest_events_are_few_and_newest_last(self):
        site = RecordedSite()
        site.run_ms(1000)
        for number in range(20):
            site.recorder.note(records.STOP, records.NO_RACK, "note %d" % number)
        self.assertEqual(len(site.recorder.latest), 16)
        self.assertIn("note 19", site.recorder.latest[-1][1])


if __name__ == "__main__":
    unittest.main()
