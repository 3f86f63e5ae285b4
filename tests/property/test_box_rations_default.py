"""The first black box against those that follow, on flashes of the sizes that boards have."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from box_bench import FullSite, whole_boxes

BOX_BYTES = 4500  # a box of the made-up racks has more
BOARDS = Path(__file__).parents[2] / "boards"
FLASHES = {"default": {"capacity_bytes": 8 << 20, "segment_bytes": 131072}} | {
    path.parent.name: {
        name: value
        for name, value in json.loads(path.read_text())["telemetry"].items()
        if name in ("capacity_bytes", "segment_bytes")
    }
    for path in BOARDS.glob("*/settings.json")
}


@pytest.mark.parametrize("board", sorted(FLASHES))
def test_the_first_box_outlives_trips_every_hour(board: str) -> None:
    site = FullSite(events_pm=250, **FLASHES[board])
    share = FLASHES[board]["capacity_bytes"] // 4
    for _ in range(4):
        assert site.trip_box()
    for _ in range(share // BOX_BYTES + 10):
        site.pass_hour()
        site.trip_box()
    assert (1, 1) in whole_boxes(site.lanes)
    assert site.lanes.events.dropped == 0
