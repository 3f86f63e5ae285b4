"""Records as they stand on flash and go over the wire: framing, events, gaps, sets of samples.

Little endian. A record is a 24-byte header and its payload; the checksum covers everything but
itself, so it holds from flash to the reader at the other end of the uplink. Gateway id, boot id,
lane and sequence number identify a record for ever: each lane counts for itself.
"""

from __future__ import annotations

import binascii
import struct

MAGIC = 0xB5
VERSION = 1

# Lanes: what is kept longest first. Events are on flash at once, samples page by page.
EVENTS = 0
MINUTE = 1
FINE = 2
LANES = ("events", "minute", "fine")

# Kinds of record; 1 and 3 are not used.
EVENT = 2
GAP = 4
SET = 5
BLACK_BOX = 6
CLOCK = 7

# magic, kind, payload length, crc32, sequence, uptime ms, utc ms (32 low bits, 16 high bits),
# clock quality (gateway.clock), lane
HEADER = "<BBHIIIIHBB"
HEADER_BYTES = 24
LANE_AT = 23  # place in the header
LARGEST_RECORD = 4096  # bytes, header included
# version, lane, boot id, first sequence number, record count
BATCH = "<BBIIH"
BATCH_BYTES = 12

# A rack's summary, in sections and live messages; the types are those of its fields.
# rack, quality, level, rule (255 none); uptime ms of the acquisition, number of the summary;
# voltage 0.1 V, current 0.1 A (charging positive), SOC 0.1 %, SOH 0.1 %;
# highest cell mV, its index, lowest cell mV, its index, mean cell mV;
# hottest, coldest, mean temperature 0.1 degC; granted charge and discharge current 0.1 A;
# insulation kOhm, trip alarm bits of the BMS; contactor state, trip relay (1 = energised)
SAMPLE_PAYLOAD = "<BBBBIIHhHHHHHHHhhhHHHHBB"
SAMPLE_FIELDS = (
    "rack", "quality", "level", "rule", "acquired_ms", "summary_number",
    "rack_voltage_dv", "rack_current_da", "soc_pm", "soh_pm",
    "cell_max_mv", "cell_max_index", "cell_min_mv", "cell_min_index", "cell_mean_mv",
    "temp_max_dc", "temp_min_dc", "temp_mean_dc", "charge_da", "discharge_da",
    "insulation_kohm", "bms_trip_bits", "contactor", "relay",
)  # fmt: skip

# code, rack (255 = site), rule (255 none), level, value, limit; then text in UTF-8
EVENT_PAYLOAD = "<BBBBii"
EVENT_BYTES = 12
# In a sample's 16-bit fields: the rack BMS does not supply this value (contactor: 255).
NO_UNSIGNED = 0xFFFF
NO_SIGNED = -0x8000
NO_RACK = 255

# Event codes.
BOOT = 1
LEVEL_SET = 2
LEVEL_CLEARED = 3
TRIP = 4
RELAY_CLOSED = 5
RELAY_OPENED = 6
RESET = 7
RESET_REFUSED = 8
CONTACTOR = 9
STOP = 10
BUS = 11
ESCALATION = 12
OPENING_PROVEN = 13
SITE_OUTPUT = 14
PROOF_TEST = 15
PROOF_DUE = 16
BMS_THRESHOLD = 17
CONFIG = 18
COMMAND = 19
CLOCK_SET = 20
OPENING = 21
OPEN_COMMAND = 22
CONFIG_IN_FORCE = 23
STALL = 24
EVENT_NAMES = (
    "", "boot", "level set", "level cleared", "trip", "relay closed", "relay opened",
    "reset", "reset refused", "contactor", "stop", "bus", "escalation", "opening proven",
    "site output", "proof test", "proof tests due", "bms threshold", "configuration",
    "command", "clock set", "opening", "open command", "configuration in force",
    "stall",
)  # fmt: skip

# boot id and first and last sequence number of what is lost; first 0 = whatever has not arrived
# up to the last, earlier boots included
GAP_PAYLOAD = "<III"

# A set holds what all racks said at one instant, in one record or several. Sequence number of the
# first record of its chunk, instant in the chunk from 0, number of sections, 0; then the sections.
# Frames refer to those before them in the chunk and to nothing else, so a chunk decodes alone.
SET_PAYLOAD = "<IHBB"
SET_BYTES = 8
# rack, flags, bytes of the cell frame and of the temperature frame (0 = none new), bytes of the
# summary, age of the cells at the time of the record in 100 ms (255 = that or more); then summary,
# cell frame, temperature frame
SECTION = "<BBHHBB"
SECTION_BYTES = 8
KEY = 1  # flag of a section: refers to no earlier one

# A block is one rack's part of a chunk, as it goes upstream. Version, lane, rack, 0, number of
# frames, boot id, first and last sequence number of the chunk; then per frame the time and the
# section; at the end the checksum of all of it (u32).
BLOCK = "<BBBBHIII"
BLOCK_BYTES = 18
# uptime ms, utc ms (32 low bits, 16 high bits), clock quality
BLOCK_TIME = "<IIHB"
BLOCK_TIME_BYTES = 11

# What is known of the wall clock from here on: uptime ms and utc ms (32 low, 16 high bits) of one
# moment, quality, 0. Records of this boot with a lower quality can be corrected with it.
CLOCK_PAYLOAD = "<IIHBB"


def encode(
    kind: int,
    sequence: int,
    uptime_ms: int,
    utc_ms: int,
    clock_quality: int,
    payload: bytes,
    lane: int = EVENTS,
) -> bytes:
    """One whole record; the numbers wrap at their field's width."""
    header = encode_header(kind, sequence, uptime_ms, utc_ms, clock_quality, payload, lane)
    return bytes(header) + payload


def encode_header(
    kind: int,
    sequence: int,
    uptime_ms: int,
    utc_ms: int,
    clock_quality: int,
    payload: bytes | bytearray | memoryview,
    lane: int,
) -> bytearray:
    """What stands before `payload` in a record, with the checksum of both."""
    header = bytearray(HEADER_BYTES)
    struct.pack_into(
        HEADER,
        header,
        0,
        MAGIC,
        kind,
        len(payload),
        0,
        sequence & 0xFFFFFFFF,
        uptime_ms & 0xFFFFFFFF,
        utc_ms & 0xFFFFFFFF,
        (utc_ms >> 32) & 0xFFFF,
        clock_quality,
        lane,
    )
    struct.pack_into("<I", header, 4, _checksum(header, payload))
    return header


def check(buffer: bytes | memoryview, start: int, end: int) -> int:
    """Length of the good record at `start` (not beyond `end`), or 0 when there is none."""
    if end - start < HEADER_BYTES or buffer[start] != MAGIC:
        return 0
    length = HEADER_BYTES + (buffer[start + 2] | buffer[start + 3] << 8)
    if start + length > end:
        return 0
    header = bytes(buffer[start : start + HEADER_BYTES])
    payload = bytes(buffer[start + HEADER_BYTES : start + length])
    if struct.unpack("<I", header[4:8])[0] != _checksum(header, payload):
        return 0
    return length


def sequence_of(buffer: bytes | memoryview, start: int) -> int:
    """Sequence number of the record at `start`."""
    number: int = struct.unpack("<I", bytes(buffer[start + 8 : start + 12]))[0]
    return number


def encode_event(
    code: int, rack: int, rule: int, level: int, value: int, limit: int, text: str
) -> bytes:
    """Payload of an event; `rack` NO_RACK and `rule` 255 where there is none."""
    return struct.pack(EVENT_PAYLOAD, code, rack, rule, level, value, limit) + text.encode()


def checksum_of_header(header: bytes | bytearray) -> int:
    """The checksum of a record as far as its payload."""
    return binascii.crc32(header[8:], binascii.crc32(header[:4]))


def _checksum(header: bytes | bytearray, payload: bytes | bytearray | memoryview) -> int:
    return binascii.crc32(payload, checksum_of_header(header))
