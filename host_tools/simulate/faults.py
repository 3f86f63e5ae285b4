"""Every fault that a simulated site knows, by name."""

from __future__ import annotations

from typing import Annotated, get_args

from pydantic import Field, TypeAdapter

from host_tools.errors import UserError
from host_tools.simulate.fault_base import Fault
from host_tools.simulate.rack_faults import AnyRackFault, RackFault, Restart
from host_tools.simulate.simulated_site import SimulatedSite
from host_tools.simulate.wire_faults import AnyWireFault, WireFault

AnyFault = Annotated[AnyRackFault | AnyWireFault, Field(discriminator="kind")]
_ANY: TypeAdapter[AnyRackFault | AnyWireFault] = TypeAdapter(AnyFault)


def names() -> tuple[str, ...]:
    """All kinds."""
    kinds = [
        kind
        for family in (*get_args(AnyRackFault), *get_args(AnyWireFault))
        for kind in get_args(family.model_fields["kind"].annotation)
    ]
    return tuple(kinds)


def by_name(name: str) -> AnyRackFault | AnyWireFault:
    """A fault with everything as usual for its kind; UserError for an unknown one."""
    if name not in names():
        raise UserError(f"no fault {name!r}; there are: {', '.join(names())}")
    return _ANY.validate_python({"kind": name})


def begin(site: SimulatedSite, fault: Fault, rack: int) -> None:
    """Let `fault` begin now on the rack with this index; UserError when there is none."""
    _check(site, rack)
    if isinstance(fault, WireFault):
        site.responder.begin(fault, rack)
    elif isinstance(fault, RackFault):
        fault.strike(site.racks[rack], site.clock())
    if isinstance(fault, Restart):
        site.drop_connections(rack)


def end(site: SimulatedSite, fault: Fault, rack: int) -> None:
    """End it at once; nothing happens when it is not there."""
    _check(site, rack)
    if isinstance(fault, WireFault):
        site.responder.end(fault, rack)
    elif isinstance(fault, RackFault):
        fault.heal(site.racks[rack])


def _check(site: SimulatedSite, rack: int) -> None:
    if not 0 <= rack < len(site.racks):
        raise UserError(f"no rack {rack}: the site has {len(site.racks)}, counted from 0")
