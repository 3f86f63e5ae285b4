"""One Modbus TCP connection with one request in flight, stepped; it never waits by itself.

The owner calls `step` often. Answers are matched by transaction id: one that belongs to an older
request (it came after its deadline) is dropped and counted, anything else that does not fit closes
the connection, because the byte stream can no longer be trusted.
"""

from __future__ import annotations

from gateway.clock import add, diff
from gateway.modbus import pdu

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gateway.contracts import Network
    from gateway.modbus.pdu import Request

# States.
CLOSED = 0
OPENING = 1
IDLE = 2
WAITING = 3

# Events of `step`.
NOTHING = 0
REPLY = 1  # a good answer; registers start at pdu.DATA_OFFSET in `buffer`
REFUSED = 2  # an exception answer; code in `exception_code`
TIMED_OUT = 3
LOST = 4  # the connection is closed; `reason` says why

_TIMEOUTS_TO_CLOSE = 3
_RETRY_MS = (250, 500, 1000, 2000)  # pauses before the next connection attempt


class TcpLink:
    """The connection to one Modbus TCP server.

    `network.connect(host, port)` gives a non-blocking stream at once: `connected()`,
    `readinto(buffer, count)` (None = nothing yet, 0 = closed by the peer), `write(buffer)`,
    `close()`; all raise OSError.
    """

    def __init__(
        self,
        network: Network,
        host: str,
        port: int,
        connect_timeout_ms: int,
        reply_timeout_ms: int,
    ) -> None:
        self._network = network
        self._host = host
        self._port = port
        self._connect_timeout_ms = connect_timeout_ms
        self._reply_timeout_ms = reply_timeout_ms
        self._stream: Any = None  # a Stream, unless CLOSED
        self._request: Any = None  # the Request sent last
        self._transaction = 0
        self._deadline = 0
        self._silent = 0  # timeouts since the last answer
        self._failures = 0  # connections lost or refused since the last answer
        self._fill = 0  # bytes in `buffer`
        self.buffer = bytearray(2 * pdu.FRAME_BYTES)
        self.state = CLOSED
        self.sent_at = 0  # ticks of the request sent last
        self.exception_code = 0
        self.reason = "not connected yet"
        # Counters for diagnosis.
        self.replies = 0
        self.timeouts = 0
        self.refusals = 0
        self.late = 0
        self.losses = 0
        self._open_at = -1  # ticks of the next attempt; -1 = at once

    def send(self, request: Request, now: int) -> None:
        """Send `request`; only in state IDLE. Allocates nothing unless the stream fails."""
        self._transaction = (self._transaction + 1) & 0xFFFF
        request.set_transaction(self._transaction)
        self._request = request
        self._deadline = add(now, self._reply_timeout_ms)
        self.sent_at = now
        self.state = WAITING
        try:
            written = self._stream.write(request.frame)
        except OSError as error:
            self._lose(now, "write failed: %s" % error)
            return
        if written != len(request.frame):
            self._lose(now, "send buffer full")

    def step(self, now: int) -> int:
        """Advance to `now` (ticks) without waiting; one of the events above."""
        if self.state == WAITING:
            return self._step_waiting(now)
        if self.state == CLOSED:
            if self._open_at < 0 or diff(now, self._open_at) >= 0:
                return self._open(now)
        elif self.state == OPENING:
            return self._step_opening(now)
        return NOTHING

    def close(self, now: int, reason: str) -> None:
        """Close the connection; it opens again by itself after a pause."""
        self._lose(now, reason)

    def _open(self, now: int) -> int:
        self._deadline = add(now, self._connect_timeout_ms)
        try:
            self._stream = self._network.connect(self._host, self._port)
        except OSError as error:
            return self._lose(now, "connect failed: %s" % error)
        self.state = OPENING
        return NOTHING

    def _step_opening(self, now: int) -> int:
        try:
            connected = self._stream.connected()
        except OSError as error:
            return self._lose(now, "connect failed: %s" % error)
        if connected:
            self.state = IDLE
            self.reason = ""
            self._fill = 0
            self._silent = 0
        elif diff(now, self._deadline) >= 0:
            return self._lose(now, "connect timed out")
        return NOTHING

    def _step_waiting(self, now: int) -> int:
        event = self._receive(now)
        if event == NOTHING and diff(now, self._deadline) >= 0:
            self.timeouts += 1
            self._silent += 1
            if self._silent >= _TIMEOUTS_TO_CLOSE:
                return self._lose(now, "no answer to %d requests" % self._silent)
            self.state = IDLE
            return TIMED_OUT
        return event

    def _receive(self, now: int) -> int:
        try:
            if self._fill == 0:
                count = self._stream.readinto(self.buffer, self._request.expected)
            else:
                count = self._stream.readinto(memoryview(self.buffer)[self._fill :])
        except OSError as error:
            return self._lose(now, "read failed: %s" % error)
        if count is None:
            return NOTHING
        if count == 0:
            return self._lose(now, "closed by the peer")
        self._fill += count
        return self._parse(now)

    def _parse(self, now: int) -> int:
        """Take frames off the front of the buffer until the awaited one comes or none is whole."""
        buffer = self.buffer
        while self._fill >= pdu.MBAP_BYTES + 2:
            length = 6 + (buffer[4] << 8 | buffer[5])
            if buffer[2] or buffer[3] or not 9 <= length <= pdu.FRAME_BYTES:
                return self._lose(now, "not a Modbus TCP frame")
            if self._fill < length:
                break
            behind = (self._transaction - (buffer[0] << 8 | buffer[1])) & 0xFFFF
            if behind == 0:
                return self._judge(now, length)
            if behind > _TIMEOUTS_TO_CLOSE:
                return self._lose(now, "answer to no request of ours")
            self.late += 1
            self._drop_front(length)
        return NOTHING

    def _judge(self, now: int, length: int) -> int:
        verdict = self._request.check(self.buffer, 0, length)
        if verdict == pdu.MALFORMED or self._fill != length:
            return self._lose(now, "answer does not fit %s" % self._request.label)
        self._fill = 0
        self._silent = 0
        self._failures = 0
        self.state = IDLE
        if verdict == pdu.EXCEPTION:
            self.refusals += 1
            self.exception_code = self.buffer[8]
            return REFUSED
        self.replies += 1
        return REPLY

    def _drop_front(self, count: int) -> None:
        buffer = self.buffer
        for index in range(count, self._fill):
            buffer[index - count] = buffer[index]
        self._fill -= count

    def _lose(self, now: int, reason: str) -> int:
        if self._stream is not None:
            try:
                self._stream.close()
            except OSError:
                pass  # it is gone either way; counted as a loss below
        self._stream = None
        self._open_at = add(now, _RETRY_MS[min(self._failures, len(_RETRY_MS) - 1)])
        self._failures += 1
        self.losses += 1
        self.reason = reason
        self.state = CLOSED
        return LOST
