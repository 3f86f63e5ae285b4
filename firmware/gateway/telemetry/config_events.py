"""What the records of a boot were made with: events that name site, racks and configuration.

Records name racks by their place in the configuration only. Who reads the flash of a gateway years
later has no configuration at hand.
"""

from __future__ import annotations

from micropython import const

from gateway.protection import rules
from gateway.telemetry import records

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.config import Config

_LONGEST_NAME = const(256)  # of a rack, in characters: a record has room for more


def append_config(append: Callable[[int, bytes], object], settings: Config) -> None:
    """One event for the site, one for each rack; `append` is the events lane's."""
    crc = settings.crc
    text = "site %s, gateway %s, map %s, CRC-32 %08x, %d temperatures a rack" % (
        settings.text("site"),
        settings.text("gateway"),
        settings.text("map"),
        crc,
        settings.integer("temps_per_rack"),
    )
    signed = crc - 0x100000000 if crc & 0x80000000 else crc
    _append(append, records.NO_RACK, signed, len(settings.racks), text)
    cells = settings.integer("cells_per_rack")
    capacity_dah = settings.integer("capacity_dah")
    for index, rack in enumerate(settings.racks):
        _append(append, index, cells, capacity_dah, rack.name[:_LONGEST_NAME])


def _append(
    append: Callable[[int, bytes], object], rack: int, value: int, limit: int, text: str
) -> None:
    payload = records.encode_event(
        records.CONFIG_IN_FORCE, rack, rules.NO_RULE, 0, value, limit, text
    )
    append(records.EVENT, payload)
