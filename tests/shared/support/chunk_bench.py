"""Sets as a lane of samples takes them, and its messages taken apart by the layout alone."""

import binascii
import struct

from lane_bench import next_length

from gateway.telemetry import records


def section(rack, instant, size=40):
    """A section whose bytes tell where it belongs."""
    body = bytes([rack, instant & 0xFF]) + bytes(size - 2)
    flags = records.KEY if instant == 0 else 0
    return struct.pack(records.SECTION, rack, flags, size - 5, 3, 2, 7) + body


def add_chunk(lanes, lane, instants, racks=3, size=40, parts=1, every_ms=1000):
    """A chunk of `instants`, each in `parts` records; returns its first number."""
    clock = lanes.clock
    chunk = lane.begin_chunk()
    for instant in range(instants):
        clock.advance(every_ms)
        for part in range(parts):
            mine = range(part * racks // parts, (part + 1) * racks // parts)
            body = b"".join([section(rack, instant, size) for rack in mine])
            payload = struct.pack(records.SET_PAYLOAD, chunk, instant, len(mine), 0) + body
            lane.append(records.SET, payload)
        lanes.step(clock.ticks())
    return chunk


class Block:
    """One message of topic `blocks`, taken apart by the layout alone."""

    def __init__(self, message):
        assert struct.unpack("<I", message[-4:])[0] == binascii.crc32(message[:-4])
        head = struct.unpack(records.BLOCK, message[: records.BLOCK_BYTES])
        self.version, self.lane, self.rack, _, count, self.boot, self.first, self.last = head
        self.instants = []
        self.uptimes = []
        offset = records.BLOCK_BYTES
        for _ in range(count):
            time = message[offset : offset + records.BLOCK_TIME_BYTES]
            self.uptimes.append(struct.unpack(records.BLOCK_TIME, time)[0])
            offset += records.BLOCK_TIME_BYTES
            rack, flags, cells, temps, summary, age = struct.unpack(
                records.SECTION, message[offset : offset + records.SECTION_BYTES]
            )
            assert rack == self.rack and age == 7
            offset += records.SECTION_BYTES
            assert message[offset] == rack
            self.instants.append(message[offset + 1])
            assert (flags == records.KEY) == (message[offset + 1] == 0)
            offset += cells + temps + summary
        assert offset == len(message) - 4

    def key(self):
        return self.boot, self.first, self.last, self.rack


class Log:
    """One message of topic `log`: the kinds and numbers of its records."""

    def __init__(self, message):
        _, self.lane, self.boot, first, count = struct.unpack(records.BATCH, message[:12])
        self.records = []
        offset = records.BATCH_BYTES
        for number in range(first, first + count):
            length = records.check(message, offset, len(message))
            assert length and records.sequence_of(message, offset) == number
            payload = message[offset + records.HEADER_BYTES : offset + length]
            self.records.append((number, message[offset + 1], payload))
            offset += length
        assert offset == len(message)

    def gaps(self):
        return [
            struct.unpack(records.GAP_PAYLOAD, payload)
            for _, kind, payload in self.records
            if kind == records.GAP
        ]


def next_message(source, buffer):
    """The next message taken apart, or None."""
    length = next_length(source, buffer)
    if not length:
        return None
    return (Block if source.topic == "blocks" else Log)(bytes(buffer[:length]))
