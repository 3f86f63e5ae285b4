"""What has arrived from a gateway over the broker; nothing of what it says about itself counts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from gateway.telemetry import records as layout
from host_tools.decode.blocks import Block, Frame, decode_block
from host_tools.decode.records import DecodeError, Key, Record, Sample, decode_message

_ABSENT = {
    name: layout.NO_SIGNED if name.startswith("temp_") or name == "rack_current_da" else nothing
    for name, nothing in (
        *((name, layout.NO_UNSIGNED) for name in layout.SAMPLE_FIELDS),
        ("contactor", layout.NO_UNSIGNED & 0xFF),
    )
}


@dataclass
class Chunk:
    """Part of a lane of samples: it has arrived when the block of every rack has."""

    last: int
    racks: set[int] = field(default_factory=set)


@dataclass
class Delivered:
    """Messages in the order in which they came.

    `records` of the log by key; `chunks` by (boot, lane, first sequence number). `samples` are
    those of live messages and of blocks. `duplicates` counts records and blocks that came again.
    `arrivals` holds (ms of the run's clock, newest utc_ms) of every message of the log and every
    live one.
    """

    racks: int
    records: dict[Key, Record] = field(default_factory=dict)
    chunks: dict[Key, Chunk] = field(default_factory=dict)
    samples: list[Sample] = field(default_factory=list)
    duplicates: int = 0
    messages: int = 0
    arrivals: list[tuple[int, int]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def keys(self) -> set[Key]:
        """Keys of everything in the lanes that arrived."""
        found = set(self.records)
        for (boot, lane, first), chunk in self.chunks.items():
            if len(chunk.racks) == self.racks:
                found |= {(boot, lane, number) for number in range(first, chunk.last + 1)}
        return found

    def take_log(self, payload: bytes, now_ms: int) -> None:
        """Note one message of the log topic."""
        self.messages += 1
        try:
            found = decode_message(payload)
        except DecodeError as error:
            self._wrong(error)
            return
        for record in found:
            if record.key in self.records:
                self.duplicates += 1
                if record != self.records[record.key]:
                    self.errors.append(f"{record.key} came twice with different content")
            self.records[record.key] = record
        if found:
            self.arrivals.append((now_ms, max(record.utc_ms for record in found)))

    def take_block(self, payload: bytes) -> None:
        """Note one message of the topic of blocks."""
        self.messages += 1
        try:
            block = decode_block(payload)
        except DecodeError as error:
            self._wrong(error)
            return
        chunk = self.chunks.setdefault(
            (block.boot, block.lane, block.first), Chunk(last=block.last)
        )
        if chunk.last != block.last:
            self.errors.append(f"a chunk of records {block.first} to {block.last}, {chunk.last}")
        if block.rack in chunk.racks:
            self.duplicates += 1
            return
        chunk.racks.add(block.rack)
        self.samples += _samples(block)

    def take_live(self, payload: bytes, now_ms: int) -> None:
        """Note one live summary."""
        try:
            told = json.loads(payload)
            values = {
                name: _ABSENT[name] if told[name] is None else int(told[name])
                for name in layout.SAMPLE_FIELDS
            }
            head = [int(told[name]) for name in ("boot", "uptime_ms", "utc_ms", "clock")]
        except (ValueError, TypeError, KeyError) as error:
            self.errors.append(f"live message {payload[:40]!r} is not understood: {error!r}")
            return
        boot, uptime_ms, utc_ms, quality = head
        self.arrivals.append((now_ms, utc_ms))
        self.samples.append(
            Sample(boot, 0, uptime_ms, utc_ms, quality, **values, lane=layout.FINE)
        )

    def _wrong(self, error: DecodeError) -> None:
        self.errors.append(f"message {self.messages}: {error}")


def _samples(block: Block) -> Iterator[Sample]:
    for frame in block.frames:
        yield _sample(block, frame)


def _sample(block: Block, frame: Frame) -> Sample:
    return Sample(
        block.boot,
        0,
        frame.uptime_ms,
        frame.utc_ms,
        frame.clock_quality,
        **frame.sample,
        lane=block.lane,
    )
