"""Stored, delivered, lost: records by key, and holes in the sequence numbers.

Stored is what is known to have been on flash: everything that arrived, and everything in the
flash images. The gateway's own counters have no part in it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from host_tools.decode.journal_image import JournalImage
from host_tools.decode.records import Key
from host_tools.run.delivered import Delivered


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
    arrived = delivered.keys()
    stored = arrived | {record.key for image in images for record in image.records}
    missing = holes(stored)
    return TelemetryCount(
        stored=len(stored),
        delivered=len(arrived),
        lost=len(stored - arrived) + missing,
        duplicates=delivered.duplicates,
        backlog=len(images[-1].backlog) if images else 0,
        holes=missing,
    )


def holes(seen: Iterable[Key]) -> int:
    """Numbers below the highest of their boot and lane that nobody has seen; they begin at 1."""
    numbers: dict[tuple[int, int], set[int]] = defaultdict(set)
    for boot, lane, seq in seen:
        numbers[boot, lane].add(seq)
    return sum(max(counted) - len(counted) for counted in numbers.values())
