"""`gatewayctl simulate`: serve the racks of a product alone, until Ctrl-C."""

from __future__ import annotations

import time

from host_tools.simulate.ports import HOST
from host_tools.simulate.simulated_site import SimulatedSite
from host_tools.site.products import load_product


async def serve(site_slug: str, base_port: int, *, seed: int = 1) -> None:
    """Serve every rack on its own port from `base_port` on; runs until it is cancelled.

    There is no gateway wiring: all trip relays are energised, so the contactors are closed.
    Raises UserError for an unknown product or a port in use.
    """
    product = load_product(site_slug)
    site = SimulatedSite(product, base_port=base_port, seed=seed, clock=monotonic_ms)
    await site.start()
    try:
        for index, rack in enumerate(site.racks):
            site.set_relay(index, True)
            print(f"{rack.name}  {HOST}:{base_port + index}  unit 1", flush=True)
        await site.wait()
    finally:
        await site.stop()


def monotonic_ms() -> int:
    """The host's monotonic clock in ms."""
    return time.monotonic_ns() // 1_000_000
