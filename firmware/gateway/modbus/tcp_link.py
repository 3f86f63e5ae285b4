"""One Modbus TCP connection with one request in flight, stepped; it never waits by itself.

Several unit ids may share it: the request carries the unit. An answer that belongs to an older
request of this connection (it came after its deadline) is dropped and counted; anything else that
does not fit closes the connection, because the byte stream can no longer be trusted.
"""

from __future__ import annotations

from micropython import const

from gateway.backoff import Backoff
from gateway.clock import TICKS_MASK, add, diff
from gateway.modbus import pdu
from gateway.modbus.link import (
    CLOSED,
    IDLE,
    LOST,
    NOTHING,
    OPENING,
    REFUSED,
    REPLY,
    TIMED_OUT,
    WAITING,
    WHENEVER_US,
    Link,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gateway.backoff import Random
    from gateway.contracts import Network
    from gateway.modbus.pdu import Request

_MBAP_BYTES = const(7)
_WHENEVER_MS = WHENEVER_US // 1000
_HEAD_BYTES = const(9)  # MBAP, function, byte count or exception code: the shortest answer
_TIMEOUTS_TO_CLOSE = const(3)  # in a row
_LATE_WINDOW = const(8)  # how many transactions back an answer still counts as a late one
_LOOK_SHIFT = const(6)  # an idle connection is looked at every 2**6 ms
_PAUSE_MS = const(250)  # between connection attempts, doubling ...
_LONGEST_PAUSE_MS = const(2000)  # ... up to this, with full jitter


class TcpLink(Link):
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
        random: Random,
        scratch: bytearray | None = None,
    ) -> None:
        super().__init__(pdu.TCP, scratch)
        self._network = network
        self._host = host
        self._port = port
        self._connect_timeout_ms = connect_timeout_ms
        self._backoff = Backoff(_PAUSE_MS, _LONGEST_PAUSE_MS, random)
        self._stream: Any = None  # a Stream, unless CLOSED
        self._read: Any = None  # its bound methods, made once because making one allocates
        self._write: Any = None
        self._head = memoryview(self.buffer)[:_HEAD_BYTES]
        self._fill = 0  # bytes in `buffer`
        self._transaction = 0
        self._silent = 0  # timeouts since the last answer
        self._unproven = True  # no answer yet since the connection was made or went silent
        self._loss_untold = False  # lost outside `step`, which has to report it
        self._at_once = True  # connect without waiting for _due
        self._due = 0  # ticks: CLOSED the next attempt, OPENING the deadline
        self._looked = -1  # when an idle connection was looked at last, in ticks >> _LOOK_SHIFT

    def send(self, request: Request, now: int) -> None:
        """Send `request`; only in state IDLE. Allocates nothing unless the stream fails."""
        self._transaction = number = (self._transaction + 1) & 0xFFFF
        frame = request.frame
        head = request.head
        frame[0] = head[0] = number >> 8  # as set_transaction does, without its call
        frame[1] = head[1] = number & 0xFF
        self.request = request
        self.sent_at = now
        self.state = WAITING
        try:
            written = self._write(frame)
        except OSError as error:
            self.close(now, "write failed: %s" % error)
            return
        if written != len(frame):
            self.close(now, "send buffer full")

    def step(self, now: int) -> int:
        """Advance to `now` (ticks) without waiting; one event of `gateway.modbus.link`.

        Allocates nothing but while connecting and when the connection is lost.
        """
        if self.state != WAITING or self._fill:
            return self._step_unusual(now)
        # The usual case stands here in full, since each call costs as much as ten lines: the
        # whole answer to a read in one piece, judged by one comparison of its first nine bytes.
        request = self.request
        try:
            count = self._read(self.buffer, request.expected)
        except OSError as error:
            return self._lose(now, "read failed: %s" % error)
        if count != request.expected or self._head != request.head:
            return self._take(now, count)
        self.state = IDLE
        self.replies += 1
        if now != self.sent_at or request.reply_time.latency_ms:
            self._measure(now)
        if self._unproven:
            self._prove()
        return REPLY

    def wait_us(self, now: int) -> int:
        """Microseconds until `step` is needed even if nothing comes."""
        if self.state == WAITING:  # for each answer once, so without calls
            left_ms: int = self.request.reply_time.timeout_ms - (now - self.sent_at & TICKS_MASK)
            if left_ms <= 0:
                return 0
            return left_ms * 1000 if left_ms < _WHENEVER_MS else WHENEVER_US
        if self.state == IDLE:
            return WHENEVER_US
        if self._loss_untold or (self._at_once and self.state == CLOSED):
            left_ms = 0
        else:
            left_ms = diff(self._due, now)
        return min(max(left_ms, 0), _WHENEVER_MS) * 1000

    def transfer_ms(self, request: Request) -> int:
        """Expected time of the whole exchange; the wire itself takes next to nothing."""
        return request.reply_time.latency_ms + 1

    def hole_registers(self) -> int:
        """Whatever fits one answer: a second request costs a whole latency."""
        return pdu.READ_LIMIT

    def close(self, now: int, reason: str) -> None:
        """Close the connection; the next `step` says LOST, and it opens again after a pause."""
        if self.state != CLOSED:
            self._lose(now, reason)
            self._loss_untold = True

    def retry_now(self) -> None:
        """Skip the pause before the next connection attempt."""
        if self.state == CLOSED:
            self._at_once = True

    def _step_unusual(self, now: int) -> int:
        """Anything but the wait for the first byte of an answer."""
        if self.state == WAITING:
            return self._read_more(now)
        if self.state == IDLE:
            if now >> _LOOK_SHIFT == self._looked:
                return NOTHING
            # Late answers and a close by the peer are noticed between requests too.
            self._looked = now >> _LOOK_SHIFT
            return self._read_more(now)
        if self._loss_untold:
            self._loss_untold = False
            return LOST
        if self.state == OPENING:
            return self._step_opening(now)
        if self._at_once or diff(now, self._due) >= 0:
            return self._open(now)
        return NOTHING

    def _open(self, now: int) -> int:
        self._at_once = False
        self._due = add(now, self._connect_timeout_ms)
        try:
            self._stream = self._network.connect(self._host, self._port)
        except OSError as error:
            return self._lose(now, "connect failed: %s" % error)
        self._read = self._stream.readinto
        self._write = self._stream.write
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
            self._unproven = True
        elif diff(now, self._due) >= 0:
            return self._lose(now, "connect timed out")
        return NOTHING

    def _read_more(self, now: int) -> int:
        """Read on to the end of the header, or of the frame it announces, never beyond.

        Goes through a second buffer and a loop: a window into `buffer` would allocate.
        """
        event = self._parse(now)  # something may have come together with a refusal
        if event != NOTHING:
            return event
        start = self._fill
        buffer = self.buffer
        more = self._scratch
        try:
            count = self._read(more, self._frame_bytes() - start)
        except OSError as error:
            return self._lose(now, "read failed: %s" % error)
        if count:
            for index in range(count):
                buffer[start + index] = more[index]
        return self._take(now, count)

    def _take(self, now: int, count: int | None) -> int:
        """`count` more bytes are in `buffer`: the event they make, or the deadline's."""
        if count == 0:
            return self._lose(now, "closed by the peer")
        if count is not None:
            self._fill += count
            event = self._parse(now)
            if event != NOTHING:
                return event
        if self.state == IDLE or diff(now, self.sent_at) < self.request.reply_time.timeout_ms:
            return NOTHING
        return self._time_out(now)

    def _parse(self, now: int) -> int:
        """Take whole frames off the front of `buffer` up to the awaited one."""
        while self._fill >= _HEAD_BYTES:
            length = self._frame_bytes()
            if self.buffer[2] or self.buffer[3]:
                return self._lose(now, "not a Modbus TCP frame: protocol id is not 0")
            if not _HEAD_BYTES <= length <= pdu.FRAME_BYTES:
                return self._lose(now, "not a Modbus TCP frame: %d bytes" % length)
            behind = (self._transaction - (self.buffer[0] << 8 | self.buffer[1])) & 0xFFFF
            if behind > _LATE_WINDOW:
                return self._lose(now, "answer to no request of ours")
            if self._fill < length:
                break
            if behind == 0 and self.state == WAITING:
                return self._judge(now, length)
            self.late += 1
            self._drop_front(length)
        return NOTHING

    def _frame_bytes(self) -> int:
        """Length of the frame at the front of `buffer`, of the shortest while it is unknown."""
        if self._fill < _HEAD_BYTES:
            return _HEAD_BYTES
        return _MBAP_BYTES - 1 + (self.buffer[4] << 8 | self.buffer[5])

    def _judge(self, now: int, length: int) -> int:
        """The awaited answer is whole."""
        request = self.request
        verdict = request.check(self.buffer, length)
        if verdict == pdu.MALFORMED:
            return self._lose(now, request.misfit(self.buffer, length))
        if verdict == pdu.EXCEPTION:
            self.exception_code = self.buffer[_HEAD_BYTES - 1]
            self.refusals += 1
            self._drop_front(length)  # as much was read as a good answer has
        elif self._fill != length:
            return self._lose(now, "bytes behind the answer to %s" % request.label)
        else:
            self._fill = 0
            self.replies += 1
        self.state = IDLE
        self._measure(now)
        self._prove()
        return REFUSED if verdict == pdu.EXCEPTION else REPLY

    def _time_out(self, now: int) -> int:
        self.timeouts += 1
        self.request.reply_time.missed()
        self._silent += 1
        self._unproven = True
        if self._silent >= _TIMEOUTS_TO_CLOSE:
            return self._lose(now, "no answer to %d requests" % self._silent)
        self._count_busy(now)
        self.state = IDLE
        return TIMED_OUT

    def _measure(self, now: int) -> None:
        """An answer came: what it took."""
        self.request.reply_time.observe(diff(now, self.sent_at))
        self._count_busy(now)

    def _count_busy(self, now: int) -> None:
        self.busy_ms = (self.busy_ms + diff(now, self.sent_at)) & TICKS_MASK

    def _prove(self) -> None:
        """The other side does answer: forget earlier silence and failed connections."""
        self._unproven = False
        self._silent = 0
        self._backoff.reset()

    def _drop_front(self, count: int) -> None:
        buffer = self.buffer
        for index in range(count, self._fill):
            buffer[index - count] = buffer[index]
        self._fill -= count

    def _lose(self, now: int, reason: str) -> int:
        if self.state == WAITING:
            self._count_busy(now)
        if self._stream is not None:
            try:
                self._stream.close()
            except OSError:
                pass  # it is gone either way; counted as a loss below
        self._stream = self._read = self._write = None
        self._due = add(now, self._backoff.next_ms())
        self.losses += 1
        self.reason = reason
        self.state = CLOSED
        return LOST
