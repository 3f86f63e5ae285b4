"""One Modbus RTU line with one request in flight, stepped; it never waits by itself.

An answer is complete by its length, known from the request, so nothing is lost by waiting for
silence behind it. Whatever else comes is no answer: the line must then fall silent before the next
request goes out. An answer carries no hint which request it belongs to: after TIMED_OUT, GARBLED
and `close` only the owner can make sure that a late answer is not taken for the next one (it first
asks for something whose answer has a length of its own).

Some two-wire adapters echo what is sent. The echo of a write to one register or coil equals its
answer, so a line counts as echoing until an answer that no echo can equal has come without one:
until then such a write is confirmed by its second copy only.
"""

from __future__ import annotations

import micropython
from micropython import const

from gateway.clock import TICKS_MASK, add, diff
from gateway.modbus import pdu
from gateway.modbus.line_time import LineTime
from gateway.modbus.link import (
    GARBLED,
    IDLE,
    NOTHING,
    QUIET,
    REFUSED,
    REPLY,
    TIMED_OUT,
    WAITING,
    WHENEVER_US,
    Link,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from micropython import ptr8

    from gateway.contracts import SerialPort
    from gateway.modbus.pdu import Request

# Phases of WAITING.
_HOLDING = const(0)  # something came just before sending: silence first
_SENDING = const(1)
_ANSWERING = const(2)
_FAILED = const(3)  # the port did not take the request

_BROADCAST = const(0)
_ECHOED_WRITES = (pdu.WRITE_SINGLE_COIL, pdu.WRITE_SINGLE_REGISTER)
_EXCEPTION_BIT = const(0x80)
_EXCEPTION_BYTES = const(5)
_LONGEST = const(256)  # bytes of an RTU frame
_REQUEST_BYTES = const(8)  # of a read
_HEAD_BYTES = const(3)  # in which a good answer may well equal its request

# The longest pause inside a frame as this side sees it, though the other sends without one: a UART
# may hand over its receive FIFO only when it is full (ESP32: 120 bytes), and then the program may
# be busy elsewhere.
_FIFO_CHARACTERS = const(128)
_JITTER_US = const(20_000)

_SLACK_US = const(2_000)  # of the deadline: polling on both sides of the measured times
_STUCK_US = const(100_000)  # beyond the wire time, until a port that keeps sending is given up
_RETRY_US = const(1_000_000)  # pause after the port itself failed


@micropython.viper
def _copy(source: ptr8, target: ptr8, at: int, count: int) -> int:
    """The first `count` bytes of `source` to `target` from `at` on; looks at no bounds."""
    for index in range(count):
        target[at + index] = source[index]
    return count


class RtuLink(Link):
    """The master of one line.

    `port`: see contracts.SerialPort. `micros()`: microseconds 0 .. 2**30 - 1. `gap_us`: a frame
    with a longer pause in it is given up; 0 = 128 characters + 20 ms. `turnaround_ms`: what units
    need to work on a broadcast. `latency_ms`: of a typical unit, for `hole_registers`.

    A broadcast ends in REPLY, without data, once it is sent. A failing port counts in `losses` and
    ends the request in TIMED_OUT. `late` counts how often something came while nobody waited.
    Call `step` at least every 8 minutes.
    """

    def __init__(
        self,
        port: SerialPort,
        micros: Callable[[], int],
        *,
        gap_us: int = 0,
        turnaround_ms: int = 100,
        latency_ms: int = 10,
        scratch: bytearray | None = None,
    ) -> None:
        super().__init__(pdu.RTU, scratch)
        self._port = port
        self._micros = micros
        self._line = LineTime(port.baud, port.char_bits)
        self._gap_us = gap_us or self._line.wire_us(_FIFO_CHARACTERS) + _JITTER_US
        self._turnaround_us = turnaround_ms * 1000
        self._latency_ms = latency_ms
        self._phase = _FAILED
        self._fill = 0  # bytes in `buffer`
        self._may_echo = True  # until an answer came without an echo before it
        self._echoing = False  # what is in `buffer` looks like the beginning of the echo so far
        self._echo_seen = False  # of this request, and dropped
        self._strayed = False  # what comes unasked is part of something already counted
        self._sent_us = 0  # earliest time at which the last bit of the request can be out
        self._until = 0  # when `step` has something to do even if nothing comes
        self._deadline = 0  # of the first byte
        self._limit = 0  # of the phase as a whole
        self._busy_from = micros()
        self._busy_us = 0  # not yet in busy_ms
        self._fall_quiet(self._busy_from, self._line.silence_us)
        self.reason = "nothing asked yet"

    def send(self, request: Request, now: int) -> None:
        """Send `request`; only in state IDLE. Allocates nothing unless the port fails.

        ValueError when it reads from all units at once.
        """
        if request.frame[0] == _BROADCAST and request.function < pdu.WRITE_SINGLE_COIL:
            raise ValueError
        us = self._micros()
        self.request = request
        self.sent_at = now
        self.state = WAITING
        self._busy_from = self._until = us
        self._limit = add(us, request.reply_time.timeout_ms * 1000 + self._gap_us)
        self._phase = _HOLDING
        self._fill = 0
        try:
            self._hold(us)
        except OSError as error:
            self._fail(us, "serial port: %s" % error)

    def step(self, now: int) -> int:
        """Advance without waiting; one event. Allocates nothing unless the port fails."""
        us = self._micros()
        try:
            if self.state != WAITING:
                self._listen(us)
            elif self._phase == _SENDING:
                return self._step_sending(us)
            elif self._phase == _ANSWERING:
                return self._step_answering(us)
            elif self._phase == _HOLDING:
                return self._hold(us)
        except OSError as error:
            self._fail(us, "serial port: %s" % error)
        if self.state == WAITING and self._phase == _FAILED:
            self.timeouts += 1
            return self._end(us, TIMED_OUT, _RETRY_US)
        return NOTHING

    def wait_us(self, now: int) -> int:
        """Microseconds until `step` is needed even if nothing comes."""
        if self.state == IDLE:
            return WHENEVER_US
        left = diff(self._until, self._micros())
        if left <= 0 and self.state == WAITING and self._phase == _SENDING:
            return self._line.wire_us(1)  # ask again whether the last bit is out
        return max(left, 0)

    def transfer_ms(self, request: Request) -> int:
        """Expected time of the exchange with both silences and the unit's latency, rounded up."""
        us = self._line.wire_us(len(request.frame)) + 2 * self._line.silence_us
        if request.frame[0] == _BROADCAST:
            return (us + self._turnaround_us + 999) // 1000
        us += self._line.wire_us(request.expected)
        return (us + 999) // 1000 + int(request.reply_time.latency_ms)

    def hole_registers(self) -> int:
        """Registers that take as long as another request, silences and latency included."""
        overhead_us = self._line.wire_us(_REQUEST_BYTES + _EXCEPTION_BYTES)
        overhead_us += 2 * self._line.silence_us + self._latency_ms * 1000
        return min(overhead_us // self._line.wire_us(2), pdu.READ_LIMIT)

    def close(self, now: int, reason: str) -> None:
        """Give up the request in flight; IDLE comes again by itself."""
        us = self._micros()
        self.reason = reason
        if self.state == WAITING:
            self._fall_quiet(us, self._gap_us)

    def _hold(self, us: int) -> int:
        """Write the request once the line is silent."""
        self._drop_strays()
        if diff(us, self._until) < 0:
            return NOTHING if diff(us, self._limit) < 0 else self._garble(us)
        frame = self.request.frame
        self._echoing = self._may_echo
        self._echo_seen = False
        if self._port.write(frame) != len(frame):
            self._fail(us, "the serial port did not take the whole request")
            return NOTHING
        wire_us = self._line.wire_us(len(frame))
        self._sent_us = self._until = add(us, wire_us)
        self._limit = add(us, 2 * wire_us + _STUCK_US)
        self._phase = _SENDING
        return NOTHING

    def _step_sending(self, us: int) -> int:
        request = self.request
        if self._port.sending():
            if diff(us, self._limit) >= 0:
                self._fail(us, "the serial port does not end sending")
            elif not self._echo_seen and self._read(len(request.frame) - self._fill):
                # No unit answers before it has the whole request: an echo, or nothing of ours.
                self._echoing = True
                if not self._is_echo(0):
                    return self._garble(us)
            return NOTHING
        if request.frame[0] == _BROADCAST:
            self.reason = ""
            return self._end(us, REPLY, self._turnaround_us)
        begins_us = self._line.wire_us(min(request.expected, _FIFO_CHARACTERS)) + _SLACK_US
        self._deadline = add(us, request.reply_time.timeout_ms * 1000 + begins_us)
        self._until = self._deadline
        self._limit = add(self._deadline, self._line.wire_us(request.expected) + self._gap_us)
        self._phase = _ANSWERING
        return self._step_answering(us)

    def _step_answering(self, us: int) -> int:
        came = False
        while True:
            checked = self._fill
            if not self._read(self._missing()):
                break
            came = True
            if not (self._echoing and self._is_echo(checked)) and self._missing() <= 0:
                return self._judge(us)
        if came:
            self._until = self._deadline
            if self._fill:
                self._until = add(us, self._gap_us)
                if diff(self._limit, self._until) < 0:
                    self._until = self._limit
        elif diff(us, self._until) >= 0:
            if self._fill:
                return self._garble(us)
            self.timeouts += 1
            self.reason = "no answer"
            self.request.reply_time.missed()
            return self._end(us, TIMED_OUT, self._line.silence_us)
        return NOTHING

    def _read(self, count: int) -> int:
        """Put at most `count` bytes behind those in `buffer`; bytes read."""
        if self._fill == 0:
            taken = self._port.readinto(self.buffer, count) or 0
        else:  # a window into `buffer` would have to be allocated
            taken = self._port.readinto(self._scratch, count) or 0
            _copy(self._scratch, self.buffer, self._fill, taken)
        self._fill += taken
        return taken

    def _missing(self) -> int:
        """Bytes until something can be said about what came; less when there are too many."""
        request = self.request
        if self._echoing:
            return len(request.frame) - self._fill
        if self._fill >= 2 and self.buffer[1] == request.function | _EXCEPTION_BIT:
            return _EXCEPTION_BYTES - self._fill
        return int(request.expected) - self._fill

    def _is_echo(self, checked: int) -> bool:
        """Whether `buffer` begins like the request, all `checked` bytes do; drops a whole echo."""
        frame = self.request.frame
        for index in range(checked, self._fill):
            if self.buffer[index] != frame[index]:
                self._echoing = False
                return False
        if self._fill == len(frame):
            self._fill = 0
            self._echoing = False
            self._echo_seen = self._may_echo = True
        return True

    def _judge(self, us: int) -> int:
        """The whole answer is there, or more."""
        request = self.request
        length = self._fill
        if self._missing() or self._port.readinto(self._scratch, _LONGEST):
            return self._garble(us)
        verdict = request.check(self.buffer, length)
        if verdict == pdu.MALFORMED:
            return self._garble(us)
        us = self._micros()  # silence counts from when the last byte was surely here
        latency_us = diff(us, self._sent_us) - self._line.wire_us(length)
        if verdict == pdu.GOOD and request.function in _ECHOED_WRITES:
            if not self._echo_seen and 4 * latency_us < -self._line.wire_us(length):
                # Sooner than any unit could have sent it: somebody put in an echoing adapter.
                self._echo_seen = self._may_echo = True
                self._fill = 0
                self._until = self._deadline
                return NOTHING
        else:
            self._may_echo = self._echo_seen
        request.reply_time.observe((max(latency_us, 0) + 500) // 1000)
        self.reason = ""
        if verdict == pdu.EXCEPTION:
            self.refusals += 1
            self.exception_code = self.buffer[request.data_at - 1]
            return self._end(us, REFUSED, self._line.silence_us)
        self.replies += 1
        return self._end(us, REPLY, self._line.silence_us)

    def _garble(self, us: int) -> int:
        """What came is no answer, and perhaps not over yet."""
        frame = self.request.frame
        alike = 0
        while alike < min(self._fill, len(frame)) and self.buffer[alike] == frame[alike]:
            alike += 1
        if alike > _HEAD_BYTES:
            self._may_echo = True  # an adapter that echoes has replaced one that does not
        self.garbled += 1
        self.reason = "garbled answer"
        event = self._end(us, GARBLED, self._gap_us)
        self._strayed = True
        return event

    def _end(self, us: int, event: int, quiet_us: int) -> int:
        self._fall_quiet(us, quiet_us)
        return event

    def _fall_quiet(self, us: int, quiet_us: int) -> None:
        self.state = QUIET
        self._until = add(us, quiet_us)
        self._strayed = False

    def _listen(self, us: int) -> None:
        """IDLE and QUIET: whatever comes is unasked, and silence leads to IDLE."""
        if self.state == QUIET:
            self._count_busy(us)
        elif self.state == IDLE:
            self._busy_from = self._until = us
        if self._drop_strays():
            self.state = QUIET
        elif self.state == QUIET:
            if self._port.sending():  # of a request given up meanwhile
                self._until = add(us, self._gap_us)
            elif diff(us, self._until) >= 0:
                self.state = IDLE
                self._strayed = False

    def _drop_strays(self) -> bool:
        """Drop what came unasked and start the silence again."""
        if not self._port.readinto(self._scratch, _LONGEST):
            return False
        silent_at = add(self._micros(), self._gap_us)
        if diff(silent_at, self._until) > 0:
            self._until = silent_at
        if not self._strayed:
            self._strayed = True
            self.late += 1
        return True

    def _count_busy(self, us: int) -> None:
        self._busy_us += diff(us, self._busy_from)
        self._busy_from = us
        self.busy_ms = (self.busy_ms + self._busy_us // 1000) & TICKS_MASK
        self._busy_us %= 1000

    def _fail(self, us: int, reason: str) -> None:
        """The port itself does not work: a request in flight ends in TIMED_OUT at this step."""
        self.losses += 1
        self.reason = reason
        self._phase = _FAILED
        self._until = us
        if self.state != WAITING:
            self._fall_quiet(us, _RETRY_US)
