"""`gatewayctl decode`: flash images and saved messages as lines, JSON, files and drawings."""

from __future__ import annotations

import csv
import json
import re
import struct
import xml.etree.ElementTree as ET
from pathlib import Path

import duckdb
import pytest
from black_box_bench import BlackBoxSite
from block_bench import MadeUpRacks, set_payload
from fake_hardware import HandClock
from lane_bench import open_lanes

from boards.sim.cpython.flash import open_flash
from gateway.clock import NTP, UNSET
from gateway.telemetry import records as layout
from host_tools.bench.made_up_fleet import START_MS, MadeUpGateway
from host_tools.decode import command
from host_tools.errors import UserError

RACKS, INSTANTS, CELLS = 3, 5, 16
SVG = "{http://www.w3.org/2000/svg}"


class UnsetClock(HandClock):
    """Has never been told the time."""

    utc_quality = UNSET

    def utc_ms(self) -> int:
        return int(self.uptime_ms())


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """Flash of a gateway whose clock was set after its samples: 3 racks, 5 instants, events."""
    path = tmp_path / "gw-007.img"
    clock = UnsetClock()
    lanes = open_lanes(open_flash(str(path)), clock)
    racks = MadeUpRacks(RACKS)
    first = lanes.minute.begin_chunk()
    for instant in range(INSTANTS):
        sections = [racks.section(rack, instant) for rack in range(RACKS)]
        lanes.minute.append(layout.SET, set_payload(first, instant, sections))
        clock.advance(60_000)
    trip = layout.encode_event(layout.TRIP, 1, 0, 3, 3700, 3650, "cell_overvoltage <level 3>")
    lanes.events.append(layout.EVENT, trip)
    known = (clock.uptime_ms(), START_MS & 0xFFFFFFFF, START_MS >> 32, NTP, 0)
    lanes.events.append(layout.CLOCK, struct.pack(layout.CLOCK_PAYLOAD, *known))
    lanes.close()
    return path


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_an_image_as_lines(image: Path, capsys) -> None:
    assert command.main([str(image)]) == 0
    lines = capsys.readouterr().out.splitlines()
    samples = [text for text in lines if " sample rack" in text]
    assert len(samples) == RACKS * INSTANTS
    assert "1 minute" in samples[0] and samples[0].endswith("16 cells, 4 temperatures")
    # the clock was set later, and that is counted back
    assert samples[0].split("  sample")[0].endswith("0.000  2027-01-15 07:55:00.000")
    assert any(text.endswith("event  rack02 trip: cell_overvoltage <level 3>") for text in lines)
    assert lines[-1] == (
        "gw-007: 2 records, 15 samples of racks, 7 records after the cursors (events boot 0 record"
        " 0, minute boot 0 record 0, fine boot 0 record 0), 0 damaged files"
    )


def test_an_image_as_json(image: Path, capsys) -> None:
    assert command.main([str(image)], as_json=True) == 0
    (tree,) = json.loads(capsys.readouterr().out)
    assert [each["kind"] for each in tree["records"]] == ["event", "clockrecord"]
    assert [(block["rack"], len(block["frames"])) for block in tree["blocks"]] == [
        (rack, INSTANTS) for rack in range(RACKS)
    ]
    assert tree["cursors"]["minute"] == [0, 0] and tree["backlog"] == 7
    assert tree["problems"] == [] and tree["black_boxes"] == []


def test_csv_has_a_file_per_table_and_a_column_per_cell(image: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out" / "csv"
    for _ in range(2):  # written anew, not added to
        assert command.main([str(image)], csv_folder=str(folder)) == 0
    names = ["cells.csv", "clocks.csv", "events.csv", "frames.csv", "temps.csv"]
    assert sorted(path.name for path in folder.iterdir()) == names
    frames, cells = table(folder / "frames.csv"), table(folder / "cells.csv")
    assert len(frames) == len(cells) == RACKS * INSTANTS
    assert frames[0]["gateway"] == "gw-007" and "cells_mv" not in frames[0]
    racks = MadeUpRacks(RACKS)
    for row in cells:
        instant = int(row["uptime_ms"]) // 60_000
        wanted = racks.cells_mv(int(row["rack"]), instant)
        assert [int(row[f"{number}_mv"]) for number in range(1, CELLS + 1)] == list(wanted)
    # the clock was set later, and that is counted back
    assert frames[0]["recorded"].startswith("1970-01-01")
    assert frames[0]["utc"] == cells[0]["utc"] == "2027-01-15 07:55:00.000"


def image_of_boots(path: Path, told: list[str]) -> Path:
    """A boot for each text of its configuration event ("" = none), a stop and a frame in each."""
    for text in told:
        lanes = open_lanes(open_flash(str(path)), HandClock())
        if text:
            event = layout.encode_event(layout.CONFIG_IN_FORCE, 255, 255, 0, 0, 1, text)
            lanes.events.append(layout.EVENT, event)
        stop = layout.encode_event(layout.STOP, 255, 255, 0, 0, 0, "asked to stop")
        lanes.events.append(layout.EVENT, stop)
        first = lanes.minute.begin_chunk()
        lanes.minute.append(layout.SET, set_payload(first, 0, [MadeUpRacks(1).section(0, 0)]))
        lanes.close()
    return path


def in_force(site: str, gateway: str) -> str:
    return (
        f"site {site}, gateway {gateway}, map generic_416s, CRC-32 00000001, 8 temperatures a rack"
    )


@pytest.mark.parametrize(
    ("told", "owners"),
    [
        # a boot whose own record was dropped is of the one gateway that all others name
        (
            [in_force("plant-7", "gw-9"), "", in_force("plant-7", "gw-9")],
            [("plant-7", "gw-9")] * 3,
        ),
        # a board that moved, and a boot of which nobody knows where it was
        (
            [in_force("plant-7", "gw-9"), in_force("plant.8", "gw-1"), ""],
            [("plant-7", "gw-9"), ("plant.8", "gw-1"), ("", "salvaged")],
        ),
        (["", "site of nobody"], [("", "salvaged")] * 2),
    ],
)
def test_tables_name_site_and_gateway_as_the_records_do(
    tmp_path: Path, told: list[str], owners: list[tuple[str, str]]
) -> None:
    path = image_of_boots(tmp_path / "salvaged.img", told)
    assert command.main([str(path)], csv_folder=str(tmp_path)) == 0
    for name in ("events.csv", "frames.csv"):
        found = {int(row["boot"]): (row["site"], row["gateway"]) for row in table(tmp_path / name)}
        assert found == dict(enumerate(owners, 1)), name
    cells = table(tmp_path / "cells.csv")
    assert [(row["site"], row["gateway"]) for row in cells] == owners


def test_racks_have_the_names_that_their_boot_recorded(tmp_path: Path, capsys) -> None:
    path = tmp_path / "gw-008.img"
    for name in ("north-1", "south-1"):
        lanes = open_lanes(open_flash(str(path)), HandClock())
        named = layout.encode_event(layout.CONFIG_IN_FORCE, 0, 255, 0, 16, 2800, name)
        lanes.events.append(layout.EVENT, named)
        for rack in (0, 1):
            trip = layout.encode_event(layout.TRIP, rack, 0, 3, 3700, 3650, "high")
            lanes.events.append(layout.EVENT, trip)
        racks = MadeUpRacks(1)
        first = lanes.minute.begin_chunk()
        lanes.minute.append(layout.SET, set_payload(first, 0, [racks.section(0, 0)]))
        lanes.close()
    assert command.main([str(path)]) == 0
    lines = capsys.readouterr().out
    for words in ("north-1 trip: high", "south-1 trip: high", "rack02 trip: high"):
        assert words in lines
    assert "sample north-1" in lines and "sample south-1" in lines
    drawing = tmp_path / "racks.svg"
    assert command.main([str(path)], drawing=str(drawing)) == 0
    assert ">south-1</text>" in drawing.read_text()
    folder = tmp_path / "csv"
    assert command.main([str(path)], csv_folder=str(folder)) == 0
    events = table(folder / "events.csv")
    assert [row["rack_name"] for row in events] == ["north-1", "north-1", ""] + [
        "south-1", "south-1", ""
    ]  # fmt: skip
    first_event = events[0]
    assert (first_event["name"], first_event["text"]) == ("configuration in force", "north-1")
    assert (first_event["value"], first_event["limit_value"]) == ("16", "2800")
    for name in ("frames.csv", "cells.csv"):
        assert [row["rack_name"] for row in table(folder / name)] == ["north-1", "south-1"]


def test_parquet_is_added_to_and_holds_nothing_twice(image: Path, tmp_path: Path, capsys) -> None:
    folder = tmp_path / "lake"
    for rows in (RACKS * INSTANTS + 2, 0):
        assert command.main([str(image)], parquet_folder=str(folder)) == 0
        assert capsys.readouterr().err == f"{folder}: {rows} rows added\n"
    with duckdb.connect() as connection:
        found = connection.execute(
            f"SELECT rack, count(*), min(len(cells_mv)) FROM '{folder}/frames/*.parquet'"
            " GROUP BY 1 ORDER BY 1"
        ).fetchall()
    assert found == [(rack, INSTANTS, CELLS) for rack in range(RACKS)]


@pytest.mark.parametrize("name", ["week.svg", "week.html"])
def test_a_drawing_has_a_line_per_rack_and_marks_for_trips(
    image: Path, tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    assert command.main([str(image)], drawing=str(path)) == 0
    text = path.read_text()
    tree = ET.fromstring(text[text.index("<svg") :])
    lines = tree.findall(f".//{SVG}polyline")
    assert len(lines) == RACKS * (3 + 2 + 2)  # two lines in the panels of extremes
    assert {len((line.get("points") or "").split()) for line in lines} == {INSTANTS}
    words = [each.text for each in tree.iter(f"{SVG}text")]
    assert "2027-01-15 07:55:00" in words and "rack03" in words


def test_marks_and_thinning_of_long_lines() -> None:
    from host_tools.decode.blocks import Block, Frame
    from host_tools.decode.plot import collect, draw
    from host_tools.decode.records import Event
    from host_tools.decode.sources import Found

    def blocks(since_ms: int) -> list[Block]:
        frames = []
        for number in range(10_000):
            sample = dict.fromkeys(layout.SAMPLE_FIELDS, 0)
            sample["rack_voltage_dv"] = 9000 if number == 7777 else 5000
            frames.append(Frame(since_ms + number * 500, 0, UNSET, sample, None, None, None))
        return [Block(1, layout.FINE, 1, 1, 10_000, 0, frames)]

    trip = Event(1, 10_001, 2_000_000, 0, UNSET, layout.TRIP, 0, 0, 3, 0, 0, "a < b")
    series = collect([Found("gw", [trip], blocks(0))])
    line = series.lines["rack_voltage_dv", 0]
    assert len(line) <= 1600
    assert max(line, key=lambda point: point[1]) == (7777 * 0.5, 900.0)
    assert not series.is_utc
    drawing = draw(series)
    assert drawing.count("<polyline") == 7
    broken = draw(collect([Found("gw", blocks=[*blocks(0), *blocks(10**8)])]))
    assert broken.count("<polyline") == 14
    assert "<title>trip a &lt; b</title>" in drawing
    assert "no time is known" in drawing


def test_saved_messages_and_folders_of_them(tmp_path: Path, capsys) -> None:
    gateway = MadeUpGateway("gw-001", frames=4)
    folder = tmp_path / "saved"
    folder.mkdir()
    for number, (_, payload) in enumerate([*gateway.chunk(0), gateway.events(1, 3)]):
        (folder / f"{number}.bin").write_bytes(payload)
    (folder / "0.json").write_text("{}")  # as dead letters have it
    assert command.main([str(folder)]) == 0
    out = capsys.readouterr().out
    assert out.count(" sample rack") == 8 and out.count("level set: no. ") == 3
    assert "      - %" not in out and "-12" not in out
    assert re.search(r"2: 3 records, 0 samples of racks\n$", out)


def test_a_black_box_is_summed_up(tmp_path: Path, capsys) -> None:
    path = tmp_path / "trip.img"
    site = BlackBoxSite(storage=open_flash(str(path)))
    site.run_ms(5_000)
    site.trip()
    site.run_ms(16_000)
    site.lanes.close()
    assert command.main([str(path)]) == 0
    out = capsys.readouterr().out
    assert "black box 1 of boot 1, rack01\n" in out
    assert re.search(r"rack01 cell_overvoltage level 3: 3700, trips at 3650 after 1\.\d+ s", out)
    assert re.search(r"rack02: [1-9]\d* summaries, 0 scans", out)
    assert "missing" not in out
    assert command.main([str(path)], drawing=str(tmp_path / "trip.svg")) == 0
    text = (tmp_path / "trip.svg").read_text()
    assert text.count("<polyline") == 2 * 7  # both racks, from the box alone
    assert "<title>trip " in text


def test_damage_is_named_and_what_stands_around_it_is_there(tmp_path: Path, capsys) -> None:
    path = tmp_path / "gw-007.img"
    lanes = open_lanes(open_flash(str(path)))
    for number in range(100):
        event = layout.encode_event(layout.STOP, 255, 255, 0, number, 0, f"stop {number}")
        lanes.events.append(layout.EVENT, event)
    lanes.close()
    content = bytearray(path.read_bytes())
    content[content.index(b"stop 60")] ^= 0xFF
    path.write_bytes(content)
    assert command.main([str(path)]) == 1
    told = capsys.readouterr()
    assert told.out.count(" stop: stop ") == 99
    assert re.match(r"gw-007: damaged: e[0-9a-f]{8}-[0-9a-f]{8}\.seg\n$", told.err)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "neither a flash image nor a message"),
        (b"x" * 5000, "neither a flash image nor a message"),
        (b"littlefs" * 2000, r"nonsense: not a readable LittleFS image"),
        (None, "No such file"),
    ],
)
def test_what_is_no_telemetry_is_one_line(
    tmp_path: Path, content: bytes | None, reason: str
) -> None:
    path = tmp_path / "nonsense"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=reason) as caught:
        command.main([str(path)])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "reason"), [("x.png", "must end in"), ("deep/x.svg", "No such file")]
)
def test_a_drawing_that_cannot_be_made_is_refused(
    image: Path, tmp_path: Path, name: str, reason: str
) -> None:
    with pytest.raises(UserError, match=reason):
        command.main([str(image)], drawing=str(tmp_path / name))


def test_nothing_to_draw_or_to_read(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="holds no file"):
        command.main([str(tmp_path / "empty")])
    path = tmp_path / "events.bin"
    path.write_bytes(MadeUpGateway("gw-001").events(1, 3)[1])
    with pytest.raises(UserError, match="no sample to draw"):
        command.main([str(path)], drawing=str(tmp_path / "x.svg"))
