"""Faults of a rack or of its BMS as a whole."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from host_tools.simulate.fault_base import Fault
from host_tools.simulate.forced_reading import ForcedReading
from host_tools.simulate.rack_unit import RackUnit
from host_tools.simulate.readings import READINGS, Reading


class RackFault(Fault):
    """Strikes a rack at a time and may be taken back."""

    def strike(self, rack: RackUnit, now_ms: int) -> None:
        """Begin."""
        raise NotImplementedError

    def heal(self, rack: RackUnit) -> None:
        """End; nothing happens when it is not there."""


class ReadingFault(RackFault):
    """A reading goes past the trip level of its rule within a second, or the rack is silent."""

    kind: Literal[
        "cell_overvoltage", "cell_undervoltage", "overtemperature", "overcurrent", "rack_silent"
    ]

    @property
    def reading(self) -> Reading:
        """What is driven, and which rule has to answer."""
        return READINGS[self.kind]

    def strike(self, rack: RackUnit, now_ms: int) -> None:
        """Readings reach their target within RAMP_MS."""
        reading = self.reading
        rack.forced[reading.quantity] = ForcedReading(reading.target, reading.index, now_ms)

    def heal(self, rack: RackUnit) -> None:
        """At once."""
        rack.forced.pop(self.reading.quantity, None)


class Frozen(RackFault):
    """The BMS answers, but `what` it says no longer changes."""

    kind: Literal["frozen"] = "frozen"
    what: Literal["everything", "values", "heartbeat"] = "everything"

    def strike(self, rack: RackUnit, now_ms: int) -> None:
        """From the next tick on."""
        rack.state.frozen = self.what

    def heal(self, rack: RackUnit) -> None:
        """From the next tick on."""
        rack.state.frozen = None


class ZeroBeforeStart(RackFault):
    """The BMS has not measured anything: every cell reads 0 mV and the contactor is open."""

    kind: Literal["zero_before_start"] = "zero_before_start"

    def strike(self, rack: RackUnit, now_ms: int) -> None:
        """From the next tick on."""
        rack.state.zero = True

    def heal(self, rack: RackUnit) -> None:
        """It has started."""
        rack.state.zero = False


class Restart(RackFault):
    """The BMS is power-cycled: connections drop, silence, heartbeat from 0, cells 0 mV."""

    kind: Literal["restart"] = "restart"
    silent_s: float = Field(default=3.0, ge=0, le=600)
    zero_s: float = Field(default=2.0, ge=0, le=600)

    def strike(self, rack: RackUnit, now_ms: int) -> None:
        """It ends by itself."""
        rack.restart(now_ms, round(self.silent_s * 1000), round(self.zero_s * 1000))


class StuckContactor(RackFault):
    """The contactor stays where `position` says, whatever relay and bus command; it reports so."""

    kind: Literal["stuck_contactor"] = "stuck_contactor"
    position: Literal["closed", "open"] = "closed"

    def strike(self, rack: RackUnit, now_ms: int) -> None:
        """At once: a contactor that is elsewhere goes there."""
        rack.jam_contactor(self.position == "closed")

    def heal(self, rack: RackUnit) -> None:
        """It moves again."""
        rack.jam_contactor(None)


AnyRackFault = ReadingFault | Frozen | ZeroBeforeStart | Restart | StuckContactor
