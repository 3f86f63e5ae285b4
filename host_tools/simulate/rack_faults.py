"""Faults of a rack or of its BMS as a whole."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from pydantic import Field, model_validator

from host_tools.simulate.distortion import VOID
from host_tools.simulate.fault_base import Fault
from host_tools.simulate.forced_reading import ForcedReading
from host_tools.simulate.rack_unit import RackUnit
from host_tools.simulate.readings import READINGS, Push, Reading


class RackFault(Fault):
    """Strikes a rack at a time and may be taken back."""

    def strike(self, rack: RackUnit, now_ms: int) -> None:
        """Begin."""
        raise NotImplementedError

    def heal(self, rack: RackUnit) -> None:
        """End; nothing happens when it is not there."""


class ReadingFault(RackFault):
    """A reading is driven to `level` of the rule it is called after; see `readings`.

    `level` is the highest one that the reading can be driven to, unless it is given, and what the
    verdict expects; 0 expects nothing. `target` and `rate` are used instead of what the table has
    for that level: the unit is that of the quantity, `rate` per second (0 = at once). A current
    keeps whatever limit is written at level 3, and follows it, times its target, below.
    """

    kind: Literal[
        "cell_overvoltage",
        "cell_undervoltage",
        "deep_discharge",
        "rack_overvoltage",
        "rack_undervoltage",
        "voltage_sum",
        "charge_overcurrent",
        "discharge_overcurrent",
        "charge_peak_budget",
        "discharge_peak_budget",
        "charge_peak_current",
        "discharge_peak_current",
        "charge_overtemperature",
        "discharge_overtemperature",
        "charge_undertemperature",
        "discharge_undertemperature",
        "cold_charging",
        "temp_spread",
        "temp_rise",
        "temp_rise_hot",
        "voltage_spread",
        "voltage_rate",
        "insulation",
        "bad_cells",
        "limit_not_respected",
        "precharge",
        "rack_silent",
    ]
    level: int | None = Field(default=None, ge=0, le=3)
    target: float | None = Field(default=None, ge=-100_000, le=100_000)
    rate: float | None = Field(default=None, ge=0, le=10_000)
    keeps: bool | None = None

    @model_validator(mode="after")
    def _possible(self) -> ReadingFault:
        if self.level and self.reading.levels[self.level - 1] is None:
            raise ValueError(f"{self.kind} cannot be driven to level {self.level}")
        return self

    @property
    def reading(self) -> Reading:
        """What is driven, and which rules have to answer."""
        return READINGS[self.kind]

    @property
    def expected_level(self) -> int:
        """What the rack has to come to; 0 = nothing is said about it."""
        return self.reading.highest if self.level is None else self.level

    @property
    def silent(self) -> bool:
        """Whether it takes the answers away."""
        return self.kind == "rack_silent"

    @property
    def pushes(self) -> tuple[Push, ...]:
        """Everything that is driven, the main quantity last."""
        main = self.reading.levels[(self.expected_level or self.reading.highest) - 1]
        assert main is not None  # by the validator
        if self.target is not None:
            main = replace(main, target=self.target)
        if self.rate is not None:
            main = replace(main, rate=self.rate)
        return (*self.reading.also, main)

    def strike(self, rack: RackUnit, now_ms: int) -> None:
        """From the next tick on."""
        keeps = self.expected_level in (0, 3) if self.keeps is None else self.keeps
        for push in self.pushes:
            if push.quantity == "precharge":
                rack.fail_precharge(now_ms, round(push.target))
            else:
                rack.forced[push.quantity] = ForcedReading(
                    push.target, push.index, push.rate, keeps
                )

    def heal(self, rack: RackUnit) -> None:
        """At once."""
        for push in self.pushes:
            if push.quantity == "precharge":
                rack.fail_precharge(0, 0)
            rack.forced.pop(push.quantity, None)


class Implausible(RackFault):
    """The BMS tells `target` as `field` of its summary; by default no value at all."""

    kind: Literal["implausible"] = "implausible"
    field: Literal[
        "rack_voltage_dv",
        "rack_current_da",
        "soc_pm",
        "cell_max_mv",
        "cell_min_mv",
        "cell_mean_mv",
        "temp_max_dc",
        "temp_min_dc",
        "insulation_kohm",
        "contactor_state",
    ] = "cell_max_mv"
    target: int = Field(default=VOID, ge=-0x8000, le=0xFFFF)

    def strike(self, rack: RackUnit, now_ms: int) -> None:
        """From the next tick on."""
        rack.forced[self.field] = ForcedReading(self.target)

    def heal(self, rack: RackUnit) -> None:
        """From the next tick on."""
        rack.forced.pop(self.field, None)


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
    """The contactor stays where `position` says, whatever relay and bus command; it reports so.

    `carries` is the current, in parts of the rating, that goes on through a closed one that should
    be open; without it the current is what the limits leave.
    """

    kind: Literal["stuck_contactor"] = "stuck_contactor"
    position: Literal["closed", "open"] = "closed"
    carries: float | None = Field(default=None, ge=-2, le=2)

    def strike(self, rack: RackUnit, now_ms: int) -> None:
        """At once: a contactor that is elsewhere goes there."""
        rack.state.carries = self.carries
        rack.jam_contactor(self.position == "closed")

    def heal(self, rack: RackUnit) -> None:
        """It moves again."""
        rack.state.carries = None
        rack.jam_contactor(None)


AnyRackFault = ReadingFault | Implausible | Frozen | ZeroBeforeStart | Restart | StuckContactor
