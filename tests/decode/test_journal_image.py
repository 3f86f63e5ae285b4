"""Flash images written by the gateway's own journal, read back by the host."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from lane_bench import EventsLane, Flash, Reader, open_lanes

from boards.sim.cpython.flash import open_flash
from gateway.telemetry import records as layout
from host_tools.decode.journal_image import read_image
from host_tools.decode.segment_file import decode_file
from host_tools.errors import UserError


def open_journal(path: Path) -> EventsLane:
    return EventsLane(open_flash(str(path)))


@pytest.fixture
def image_path(tmp_path: Path) -> Path:
    """Flash of a gateway that ran twice: 300 records, 120 of them acknowledged, then 5."""
    path = tmp_path / "flash.img"
    journal = open_journal(path)
    for number in range(300):
        journal.append(layout.EVENT, layout.encode_event(layout.STOP, 255, 255, 0, number, 0, ""))
    journal.release(1, 120)
    journal.close()
    journal = open_journal(path)
    for _ in range(5):
        journal.append(layout.GAP, bytes(12))
    journal.close()
    return path


def test_every_record_of_every_boot_and_the_cursor(image_path: Path) -> None:
    image = read_image(image_path)
    assert image.cursors == ((1, 120), (0, 0), (0, 0))
    assert image.damaged == []
    keys = [(record.boot, record.seq) for record in image.records]
    # segments that were acknowledged as a whole may be gone, nothing after the cursor may
    assert keys[-185:] == [(1, seq) for seq in range(121, 301)] + [(2, seq) for seq in range(1, 6)]
    assert len(image.backlog) == 185


def test_the_larger_of_both_files_of_a_cursor_counts(tmp_path: Path) -> None:
    path = tmp_path / "flash.img"
    journal = open_journal(path)
    for number in range(9):
        journal.append(layout.EVENT, layout.encode_event(layout.STOP, 255, 255, 0, number, 0, ""))
    journal.flush()
    for number in (3, 5, 6):
        journal.release(1, number)
        journal.write_cursor()
        assert read_image(path).cursors[0] == (1, number)


def test_every_lane_has_its_records_and_its_cursor(tmp_path: Path) -> None:
    path = tmp_path / "flash.img"
    lanes = open_lanes(open_flash(str(path)))
    lanes.events.append(layout.EVENT, layout.encode_event(layout.STOP, 255, 255, 0, 7, 0, ""))
    for lane in (lanes.fine, lanes.minute):
        lane.end_chunk()
        for _ in range(2 + lane.number):
            lane.append(layout.CLOCK, bytes(12))
    source = lanes.sources()[layout.FINE]
    source.release((1, 3))
    lanes.close()
    image = read_image(path)
    assert [record.key for record in image.records] == [
        (1, layout.EVENTS, 1),
        *((1, layout.MINUTE, seq) for seq in range(1, 4)),
        *((1, layout.FINE, seq) for seq in range(1, 5)),
    ]
    assert image.cursors == ((0, 0), (0, 0), (1, 3))
    assert len(image.backlog) == 5


def test_a_record_that_was_cut_off_by_a_page_is_no_damage(tmp_path: Path) -> None:
    path = tmp_path / "flash.img"
    journal = open_journal(path)
    for _ in range(5):
        journal.append(layout.EVENT, bytes(1000))
    journal.step(1)  # one page: four records and a piece of the fifth
    image = read_image(path)
    assert ([record.seq for record in image.records], image.damaged) == ([1, 2, 3, 4], [])
    journal.close()


def test_what_was_never_flushed_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "flash.img"
    journal = open_journal(path)
    for number in range(3):
        journal.append(layout.GAP, bytes(12))
        if number == 1:
            journal.flush()
    assert [record.seq for record in read_image(path).records] == [1, 2]
    journal.close()


def test_reading_changes_nothing(image_path: Path) -> None:
    before = image_path.read_bytes()
    read_image(image_path)
    assert image_path.read_bytes() == before


def test_damage_costs_the_record_that_it_touches(image_path: Path) -> None:
    wanted = read_image(image_path)
    content = bytearray(image_path.read_bytes())
    victim = layout.encode_event(layout.STOP, 255, 255, 0, 200, 0, "")
    position = content.index(victim)
    content[position] ^= 0xFF
    image_path.write_bytes(content)
    image = read_image(image_path)
    assert len(image.damaged) == 1
    lost = {record.key for record in wanted.records} - {record.key for record in image.records}
    assert lost == {(1, 0, 201)}  # event number 200 is record 201


def test_damaged_files_give_the_records_that_the_gateway_finds(tmp_path: Path) -> None:
    """Random damage, read by both."""
    dice = random.Random(7)
    for _ in range(60):
        storage = Flash()
        journal = EventsLane(storage)
        for _ in range(90):
            journal.append(layout.EVENT, dice.randbytes(dice.choice([12, 30, 200])))
        journal.close()
        for name in storage.segments():
            content = bytearray(storage.files[name])
            for _ in range(dice.randrange(4)):
                place, length = dice.randrange(len(content)), dice.choice([1, 1, 3, 300])
                content[place : place + length] = dice.choice([b"", b"\xb5", bytes(length)])
            storage.files[name] = bytes(content)
        sent = Reader(EventsLane(Flash(dict(storage.files))))
        found = []
        for name in storage.segments():
            first = int(name[10:18], 16)
            found += decode_file(storage.files[name], 1, layout.EVENTS, first)[0]
        assert [each.seq for each in found] == [n for n in range(1, 91) if (1, n) in sent.keys]


def test_a_file_that_was_set_aside_is_read_too(image_path: Path) -> None:
    wanted = read_image(image_path)
    flash = open_flash(str(image_path))
    name = min(name for name in flash.names() if name.endswith(".seg"))
    flash.rename(name, name + ".bad")
    del flash
    assert read_image(image_path).records == wanted.records


@pytest.mark.parametrize("content", [b"", b"x" * 5000, b"x" * 65536])
def test_what_is_no_image_is_one_clear_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "nonsense.img"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"nonsense\.img: .*image"):
        read_image(path)
    with pytest.raises(UserError, match="No such file"):
        read_image(tmp_path / "missing.img")
