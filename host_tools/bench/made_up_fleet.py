"""Messages as gateways send them, made with the device's own encoders and made-up readings."""

from __future__ import annotations

import random
import struct
import zlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass

from gateway.clock import NTP
from gateway.telemetry import records as layout
from gateway.telemetry.sections import SetEncoder, largest_section_bytes

SITE = "plant-7"
START_MS = 1_800_000_000_000

Sent = tuple[str, bytes]  # topic, payload


@dataclass(frozen=True)
class MadeUpGateway:
    """One gateway in one boot; the same arguments give the same messages."""

    name: str
    boot: int = 1
    racks: int = 2
    cells: int = 16
    temps: int = 4
    frames: int = 60  # of a chunk
    period_ms: int = 60_000
    clock_quality: int = NTP
    lane: int = layout.MINUTE

    def topic(self, stream: str) -> str:
        """Where `stream` is published."""
        return f"bess/v1/{SITE}/{self.name}/{stream}"

    def chunk(self, number: int) -> Iterator[Sent]:
        """The blocks of chunk `number` from 0, one per rack; each frame is one record."""
        first = number * self.frames + 1
        for rack in range(self.racks):
            yield self.topic("blocks"), self._block(rack, first)

    def events(self, first: int, count: int) -> Sent:
        """A batch of events with sequence numbers from `first` on."""
        framed = [
            self.record(
                layout.EVENT,
                seq,
                layout.encode_event(
                    layout.LEVEL_SET, seq % self.racks, 3, 1, seq, 9, f"no. {seq}"
                ),
            )
            for seq in range(first, first + count)
        ]
        return self.batch(first, *framed)

    def batch(self, first: int, *framed: bytes, lane: int = layout.EVENTS) -> Sent:
        """Records as one message of the log."""
        head = struct.pack(layout.BATCH, layout.VERSION, lane, self.boot, first, len(framed))
        return self.topic("log"), head + b"".join(framed)

    def record(
        self, kind: int, seq: int, payload: bytes, lane: int = layout.EVENTS, uptime_ms: int = -1
    ) -> bytes:
        """One record; of second `seq` unless the uptime is given."""
        uptime_ms = seq * 1000 if uptime_ms < 0 else uptime_ms
        utc_ms = self._utc_ms(uptime_ms)
        return layout.encode(kind, seq, uptime_ms, utc_ms, self.clock_quality, payload, lane)

    def readings(self, rack: int, first: int) -> Iterator[tuple[array[int], array[int]]]:
        """Cells and temperatures of each frame of the chunk that begins with record `first`."""
        dice = random.Random(f"{self.name} {self.boot} {rack} {first}")
        spread = [dice.randrange(-20, 20) for _ in range(self.cells)]
        for step in range(self.frames):
            mean = 3300 + step // 4
            noise = [dice.choice((-1, 0, 0, 0, 1)) for _ in range(self.cells)]
            cells = array("H", (mean + s + n for s, n in zip(spread, noise, strict=True)))
            yield cells, array("h", (230 + index % 7 for index in range(self.temps)))

    def _block(self, rack: int, first: int) -> bytes:
        last = first + self.frames - 1
        encoder = SetEncoder(rack + 1, self.cells, self.temps)
        room = largest_section_bytes(self.cells, self.temps)
        section = bytearray(room)
        parts = [
            struct.pack(
                layout.BLOCK,
                layout.VERSION,
                self.lane,
                rack,
                0,
                self.frames,
                self.boot,
                first,
                last,
            )
        ]
        for step, (cells, temps) in enumerate(self.readings(rack, first)):
            uptime_ms = (first + step) * self.period_ms & 0xFFFFFFFF
            utc_ms = self._utc_ms(uptime_ms)
            time = struct.pack(
                layout.BLOCK_TIME, uptime_ms, utc_ms & 0xFFFFFFFF, utc_ms >> 32, self.clock_quality
            )
            summary = self._summary(rack, first + step, uptime_ms, cells)
            end = encoder.encode(rack, summary, cells, temps, 300, step == 0, section, 0)
            parts += [time, bytes(section[:end])]
        body = b"".join(parts)
        return body + struct.pack("<I", zlib.crc32(body))

    def _summary(self, rack: int, seq: int, uptime_ms: int, cells: array[int]) -> list[int]:
        highest, lowest = max(cells), min(cells)
        values = {
            "rack": rack,
            "quality": 1,
            "rule": 255,
            "acquired_ms": uptime_ms,
            "summary_number": seq,
            "rack_voltage_dv": sum(cells) // 100,
            "rack_current_da": -897,
            "soc_pm": 500,
            "soh_pm": layout.NO_UNSIGNED,
            "cell_max_mv": highest,
            "cell_max_index": cells.index(highest),
            "cell_min_mv": lowest,
            "cell_min_index": cells.index(lowest),
            "cell_mean_mv": sum(cells) // len(cells),
            "temp_max_dc": 236,
            "temp_min_dc": layout.NO_SIGNED,
            "relay": 1,
        }
        return [values.get(name, 0) for name in layout.SAMPLE_FIELDS]

    def _utc_ms(self, uptime_ms: int) -> int:
        return uptime_ms + (START_MS if self.clock_quality else 0)
