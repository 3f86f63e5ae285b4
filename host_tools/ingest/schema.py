"""The tables: what one row is, what identifies it, and the type of each column.

One row per rack and instant with all its cells in an array: a row per cell would be 500 times as
many. A value that the rack BMS did not give is NULL.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.telemetry import records as layout

# Kinds of column. A time is a number of ms since 1970 until the store makes a timestamp of it.
TEXT = "text"
SMALL = "small"  # 16 bits, signed, as all whole numbers
INT = "int"
BIG = "big"
TIME = "time"
BYTES = "bytes"
SMALLS = "smalls"  # an array

# rows of one table, and rows by name of the table
Row = tuple[object, ...]
Rows = dict[str, list[Row]]


@dataclass(frozen=True)
class Table:
    """`key` identifies a row for ever: a second one with the same key is the same row again.

    Unless its `checksum` is another one: then one of the two is not what it says.
    """

    name: str
    key: tuple[str, ...]
    columns: tuple[tuple[str, str], ...]  # name, kind

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all columns, in the order of a row."""
        return tuple(name for name, _ in self.columns)

    def identity(self, row: Row) -> Row:
        """Key and checksum: rows that agree in both are the same."""
        names = self.names
        return tuple(row[names.index(name)] for name in (*self.key, "checksum"))


_GATEWAY = (("site", TEXT), ("gateway", TEXT), ("boot", BIG), ("lane", SMALL))
# `recorded` as the gateway stamped it (from 1970 on while its clock was not set), `utc` what is
# known now: NULL until a clock record of the boot tells
_STAMP = (("uptime_ms", BIG), ("recorded", TIME), ("clock_quality", SMALL), ("utc", TIME))
# of the record, of a block up to the frame; NULL: not known
_CHECKSUM = ("checksum", BIG)

_NONE_OF_NAME = {"rule": 255, "contactor": 255}
_KIND_OF_CODE = {"B": SMALL, "h": SMALL, "H": INT, "I": BIG}
_SUMMARY = tuple(
    (name, _KIND_OF_CODE[code])
    for name, code in zip(layout.SAMPLE_FIELDS, layout.SAMPLE_PAYLOAD[1:], strict=True)
    if name != "rack"
)
_NONE_OF_CODE = {"H": layout.NO_UNSIGNED, "h": layout.NO_SIGNED}
_BOUNDS_OF_CODE = {
    "B": (0, 0xFF),
    "h": (-0x8000, 0x7FFF),
    "H": (0, 0xFFFF),
    "I": (0, 0xFFFFFFFF),
}
# name, lowest and highest value of the field, the value that stands for "none"
SUMMARY_FIELDS: tuple[tuple[str, int, int, int | None], ...] = tuple(
    (name, *_BOUNDS_OF_CODE[code], _NONE_OF_CODE.get(code, _NONE_OF_NAME.get(name)))
    for name, code in zip(layout.SAMPLE_FIELDS, layout.SAMPLE_PAYLOAD[1:], strict=True)
    if name != "rack"
)


def _of_records(name: str, *columns: tuple[str, str]) -> Table:
    """A table with one row per record of the log."""
    return Table(
        name,
        ("site", "gateway", "boot", "lane", "sequence"),
        (*_GATEWAY, ("sequence", BIG), *_STAMP, _CHECKSUM, *columns),
    )


# `chunk` and `chunk_last`: sequence numbers of the records that the frame came in
FRAMES = Table(
    "frames",
    ("site", "gateway", "boot", "lane", "rack", "chunk", "uptime_ms"),
    (
        *_GATEWAY,
        ("rack", SMALL),
        ("chunk", BIG),
        ("chunk_last", BIG),
        *_STAMP,
        _CHECKSUM,
        *_SUMMARY,
        ("cells_age_ms", INT),
        ("cells_mv", SMALLS),
        ("temps_dc", SMALLS),
    ),
)
EVENTS = _of_records(
    "events",
    ("code", SMALL),
    ("name", TEXT),
    ("rack", SMALL),
    ("rule", SMALL),
    ("level", SMALL),
    ("value", INT),
    ("limit_value", INT),
    ("text", TEXT),
)
GAPS = _of_records("gaps", ("lost_boot", BIG), ("first_lost", BIG), ("last_lost", BIG))
CLOCKS = _of_records("clocks", ("at_uptime_ms", BIG), ("at_utc_ms", BIG), ("quality", SMALL))
# a trip with a black box; its frames stand in `frames`, in the lane of the events
BLACK_BOXES = _of_records(
    "black_boxes",
    ("box", INT),
    ("rack", SMALL),
    ("rule", SMALL),
    ("rule_name", TEXT),
    ("level", SMALL),
    ("value", INT),
    ("set_point", INT),
    ("clear_point", INT),
    ("delay_ms", BIG),
    ("counted_ms", BIG),
    ("shared_box", INT),
)
# parts of black boxes and kinds of a newer gateway, as they came
PACKED = _of_records("packed", ("kind", SMALL), ("payload", BYTES))

TABLES = (FRAMES, EVENTS, GAPS, CLOCKS, BLACK_BOXES, PACKED)
