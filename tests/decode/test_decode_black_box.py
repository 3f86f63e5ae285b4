"""Black boxes from the gateway's own records: every value back, and what is missing by name."""

from __future__ import annotations

import random
import struct
from array import array
from dataclasses import replace
from itertools import pairwise

import pytest
from black_box_bench import CELL_MAX, ESTOP, TEMP_MAX, BlackBoxSite

from gateway.rack.data import CELL_ABSENT, TEMP_ABSENT
from gateway.telemetry import box_records as layout
from gateway.telemetry import records as record_layout
from gateway.telemetry.rewind import CELLS, STREAMS, Rewind
from host_tools.decode.black_box import BlackBox, decode_boxes
from host_tools.decode.records import Packed, Record, decode_message

AT_MS = 20_000


def records_of(site: BlackBoxSite) -> list[Record]:
    source = site.lanes.sources()[0]
    buffer = memoryview(bytearray(8192))
    found: list[Record] = []
    while length := source.next(buffer):
        found += decode_message(bytes(buffer[:length]))
    return found


def packed(site: BlackBoxSite) -> list[Packed]:
    return [each for each in records_of(site) if isinstance(each, Packed)]


@pytest.fixture(scope="module")
def parts() -> list[Packed]:
    """Records of one box: rack 0 of 3, its highest cell at 3.7 V from second 20 on."""
    site = BlackBoxSite(racks=3)
    site.run_ms(AT_MS)
    site.trip()
    site.run_ms(20_000)
    return packed(site)


def only(found: list[BlackBox]) -> BlackBox:
    (box,) = found
    return box


def test_a_whole_box(parts: list[Packed]) -> None:
    box = only(decode_boxes(parts))
    assert (box.number, box.rack, box.shared, box.aftermath_s) == (1, 0, 1, 10)
    assert (box.missing, box.lost) == ([], 0)
    (trip,) = box.trips
    assert (trip.rack, trip.rule_name, trip.level) == (0, "cell_overvoltage", 3)
    assert (trip.value, trip.set_point, trip.clear_point) == (3700, 3650, 3450)
    assert trip.delay_ms == 1000
    assert trip.counted_ms is not None
    assert 995 <= trip.counted_ms < 1200
    (sample,) = trip.samples
    assert (sample["rack"], sample["cell_max_mv"], sample["level"]) == (0, 3700, 3)


def test_summaries_reach_from_before_the_trip_to_its_end(parts: list[Packed]) -> None:
    box = only(decode_boxes(parts))
    (trip,) = box.trips
    own = box.racks[0].summaries
    times = [each.uptime_ms for each in own]
    assert times == sorted(times)
    assert times[0] < 2_000
    assert 9_000 < times[-1] - trip.uptime_ms <= 10_500
    steady = [each.uptime_ms for each in own if not each.is_fast]
    assert max(later - earlier for earlier, later in pairwise(steady)) <= 540
    assert any(each.is_fast for each in own)  # a detector ran, then an opening was under way
    before = [each for each in own if each.uptime_ms < AT_MS]
    assert {each.sample["cell_max_mv"] for each in before} == {3310}
    relays = [each.sample["relay"] for each in own]
    assert relays.index(1) < len(relays) - 1 - relays[::-1].index(1) < len(relays) - 1
    assert relays[-1] == 0


def test_scans_of_the_rack_and_summaries_of_the_others(parts: list[Packed]) -> None:
    box = only(decode_boxes(parts))
    scans = box.racks[0].scans
    assert 7 <= len(scans) <= 10
    assert {tuple(each.cells) for each in scans} == {(3300, 3301, 3302, 3303)}
    assert {tuple(each.temps or ()) for each in scans} == {(240, 241)}
    for rack in (1, 2):
        assert box.racks[rack].scans == []
        assert len(box.racks[rack].summaries) > 35
        assert {each.sample["rack"] for each in box.racks[rack].summaries} == {rack}


def test_records_that_came_twice_or_in_another_order_change_nothing(parts: list[Packed]) -> None:
    shuffled = parts + parts[3:]
    random.Random(1).shuffle(shuffled)
    assert decode_boxes(shuffled) == decode_boxes(parts)


def test_a_cut_anywhere_leaves_a_box_that_says_what_is_missing(parts: list[Packed]) -> None:
    planned = 1 + sum(each.payload[0] in (layout.BEFORE, layout.OTHERS) for each in parts)
    for count in range(1, len(parts)):
        box = only(decode_boxes(parts[:count]))
        assert len(box.trips) == 1
        assert box.missing[-1] == "its end: the aftermath may go on"
        named = box.missing[:-1]
        if count < planned:
            last = planned - 1
            assert named == [f"records {count}-{last}" if count < last else f"records {last}"]
        else:
            assert named == []


def test_a_further_trip_hides_nothing_that_is_missing() -> None:
    site = BlackBoxSite()
    site.run_ms(AT_MS)
    site.wires[0].registers[TEMP_MAX] = 640  # two rules, charging and discharging
    site.run_ms(20_000)
    parts = packed(site)
    whole = only(decode_boxes(parts))
    assert (len(whole.trips), whole.missing) == (2, [])
    assert [part.payload[0] for part in parts[:3]] == [layout.HEADER, layout.AGAIN, layout.BEFORE]
    last = max(
        number
        for number, part in enumerate(parts)
        if part.payload[0] in (layout.BEFORE, layout.OTHERS)
    )
    cut = only(decode_boxes(parts[:last]))
    assert cut.missing == [f"records {last}", "its end: the aftermath may go on"]


def test_each_missing_record_is_named(parts: list[Packed]) -> None:
    for left_out in range(1, len(parts) - 1):
        box = only(decode_boxes(parts[:left_out] + parts[left_out + 1 :]))
        assert box.missing == [f"records {left_out}"]
    headless = only(decode_boxes(parts[1:]))
    assert headless.missing == ["its header"]
    assert (headless.trips, headless.rack) == ([], 0)
    assert len(headless.racks[0].summaries) == len(only(decode_boxes(parts)).racks[0].summaries)


def test_lost_blocks_are_told_as_what_they_are(parts: list[Packed]) -> None:
    end = parts[-1]
    payload = end.payload[: layout.PART_BYTES] + struct.pack(layout.END_PAYLOAD, len(parts), 5)
    box = only(decode_boxes([*parts[:-1], replace(end, payload=payload)]))
    assert box.lost == 5
    (told,) = box.missing
    assert told.startswith("5 blocks: moments of the minute before the trip that were overwritten")


def test_damage_is_named_and_the_rest_decodes(parts: list[Packed]) -> None:
    dice = random.Random(7)
    for number, part in enumerate(parts):
        for _ in range(40):
            bad = bytearray(part.payload)
            for _ in range(dice.randrange(1, 4)):
                bad[dice.randrange(len(bad))] = dice.randrange(256)
            length = dice.choice((len(bad), dice.randrange(len(bad) + 1)))
            changed = Packed(
                part.boot,
                part.seq,
                part.uptime_ms,
                part.utc_ms,
                part.clock_quality,
                part.kind,
                bytes(bad[:length]),
            )
            decode_boxes([*parts[:number], changed, *parts[number + 1 :]])  # raises nothing


def test_a_block_cut_off_is_named(parts: list[Packed]) -> None:
    part = parts[1]
    short = Packed(
        part.boot, part.seq, part.uptime_ms, 0, 0, part.kind, part.payload[: layout.PART_BYTES + 9]
    )
    box = only(decode_boxes([parts[0], short, *parts[2:]]))
    assert box.missing == ["record 1: a block is cut off"]


def test_boxes_of_two_boots_and_of_the_site() -> None:
    found: list[Packed] = []
    site = BlackBoxSite()
    site.run_ms(AT_MS)
    site.trip()
    site.run_ms(15_000)
    found += packed(site)
    later = BlackBoxSite()
    later.run_ms(AT_MS)
    later.inputs.levels[ESTOP] = False
    later.run_ms(2_000)
    later.wires[1].registers[CELL_MAX] = 3700
    later.run_ms(20_000)
    for part in packed(later):
        found.append(
            Packed(
                2,
                part.seq,
                part.uptime_ms,
                part.utc_ms,
                part.clock_quality,
                part.kind,
                part.payload,
            )
        )
    first, second = decode_boxes(found)
    assert (first.boot, first.number, first.rack) == (1, 1, 0)
    assert (second.boot, second.number, second.rack) == (2, 1, record_layout.NO_RACK)
    assert first.missing == second.missing == []
    assert [trip.rule_name for trip in second.trips] == ["estop", "cell_overvoltage"]
    assert [trip.rack for trip in second.trips] == [record_layout.NO_RACK, 1]
    assert [trip.counted_ms is None for trip in second.trips] == [True, False]
    assert [len(trip.samples) for trip in second.trips] == [2, 1]
    assert all(second.racks[rack].scans for rack in (0, 1))


def test_every_value_comes_back_across_the_wrap_of_the_uptime() -> None:
    dice = random.Random(3)
    cells, temps = 61, 7
    rewind = Rewind(1, cells, temps, 60)
    uptime_ms = (1 << 32) - 20_000
    fed: list[tuple[int, list[int]]] = []
    scanned: list[tuple[int, list[int], list[int] | None]] = []
    for number in range(400):
        uptime_ms += dice.choice((100, 500, 500, 500))
        values = [dice.randrange(-(1 << 15), 1 << 16) for _ in record_layout.SAMPLE_FIELDS]
        values[4] = (uptime_ms + (1 << 31)) % (1 << 32) - (1 << 31)
        values[5] = number
        rewind.take_summary(0, values, uptime_ms)
        values[4] = uptime_ms % (1 << 32)
        fed.append((uptime_ms % (1 << 32), values))
        if number % 8 == 0:
            voltages = array("H", [dice.choice((3300, 3301, CELL_ABSENT)) for _ in range(cells)])
            degrees = array("h", [dice.choice((250, -8, TEMP_ABSENT)) for _ in range(temps)])
            read = degrees if number > 40 else None
            rewind.take_cells(0, voltages, read, uptime_ms)
            scanned.append((uptime_ms % (1 << 32), list(voltages), list(read) if read else None))
    payload = bytearray(struct.pack(layout.PART, layout.BEFORE, 0, 1, 1))
    for stream in range(STREAMS):
        ring = rewind.ring(0, stream)
        counts = (cells, temps) if stream == CELLS else (0, 0)
        for number in range(ring.first, ring.next):
            block = bytes(ring.read(number))
            payload += struct.pack(
                layout.BLOCK, stream, 0, len(block), ring.began_ms(number), *counts
            )
            payload += block
    record = Packed(1, 1, uptime_ms % (1 << 32), 0, 0, record_layout.BLACK_BOX, bytes(payload))
    box = only(decode_boxes([record]))
    history = box.racks[0]
    assert len(history.summaries) > 40
    expected = dict(fed)
    for summary in history.summaries:
        assert list(summary.sample.values()) == expected[summary.uptime_ms]
    count = len(history.scans)
    assert count > 10
    found = [(each.uptime_ms, each.cells, each.temps) for each in history.scans]
    assert found == scanned[-count:]


def test_other_records_are_no_boxes() -> None:
    other = Packed(1, 1, 0, 0, 0, record_layout.SET, bytes(20))
    short = Packed(1, 2, 0, 0, 0, record_layout.BLACK_BOX, b"box")
    assert decode_boxes([other, short]) == []
