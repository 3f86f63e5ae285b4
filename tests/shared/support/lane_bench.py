"""What the tests of the lanes share: a reader like the uplink, and flash that fails on request."""

import struct

from fake_hardware import Flag, HandClock, MemoryStorage

from gateway.telemetry import records
from gateway.telemetry.lanes import EVENTS_RING_BYTES, Lanes

FLUSH_MS = 2000
RING = EVENTS_RING_BYTES // 84  # records of `fill` that are in RAM


class Flash(MemoryStorage):
    """Fails in parts: names in `unreadable`, every write, every remove, or above `limit` bytes."""

    def __init__(self, files=None, limit=None):
        super().__init__(files)
        self.unreadable = ()
        self.fail_reads = 0  # so many times
        self.no_writes = self.no_removes = False
        self.limit = limit
        self.writes = 0
        self.removed = 0

    def open(self, name, mode):
        if mode == "rb":
            if name in self.unreadable or self.fail_reads:
                self.fail_reads = max(0, self.fail_reads - 1)
                raise OSError(84)
            return super().open(name, mode)
        self.writes += 1
        if self.no_writes:
            raise OSError(5)
        if self.limit is not None and self.size() >= self.limit:
            raise OSError(28)
        return super().open(name, mode)

    def remove(self, name):
        if self.no_removes:
            raise OSError(5)
        super().remove(name)
        self.removed += 1

    def size(self):
        return sum(len(content) for content in self.files.values())

    def segments(self):
        return sorted(name for name in self.files if name.endswith(".seg"))


def open_lanes(
    storage,
    clock=None,
    segment_bytes=8192,
    capacity_bytes=1 << 20,
    random=None,
    count_from_one=True,
    **options,
):
    clock = clock or HandClock()
    lanes = Lanes(
        storage,
        clock,
        Flag(),
        segment_bytes=segment_bytes,
        capacity_bytes=capacity_bytes,
        events_pm=250,
        flush_ms=FLUSH_MS,
        random=random,
        **options,
    )
    if count_from_one:
        open_from_one(lanes, storage, clock)
    else:
        lanes.open()
    return lanes


def open_from_one(lanes, storage, clock):
    """Open lanes so that boots of a new flash are 1, 2, 3: easier to read in a test."""
    quality = clock.utc_quality
    if _is_new(storage):
        clock.utc_quality = 0  # without a clock and without dice it is the next number
    lanes.open()
    clock.utc_quality = quality


def _is_new(storage):
    try:
        return not storage.formatted and not storage.names()
    except OSError:
        return False


class EventsLane:
    """The lane of events with the lanes' step and one consumer: what most tests look at."""

    def __init__(self, storage, clock=None, **options):
        self.lanes = open_lanes(storage, clock, **options)
        self.lane = self.lanes.events
        self.source = self.lanes.sources()[0]
        self.boot = self.lanes.boot
        self.step = self.lanes.step
        self.close = self.lanes.close
        self.append = self.lane.append
        self.flush = self.lane.flush
        self.write_cursor = self.lane.disposal.write_cursors

    @property
    def cursor(self):
        return self.lane.cursors["uplink"].key

    def release(self, boot, sequence):
        self.source.release((boot, sequence))

    @property
    def stored(self):
        return self.lane.stored

    @property
    def backlog(self):
        return self.source.backlog

    @property
    def dropped(self):
        return self.lanes.dropped

    @property
    def corrupt(self):
        return self.lanes.corrupt

    @property
    def write_errors(self):
        return self.lanes.write_errors


def fill(journal, count, size=60, clock=None, step_ms=40):
    """Append `count` samples; with a clock also step, else keep them on flash by `flush`."""
    body = bytes(size)
    for number in range(count):
        journal.append(records.EVENT, body)
        if clock is not None:
            journal.step(clock.advance(step_ms))
        elif number % 40 == 39:
            journal.flush()


def drop_oldest(lane):
    """Delete the oldest file, in as many calls as that takes."""
    files = len(lane.files.all)
    while len(lane.files.all) == files:
        assert lane.disposal.drop_oldest()


def next_length(source, buffer):
    """Length of the source's next message, however many calls that takes; 0 = none now."""
    length = source.next(buffer)
    for _ in range(5000):
        if length or not source.busy:
            return length
        length = source.next(buffer)
    raise AssertionError("busy for ever")


class Keys:
    """A set of (boot, sequence) for a small heap: a bit each."""

    def __init__(self):
        self._bits = {}
        self._count = 0
        self.latest = (0, 0)

    def add(self, key):
        if key in self:
            return
        bits = self._bits.setdefault(key[0], bytearray(1024))
        bits[key[1] >> 3] |= 1 << (key[1] & 7)
        self._count += 1
        self.latest = max(self.latest, key)

    def __contains__(self, key):
        bits = self._bits.get(key[0])
        return bits is not None and bits[key[1] >> 3] >> (key[1] & 7) & 1 == 1

    def __len__(self):
        return self._count


class Reader:
    """Reads from the cursor to the end; `keys` are what came, `gaps` what gap records name."""

    def __init__(self, journal, release=True, size=2048):
        self.keys = Keys()
        self.order = True
        self.gaps = []
        self._buffer = memoryview(bytearray(size))
        self._release = release
        self.go_on(journal)

    def go_on(self, journal):
        """The same in another session."""
        source = journal.source
        source.restart()
        last = journal.cursor
        length = next_length(source, self._buffer)
        while length:
            for key in self._parse(length):
                self.order = self.order and key > last
                last = key
                self.keys.add(key)
            assert last == source.mark
            if self._release:
                source.release(source.mark)
            length = next_length(source, self._buffer)

    def go_on_for(self, journal, clock, seconds):
        """Sessions one second after the other; the journal steps between them."""
        for _ in range(seconds):
            journal.step(clock.advance(1000))
            self.go_on(journal)

    def _parse(self, end):
        buffer = self._buffer
        version, _, boot, first, count = struct.unpack(records.BATCH, bytes(buffer[:12]))
        assert version == records.VERSION
        keys = []
        offset = records.BATCH_BYTES
        for number in range(first, first + count):
            length = records.check(buffer, offset, end)
            assert length, "bad record in a batch"
            assert records.sequence_of(buffer, offset) == number
            keys.append((boot, number))
            if buffer[offset + 1] == records.GAP:
                payload = bytes(buffer[offset + records.HEADER_BYTES : offset + length])
                self.gaps.append(struct.unpack(records.GAP_PAYLOAD, payload))
            offset += length
        assert offset == end
        return keys

    def unexplained(self, boot, last):
        """Sequence numbers 1..last that neither came nor are in a gap."""
        return [
            sequence
            for sequence in range(1, last + 1)
            if (boot, sequence) not in self.keys and not self.names(boot, sequence)
        ]

    def names(self, boot, sequence):
        for lost_boot, first, last in self.gaps:
            if lost_boot == boot and first <= sequence <= last:
                return True
            if first == 0 and (boot, sequence) <= (lost_boot, last):
                return True
        return False
