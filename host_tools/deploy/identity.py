"""Whether the gateway at the other end of the cable is the one that a site file is for."""

from __future__ import annotations

import json
from typing import NamedTuple

from host_tools.errors import UserError
from host_tools.monitor.console_client import Status


class Identity(NamedTuple):
    """What a gateway is called in its topics; two cabinets of one site differ in it."""

    site: str
    gateway: str

    def __str__(self) -> str:
        return f"{self.gateway} of site {self.site}" if self.site else self.gateway


def of_config(content: bytes) -> Identity:
    """Of the text of a configuration."""
    tree = json.loads(content)
    return Identity(tree["site"], tree["gateway"])


def of_running(running: Status | None) -> Identity | None:
    """None where nothing runs that tells it: a prompt, silence, safe mode, an earlier version."""
    if not running or "gateway" not in running:
        return None
    return Identity(running["site"], running["gateway"])


def check_same(
    running: Status | None, wanted: Identity, site_file: str, port: str, rename: bool
) -> None:
    """UserError when another gateway runs there, unless it is to become this one.

    The next cabinet has the same board, other racks and other limits.
    """
    found = of_running(running)
    if found is None or found == wanted or rename:
        return
    raise UserError(
        f"{port}: {found} runs there, and {site_file} is for {wanted}: check into which cabinet"
        " the cable goes; --rename if that one is to become the other"
    )
