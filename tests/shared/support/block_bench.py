"""Blocks and set records of made-up racks, by the device's own encoder."""

import binascii
import struct
from array import array

from gateway.telemetry import records
from gateway.telemetry.sections import SetEncoder

BOOT = 7
UTC_MS = 1800000000123  # needs more than 32 bits
PERIOD_MS = 10000


class MadeUpRacks:
    """Readings of `racks` racks that all tell themselves apart; one chain of sections per rack."""

    def __init__(self, racks=3, cells=16, temps=4):
        self.racks = racks
        self.encoder = SetEncoder(racks, cells, temps)
        self.cells = cells
        self.temps = temps

    def sample(self, rack, instant):
        """The fields of a summary."""
        values = [17 * rack + 3 * field + instant for field in range(len(records.SAMPLE_FIELDS))]
        values[records.SAMPLE_FIELDS.index("rack")] = rack
        return values

    def cells_mv(self, rack, instant):
        """Cell voltages."""
        return array("H", [3300 + rack + (index + instant) % 5 for index in range(self.cells)])

    def temps_dc(self, rack, instant):
        """Temperatures, below zero too."""
        return array("h", [rack - instant - index % 3 for index in range(self.temps)])

    def section(self, rack, instant, scanned=True):
        """The next section of the rack's chain; instant 0 begins one."""
        out = bytearray(self.encoder.largest)
        cells = self.cells_mv(rack, instant) if scanned else None
        temps = self.temps_dc(rack, instant) if scanned else None
        sample = self.sample(rack, instant)
        end = self.encoder.encode(rack, sample, cells, temps, 1200, instant == 0, out, 0)
        return bytes(out[:end])


def time_of(instant):
    """Uptime, UTC, clock quality of an instant."""
    return instant * PERIOD_MS, UTC_MS + instant * PERIOD_MS, 2


def block_message(rack, sections, lane=records.FINE, boot=BOOT, first=1, last=None):
    """A message of the uplink with these sections, at instants 0, 1, 2 ..."""
    last = first + len(sections) - 1 if last is None else last
    message = struct.pack(
        records.BLOCK, records.VERSION, lane, rack, 0, len(sections), boot, first, last
    )
    for instant in range(len(sections)):
        uptime_ms, utc_ms, quality = time_of(instant)
        message += struct.pack(
            records.BLOCK_TIME, uptime_ms, utc_ms & 0xFFFFFFFF, utc_ms >> 32, quality
        )
        message += sections[instant]
    return message + struct.pack("<I", binascii.crc32(message))


def set_payload(first, instant, sections):
    """Payload of a set record."""
    return struct.pack(records.SET_PAYLOAD, first, instant, len(sections), 0) + b"".join(sections)
