"""Faults as data: each drives one quantity of one rack."""

from __future__ import annotations

from dataclasses import dataclass

from host_tools.errors import UserError
from host_tools.simulate.forced_reading import ForcedReading
from host_tools.simulate.simulated_site import SimulatedSite

# Both exist in every product: the smallest racks have 208 cells and 104 sensors.
_CELL = 137
_SENSOR = 60


@dataclass(frozen=True)
class Fault:
    """`rule` is the protection that has to answer; `field` the summary value that shows it.

    `above` tells to which side the value goes; `field` is None where nothing is served any more.
    """

    rule: str
    field: str | None
    above: bool
    quantity: str  # a key of RackUnit.forced
    target: float = 0.0  # mV, 0.1 degC, or parts of the rated discharge current
    index: int = 0


FAULTS = {
    "cell_overvoltage": Fault("cell_overvoltage", "cell_max_mv", True, "cell_mv", 3700, _CELL),
    "cell_undervoltage": Fault("cell_undervoltage", "cell_min_mv", False, "cell_mv", 2300, _CELL),
    "overtemperature": Fault("overtemperature", "temp_max_dc", True, "temp_dc", 650, _SENSOR),
    "overcurrent": Fault("discharge_overcurrent", "rack_current_da", False, "load", -1.4),
    "rack_silent": Fault("comm_loss", None, False, "silence"),
}


def start(site: SimulatedSite, fault_name: str, rack_index: int, now_ms: int) -> Fault:
    """Let the fault begin at `now_ms` on one rack; readings reach their target within RAMP_MS.

    Raises UserError for an unknown fault or rack.
    """
    fault, forced = _find(site, fault_name, rack_index)
    forced[fault.quantity] = ForcedReading(fault.target, fault.index, now_ms)
    return fault


def stop(site: SimulatedSite, fault_name: str, rack_index: int) -> None:
    """End the fault at once; nothing happens when it is not there."""
    fault, forced = _find(site, fault_name, rack_index)
    forced.pop(fault.quantity, None)


def _find(
    site: SimulatedSite, fault_name: str, rack_index: int
) -> tuple[Fault, dict[str, ForcedReading]]:
    if fault_name not in FAULTS:
        raise UserError(f"no fault {fault_name!r}; there are: {', '.join(FAULTS)}")
    if not 0 <= rack_index < len(site.racks):
        raise UserError(f"no rack {rack_index}: the site has {len(site.racks)}, counted from 0")
    return FAULTS[fault_name], site.racks[rack_index].forced
