"""`gatewayctl simulate`: serve the racks of a product alone, until Ctrl-C."""

from __future__ import annotations

import time

from host_tools.errors import UserError
from host_tools.simulate import faults
from host_tools.simulate.ports import HOST
from host_tools.simulate.simulated_site import GENERIC, SimulatedSite
from host_tools.simulate.topology import SerialTrunk, Topology, a_port_each, one_bus
from host_tools.site.products import load_product

TCP, RTU = "tcp", "rtu"


async def serve(
    site_slug: str,
    base_port: int,
    *,
    seed: int = 1,
    map_name: str = GENERIC,
    bus: str = TCP,
    fault: str = "",
    rack: int = 0,
) -> None:
    """Serve every rack, on its own port from `base_port` on or all on one serial bus.

    Runs until it is cancelled. There is no gateway wiring: all trip relays are energised, so the
    contactors are closed. `fault` is there from the start, on the rack with that number from 1
    (0: the first). Raises UserError for an unknown product, map, bus, fault or rack, or a port
    in use.
    """
    if site_slug.endswith(".toml"):
        raise UserError(f"{site_slug}: a site file is simulated by: gatewayctl run --site FILE")
    if rack and not fault:
        raise UserError(f"rack {rack}: belongs to a fault, and none is given: --fault NAME")
    product = load_product(site_slug)
    topology = _topology(bus, product.racks)
    site = SimulatedSite(
        product,
        base_port=base_port,
        seed=seed,
        clock=monotonic_ms,
        topology=topology,
        map_name=map_name,
    )
    if fault:
        _begin(site, fault, rack or 1, bus)
    await site.start()
    try:
        for index in range(len(site.racks)):
            site.set_relay(index, True)
        for line in describe(site, base_port):
            print(line, flush=True)
        await site.wait()
    finally:
        await site.stop()


def describe(site: SimulatedSite, base_port: int) -> list[str]:
    """One line for each rack: where it answers."""
    lines = []
    paths = {bus.trunk.name: bus.path for bus in site.buses}
    for rack, place in zip(site.racks, site.topology.places, strict=True):
        trunk = site.topology.trunks[place.trunk]
        if isinstance(trunk, SerialTrunk):
            where = f"{paths[trunk.name]} ({trunk.name}, {trunk.baud} {trunk.frame})"
        else:
            where = f"{HOST}:{base_port + trunk.offset}"
        lines.append(f"{rack.name}  {where}  unit {place.unit}")
    return lines


def _begin(site: SimulatedSite, name: str, rack: int, bus: str) -> None:
    wanted = faults.by_name(name)
    if bus not in wanted.buses:
        raise UserError(f"fault {name} does not show on {bus}")
    if not 1 <= rack <= len(site.racks):
        raise UserError(f"rack {rack}: the site has racks 1..{len(site.racks)}")
    faults.begin(site, wanted, rack - 1)


def _topology(bus: str, racks: int) -> Topology:
    if bus not in (TCP, RTU):
        raise UserError(f"BUS: no {bus!r}; there are: {TCP}, {RTU}")
    return one_bus(racks) if bus == RTU else a_port_each(racks)


def monotonic_ms() -> int:
    """The host's monotonic clock in ms."""
    return time.monotonic_ns() // 1_000_000
