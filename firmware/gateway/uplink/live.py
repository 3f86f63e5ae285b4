"""Live data: what every rack says now, sent once (QoS 0), and never what it said before.

Nothing is stored and nothing is repeated. While there is no session, or the socket takes nothing,
what would have been sent is skipped and counted; what goes out next is as new as can be. The
journal's samples tell later what was missed.
"""

from __future__ import annotations

import binascii
import struct
from array import array

from micropython import const

from gateway.clock import diff
from gateway.telemetry import records
from gateway.telemetry.sections import SetEncoder, largest_section_bytes
from gateway.uplink.mqtt_packet import PublishFrame

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from gateway.clock import Clock
    from gateway.uplink.mqtt_client import MqttClient
    from gateway.uplink.settings import UplinkSettings

    class RackReadings(Protocol):
        """What is needed of `rack.data.RackData`."""

        name: str
        cells_mv: array[int]
        temps_dc: array[int]
        sequence: int  # of summaries
        cells_acquired: int
        cells_sequence: int
        temps_sequence: int


# What stands for "not known" in a field of this type.
_NOTHING = {"H": records.NO_UNSIGNED, "h": records.NO_SIGNED, "B": records.NO_RACK, "I": None}
_NUMBER_CHARACTERS = const(12)  # of a 32-bit field with its sign and comma
# One template, because each piece of text would be an allocation, some hundred times a second;
# written out, with the names of `records.SAMPLE_FIELDS`, because then it stays in flash.
SUMMARY = (
    '{"boot":%d,"uptime_ms":%d,"utc_ms":%d,"clock":%d,"stalls":%d,"rack":%s,"quality":%s,'
    '"level":%s,"rule":%s,'
    '"acquired_ms":%s,"summary_number":%s,"rack_voltage_dv":%s,"rack_current_da":%s,"soc_pm":%s,'
    '"soh_pm":%s,"cell_max_mv":%s,"cell_max_index":%s,"cell_min_mv":%s,"cell_min_index":%s,'
    '"cell_mean_mv":%s,"temp_max_dc":%s,"temp_min_dc":%s,"temp_mean_dc":%s,"charge_da":%s,'
    '"discharge_da":%s,"insulation_kohm":%s,"bms_trip_bits":%s,"contactor":%s,"relay":%s}'
)
_SUMMARY_BYTES = len(SUMMARY) + 80 + _NUMBER_CHARACTERS * len(records.SAMPLE_FIELDS)
_JITTER_MS = const(250)  # of the racks' own period, which nobody keeps in step with ours
_LOOK_MS = const(50)  # so soon a fresh summary is on its way
_IDLE_MS = const(250)  # longest sleep between two looks
_SHORTEST_MS = const(5)


class Live:
    """A service of the client: one message of one rack at a time, the racks in turn.

    Topics under `bess/v1/<site>/<gateway>/`: `live/<rack>` takes a summary as JSON each
    `live_period_ms`, as soon as a fresh one is there; a silent rack is told of all the same, half
    a second later. `cells/<rack>` takes a block of one key frame for each whole scan of the cells.
    `summary_of(rack, values)` fills an array('i') in the order of `records.SAMPLE_FIELDS`.
    `stalls()`: how often the protecting loop stood still in this boot.
    """

    def __init__(
        self,
        client: MqttClient,
        racks: list[RackReadings],
        summary_of: Callable[[int, array[int]], None],
        stalls: Callable[[], int],
        settings: UplinkSettings,
        clock: Clock,
        *,
        site: str,
        gateway: str,
        boot: int,
    ) -> None:
        self._client = client
        self._racks = racks
        self._summary_of = summary_of
        self._stalls = stalls
        self._clock = clock
        self._boot = boot
        self._period_ms = settings.live_period_ms
        self._with_cells = settings.live_cells
        count = len(racks)
        now = clock.uptime_ms()
        self._early_ms = self._period_ms - min(self._period_ms // 4, _JITTER_MS)
        self._late_ms = self._period_ms + min(self._period_ms // 2, 2 * _JITTER_MS)
        self._told_ms = [now] * count  # uptime of the last summary, sent or skipped
        self._summaries = [rack.sequence for rack in racks]  # number of the last one that was sent
        self._scans = [rack.cells_sequence for rack in racks]  # last one sent or skipped
        self._turn = 0
        self._values = array("i", [0] * len(records.SAMPLE_FIELDS))
        cells = max([len(rack.cells_mv) for rack in racks])
        temps = max([len(rack.temps_dc) for rack in racks])
        self._encoder = SetEncoder(1, cells, temps) if self._with_cells else None
        room = _SUMMARY_BYTES
        if self._with_cells:
            frame = records.BLOCK_TIME_BYTES + largest_section_bytes(cells, temps)
            room = max(room, records.BLOCK_BYTES + frame + 4)
        self._base = "bess/v1/%s/%s/" % (site, gateway)
        longest = max([len(rack.name) for rack in racks])
        self._frame = PublishFrame(self._base + "cells/" + "-" * longest, room, qos=0)
        step_ms = min(_LOOK_MS, self._period_ms // (2 * count)) if self._period_ms else _IDLE_MS
        self._step_ms = max(_SHORTEST_MS, step_ms)
        self._stopped = False
        # For status and diagnosis.
        self.sent = 0
        self.skipped = 0  # summaries and scans that nobody could be told in time
        self.bytes = 0
        if self._period_ms or self._with_cells:
            client.add_service(self._serve)

    def stop(self) -> None:
        """The gateway ends: what is stored has the link for itself."""
        self._stopped = True

    async def _serve(self) -> None:
        while not self._stopped:
            length = self._next()
            if length:
                self.sent += 1
                self.bytes += length
                await self._client.publish(self._frame, length)
            else:
                await self._clock.sleep_ms(self._step_ms)

    def _next(self) -> int:
        """Build the message of the first rack, in turn, that has one; its length, 0 = none."""
        now = self._clock.uptime_ms()
        count = len(self._racks)
        for step in range(count):
            rack = (self._turn + step) % count
            length = self._next_of(rack, now)
            if length:
                self._turn = rack if self._scan_waits(rack) else (rack + 1) % count
                return length
        return 0

    def _next_of(self, rack: int, now: int) -> int:
        if self._period_ms and self._summary_due(rack, now):
            self.skipped += max(0, (now - self._told_ms[rack]) // self._period_ms - 1)
            self._told_ms[rack] = now
            self._summaries[rack] = self._racks[rack].sequence
            return self._build_summary(rack, now)
        if self._scan_waits(rack):
            scans = self._racks[rack].cells_sequence
            self.skipped += scans - self._scans[rack] - 1
            self._scans[rack] = scans
            return self._build_cells(rack, now)
        return 0

    def _summary_due(self, rack: int, now: int) -> bool:
        passed_ms = now - self._told_ms[rack]
        fresh = self._racks[rack].sequence != self._summaries[rack]
        return passed_ms >= (self._early_ms if fresh else self._late_ms)

    def _scan_waits(self, rack: int) -> bool:
        return self._with_cells and self._racks[rack].cells_sequence != self._scans[rack]

    def _build_summary(self, rack: int, now: int) -> int:
        clock = self._clock
        self._summary_of(rack, self._values)
        known: list[int | str] = [
            self._boot,
            now,
            clock.utc_ms(),
            clock.utc_quality,
            self._stalls(),
        ]
        for value, code in zip(self._values, records.SAMPLE_PAYLOAD[1:]):
            bits = 0xFFFFFFFF if code == "I" else -1
            known.append("null" if value == _NOTHING[code] else value & bits)
        self._frame.send_to(self._base + "live/" + self._racks[rack].name)
        return self._frame.put((SUMMARY % tuple(known)).encode())

    def _build_cells(self, rack: int, now: int) -> int:
        assert self._encoder is not None  # `_scan_waits` is false without it
        readings = self._racks[rack]
        clock = self._clock
        out = self._frame.payload
        utc_ms = clock.utc_ms()
        self._summary_of(rack, self._values)
        # Of the lane of the finest samples; no sequence number: it is in no lane.
        header = (records.VERSION, records.FINE, rack, 0, 1, self._boot, 0, 0)
        struct.pack_into(records.BLOCK, out, 0, *header)
        time = (now & 0xFFFFFFFF, utc_ms & 0xFFFFFFFF, utc_ms >> 32 & 0xFFFF, clock.utc_quality)
        struct.pack_into(records.BLOCK_TIME, out, records.BLOCK_BYTES, *time)
        start = records.BLOCK_BYTES + records.BLOCK_TIME_BYTES
        end = self._encoder.encode(
            0,
            self._values,
            readings.cells_mv,
            readings.temps_dc if readings.temps_sequence else None,
            diff(clock.ticks(), readings.cells_acquired),
            True,
            out,
            start,
        )
        out[start] = rack  # the encoder has one chain, for whichever rack it is
        struct.pack_into("<I", out, end, binascii.crc32(out[:end]))
        self._frame.send_to(self._base + "cells/" + readings.name)
        return end + 4
