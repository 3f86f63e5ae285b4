"""What a person hands in: flash images, messages saved to files, folders of either."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from gateway.telemetry import records as layout
from host_tools.decode.black_box import BlackBox, decode_boxes
from host_tools.decode.blocks import Block, decode_block, decode_sets
from host_tools.decode.journal_image import JournalImage, read_image
from host_tools.decode.records import DecodeError, Event, Packed, Record, decode_message
from host_tools.errors import UserError

RackNames = dict[tuple[int, int], str]  # by boot and rack
Owner = tuple[str, str]  # site and gateway

_OWNER = re.compile("site ([^,]+), gateway ([^,]+), ")

# LittleFS names itself in its first two blocks.
_FLASH_MARK = b"littlefs"
_MARK_WITHIN = 8192


@dataclass
class Found:
    """What one file holds. `records` without set records, which became `blocks`.

    `problems` names what is damaged or missing; `image` is None for a message.
    """

    name: str
    records: list[Record] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    boxes: list[BlackBox] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    image: JournalImage | None = None

    @property
    def rack_names(self) -> RackNames:
        """As the configuration in force named them, boot by boot, where it was recorded."""
        return {
            (record.boot, record.rack): record.text
            for record in self._in_force()
            if record.rack != layout.NO_RACK
        }

    def owner(self, boot: int) -> Owner:
        """Site and gateway of a boot, as its configuration named them; where that is not there,
        the ones that all others name; else no site and the file's name for the gateway.
        """
        owners = self._owners
        if boot in owners:
            return owners[boot]
        others = set(owners.values())
        return others.pop() if len(others) == 1 else ("", self.name)

    @cached_property
    def _owners(self) -> dict[int, Owner]:
        found = {}
        for record in self._in_force():
            named = _OWNER.match(record.text)
            if record.rack == layout.NO_RACK and named:
                found[record.boot] = (named[1], named[2])
        return found

    def _in_force(self) -> Iterator[Event]:
        for record in self.records:
            if isinstance(record, Event) and record.code == layout.CONFIG_IN_FORCE:
                yield record


def read_sources(paths: Iterable[str]) -> list[Found]:
    """Every file, those of folders in the order of their names; UserError for one that is none.

    In a folder only files that can be telemetry count: texts beside them are left out.
    """
    found = []
    for path in map(Path, paths):
        if path.is_dir():
            inside = [each for each in sorted(path.iterdir()) if each.is_file()]
            found += [_read(each) for each in inside if each.suffix not in (".json", ".txt")]
        else:
            found.append(_read(path))
    if not found:
        raise UserError("nothing to decode: the folder holds no file")
    return found


def _read(path: Path) -> Found:
    try:
        with path.open("rb") as file:
            content = file.read(_MARK_WITHIN)
            if _FLASH_MARK not in content:
                content += file.read()
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from error
    if _FLASH_MARK in content[:_MARK_WITHIN]:
        return _of_image(path)
    return _of_message(path, content)


def _of_image(path: Path) -> Found:
    image = read_image(path)
    found = Found(path.stem, image=image, problems=[f"damaged: {name}" for name in image.damaged])
    sets = []
    for record in image.records:
        if isinstance(record, Packed) and record.kind == layout.SET:
            sets.append(record)
        else:
            found.records.append(record)
    found.blocks = list(decode_sets(sets, found.problems))
    found.boxes = _boxes(found.records)
    return found


def _of_message(path: Path, content: bytes) -> Found:
    """A message of the topic `log` or `blocks`: which one shows when its checksums hold."""
    try:
        return Found(path.stem, blocks=[decode_block(content)])
    except DecodeError as error:
        not_block = error
    try:
        records = decode_message(content)
    except DecodeError as error:
        raise UserError(
            f"{path}: neither a flash image nor a message of a gateway"
            f" (as a block: {not_block}; as a log: {error})"
        ) from error
    return Found(path.stem, records, boxes=_boxes(records))


def _boxes(records: Iterable[Record]) -> list[BlackBox]:
    return decode_boxes(record for record in records if isinstance(record, Packed))
