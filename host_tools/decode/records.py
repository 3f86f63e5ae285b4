"""Records of the gateway as dataclasses, from a stream (a journal file) or from an MQTT message.

Layouts come from the firmware; the checksum is computed here anew, so a mistake in the device's
own check shows.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypedDict

from gateway.telemetry import records as layout

# boot id, lane and sequence number: identify a record of one gateway for ever
Key = tuple[int, int, int]

_EVENT = struct.Struct(layout.EVENT_PAYLOAD)
_GAP = struct.Struct(layout.GAP_PAYLOAD)
_CLOCK = struct.Struct(layout.CLOCK_PAYLOAD)
_HEADER = struct.Struct(layout.HEADER)
_BATCH = struct.Struct(layout.BATCH)
_MARK = bytes([layout.MAGIC])
_FARTHEST_RECORD = 64  # the first one of a message stands before it, in a newer format, too


def rack_text(index: int) -> str:
    """A rack whose name is not known, for people: they count from 1, as simulated sites do."""
    return f"rack{index + 1:02d}"


class DecodeError(Exception):
    """Bytes that are not what the gateway writes; one line. Caught by whoever receives them."""


class NewerVersionError(DecodeError):
    """A whole message, its checksums hold, in a format that is not known here."""


@dataclass(frozen=True, slots=True)
class Record:
    """What every record has; `clock_quality` is gateway.clock's UNSET, RTC or NTP.

    Each lane counts for itself, from 1 at every boot. `checksum` is the one on flash; 0 for a
    record that did not come as one.
    """

    boot: int
    seq: int
    uptime_ms: int
    utc_ms: int
    clock_quality: int
    lane: int = field(default=layout.EVENTS, kw_only=True)
    checksum: int = field(default=0, kw_only=True, compare=False)

    @property
    def key(self) -> Key:
        """Identity of the record."""
        return self.boot, self.lane, self.seq


@dataclass(frozen=True, slots=True)
class Sample(Record):
    """One summary of one rack, of a block or a live message; `acquired_ms` is uptime."""

    rack: int
    quality: int
    level: int
    rule: int
    acquired_ms: int
    summary_number: int
    rack_voltage_dv: int
    rack_current_da: int
    soc_pm: int
    soh_pm: int
    cell_max_mv: int
    cell_max_index: int
    cell_min_mv: int
    cell_min_index: int
    cell_mean_mv: int
    temp_max_dc: int
    temp_min_dc: int
    temp_mean_dc: int
    charge_da: int
    discharge_da: int
    insulation_kohm: int
    bms_trip_bits: int
    contactor: int
    relay: int


@dataclass(frozen=True, slots=True)
class Event(Record):
    """A decision or a change; `rack` and `rule` are 255 where there is none."""

    code: int
    rack: int
    rule: int
    level: int
    value: int
    limit: int
    text: str

    @property
    def name(self) -> str:
        """What happened, in words."""
        known = self.code < len(layout.EVENT_NAMES)
        return layout.EVENT_NAMES[self.code] if known else f"code {self.code}"


@dataclass(frozen=True, slots=True)
class Gap(Record):
    """Records `first`..`last` of `lost_boot` and of its own lane were dropped undelivered.

    `first` 0: whatever has not come up to `last`, earlier boots included.
    """

    lost_boot: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class ClockRecord(Record):
    """At uptime `at_uptime_ms` of this boot it was `at_utc_ms`, as sure as `quality` says."""

    at_uptime_ms: int
    at_utc_ms: int
    quality: int


@dataclass(frozen=True, slots=True)
class Packed(Record):
    """A record that is read together with others: sets of samples, parts of a black box."""

    kind: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Unknown(Record):
    """A good record of a kind that a newer gateway writes."""

    kind: int
    payload: bytes


_Head = tuple[int, int, int, int, int]


class _Tail(TypedDict):
    lane: int
    checksum: int


def decode_message(message: bytes) -> list[Record]:
    """All records of one MQTT message; DecodeError when anything about it is wrong."""
    if len(message) < layout.BATCH_BYTES:
        raise DecodeError(f"message of {len(message)} bytes is shorter than its header")
    version, lane, boot, first, count = _BATCH.unpack_from(message)
    if version != layout.VERSION:
        whole = any(_ends_whole(message, at) for at in range(1, _FARTHEST_RECORD))
        raise (NewerVersionError if whole else DecodeError)(
            f"message version {version}, known is {layout.VERSION}"
        )
    found, end = decode_stream(message[layout.BATCH_BYTES :], boot)
    where = f"boot {boot}, lane {lane}, records from {first}"
    if layout.BATCH_BYTES + end != len(message):
        raise DecodeError(f"{where}: bad record after {len(found)} of {count}")
    if [record.seq for record in found] != list(range(first, first + count)):
        raise DecodeError(f"{where}: holds not the {count} records that its header names")
    if any(record.lane != lane for record in found):
        raise DecodeError(f"{where}: a record of another lane among them")
    return found


def _ends_whole(message: bytes, at: int) -> bool:
    """From `at` on there are good records and nothing else."""
    return message[at : at + 1] == _MARK and decode_stream(message[at:], 0)[1] == len(message) - at


def decode_stream(data: bytes, boot: int) -> tuple[list[Record], int]:
    """Good records from the start of `data` on, and the offset of the first bad frame or the end.

    A record with a good checksum and a payload that does not fit its kind counts as bad.
    """
    found: list[Record] = []
    offset = 0
    while offset < len(data):
        try:
            record, length = decode_one(data, offset, boot)
        except (DecodeError, struct.error):
            break
        found.append(record)
        offset += length
    return found, offset


def decode_one(data: bytes, offset: int, boot: int) -> tuple[Record, int]:
    """The record at `offset` and its length; DecodeError or struct.error when it is not good."""
    magic, kind, size, checksum, seq, uptime_ms, low, high, quality, lane = _HEADER.unpack_from(
        data, offset
    )
    end = offset + layout.HEADER_BYTES + size
    if magic != layout.MAGIC or end > len(data):
        raise DecodeError("not a whole record")
    if zlib.crc32(data[offset + 8 : end], zlib.crc32(data[offset : offset + 4])) != checksum:
        raise DecodeError("checksum")
    head = (boot, seq, uptime_ms, high << 32 | low, quality)
    tail: _Tail = {"lane": lane, "checksum": checksum}
    payload = data[offset + layout.HEADER_BYTES : end]
    decode = _KINDS.get(kind)
    record = decode(head, tail, payload) if decode else Unknown(*head, kind, payload, **tail)
    return record, end - offset


def _event(head: _Head, tail: _Tail, payload: bytes) -> Record:
    code, rack, rule, level, value, limit = _EVENT.unpack_from(payload)
    text = payload[_EVENT.size :].decode("utf-8", "replace")
    return Event(*head, code, rack, rule, level, value, limit, text, **tail)


def _gap(head: _Head, tail: _Tail, payload: bytes) -> Record:
    return Gap(*head, *_GAP.unpack(payload), **tail)


def _clock(head: _Head, tail: _Tail, payload: bytes) -> Record:
    at_uptime_ms, low, high, quality, _ = _CLOCK.unpack(payload)
    return ClockRecord(*head, at_uptime_ms, high << 32 | low, quality, **tail)


def _set(head: _Head, tail: _Tail, payload: bytes) -> Record:
    return Packed(*head, layout.SET, payload, **tail)


def _black_box(head: _Head, tail: _Tail, payload: bytes) -> Record:
    return Packed(*head, layout.BLACK_BOX, payload, **tail)


_KINDS: dict[int, Callable[[_Head, _Tail, bytes], Record]] = {
    layout.EVENT: _event,
    layout.GAP: _gap,
    layout.SET: _set,
    layout.BLACK_BOX: _black_box,
    layout.CLOCK: _clock,
}
