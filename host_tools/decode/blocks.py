"""A rack's part of a chunk: from a message of the uplink, or from set records on flash."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from gateway.telemetry import records as layout
from host_tools.decode.frames import Chain, Frame, find_section
from host_tools.decode.records import DecodeError, NewerVersionError, Packed, rack_text

__all__ = ["Block", "Frame", "decode_block", "decode_sets"]

LARGEST_MESSAGE = 1 << 20  # a chunk of the largest racks and the worst data stays far below

_BLOCK = struct.Struct(layout.BLOCK)
_TIME = struct.Struct(layout.BLOCK_TIME)
_SET = struct.Struct(layout.SET_PAYLOAD)
_CHECKSUM = struct.Struct("<I")


@dataclass(slots=True)
class Block:
    """Frames of one rack in the order of time.

    `first` and `last` are sequence numbers of the chunk's records in `lane` of boot `boot`; both
    are 0 in a live message. (boot, lane, first, rack) identifies a block of one gateway for ever.
    """

    version: int
    lane: int
    boot: int
    first: int
    last: int
    rack: int
    frames: list[Frame] = field(default_factory=list)


def decode_block(message: bytes) -> Block:
    """The block in one message; DecodeError when anything about it is wrong."""
    if not _BLOCK.size + _CHECKSUM.size <= len(message) <= LARGEST_MESSAGE:
        raise DecodeError(f"a message of {len(message)} bytes is no block")
    version, lane, rack, _, count, boot, first, last = _BLOCK.unpack_from(message)
    body = message[: -_CHECKSUM.size]
    whole = _CHECKSUM.unpack_from(message, len(body)) == (zlib.crc32(body),)
    if version != layout.VERSION:
        raise (NewerVersionError if whole else DecodeError)(
            f"block version {version}, known is {layout.VERSION}"
        )
    if not whole:
        raise DecodeError("block: checksum")
    where = f"block of {rack_text(rack)}, boot {boot}, lane {lane}, records {first} to {last}"
    try:
        frames = _frames(body, rack, count)
    except DecodeError as error:
        raise DecodeError(f"{where}: {error}") from error
    if lane >= len(layout.LANES) or first > last:
        raise DecodeError(f"{where}: there is no such lane or range")
    return Block(version, lane, boot, first, last, rack, frames)


def _frames(body: bytes, rack: int, count: int) -> list[Frame]:
    chain: Chain | None = None
    frames: list[Frame] = []
    at = _BLOCK.size
    for _ in range(count):
        if at + _TIME.size > len(body):
            raise DecodeError(f"ends after {len(frames)} of {count} frames")
        uptime_ms, low, high, quality = _TIME.unpack_from(body, at)
        section = find_section(body, at + _TIME.size)
        if section.rack != rack:
            raise DecodeError(f"holds a section of {rack_text(section.rack)}")
        if section.is_key:
            chain = Chain()
        if chain is None:
            raise DecodeError("does not begin with a key section")
        frames.append(chain.decode(section, uptime_ms, high << 32 | low, quality))
        at = section.end
    if at != len(body):
        raise DecodeError(f"{len(body) - at} bytes behind {count} frames")
    return frames


def decode_sets(records: Iterable[Packed], problems: list[str]) -> Iterator[Block]:
    """Blocks of all chunks among the set records of one gateway, each as its chunk ends.

    The records stand in the order in which they were written. What cannot be decoded because a
    record of its chunk is missing or bad is left out, never guessed, and named in `problems`.
    """
    chunk = _Chunk(0, 0, 0, problems)
    for record in records:
        try:
            first, _, count, _ = _SET.unpack_from(record.payload)
        except struct.error:
            problems.append(f"{_where(record)}: is no set of samples")
            continue
        if (record.boot, record.lane, first) != (chunk.boot, chunk.lane, chunk.first):
            yield from chunk.blocks.values()
            chunk = _Chunk(record.boot, record.lane, first, problems)
        chunk.take(record, count)
    yield from chunk.blocks.values()


class _Chunk:
    def __init__(self, boot: int, lane: int, first: int, problems: list[str]) -> None:
        self.boot = boot
        self.lane = lane
        self.first = first
        self.blocks: dict[int, Block] = {}  # by rack
        self._problems = problems
        self._chains: dict[int, Chain] = {}  # of those racks that can be decoded on
        self._expected = first

    def take(self, record: Packed, count: int) -> None:
        if record.seq != self._expected:
            lost = f"records {self._expected} to {record.seq - 1} of its chunk are missing"
            self._problems.append(f"{_where(record)}: {lost}")
            self._chains.clear()
        self._expected = record.seq + 1
        try:
            skipped = self._sections(record, count)
        except DecodeError as error:
            self._problems.append(f"{_where(record)}: {error}")
            self._chains.clear()
            return
        if skipped:
            racks = ", ".join(map(rack_text, skipped))
            self._problems.append(f"{_where(record)}: {racks}: need what is missing")

    def _sections(self, record: Packed, count: int) -> list[int]:
        """Decode; the racks that could not be, for want of what went before."""
        skipped = []
        at = _SET.size
        for _ in range(count):
            section = find_section(record.payload, at)
            at = section.end
            if section.is_key:
                self._chains[section.rack] = Chain()
            chain = self._chains.get(section.rack)
            if chain is None:
                skipped.append(section.rack)
                continue
            frame = chain.decode(section, record.uptime_ms, record.utc_ms, record.clock_quality)
            self._block(section.rack, record.seq).frames.append(frame)
        if at != len(record.payload):
            raise DecodeError(f"{len(record.payload) - at} bytes behind its sections")
        return skipped

    def _block(self, rack: int, seq: int) -> Block:
        block = self.blocks.get(rack)
        if block is None:
            block = Block(layout.VERSION, self.lane, self.boot, self.first, seq, rack)
            self.blocks[rack] = block
        block.last = seq
        return block


def _where(record: Packed) -> str:
    return f"boot {record.boot}, lane {record.lane}, record {record.seq}"
