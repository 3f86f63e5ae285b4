"""Statements that DuckDB and PostgreSQL share; what differs is handed in."""

from __future__ import annotations

from collections.abc import Mapping

from host_tools.ingest.schema import CLOCKS, FRAMES, GAPS, TABLES, Table

_BOOT = ("site", "gateway", "boot")


def create_table(table: Table, types: Mapping[str, str], key: tuple[str, ...] = ()) -> str:
    """CREATE TABLE; `types` gives the type of each kind of column, `key` replaces the table's."""
    columns = ", ".join(f"{name} {types[kind]}" for name, kind in table.columns)
    words = ", ".join(key or table.key)
    return f"CREATE TABLE IF NOT EXISTS {table.name} ({columns}, PRIMARY KEY ({words}))"


def boot_filter(table: Table, placeholder: str) -> str:
    """Condition for the rows of one boot, three parameters: site, gateway, boot."""
    return " AND ".join(f"{table.name}.{name} = {placeholder}" for name in _BOOT)


def any_clock(placeholder: str) -> str:
    """One row when a boot has a clock record; the parameters of `boot_filter`."""
    return f"SELECT 1 FROM {CLOCKS.name} WHERE {boot_filter(CLOCKS, placeholder)} LIMIT 1"


def correct_times(table: Table, placeholder: str, time_of_ms: str) -> str:
    """UPDATE that gives the rows of one boot the time that its clock records tell.

    A row is corrected by the surest clock that is surer than its own stamp; of several by the
    nearest in uptime, which wraps at 32 bits. `time_of_ms` makes a timestamp of `{}`, ms since
    1970. The parameters of `boot_filter`, twice. Doing it again changes nothing.
    """
    same_boot = " AND ".join(f"c.{name} = {table.name}.{name}" for name in _BOOT)
    apart = f"(({table.name}.uptime_ms - c.at_uptime_ms + 2147483648) & 4294967295) - 2147483648"
    known = (
        f"(SELECT {time_of_ms.format(f'c.at_utc_ms + {apart}')} FROM {CLOCKS.name} c"
        f" WHERE {same_boot} AND c.quality > {table.name}.clock_quality"
        f" ORDER BY c.quality DESC, abs({apart}), c.lane, c.sequence LIMIT 1)"
    )
    surest = (
        f"(SELECT max({CLOCKS.name}.quality) FROM {CLOCKS.name}"
        f" WHERE {boot_filter(CLOCKS, placeholder)})"
    )
    return (
        f"UPDATE {table.name} SET utc = {known}"
        f" WHERE {boot_filter(table, placeholder)} AND clock_quality < {surest}"
        f" AND utc IS DISTINCT FROM {known}"
    )


def create_holes() -> str:
    """A view: sequence numbers that neither arrived nor were reported as lost."""
    spans = [
        f"SELECT site, gateway, boot, lane, chunk AS low, chunk_last AS high FROM {FRAMES.name}"
    ]
    spans += [
        f"SELECT site, gateway, boot, lane, sequence, sequence FROM {table.name}"
        for table in TABLES
        if table is not FRAMES
    ]
    spans.append(
        "SELECT site, gateway, lost_boot, lane, first_lost, last_lost"
        f" FROM {GAPS.name} WHERE first_lost > 0"
    )
    return (
        f"CREATE OR REPLACE VIEW holes AS WITH spans AS ({' UNION '.join(spans)}),"
        " reaching AS (SELECT spans.*, coalesce(max(high) OVER (PARTITION BY site, gateway, boot,"
        " lane ORDER BY low, high ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS reached"
        " FROM spans)"
        " SELECT site, gateway, boot, lane, reached + 1 AS first_missing, low - 1 AS last_missing"
        " FROM reaching r WHERE low > reached + 1 AND NOT EXISTS"
        # first 0: whatever has not arrived up to the last, earlier boots included
        f" (SELECT 1 FROM {GAPS.name} g WHERE g.first_lost = 0 AND g.site = r.site"
        " AND g.gateway = r.gateway AND g.lane = r.lane AND (r.boot < g.lost_boot"
        " OR r.boot = g.lost_boot AND r.low - 1 <= g.last_lost))"
    )
