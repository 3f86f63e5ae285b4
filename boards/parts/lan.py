"""Brings the Ethernet up, and says in one line what keeps it from coming."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def bring_up(make_lan: Callable[[], Any], address: str, gateway: str) -> tuple[Any, str]:
    """(interface, "") or (None, why there is none). The link itself may come later.

    `make_lan()` constructs the interface; OSError or ValueError when there is no such chip, and
    RuntimeError for whatever else ESP-IDF refuses, an address for example.
    `address` as "192.168.10.20/24"; an empty one comes by DHCP.
    """
    try:
        lan = make_lan()
        lan.active(True)
        if address:
            lan.ipconfig(addr4=address)
        if gateway:
            lan.ipconfig(gw4=gateway)
    except (OSError, ValueError, RuntimeError) as error:
        return None, "no network: %s" % error
    return lan, ""
