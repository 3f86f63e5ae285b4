"""A life on flash, written down step by step, and what a start after any cut has to find."""

import struct

from fake_hardware import Flag, HandClock

from gateway.telemetry import records
from gateway.telemetry.lane_reader import LaneReader
from gateway.telemetry.lanes import Lanes

FLUSH_MS = 2000
CONFIG = "site.cfg"
CONFIG_BYTES = 700
_SEGMENT_BYTES = 8192
_MOST = 2048  # records of a lane
_BURST = 6  # records of a black box
_BURST_BYTES = 3000


def open_lanes(storage, clock, capacity_bytes=53248):
    lanes = Lanes(
        storage,
        clock,
        Flag(),
        segment_bytes=_SEGMENT_BYTES,
        capacity_bytes=capacity_bytes,
        events_pm=400,
        flush_ms=FLUSH_MS,
        instant_bytes=4096,
        fine=True,
    )
    lanes.open()
    return lanes


def body(lane, number, size, boot=1):
    """What record `number` of a lane says in that boot: recognised again by `_is_right`."""
    seed = lane * 77 + number + boot * 131
    return struct.pack("<HHI", lane, boot, number) + bytes(
        [(seed + place) & 0xFF for place in range(size)]
    )


def config(version):
    return bytes([version]) * CONFIG_BYTES


def write_config(storage, version):
    """As the settings and latches are written: beside, then renamed."""
    with storage.open("new", "wb") as file:
        file.write(config(version))
    storage.rename("new", CONFIG)


class Life:
    """Runs a few minutes of work; `stones` says after each step what must not be lost any more.

    A stone: operations of the flash so far; per lane the first record that is still there and
    wanted, the last that is stored, the last that is delivered; the version of the configuration.
    """

    def __init__(self, storage, done):
        """On a new volume, or behind another life on it."""
        self._storage = storage
        self._done = done  # () -> operations so far
        self._clock = HandClock()
        self._version = 1
        self.stones = []
        write_config(storage, 1)
        self._clock.utc_quality = 0  # so its boot is 1
        self._lanes = open_lanes(storage, self._clock)
        self.boot = self._lanes.boot
        self._sources = self._lanes.sources()
        self._buffer = memoryview(bytearray(8192))
        self._put_stone()

    def run(self, rounds=2):
        for number in range(rounds):
            self._samples(40)
            self._events(12)
            self._box()
            self._deliver(number)
            self._version += 1
            write_config(self._storage, self._version)
            self._put_stone()

    def end(self):
        """All is delivered and deleted; what was written stands in blocks that are free now."""
        self._lanes.close()
        for name in self._storage.names():
            if name != "boot":
                self._storage.remove(name)

    def _samples(self, count):
        for number in range(count):
            for lane in (self._lanes.fine, self._lanes.minute):
                if lane is self._lanes.minute and number % 6:
                    continue
                if lane.chunk_full(600) or number % 20 == 0:
                    lane.begin_chunk()
                head = struct.pack(records.SET_PAYLOAD, lane.open_chunk, number, 0, 0)
                lane.append(records.SET, head + self._body(lane, 300))
            self._step(300)

    def _events(self, count):
        for number in range(count):
            events = self._lanes.events
            events.append(records.EVENT, self._body(events, 40))
            if number % 3 == 0:
                events.flush()
            self._step(200)

    def _box(self):
        events = self._lanes.events
        for _ in range(_BURST):
            events.append(records.BLACK_BOX, self._body(events, _BURST_BYTES))
            events.flush()
            self._step(20)

    def _body(self, lane, size):
        return body(lane.number, lane.ring.next, size, self.boot)

    def _deliver(self, number):
        """Some of the events are acknowledged; the cursor goes to flash, passed files go."""
        source = self._sources[0]
        for _ in range(1 + number):
            if source.next(self._buffer):
                source.release(source.mark)
        for _ in range(4):
            self._step(10000)

    def _step(self, time_ms):
        self._lanes.step(self._clock.advance(time_ms))
        self._put_stone()

    def _put_stone(self):
        marks = []
        for lane in self._lanes.all:
            kept = [segment.first for segment in lane.files.all if segment.last >= segment.first]
            first = min(kept) if kept else lane.stored + 1
            delivered = lane.delivered[1] if lane.delivered[0] == self.boot else 0
            marks.append((max(first, delivered + 1), lane.stored, delivered))
        self.stones.append((self._done(), marks, self._version))


def losses(stones, operations, storage, boot=1):
    """What a start on `storage` finds wrong of the life of that boot: a list of lines.

    The power failed after so many operations.
    """
    if storage.formatted:
        return ["formatted"]
    passed = len([stone for stone in stones if stone[0] <= operations])
    last = stones[max(0, passed - 1)]
    following = stones[min(passed, len(stones) - 1)]
    wrong = []
    lanes = open_lanes(storage, HandClock(), 110592)  # nothing has to go now
    if not passed:
        last = (0, ((1, 0, 0),) * len(lanes.all), 0)  # nothing was promised
    elif lanes.boot <= boot:
        wrong.append("boot %d" % lanes.boot)
    found = _config_version(storage)
    if not last[2] <= found <= following[2]:
        wrong.append("configuration %d instead of %d" % (found, last[2]))
    if lanes.corrupt:
        wrong.append("%d files damaged" % lanes.corrupt)
    for lane in lanes.all:
        first, _, delivered = following[1][lane.number]
        stored = last[1][lane.number][1]
        found = _Found(lane, boot)
        missing = [number for number in range(first, stored + 1) if not found.got[number]]
        if missing or found.bad:
            wrong.append("lane %d: missing %s, wrong %s" % (lane.number, missing, found.bad))
        untold = [n for n in range(delivered + 1, stored + 1) if not found.accounts_for(n)]
        if untold:
            wrong.append("lane %d: nobody knows of %s" % (lane.number, untold))
    lanes.events.append(records.EVENT, body(0, 1, 40))
    lanes.events.flush()
    if not lanes.events.stored or lanes.write_errors:
        wrong.append("does not write any more")
    return wrong


def _config_version(storage):
    """The version that the file holds; 0 when it is none."""
    try:
        with storage.open(CONFIG, "rb") as file:
            content = file.read()
    except OSError:
        return 0
    return content[0] if content and content == config(content[0]) else 0


class _Found:
    """What a reader of a lane gets: `got` numbers of a boot, `bad` that say something else."""

    def __init__(self, lane, boot):
        self._boot = boot
        self.got = bytearray(_MOST)
        self.bad = 0
        self.gaps = []
        self._reader = LaneReader(lane, HandClock())
        self._buffer = memoryview(bytearray(8192))
        self._key = (0, 0)
        self._read_on(lane)
        lane.step(0)  # what was found to be lost is told
        self._read_on(lane)

    def accounts_for(self, number):
        """It came, or a gap names it."""
        return self.got[number] or any(
            [
                first <= number <= last if boot == self._boot else boot > self._boot and not first
                for boot, first, last in self.gaps
            ]
        )

    def _read_on(self, lane):
        reader, buffer = self._reader, self._buffer
        while reader.read(self._key[0], self._key[1], buffer, 0) or reader.busy:
            if not reader.count:
                continue
            offset = 0
            for number in range(reader.first, reader.first + reader.count):
                length = records.check(buffer, offset, reader.end)
                payload = bytes(buffer[offset + records.HEADER_BYTES : offset + length])
                if reader.boot == self._boot:
                    self.got[number] = 1
                    kind = buffer[offset + 1]
                    self.bad += not _is_right(lane.number, number, kind, payload, reader.boot)
                if buffer[offset + 1] == records.GAP:
                    self.gaps.append(struct.unpack(records.GAP_PAYLOAD, payload))
                offset += length
            self._key = (reader.boot, reader.first + reader.count - 1)


def _is_right(lane, number, kind, payload, boot):
    if kind == records.GAP:
        return True
    if kind == records.SET:
        payload = payload[records.SET_BYTES :]
    return payload == body(lane, number, len(payload) - 8, boot)
