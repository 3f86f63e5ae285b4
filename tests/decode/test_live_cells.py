"""The live message of a scan is a block like any other: the host reads what the rack said."""

from __future__ import annotations

import asyncio
import sys

from gateway.telemetry import records
from host_tools.decode.blocks import Block, decode_block
from host_tools.toolchain.paths import ROOT

sys.path.append(str(ROOT / "tests" / "shared" / "uplink"))
from scripted_broker import until  # noqa: E402
from test_live import CELLS, TEMPS, Bench  # noqa: E402


def test_live_cells_decode_as_a_block() -> None:
    async def main() -> Block:
        async with Bench(live_period_ms=600000) as bench:
            rack = bench.racks[1]
            for sensor in range(TEMPS):
                rack.temps_dc[sensor] = 250 - 30 * sensor
            rack.temps_sequence = 1
            bench.scan(1, 3210)
            bench.start()
            await until(lambda: bench.messages("cells/r01"))
            return decode_block(bench.messages("cells/r01")[0].payload)

    block = asyncio.run(main())
    assert (block.lane, block.boot, block.first, block.last, block.rack) == (
        records.FINE,
        7,
        0,
        0,
        1,
    )
    (frame,) = block.frames
    assert frame.cells == [3210 + cell for cell in range(CELLS)]
    assert frame.temps == [250 - 30 * sensor for sensor in range(TEMPS)]
    assert frame.sample["soc_pm"] == 100 + records.SAMPLE_FIELDS.index("soc_pm")
    assert frame.clock_quality == 1
    assert frame.cells_age_ms is not None
    assert frame.cells_age_ms < 5000
