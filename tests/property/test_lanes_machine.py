"""The lanes against a model written from what they promise.

Any mixture of records, flushes, deliveries, power cuts, flipped bits, and a flash that is full,
fails or cannot delete. The model knows only the text: every record is delivered with the content
it was given, in order, or is named by a gap, or was not yet stored when the power went; a restart
delivers again only what the cursor on flash did not know; nothing is delivered that was never
appended. What a deleted file held is told even if the power went right behind the deletion.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Any

from fake_hardware import HandClock
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from lane_bench import FLUSH_MS, Flash, open_lanes

from gateway.telemetry import records

RACKS = 2
SEGMENT_BYTES = 8192
CAPACITY_BYTES = 73728
Key = tuple[int, int]  # boot, sequence


@dataclass
class Model:
    """What one lane was given, and what came out of it."""

    given: dict[Key, bytes] = field(default_factory=dict)
    came: set[tuple[int, int, int]] = field(default_factory=set)  # boot, sequence, rack
    named: list[tuple[int, int, int]] = field(default_factory=list)
    excused: set[Key] = field(default_factory=set)  # not on flash when the power went
    last: Key = (0, 0)  # since the last restart

    def is_named(self, key: Key) -> bool:
        return any(
            boot == key[0] and first <= key[1] <= last or (first == 0 and key <= (boot, last))
            for boot, first, last in self.named
        )

    def missing(self) -> list[Key]:
        return [
            key
            for key in self.given
            if not all((*key, rack) in self.came for rack in range(RACKS))
            and key not in self.excused
            and not self.is_named(key)
        ]


def set_body(number: int, size: int) -> bytes:
    """Sections of all racks; each says which record it was."""
    return b"".join(
        struct.pack(records.SECTION, rack, 0, size, 0, 4, 9)
        + struct.pack("<I", number)
        + bytes(size)
        for rack in range(RACKS)
    )


def last_record(content: bytes, first: int) -> tuple[int, int]:
    """Number and place of the last whole record of a file."""
    number, place, begin = first - 1, 0, 0
    length = records.check(content, 0, len(content))
    while length:
        number, begin, place = number + 1, place, place + length
        length = records.check(content, place, len(content))
    return number, begin


class SmallFilesFit(Flash):
    """Where pages find no room any more, files of a few bytes still do, as on LittleFS."""

    def open(self, name: str, mode: str) -> Any:
        limit = self.limit
        if not name.endswith(".seg"):
            self.limit = None
        try:
            return super().open(name, mode)
        finally:
            self.limit = limit


class Lanes(RuleBasedStateMachine):
    @initialize()
    def start(self) -> None:
        self.flash = SmallFilesFit()
        self.clock = HandClock()
        self.last_records: dict[str, tuple[int, int]] = {}
        self.models = [Model() for _ in records.LANES]
        self.buffer = memoryview(bytearray(8192))  # the largest chunks do not fit
        self.open()

    def open(self) -> None:
        self.lanes = open_lanes(
            self.flash,
            self.clock,
            segment_bytes=SEGMENT_BYTES,
            capacity_bytes=CAPACITY_BYTES,
            instant_bytes=6000,
        )
        self.sources = self.lanes.sources()
        for model in self.models:
            model.last = (0, 0)

    @rule(count=st.integers(1, 30), size=st.sampled_from([0, 40, 200, 1500]))
    def events(self, count: int, size: int) -> None:
        for _ in range(count):
            lane, model = self.lanes.events, self.models[records.EVENTS]
            payload = struct.pack("<I", lane.ring.next) + bytes(size)
            number = lane.append(records.EVENT, payload)
            model.given[self.lanes.boot, number] = payload
            self.lanes.step(self.clock.advance(20))

    @rule(
        which=st.sampled_from([records.MINUTE, records.FINE]),
        count=st.integers(1, 25),
        size=st.sampled_from([5, 150, 900]),
    )
    def samples(self, which: int, count: int, size: int) -> None:
        lane, model = self.lanes.all[which], self.models[which]
        for _ in range(count):
            expected = 40 + RACKS * (size + 12)
            if lane.chunk_full(expected) or lane.ring.next - lane.open_chunk >= 15:
                lane.begin_chunk()
            head = struct.pack(records.SET_PAYLOAD, lane.open_chunk, 0, RACKS, 0)
            body = set_body(lane.ring.next, size)
            number = lane.append(records.SET, head + body)
            model.given[self.lanes.boot, number] = body
            self.lanes.step(self.clock.advance(100))

    @rule(time_ms=st.sampled_from([1, 500, FLUSH_MS, 11000]), steps=st.integers(1, 12))
    def wait(self, time_ms: int, steps: int) -> None:
        for _ in range(steps):
            self.lanes.step(self.clock.advance(time_ms))

    @rule()
    def flush(self) -> None:
        self.lanes.flush()

    @rule(which=st.sampled_from([records.MINUTE, records.FINE]))
    def end_chunk(self, which: int) -> None:
        self.lanes.all[which].end_chunk()

    @rule(which=st.sampled_from(range(3)), messages=st.integers(1, 9))
    def deliver(self, which: int, messages: int) -> None:
        for _ in range(messages):
            self.take_message(which)

    @rule(which=st.sampled_from(range(3)))
    def new_session(self, which: int) -> None:
        source, model = self.sources[which], self.models[which]
        source.restart()
        model.last = self.lanes.all[which].cursors["uplink"].key

    @rule(which=st.integers(0, 40), place=st.integers(0, SEGMENT_BYTES), bit=st.integers(0, 7))
    def flip(self, which: int, place: int, bit: int) -> None:
        """A bit of a file that is not being written."""
        written = [lane.files.writer.segment for lane in self.lanes.all]
        busy = [segment.name for segment in written if segment is not None]
        names = [name for name in self.flash.segments() if name not in busy]
        if not names:
            return
        name = names[which % len(names)]
        content = bytearray(self.flash.files[name])
        if place >= len(content):
            return
        whole = last_record(bytes(content), int(name[10:18], 16))
        last, begin = self.last_records.setdefault(name, whole)  # before the first flip
        if place >= begin:  # it may look like a record that is not all there
            self.models["emf".index(name[0])].excused.add((int(name[1:9], 16), last))
        content[place] ^= 1 << bit
        self.flash.files[name] = bytes(content)

    @rule(reads=st.sampled_from([1, 3, 10]))
    def unreadable(self, reads: int) -> None:
        """So many of the next files that are opened cannot be read."""
        self.flash.fail_reads = reads

    @rule(files=st.sampled_from(["no_writes", "no_removes", "limit", "fine"]))
    def trouble(self, files: str) -> None:
        self.flash.fail_reads = 0
        self.flash.no_writes = files == "no_writes"
        self.flash.no_removes = files == "no_removes"
        self.flash.limit = 50000 if files == "limit" else None

    @precondition(lambda self: not self.flash.no_writes)
    @rule(graceful=st.booleans())
    def restart(self, graceful: bool) -> None:
        if graceful:
            self.lanes.close()
        for lane, model in zip(self.lanes.all, self.models, strict=True):
            self.excuse(model, lane.stored + 1, lane.ring.next - 1)
            for boot, first, last in lane.losses.ranges:
                assert boot <= self.lanes.boot
                if boot == self.lanes.boot:  # they may never have been on flash
                    self.excuse(model, first, last)
        self.flash = SmallFilesFit(self.flash.files)
        self.open()

    def excuse(self, model: Model, first: int, last: int) -> None:
        for number in range(first, last + 1):
            model.excused.add((self.lanes.boot, number))

    def next_message(self, which: int) -> int:
        source = self.sources[which]
        length = source.next(self.buffer)
        for _ in range(2000):
            if length or not source.busy:
                return length
            length = source.next(self.buffer)
        raise AssertionError("busy for ever")

    def take_message(self, which: int) -> bool:
        length = self.next_message(which)
        if not length:
            return False
        source = self.sources[which]
        message = bytes(self.buffer[:length])
        (self.block if source.topic == "blocks" else self.log)(which, message)
        source.release(source.mark)
        return True

    def log(self, which: int, message: bytes) -> None:
        model = self.models[which]
        _, lane, boot, first, count = struct.unpack_from(records.BATCH, message)
        assert lane == which
        offset = records.BATCH_BYTES
        for number in range(first, first + count):
            length = records.check(message, offset, len(message))
            assert length and records.sequence_of(message, offset) == number
            payload = message[offset + records.HEADER_BYTES : offset + length]
            assert (boot, number) > model.last
            model.last = (boot, number)
            if message[offset + 1] == records.GAP:
                model.named.append(struct.unpack(records.GAP_PAYLOAD, payload))
            else:
                assert model.given[boot, number] == payload
                model.came.update((boot, number, rack) for rack in range(RACKS))
            offset += length

    def block(self, which: int, message: bytes) -> None:
        model = self.models[which]
        _, lane, rack, _, count, boot, first, last = struct.unpack_from(records.BLOCK, message)
        assert lane == which and rack < RACKS
        assert (boot, last) >= model.last  # one block per rack
        model.last = max(model.last, (boot, last))
        offset = records.BLOCK_BYTES
        for _ in range(count):
            offset += records.BLOCK_TIME_BYTES
            at, _, cells, _, summary, _ = struct.unpack_from(records.SECTION, message, offset)
            size = records.SECTION_BYTES + cells + summary
            number = struct.unpack_from("<I", message, offset + records.SECTION_BYTES)[0]
            assert at == rack and first <= number <= last
            body = model.given[boot, number]
            part = len(body) // RACKS
            assert body[rack * part : (rack + 1) * part] == message[offset : offset + size]
            model.came.add((boot, number, rack))
            offset += size
        assert offset == len(message) - 4

    @invariant()
    def the_flash_holds_no_more_than_it_may(self) -> None:
        if not self.flash.no_removes:
            assert self.flash.size() <= CAPACITY_BYTES + 3 * SEGMENT_BYTES

    def teardown(self) -> None:
        """At last everything works again and all is delivered."""
        if not hasattr(self, "lanes"):
            return
        self.trouble("fine")
        for lane in self.lanes.all:
            lane.end_chunk()
        for _ in range(60):
            self.lanes.step(self.clock.advance(FLUSH_MS))
        for _ in range(3):
            for which in range(3):
                while self.take_message(which):
                    pass
            for _ in range(20):  # what was found to be lost meanwhile is told
                self.lanes.step(self.clock.advance(FLUSH_MS))
        for which, model in enumerate(self.models):
            assert model.missing() == [], (which, model.missing())
            assert self.sources[which].backlog == 0


Lanes.TestCase.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)
TestLanes = Lanes.TestCase
