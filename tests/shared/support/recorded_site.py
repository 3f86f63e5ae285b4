"""A site of one rack on a wire, with everything that records it; stepped by hand."""

from array import array

from bus_bench import generic_map, tcp_link, tcp_poller
from fake_hardware import FakeDeadMan, FakeRelays, Flag, HandClock, MemoryStorage, QuietLog
from protection_bench import Inputs
from rack_wire import LiveRack
from sample_site import settings

from gateway.outputs.enforcer import Enforcer
from gateway.protection.changes import Changes
from gateway.protection.engine import RackProtection
from gateway.protection.interlocks import Interlocks
from gateway.protection.shared_settings import SharedSettings
from gateway.rack.bus import Bus
from gateway.rack.data import RackData
from gateway.rack.incidents import Incidents
from gateway.telemetry import records
from gateway.telemetry.lanes import Lanes
from gateway.telemetry.rack_summary import RackSummary
from gateway.telemetry.recorder import Recorder
from gateway.telemetry.sampler import Sampler
from gateway.telemetry.tier import Tier

PERIOD_MS = 500


class Memory:
    """Takes what the sampler hands out, as the memory of the last minute does."""

    def __init__(self):
        self.samples = []
        self.scans = []

    def take_summary(self, rack, values, uptime_ms):
        self.samples.append(dict(zip(records.SAMPLE_FIELDS, values)))

    def take_cells(self, rack, cells, temps, acquired_ms):
        self.scans.append((list(cells), None if temps is None else list(temps), acquired_ms))


class RecordedSite:
    """Stepped in 1 ms; recorded every 20 ms as the application does."""

    def __init__(self, log=None, message_bytes=4096, trip=None, **lanes):
        self.clock = HandClock()
        now = self.clock.ticks()
        loaded = settings(racks=1, outputs={"arm_delay_ms": 1000})
        self.wire = LiveRack()
        changes = Changes()
        self.data = RackData(0, "rack01", 4, 2, 1100, now)
        incidents = Incidents()
        poller = tcp_poller(self.data, generic_map(4), now, incidents)
        buses = [Bus("rack", tcp_link(self.wire), [poller], now)]
        relays = FakeRelays(1)
        self.wire.relay = lambda: relays.state[0] == 1
        interlocks = Interlocks(loaded, Inputs(), changes, now)
        protection = RackProtection(self.data, SharedSettings(loaded), interlocks, changes)
        self.enforcer = Enforcer(
            buses, [poller], [protection], interlocks, relays, FakeDeadMan(), loaded, now
        )
        sizes = {
            "segment_bytes": 65536,
            "capacity_bytes": 1 << 20,
            "events_pm": 250,
            "flush_ms": 1000,
        }
        self.lanes = Lanes(MemoryStorage(), self.clock, Flag(), **(sizes | lanes))
        self.lanes.open()
        self.summary = RackSummary(self.enforcer, self.clock)
        self.memory = Memory()
        self.tier = Tier(
            self.lanes.fine, [self.data], self.summary, self.clock, 1000, message_bytes
        )
        self.sampler = Sampler(
            [self.data], self.summary, self.memory, [self.tier], self.clock, PERIOD_MS
        )
        self.recorder = Recorder(
            self.lanes.events,
            self.enforcer,
            changes,
            incidents,
            loaded,
            self.clock,
            log or QuietLog(),
            trip,
        )
        self._sources = self.lanes.sources()
        self._buffer = memoryview(bytearray(16384))

    def run_ms(self, duration_ms):
        for number in range(duration_ms):
            now = self.clock.advance(1)
            self.enforcer.step(now)
            if number % 20 == 0:
                self.recorder.step()
                self.lanes.step(now)
                self.sampler.step(now)

    def now(self):
        """What would be recorded of the rack at this moment, by the names of the fields."""
        values = array("i", [0] * len(records.SAMPLE_FIELDS))
        self.summary.fill(0, values)
        return dict(zip(records.SAMPLE_FIELDS, values))

    def messages(self, lane):
        """(topic, message) of everything that a lane has to send; it counts as delivered then."""
        source = self._sources[lane]
        found = []
        while True:
            length = source.next(self._buffer)
            if length:
                found.append((source.topic, bytes(self._buffer[:length])))
                source.release(source.mark)
            elif not source.busy:
                return found

    def records(self, lane):
        """(kind, payload) of the records in the batches of a lane."""
        found = []
        for topic, message in self.messages(lane):
            offset = records.BATCH_BYTES if topic == "log" else len(message)
            while offset < len(message):
                length = records.check(message, offset, len(message))
                payload = message[offset + records.HEADER_BYTES : offset + length]
                found.append((message[offset + 1], payload))
                offset += length
        return found
