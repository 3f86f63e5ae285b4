"""What becomes a record: samples, cell frames and events from a site whose racks are on a wire."""

import struct
import unittest

from bus_bench import generic_map, tcp_link, tcp_poller
from fake_hardware import FakeDeadMan, FakeRelays, Flag, HandClock, MemoryStorage, QuietLog
from protection_bench import Inputs
from rack_wire import LiveRack
from sample_site import settings

from gateway.outputs.enforcer import Enforcer
from gateway.protection.changes import Changes
from gateway.protection.engine import RackProtection, rack_thresholds
from gateway.protection.interlocks import Interlocks
from gateway.rack.bus import Bus
from gateway.rack.data import GOOD, STALE, RackData
from gateway.rack.incidents import Incidents
from gateway.telemetry import records
from gateway.telemetry.journal import Journal
from gateway.telemetry.recorder import Recorder
from gateway.telemetry.sampler import Sampler


class Site:
    """One rack, stepped in 1 ms; sampled every 20 ms as the application does."""

    def __init__(self, log=None):
        self.clock = HandClock()
        now = self.clock.ticks()
        loaded = settings(racks=1, outputs={"arm_delay_ms": 1000})
        self.wire = LiveRack()
        changes = Changes()
        data = RackData(0, "rack01", 4, 2, 1100, now)
        incidents = Incidents()
        poller = tcp_poller(data, generic_map(4), now, incidents)
        buses = [Bus("rack", tcp_link(self.wire), [poller], now)]
        relays = FakeRelays(1)
        self.wire.relay = lambda: relays.state[0] == 1
        interlocks = Interlocks(loaded, Inputs(), changes, now)
        protection = RackProtection(data, loaded, rack_thresholds(loaded), interlocks, changes)
        self.enforcer = Enforcer(
            buses, [poller], [protection], interlocks, relays, FakeDeadMan(), loaded, now
        )
        self.journal = Journal(MemoryStorage(), self.clock, Flag(), 65536, 1 << 20, 1000)
        self.journal.open(True)
        self.sampler = Sampler(self.journal, self.enforcer, self.clock, 500, 10000)
        self.recorder = Recorder(
            self.journal,
            self.enforcer,
            changes,
            incidents,
            loaded,
            self.clock,
            log or QuietLog(),
        )
        self._buffer = memoryview(bytearray(16384))

    def run_ms(self, duration_ms):
        for number in range(duration_ms):
            now = self.clock.advance(1)
            self.enforcer.step(now)
            if number % 20 == 0:
                self.sampler.step(now)
                self.recorder.step()
                self.journal.step(now)

    def take(self, kind):
        """Payloads of one kind behind the cursor; releases everything."""
        payloads = []
        boot, sequence = self.journal.cursor
        while self.journal.read_batch(boot, sequence, self._buffer):
            message = bytes(self._buffer[: self.journal.batch_length])
            offset = records.BATCH_BYTES
            while offset < len(message):
                length = records.check(message, offset, len(message))
                if message[offset + 1] == kind:
                    payloads.append(message[offset + records.HEADER_BYTES : offset + length])
                offset += length
            boot, sequence = self.journal.batch_boot, self.journal.batch_last_seq
        self.journal.release(boot, sequence)
        return payloads

    def samples(self):
        return [
            dict(zip(records.SAMPLE_FIELDS, struct.unpack(records.SAMPLE_PAYLOAD, payload)))
            for payload in self.take(records.SAMPLE)
        ]

    def events(self):
        found = []
        for payload in self.take(records.EVENT):
            fields = struct.unpack(records.EVENT_PAYLOAD, payload[: records.EVENT_BYTES])
            found.append(fields + (payload[records.EVENT_BYTES :].decode(),))
        return found


class SampleTest(unittest.TestCase):
    def test_every_fresh_summary_becomes_one_sample(self):
        site = Site()
        site.run_ms(10000)
        samples = site.samples()
        self.assertEqual([each["summary_number"] for each in samples], list(range(1, 21)))
        self.assertEqual(samples[5]["quality"], GOOD)
        self.assertEqual(samples[5]["cell_max_mv"], 3310)
        self.assertEqual(samples[5]["rack_voltage_dv"], 6864)
        acquired = [each["acquired_ms"] for each in samples]
        self.assertEqual([b - a for a, b in zip(acquired[1:], acquired[2:])], [500] * 18)

    def test_a_silent_rack_still_gives_a_sample_per_period_and_says_so(self):
        site = Site()
        site.run_ms(5000)
        site.samples()
        site.wire.silent = True
        site.run_ms(10000)
        samples = site.samples()
        self.assertTrue(18 <= len(samples) <= 21, len(samples))
        self.assertEqual(samples[-1]["quality"], STALE)
        self.assertEqual(samples[-1]["summary_number"], samples[3]["summary_number"])

    def test_level_rule_limits_and_relay_are_in_the_sample(self):
        site = Site()
        site.run_ms(3000)
        self.assertEqual(site.samples()[-1]["relay"], 1)
        site.wire.registers[0x000A] = 3700
        site.run_ms(2500)
        last = site.samples()[-1]
        self.assertEqual((last["level"], last["rule"], last["relay"]), (3, 0, 0))
        self.assertEqual((last["charge_da"], last["discharge_da"]), (0, 0))

    def test_cells_are_recorded_once_per_cell_period(self):
        site = Site()
        site.run_ms(29500)
        frames = site.take(records.CELLS)
        self.assertEqual(len(frames), 3)
        rack, _, cells, temps, _ = struct.unpack(records.CELLS_PAYLOAD, frames[0][:10])
        self.assertEqual((rack, cells, temps), (0, 4, 2))
        self.assertEqual(
            struct.unpack("<4H2h", frames[0][10:]), (3300, 3301, 3302, 3303, 240, 241)
        )

    def test_what_the_bms_does_not_supply_is_no_number(self):
        site = Site()
        del site.wire.registers[0x0016]  # insulation
        del site.wire.registers[0x0013]  # mean temperature
        site.run_ms(4000)
        last = site.samples()[-1]
        self.assertEqual(last["insulation_kohm"], records.NO_UNSIGNED)
        self.assertEqual(last["temp_mean_dc"], records.NO_SIGNED)
        self.assertEqual((last["quality"], last["temp_max_dc"]), (GOOD, 250))

    def test_uptime_wraps_after_49_days_as_in_the_header(self):
        site = Site()
        site.run_ms(3000)
        site.samples()
        site.clock._uptime_ms += 1 << 32
        site.run_ms(1000)
        acquired = [each["acquired_ms"] for each in site.samples()]
        self.assertTrue(3000 < acquired[-1] <= 4000, acquired)


class BrokenLog(QuietLog):
    def info(self, message, *values):
        raise OSError(32)

    warning = info


class EventTest(unittest.TestCase):
    def test_record_is_on_flash_before_the_log_is_tried(self):
        site = Site(BrokenLog())
        with self.assertRaises(OSError):
            site.recorder.note(records.STOP, records.NO_RACK, "why")
        self.assertEqual(site.journal.stored, 1)
        self.assertEqual(site.events()[0][6], "why")
        self.assertIn("why", site.recorder.latest[-1][1])

    def test_trip_is_recorded_with_its_reason_and_its_effects(self):
        site = Site()
        site.run_ms(3000)
        site.events()
        site.wire.registers[0x000A] = 3700
        site.run_ms(2700)
        events = site.events()
        codes = [event[0] for event in events]
        trip = codes.index(records.TRIP)
        self.assertEqual(codes[trip : trip + 2], [records.TRIP, records.RELAY_OPENED])
        self.assertIn(records.CONTACTOR, codes)
        self.assertIn(records.OPENING_PROVEN, codes)
        self.assertEqual(events[trip][1:6], (0, 0, 3, 3700, 3650))
        self.assertIn("cell_overvoltage", events[trip][6])

    def test_what_the_bus_noticed_becomes_events_with_words(self):
        site = Site()
        del site.wire.registers[0x0016]
        site.run_ms(3000)
        site.wire.silent = True
        site.run_ms(3000)
        site.wire.silent = False
        site.run_ms(3000)
        texts = [event[6] for event in site.events() if event[0] == records.BUS]
        self.assertEqual(
            texts,
            [
                "register 0x0016 (1 of them) does not exist",
                "no answer to 3 requests in a row",
                "answers again",
            ],
        )

    def test_trip_is_on_flash_at_once(self):
        site = Site()
        site.run_ms(3000)
        site.wire.registers[0x000A] = 3700
        while site.enforcer.closed[0]:
            site.run_ms(20)
        site.run_ms(20)
        before = site.journal.stored
        site.events()
        self.assertTrue(site.journal.cursor[1] - before <= 2)

    def test_latest_events_are_few_and_newest_last(self):
        site = Site()
        site.run_ms(1000)
        for number in range(20):
            site.recorder.note(records.STOP, records.NO_RACK, "note %d" % number)
        self.assertEqual(len(site.recorder.latest), 8)
        self.assertIn("note 19", site.recorder.latest[-1][1])


if __name__ == "__main__":
    unittest.main()
