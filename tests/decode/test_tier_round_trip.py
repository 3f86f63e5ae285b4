"""What a tier writes is what the decoder reads, by the uplink and from flash."""

from __future__ import annotations

import random
from array import array
from collections.abc import Iterator

from fake_hardware import Flag, HandClock, MemoryStorage
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.rack.data import CELL_ABSENT, TEMP_ABSENT, RackData
from gateway.telemetry import records
from gateway.telemetry.lanes import Lanes
from gateway.telemetry.tier import Tier, instant_bytes
from host_tools.decode.blocks import Block, decode_block

RACKS, CELLS, TEMPS = 3, 24, 8
PERIOD_MS = 1000


class Truth:
    """Fills samples and remembers them, by rack."""

    def __init__(self, chance: random.Random) -> None:
        self.samples: list[list[tuple[int, ...]]] = [[] for _ in range(RACKS)]
        self._chance = chance

    def fill(self, rack: int, values: array[int]) -> None:
        for field in range(len(values)):
            if self._chance.random() < 0.3:
                values[field] = self._chance.randint(0, 65535)
        values[records.SAMPLE_FIELDS.index("rack")] = rack
        for name in ("rack_current_da", "temp_max_dc", "temp_min_dc", "temp_mean_dc"):
            values[records.SAMPLE_FIELDS.index(name)] = self._chance.randint(-500, 500)
        for name in ("quality", "level", "rule", "contactor", "relay"):
            values[records.SAMPLE_FIELDS.index(name)] &= 0xFF
        self.samples[rack].append(tuple(values))


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 2**32), segment_bytes=st.sampled_from([8192, 32768]))
def test_every_value_comes_back(seed: int, segment_bytes: int) -> None:
    chance = random.Random(seed)
    clock = HandClock()
    lanes = Lanes(
        MemoryStorage(),
        clock,
        Flag(),
        segment_bytes=segment_bytes,
        capacity_bytes=1 << 20,
        events_pm=250,
        flush_ms=1000,
        instant_bytes=instant_bytes(RACKS, CELLS, TEMPS),
    )
    lanes.open()
    racks = [RackData(each, "", CELLS, TEMPS, 1100, clock.ticks()) for each in range(RACKS)]
    truth = Truth(chance)
    tier = Tier(lanes.fine, racks, truth, clock, PERIOD_MS, 4096)  # type: ignore[arg-type]
    scans: list[list[tuple[list[int], list[int]] | None]] = [[] for _ in range(RACKS)]
    for _ in range(chance.randint(1, 130)):
        for rack, data in enumerate(racks):
            _scan(data, chance)
            seen = data.cells_sequence, data.temps_sequence
            scans[rack].append((list(data.cells_mv), list(data.temps_dc)) if all(seen) else None)
        for _ in range(50):
            now = clock.advance(20)
            tier.step(now)
            lanes.step(now)
    tier.finish()
    found: list[list[tuple[int, ...]]] = [[] for _ in range(RACKS)]
    cells: list[list[list[int]]] = [[] for _ in range(RACKS)]
    for block in _blocks(lanes):
        for frame in block.frames:
            found[block.rack].append(tuple(frame.sample[name] for name in records.SAMPLE_FIELDS))
            if frame.cells is not None:
                cells[block.rack].append(frame.cells)
    assert lanes.dropped == 0
    for rack in range(RACKS):
        wanted = [_unsigned(values) for values in truth.samples[rack]]
        assert found[rack] == wanted
        seen = [scan[0] for scan in scans[rack] if scan is not None]
        assert all(each in seen for each in cells[rack])
        if seen:
            assert cells[rack][-1] == seen[-1]


def _blocks(lanes: Lanes) -> Iterator[Block]:
    """Everything that waits to be sent; each is acknowledged."""
    source = lanes.sources()[records.FINE]
    buffer = memoryview(bytearray(4096))
    length = source.next(buffer)
    while length or source.busy:
        if length:
            yield decode_block(bytes(buffer[:length]))
            source.release(source.mark)
        length = source.next(buffer)


def _scan(data: RackData, chance: random.Random) -> None:
    if chance.random() < 0.2:
        return
    data.cells_sequence += 1
    data.temps_sequence += 1
    for index in range(CELLS):
        absent = chance.random() < 0.02
        data.cells_mv[index] = CELL_ABSENT if absent else 3300 + chance.randint(-5, 5)
    for index in range(TEMPS):
        absent = chance.random() < 0.02
        data.temps_dc[index] = TEMP_ABSENT if absent else 250 + chance.randint(-3, 3)


def _unsigned(values: tuple[int, ...]) -> tuple[int, ...]:
    wide = ("acquired_ms", "summary_number")
    return tuple(
        value & 0xFFFFFFFF if name in wide else value
        for name, value in zip(records.SAMPLE_FIELDS, values, strict=True)
    )
