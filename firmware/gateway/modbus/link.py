"""What the TCP and the RTU link have in common: states, events and what a poller may read.

A link carries one request at a time and never waits by itself: its owner calls `step` often.
"""

from __future__ import annotations

from gateway.modbus import pdu

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gateway.modbus.pdu import Request

# States.
CLOSED = 0
OPENING = 1
IDLE = 2  # `send` may be called
WAITING = 3  # for the answer to `request`
QUIET = 4  # RTU: the line must stay silent a while; IDLE comes by itself through `step`

# Events of `step`.
NOTHING = 0
REPLY = 1  # a good answer; its data begins at `request.data_at` of `buffer`
REFUSED = 2  # an exception answer; code in `exception_code`
TIMED_OUT = 3
GARBLED = 4  # RTU: something came and it is no answer
LOST = 5  # TCP: the connection is closed; `reason` says why

WHENEVER_US = 1_000_000  # `wait_us` when only input matters


class Link:
    """State and counters of a link; `TcpLink` and `RtuLink` add the wire.

    Neither `send` nor `step` allocates on its usual path. `scratch`: FRAME_BYTES to work in while
    `send` or `step` runs; all links can share it, None makes an own one.
    """

    def __init__(self, framing: int, scratch: bytearray | None) -> None:
        self.framing = framing  # pdu.TCP or pdu.RTU
        self.state = CLOSED
        self.buffer = bytearray(pdu.FRAME_BYTES)  # a good answer's frame begins at 0
        self._scratch = bytearray(pdu.FRAME_BYTES) if scratch is None else scratch
        self.request: Any = None  # the Request in flight or sent last
        self.sent_at = 0  # ticks of the last `send`
        self.exception_code = 0  # of the last REFUSED
        self.reason = "not connected yet"  # why it does not work; "" when it does
        self.busy_ms = 0  # time not IDLE, CLOSED or OPENING since start; wraps at 2**30
        # Counters since start.
        self.replies = 0
        self.timeouts = 0
        self.refusals = 0
        self.late = 0  # answers that came after their deadline, dropped
        self.garbled = 0
        self.losses = 0  # connections lost or not made

    def retry_now(self) -> None:
        """Skip the pause before the next connection attempt, where there is one."""

    if TYPE_CHECKING:  # what both have and each does in its own way

        def send(self, request: Request, now: int) -> None:
            """Send; only in state IDLE."""

        def step(self, now: int) -> int:
            """Advance to `now`; one event. Never raises for anything the other side does."""

        def wait_us(self, now: int) -> int:
            """Microseconds until `step` is needed even without input."""

        def transfer_ms(self, request: Request) -> int:
            """Expected time of a whole exchange."""

        def hole_registers(self) -> int:
            """Largest hole worth reading over instead of sending a second request."""

        def close(self, now: int, reason: str) -> None:
            """Give up what is under way."""
