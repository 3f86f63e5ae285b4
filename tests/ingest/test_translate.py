"""From messages to rows: every refusal has its reason, black boxes give frames."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from black_box_bench import BlackBoxSite
from block_bench import MadeUpRacks, block_message

from gateway.telemetry import records as layout
from host_tools.bench.made_up_fleet import SITE, MadeUpGateway
from host_tools.decode.records import DecodeError
from host_tools.ingest.dead_letters import DeadLetters
from host_tools.ingest.schema import BLACK_BOXES, FRAMES, PACKED, Rows, Table
from host_tools.ingest.translate import rows_of_message

GATEWAY = MadeUpGateway("gw-001", frames=3)
LOG = GATEWAY.topic("log")


def column(rows: Rows, table: Table, name: str) -> list[object]:
    return [row[table.names.index(name)] for row in rows[table.name]]


@pytest.mark.parametrize(
    ("topic", "reason"),
    [
        ("bess/v1/site/gw/status", "neither log nor blocks"),
        ("bess/v2/site/gw/log", "none of a gateway"),
        ("bess/v1/site/gw/live/1", "none of a gateway"),
        ("", "none of a gateway"),
    ],
)
def test_topics_of_others_are_refused(topic: str, reason: str) -> None:
    with pytest.raises(DecodeError, match=reason):
        rows_of_message(topic, GATEWAY.events(1, 1)[1])


@pytest.mark.parametrize(
    ("site", "gateway", "reason"),
    [
        ("s" * 65, "gw", "site whose name has 65 characters, longest is 64"),
        ("site", "g" * 33, "gateway whose name has 33 characters, longest is 32"),
        ("site", "", "gateway: needs a name"),
        ("si\0te", "gw", "site: needs a name"),
    ],
)
def test_names_that_no_gateway_has_are_refused(site: str, gateway: str, reason: str) -> None:
    message = GATEWAY.events(1, 1)[1]
    with pytest.raises(DecodeError, match=reason):
        rows_of_message(f"bess/v1/{site}/{gateway}/log", message)
    assert rows_of_message(f"bess/v1/{'s' * 64}/{'g' * 32}/log", message)


def test_a_live_block_is_no_row() -> None:
    live = block_message(0, [MadeUpRacks().section(0, 0)], first=0, last=0)
    with pytest.raises(DecodeError, match="live block"):
        rows_of_message(GATEWAY.topic("blocks"), live)


def test_a_value_that_its_field_cannot_hold_is_refused() -> None:
    class Wild(MadeUpRacks):
        def sample(self, rack: int, instant: int) -> list[int]:
            values: list[int] = super().sample(rack, instant)
            values[layout.SAMPLE_FIELDS.index("soc_pm")] = 70_000
            return values

    message = block_message(0, [Wild().section(0, 0)])
    with pytest.raises(DecodeError, match="soc_pm 70000 is out of its range"):
        rows_of_message(GATEWAY.topic("blocks"), message)


@pytest.mark.parametrize("position", [0, 1, 20, 60, -1])
def test_a_block_that_was_changed_is_refused(position: int) -> None:
    (_, block), *_ = GATEWAY.chunk(0)
    bad = bytearray(block)
    bad[position] ^= 4
    with pytest.raises(DecodeError, match=r"block|version"):
        rows_of_message(GATEWAY.topic("blocks"), bytes(bad))


def test_text_that_sql_cannot_hold_is_changed() -> None:
    event = layout.encode_event(layout.STOP, 255, 255, 0, 0, 0, "a\0b")
    rows = rows_of_message(*GATEWAY.batch(1, GATEWAY.record(layout.EVENT, 1, event)))
    (row,) = rows["events"]
    assert row[-1] == "a\N{REPLACEMENT CHARACTER}b"
    assert row[:5] == (SITE, "gw-001", 1, layout.EVENTS, 1)


def test_a_clock_beyond_all_sense_corrects_nothing() -> None:
    far = (1 << 48) - 1
    payload = struct.pack(layout.CLOCK_PAYLOAD, 1, far & 0xFFFFFFFF, far >> 32, 2, 0)
    framed = layout.encode(layout.CLOCK, 1, 1000, far, 2, payload)
    (row,) = rows_of_message(*GATEWAY.batch(1, framed))["clocks"]
    assert row[-1] == 0
    assert row[8] is None  # utc


def test_a_black_box_gives_its_trip_and_frames_at_the_full_rate() -> None:
    site = BlackBoxSite()
    site.run_ms(5_000)
    site.trip()
    site.run_ms(16_000)
    source = site.lanes.sources()[0]
    buffer = memoryview(bytearray(8192))
    rows: Rows = {}
    while length := source.next(buffer):
        for table, of_table in rows_of_message(LOG, bytes(buffer[:length])).items():
            rows.setdefault(table, []).extend(of_table)
    assert column(rows, BLACK_BOXES, "rule_name") == ["cell_overvoltage"]
    assert column(rows, BLACK_BOXES, "value") == [3700]
    keys = [tuple(row[FRAMES.names.index(name)] for name in FRAMES.key)
            for row in rows[FRAMES.name]]  # fmt: skip
    assert len(keys) == len(set(keys)) > 40
    assert set(column(rows, FRAMES, "lane")) == {layout.EVENTS}
    scans = [cells for cells in column(rows, FRAMES, "cells_mv") if cells is not None]
    assert scans and all(scan == [3300, 3301, 3302, 3303] for scan in scans)
    highest = column(rows, FRAMES, "cell_max_mv")
    assert 3700 in highest and 3310 in highest
    # UTC and uptime of each frame lie as far apart as those of its record
    times = zip(column(rows, FRAMES, "utc"), column(rows, FRAMES, "uptime_ms"), strict=True)
    assert len({int(str(utc)) - int(str(uptime)) for utc, uptime in times}) == 1
    # the records as they came are kept, too
    assert len(rows[PACKED.name]) >= len(set(column(rows, FRAMES, "chunk")))


def test_a_part_of_a_black_box_that_cannot_be_read_is_kept_as_it_came() -> None:
    part = GATEWAY.record(layout.BLACK_BOX, 1, b"\x01\x00\x01\x00\x01\x00nonsense")
    rows = rows_of_message(*GATEWAY.batch(1, part))
    assert column(rows, PACKED, "payload") == [b"\x01\x00\x01\x00\x01\x00nonsense"]
    assert not rows.get(FRAMES.name)


def test_dead_letters_are_kept_once_and_stay_in_bounds(tmp_path: Path) -> None:
    letters = DeadLetters(tmp_path / "dead")
    for payload in (b"a", b"b", b"a"):
        letters.put("bess/v1/../../gw/log", payload, "no good")
    assert letters.count == 3
    files = sorted((tmp_path / "dead").iterdir())
    assert len([path for path in files if path.suffix == ".bin"]) == 2
    assert {path.parent for path in files} == {tmp_path / "dead"}
    for number in range(150):
        letters.put("t", str(number).encode(), "no good")
    letters.put("u", bytes(5 << 20), "too large for its topic")
    letters.put("v", b"another topic", "no good")
    assert len(list((tmp_path / "dead").glob("*.bin"))) == 2 + 100 + 1
    assert len(list((tmp_path / "dead").glob("v-*.bin"))) == 1
    assert (letters.count, letters.unkept) == (155, 51)
    again = DeadLetters(tmp_path / "dead")  # counts what is there
    again.put("t", b"one more", "no good")
    assert (again.count, again.unkept) == (1, 1)
    blocked = DeadLetters(tmp_path / "dead" / files[0].name)
    blocked.put("t", b"", "no good")
    assert blocked.count == blocked.unkept == 1 and "not kept" in blocked.last_reason


def test_good_messages_of_a_newer_format_have_room_of_their_own(tmp_path: Path) -> None:
    letters = DeadLetters(tmp_path)
    for number in range(1000):
        letters.put(LOG, b"junk %d" % number, "no good")
    for number in range(150):
        letters.put_newer(LOG, b"good %d" % number, "message version 2")
    assert len(list(tmp_path.glob("*.bin"))) == 100
    assert len(list((tmp_path / "newer").glob("*.bin"))) == 150
    assert (letters.count, letters.unkept, letters.newer, letters.newer_unkept) == (
        1150, 900, 150, 0,
    )  # fmt: skip
