"""Stored, delivered, lost: rack-summary samples by key, and holes in the sequence numbers.

Stored is what is known to have been on flash: everything that arrived, and everything in the
flash images. The gateway's own counters have no part in it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from host_tools.decode.journal_image import JournalImage
from host_tools.decode.records import Key, Record, Sample
from host_tools.run.observer import Delivered


@dataclass(frozen=True)
class TelemetryCount:
    """`lost` = stored and never delivered, and numbers of a boot that were never seen at all."""

    stored: int
    delivered: int
    lost: int
    duplicates: int
    backlog: int
    holes: int


def count(delivered: Delivered, images: Sequence[JournalImage]) -> TelemetryCount:
    """Count a run; the last image is the flash at its end."""
    arrived = _sample_keys(delivered.records.values())
    on_flash = {key for image in images for key in _sample_keys(image.records)}
    seen = set(delivered.records) | {record.key for image in images for record in image.records}
    stored = arrived | on_flash
    missing = holes(seen)
    return TelemetryCount(
        stored=len(stored),
        delivered=len(arrived),
        lost=len(stored - arrived) + missing,
        duplicates=delivered.duplicates,
        backlog=len(images[-1].backlog) if images else 0,
        holes=missing,
    )


def holes(seen: Iterable[Key]) -> int:
    """Sequence numbers below the highest of their boot that nobody has seen; they begin at 1."""
    numbers: dict[int, set[int]] = defaultdict(set)
    for boot, seq in seen:
        numbers[boot].add(seq)
    return sum(max(of_boot) - len(of_boot) for of_boot in numbers.values())


def _sample_keys(records: Iterable[Record]) -> set[Key]:
    return {record.key for record in records if isinstance(record, Sample)}
