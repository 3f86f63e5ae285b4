"""How long an outage of the uplink the flash bridges with all cells of a site, every minute.

Two days of made-up readings go through the firmware's own tier, codec and lane to a LittleFS
volume; the blocks that LittleFS takes for them give the days that fit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gateway.telemetry.lanes import Lanes
from gateway.telemetry.tier import Tier, instant_bytes
from host_tools.bench.cell_data import CELLS, NOISES_MV, PROFILES
from host_tools.bench.made_up_site import RACKS, MadeUpSite, Nobody
from host_tools.bench.nor_flash import BLOCK_BYTES, NorFlash
from host_tools.bench.results import Metric
from host_tools.bench.rounds import Effort
from host_tools.bench.virtual_clock import VirtualClock
from host_tools.toolchain.progress import step

FLASH_BYTES = 8 << 20
TARGET_DAYS = 3
_SENSORS = (104, 208)
_MESSAGE_BYTES = 16384
_SEGMENT_BYTES = 131072
_MINUTE_MS = 60_000
_DAY_MS = 86_400_000
_MINUTE = next(profile for profile in PROFILES if profile.name == "minute")


@dataclass(frozen=True)
class Run:
    """What one site took."""

    temps: int
    minutes: int
    blocks: int  # of the flash, that LittleFS took
    appended: int  # bytes of records

    @property
    def days(self) -> float:
        """Until FLASH_BYTES are full."""
        return FLASH_BYTES / BLOCK_BYTES / self.blocks * self.minutes * _MINUTE_MS / _DAY_MS

    def as_json(self) -> dict[str, Any]:
        """For bench.json."""
        values = self.minutes * RACKS * (CELLS + self.temps)
        return {
            "days": round(self.days, 3),
            "minutes": self.minutes,
            "flash_bytes_per_minute": round(self.blocks * BLOCK_BYTES / self.minutes),
            "bytes_per_value": round(self.appended / values, 4),
        }


def measure(effort: Effort) -> list[Metric]:
    """A site of 12 racks with 416 cells each; some 2 minutes in full."""
    minutes = min(_MINUTE.frames, effort.frames)
    runs = []
    for temps in _SENSORS:
        with step(f"journal: {minutes} minutes of {RACKS} racks, {CELLS} cells, {temps} sensors"):
            runs.append(_run(minutes, temps))
    first, more = runs
    return [
        Metric(
            "outage_days_at_1min",
            first.days,
            "d",
            target=TARGET_DAYS,
            details={
                "note": f"8 MiB, 12 racks of {CELLS} cells and {first.temps} temperatures, all"
                f" values every minute; {more.days:.2f} days with {more.temps} temperatures",
                "runs": {str(run.temps): run.as_json() for run in runs},
                "noise_mv": NOISES_MV[0],
            },
        )
    ]


def _run(minutes: int, temps: int) -> Run:
    flash, clock = NorFlash(2 * FLASH_BYTES // BLOCK_BYTES), VirtualClock()
    site = MadeUpSite(_MINUTE, minutes, temps, clock)
    lanes = Lanes(
        flash.mount(),
        clock,
        Nobody(),
        segment_bytes=_SEGMENT_BYTES,
        capacity_bytes=2 * FLASH_BYTES,
        events_pm=250,
        flush_ms=_MINUTE_MS,
        instant_bytes=instant_bytes(RACKS, CELLS, temps),
    )
    lanes.open()
    tier = Tier(lanes.minute, site.racks, site.summary, clock, _MINUTE_MS, _MESSAGE_BYTES)
    for minute in range(minutes):
        site.show(minute)
        for _ in site.racks:
            tier.step(clock.ticks())
        lanes.step(clock.advance(_MINUTE_MS))
    tier.finish()
    lanes.close()
    return Run(temps, minutes, flash.used_blocks(), lanes.minute.appended_bytes)
