"""Site files of one rack, as text; what a test needs beyond that it puts before them."""

from __future__ import annotations

_RACK = """\
unit = 1
trip_relay = 0
"""
ON_THE_NETWORK = f"""\
product = "energalactic-5015-0.5c"
[[racks]]
name = "rack01"
host = "10.0.0.1"
port = 502
{_RACK}"""


def on_a_line(uart: int = 1) -> str:
    """On RS-485."""
    return f"""\
product = "energalactic-5015-0.5c"
[[buses]]
name = "rs485-1"
uart = {uart}
baud = 115200
frame = "8N1"
[[racks]]
name = "rack01"
bus = "rs485-1"
{_RACK}"""
