"""Statements that DuckDB and PostgreSQL share; what differs is handed in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.clock import NTP, UNSET
from gateway.telemetry.records import EVENTS as EVENTS_LANE
from host_tools.decode.real_time import DAY_MS, TURN_MS
from host_tools.ingest.frame_rows import LATEST_MS
from host_tools.ingest.schema import CLOCKS, EVENTS, FRAMES, GAPS, TABLES, TIME, Table

_BOOT = ("site", "gateway", "boot")


@dataclass(frozen=True)
class Dialect:
    """`types` of the kinds of column; `time_of_ms` makes a timestamp of `{}`, ms since 1970.

    `ms_of_time` does the reverse, `placeholder` stands for a parameter.
    """

    types: Mapping[str, str]
    time_of_ms: str
    ms_of_time: str
    placeholder: str


def create_table(table: Table, types: Mapping[str, str], key: tuple[str, ...] = ()) -> str:
    """CREATE TABLE; `types` gives the type of each kind of column, `key` replaces the table's."""
    columns = ", ".join(f"{name} {types[kind]}" for name, kind in table.columns)
    words = ", ".join(key or table.key)
    return f"CREATE TABLE IF NOT EXISTS {table.name} ({columns}, PRIMARY KEY ({words}))"


def insert_new(table: Table, dialect: Dialect, correct: bool) -> str:
    """INSERT of the staged rows whose key is not there; `correct`: with the times known now."""
    columns = []
    for name, kind in table.columns:
        value = f"n.{name}"
        if name == "utc" and correct:
            known = _utc_ms("n", "n.recorded")
            value = f"CASE WHEN n.clock_quality < {NTP} THEN {known} ELSE n.utc END"
        columns.append(dialect.time_of_ms.format(value) if kind == TIME else value)
    return (
        f"INSERT INTO {table.name} SELECT {', '.join(columns)} FROM new_{table.name} n"
        # in the order of keys: two workers never wait for each other in a circle
        f" ORDER BY {', '.join(f'n.{name}' for name in table.key)} ON CONFLICT DO NOTHING"
    )


def find_conflicts(table: Table, stored: str) -> str:
    """SELECT of what Table.identity gives for staged rows that differ from those `stored`."""
    keys = ", ".join(f"n.{name}" for name in table.key)
    return (
        f"SELECT {keys}, n.checksum FROM new_{table.name} n JOIN {stored} t"
        f" USING ({', '.join(table.key)}) WHERE n.checksum <> t.checksum"
    )


def correct_times(table: Table, dialect: Dialect) -> str:
    """UPDATE that gives the rows of one boot the time that its clock records tell.

    The parameters: site, gateway, boot. Doing it again changes nothing.
    """
    recorded = dialect.ms_of_time.format(f"{table.name}.recorded")
    known = dialect.time_of_ms.format(_utc_ms(table.name, recorded))
    boot = " AND ".join(f"{table.name}.{name} = {dialect.placeholder}" for name in _BOOT)
    return (
        f"UPDATE {table.name} SET utc = {known}"
        f" WHERE {boot} AND clock_quality < {NTP} AND utc IS DISTINCT FROM {known}"
    )


def _utc_ms(row: str, stamp: str) -> str:
    """Ms since 1970 by the rules of host_tools.decode.real_time; `stamp` is the row's own."""
    same_boot = " AND ".join(f"c.{name} = {row}.{name}" for name in _BOOT)
    since = f"{row}.uptime_ms - c.at_uptime_ms"
    before = f"((({since} - {DAY_MS}) & {TURN_MS - 1}) + {DAY_MS - TURN_MS})"
    half = TURN_MS // 2
    error = f"(((c.at_utc_ms + {since} - {stamp} + {half}) & {TURN_MS - 1}) - {half})"
    is_unset = f"{row}.clock_quality = {UNSET}"
    known = (
        f"SELECT CASE WHEN {is_unset} THEN c.at_utc_ms + {before}"
        f" WHEN abs({error}) <= {DAY_MS} THEN {stamp} + {error} ELSE {stamp} END"
        f" FROM {CLOCKS.name} c WHERE {same_boot} AND c.quality > {row}.clock_quality"
        f" ORDER BY c.quality DESC,"
        f" CASE WHEN {is_unset} THEN 0 ELSE abs(c.at_utc_ms - {stamp}) END,"
        " c.sequence, c.lane LIMIT 1"
    )
    own = f"CASE WHEN NOT {is_unset} AND {stamp} < {LATEST_MS} THEN {stamp} END"
    return f"coalesce(({known}), {own})"


def create_holes() -> str:
    """A view: sequence numbers that neither arrived nor were reported as lost.

    In a lane of samples each rack's blocks count alone: those of the racks that the boot is known
    to have, up to the last number that came from any. `racks` is NULL for records of the log.
    `perhaps_told`: a report whose beginning the gateway did not know reaches over the hole. It may
    be about others: what was lost behind the gateway must not hide under it.
    """
    blocks = (
        "SELECT DISTINCT site, gateway, boot, lane, rack, chunk AS low, chunk_last AS high"
        f" FROM {FRAMES.name} WHERE lane <> {EVENTS_LANE}"
    )
    singles = [
        f"SELECT site, gateway, boot, lane, sequence AS low, sequence AS high FROM {table.name}"
        for table in TABLES
        if table is not FRAMES
    ]
    singles.append(
        "SELECT site, gateway, lost_boot, lane, first_lost, last_lost"
        f" FROM {GAPS.name} WHERE first_lost > 0"
    )
    racks = (
        f"SELECT site, gateway, boot, rack FROM {FRAMES.name} UNION"
        f" SELECT site, gateway, boot, rack FROM {EVENTS.name} WHERE rack IS NOT NULL"
    )
    ends = (
        "SELECT site, gateway, boot, lane, max(high) + 1 AS low, max(high) + 1 AS high FROM"
        " (SELECT site, gateway, boot, lane, high FROM blocks"
        " UNION ALL SELECT site, gateway, boot, lane, high FROM singles) every"
        f" WHERE lane <> {EVENTS_LANE} GROUP BY site, gateway, boot, lane"
    )
    same = " AND ".join(f"r.{name} = s.{name}" for name in _BOOT)
    return (
        f"CREATE OR REPLACE VIEW holes AS WITH blocks AS ({blocks}),"
        f" singles AS ({' UNION '.join(singles)}), racks AS ({racks}), ends AS ({ends}),"
        " spans AS (SELECT site, gateway, boot, lane, rack, low, high FROM blocks"
        " UNION ALL SELECT s.site, s.gateway, s.boot, s.lane, r.rack, s.low, s.high"
        " FROM (SELECT * FROM singles UNION ALL SELECT * FROM ends) s"
        f" LEFT JOIN racks r ON s.lane <> {EVENTS_LANE} AND {same}),"
        " reaching AS (SELECT spans.*, coalesce(max(high) OVER (PARTITION BY site, gateway, boot,"
        " lane, rack ORDER BY low, high ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)"
        " AS reached FROM spans)"
        " SELECT site, gateway, boot, lane,"
        " array_agg(rack ORDER BY rack) FILTER (WHERE rack IS NOT NULL) AS racks,"
        " reached + 1 AS first_missing, low - 1 AS last_missing,"
        f" EXISTS ({_report_without_beginning('s')} AND g.lane = s.lane"
        " AND (s.boot < g.lost_boot OR s.boot = g.lost_boot AND s.low - 1 <= g.last_lost))"
        " AS perhaps_told FROM reaching s WHERE low > reached + 1"
        " GROUP BY site, gateway, boot, lane, reached, low"
    )


def create_missing_boots() -> str:
    """A view: boots between two known ones of which nothing came and nothing was reported.

    `perhaps_told` as in `holes`, by the reports of the events.
    """
    known = [f"SELECT site, gateway, boot FROM {table.name}" for table in TABLES]
    known.append(f"SELECT site, gateway, lost_boot FROM {GAPS.name} WHERE first_lost > 0")
    return (
        f"CREATE OR REPLACE VIEW missing_boots AS WITH known AS ({' UNION '.join(known)}),"
        " follow AS (SELECT site, gateway, boot, lag(boot) OVER"
        " (PARTITION BY site, gateway ORDER BY boot) AS before FROM known)"
        " SELECT site, gateway, before + 1 AS first_missing, boot - 1 AS last_missing,"
        f" EXISTS ({_report_without_beginning('s')} AND g.lane = {EVENTS_LANE}"
        " AND g.lost_boot >= s.boot - 1) AS perhaps_told"
        " FROM follow s WHERE boot > before + 1"
    )


def _report_without_beginning(row: str) -> str:
    """SELECT of gaps of the row's gateway that cover whatever had not come up to their last."""
    return (
        f"SELECT 1 FROM {GAPS.name} g WHERE g.first_lost = 0"
        f" AND g.site = {row}.site AND g.gateway = {row}.gateway"
    )
