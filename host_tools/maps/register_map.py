"""Reads the register maps that stand as CSV files beside this module, and checks them."""

from __future__ import annotations

import csv
from pathlib import Path

from host_tools.errors import UserError
from host_tools.maps import csv_rows
from host_tools.maps.csv_rows import COLUMNS, Context, Row
from host_tools.maps.lint import problems
from host_tools.maps.model import RegisterMap
from host_tools.maps.vocabulary import DERIVED, ROWS

MAPS = Path(__file__).parent

REQUIRED_META = ("id", "version", "title", "source", "max_block")
OPTIONAL_META = {
    "read": "3",
    "write": "6 16",
    "base": "0",
    "stride": "0",
    "positions": "1",
    "started": "",
    "byte_order": "high first",
    "cells": "1..1024",
}


NUMBERS = ("id", "version", "max_block", "stride", "positions")  # among the properties


def map_names() -> list[str]:
    """Names of all maps that are shipped."""
    return sorted(path.stem for path in MAPS.glob("*.csv"))


def load(name: str) -> RegisterMap:
    """Read and check the map called `name`; UserError names file, line and rule."""
    path = MAPS / f"{name}.csv"
    if not path.exists():
        raise UserError(f"no register map {name!r}; there are: {', '.join(map_names())}")
    try:
        loaded = parse(name, path.read_text(encoding="utf-8"))
        for key in NUMBERS:
            loaded.number(key)
        found = problems(loaded)
    except OSError as error:
        raise UserError(f"{path.name}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path.name}: is not UTF-8 text") from error
    except ValueError as error:
        raise UserError(f"{path.name}: {error}") from error
    for line, problem in found:
        raise UserError(f"{path.name} line {line}: {problem}")
    return loaded


def parse(name: str, text: str) -> RegisterMap:
    """The map in the CSV `text`; UserError for a row that is no row of a map."""
    rows = list(csv.DictReader(text.splitlines()))
    if not rows or tuple(rows[0]) != COLUMNS:
        raise UserError(f"{name}.csv line 1: the columns must be {','.join(COLUMNS)}")
    loaded = RegisterMap(name, {})
    context: Context | None = None
    for line, row in enumerate(rows, start=2):
        try:
            if None in row or None in row.values():
                raise ValueError(f"not {len(COLUMNS)} columns")
            if row["row"] == "meta":
                _add_meta(loaded, row)
                continue
            context = context or _context(loaded)
            _add(loaded, row, line, context)
        except ValueError as error:
            raise UserError(f"{name}.csv line {line}: {error}") from error
    if context is None:
        raise UserError(f"{name}.csv: no rows but properties")
    return loaded


def _add_meta(loaded: RegisterMap, row: Row) -> None:
    if row["name"] not in REQUIRED_META and row["name"] not in OPTIONAL_META:
        raise ValueError(f"property {row['name']!r} is unknown")
    loaded.meta[row["name"]] = row["value"]


def _context(loaded: RegisterMap) -> Context:
    """Properties are complete now: they stand above everything else."""
    for name in REQUIRED_META:
        if not loaded.meta.get(name):
            raise ValueError(f"property {name!r} is missing above this row")
    loaded.meta = OPTIONAL_META | loaded.meta
    if loaded.meta["byte_order"] not in ("high first", "low first"):
        raise ValueError("byte_order is `high first` or `low first`")
    writes = tuple(csv_rows.number(each, "write") for each in loaded.meta["write"].split())
    return Context(loaded.number("base"), loaded.number("read"), writes)


def _add(loaded: RegisterMap, row: Row, line: int, context: Context) -> None:
    kind = row["row"]
    if kind in ("item", "array", "write"):
        target = {"item": loaded.items, "array": loaded.arrays, "write": loaded.writes}[kind]
        target += csv_rows.items_of(row, line, context)
    elif kind == "derived":
        if row["name"] not in DERIVED:
            raise ValueError(f"derived {row['name']!r} is none of: {', '.join(DERIVED)}")
        loaded.derived[row["name"]] = row["note"]
    elif kind in ("enum", "bit"):
        _add_name(loaded, row, line)
    elif kind in ("hole", "barrier"):
        spans = loaded.holes if kind == "hole" else loaded.barriers
        spans.append(csv_rows.span_of(row, line, context))
    elif kind == "command":
        loaded.commands.append(csv_rows.command_of(row, line))
    else:
        raise ValueError(f"row {kind!r} is none of: {', '.join(ROWS)}")


def _add_name(loaded: RegisterMap, row: Row, line: int) -> None:
    """An enum value or a bit belongs to the row of that name above it."""
    owners = [item for item in loaded.items + loaded.writes if item.name == row["name"]]
    if not owners:
        raise ValueError(f"{row['row']} of {row['name']!r}, which does not stand above")
    if row["row"] == "enum":
        value = csv_rows.enum_of(row, line)
        if any(each.raw == value.raw for each in owners[-1].enum):
            raise ValueError(f"value {value.raw} of {row['name']} twice")
        owners[-1].enum.append(value)
    else:
        bit = csv_rows.bit_of(row, line)
        if any(each.number == bit.number for each in owners[-1].bit_names):
            raise ValueError(f"bit {bit.number} of {row['name']} twice")
        owners[-1].bit_names.append(bit)
