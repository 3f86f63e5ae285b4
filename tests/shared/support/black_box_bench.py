"""A site whose racks are on wires, recorded as the application does it, with a black box."""

import gc
import struct

from enforcer_bench import Site
from fake_hardware import Flag, MemoryStorage, QuietLog
from lane_bench import next_length, open_from_one

from gateway.rack.incidents import Incidents
from gateway.telemetry import box_records, records
from gateway.telemetry.black_box import BlackBox
from gateway.telemetry.box_rations import BoxRations
from gateway.telemetry.lanes import Lanes
from gateway.telemetry.rack_summary import RackSummary
from gateway.telemetry.recorder import Recorder
from gateway.telemetry.rewind import Rewind
from gateway.telemetry.sampler import Sampler

CELL_MAX, CELL_MIN, TEMP_MAX = 0x000A, 0x000C, 0x000F
ESTOP = 1  # input
CELLS, TEMPS = 4, 2  # of a rack


def open_lanes(storage, clock, segment_bytes=131072, capacity_bytes=8 << 20, events_pm=250):
    lanes = Lanes(
        storage,
        clock,
        Flag(),
        segment_bytes=segment_bytes,
        capacity_bytes=capacity_bytes,
        events_pm=events_pm,
        flush_ms=60000,
    )
    open_from_one(lanes, storage, clock)
    return lanes


class BlackBoxSite(Site):
    """Stepped in 5 ms, recorded every 20 ms. `each` is called behind every recording."""

    def __init__(
        self,
        storage=None,
        rewind_s=60,
        aftermath_s=10,
        cells=CELLS,
        racks=2,
        part_bytes=3800,
        **flash,
    ):
        super().__init__(racks=racks, telemetry={"aftermath_s": aftermath_s})
        self.storage = storage or MemoryStorage()
        self.lanes = open_lanes(self.storage, self.clock, **flash)
        self.rewind = Rewind(racks, cells, TEMPS, rewind_s)
        summary = RackSummary(self.enforcer, self.clock)
        self.box = BlackBox(
            self.lanes.events,
            BoxRations(self.lanes, racks, self.clock.ticks()),
            self.rewind,
            self.enforcer,
            self.settings,
            summary.fill,
            self.clock,
            part_bytes,
        )
        self.recorder = Recorder(
            self.lanes.events,
            self.enforcer,
            self.changes,
            Incidents(),
            self.settings,
            self.clock,
            QuietLog(),
            self.box.trip,
        )
        data = [protection.data for protection in self.protections]
        self.sampler = Sampler(data, summary, self.rewind, [], self.clock, 500)
        self.each = None
        self.writes = True  # the box gets its turn

    def _relay_of(self, index):
        return lambda: self.relays.state[index] == 1

    def run_ms(self, duration_ms, step_ms=5):
        for elapsed_ms in range(0, duration_ms, step_ms):
            now = self.clock.advance(step_ms)
            self.enforcer.step(now)
            if elapsed_ms % 20 == 0:
                self._record(now)

    def _record(self, now):
        self.recorder.step()
        self.lanes.step(now)
        if self.writes:
            self.box.step(now)
        self.sampler.step(now)
        if self.each is not None:
            self.each()

    def trip(self, rack=0):
        """A cell far above its limit: trips a second later."""
        self.wires[rack].registers[CELL_MAX] = 3700


class Part:
    """One record of a box."""

    def __init__(self, boot, sequence, payload):
        self.boot = boot
        self.sequence = sequence
        self.payload = payload
        self.what, self.rack, self.box, self.number = struct.unpack(
            box_records.PART, payload[: box_records.PART_BYTES]
        )

    @property
    def body(self):
        return self.payload[box_records.PART_BYTES :]

    @property
    def header(self):
        """Fields of a header, without the rest."""
        return struct.unpack(box_records.HEADER_PAYLOAD, self.body[: box_records.HEADER_BYTES])

    def blocks(self):
        """(stream, rack, bytes, uptime of the first frame, cells, sensors) of each."""
        found = []
        offset = 0
        body = self.body
        while offset < len(body):
            head = struct.unpack(
                box_records.BLOCK, body[offset : offset + box_records.BLOCK_BYTES]
            )
            found.append(head)
            offset += box_records.BLOCK_BYTES + head[2]
        assert offset == len(body), "a block is cut off"
        return found


def read_events(lanes):
    """(boot, sequence, kind, payload) of every record of the events lane, from the beginning."""
    gc.collect()  # the heap is small
    source = lanes.sources()[0]
    buffer = memoryview(bytearray(4200))
    found = []
    length = next_length(source, buffer)
    while length:
        message = bytes(buffer[:length])
        boot = struct.unpack(records.BATCH, message[: records.BATCH_BYTES])[2]
        offset = records.BATCH_BYTES
        while offset < length:
            size = records.check(message, offset, length)
            assert size, "bad record in a batch"
            payload = message[offset + records.HEADER_BYTES : offset + size]
            kind = message[offset + 1]
            found.append((boot, records.sequence_of(message, offset), kind, payload))
            offset += size
        length = next_length(source, buffer)
    return found


def parts_of(lanes):
    """Every part of every box, in the order of the records."""
    return [
        Part(boot, sequence, payload)
        for boot, sequence, kind, payload in read_events(lanes)
        if kind == records.BLACK_BOX
    ]


def events_of(lanes):
    """(code, rack, rule, level, value, limit, text) of every event."""
    found = []
    for _, _, kind, payload in read_events(lanes):
        if kind == records.EVENT:
            fields = struct.unpack(records.EVENT_PAYLOAD, payload[: records.EVENT_BYTES])
            found.append(fields + (payload[records.EVENT_BYTES :].decode(),))
    return found
