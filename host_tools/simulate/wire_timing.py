"""What happens on an RS-485 pair and when: a model in nanoseconds without any I/O of its own."""

from __future__ import annotations

from dataclasses import dataclass

SILENCE_CHARACTERS = 3.5
_SILENCE_CHAR_BITS = 11  # the specification counts silences in characters of 11 bits
_FIXED_SILENCE_NS = 1_750_000  # above 19200 baud
_FIXED_ABOVE_BAUD = 19200
_FIFO_NS = 1_000_000  # a receiver hands on what came in about a millisecond
_FIFO_BYTES = 16
_SECOND_NS = 1_000_000_000

Heard = tuple[bytes, int]  # a frame and the time at which its silence is complete


def silence_ns(baud: int) -> int:
    """The silence that ends a frame, t3.5."""
    if baud > _FIXED_ABOVE_BAUD:
        return _FIXED_SILENCE_NS
    return round(SILENCE_CHARACTERS * _SILENCE_CHAR_BITS * _SECOND_NS / baud)


@dataclass
class _Sending:
    frame: bytearray
    start_ns: int
    end_ns: int
    delivered: int = 0
    garbled: bool = False


class WireTiming:
    """Carries the master's bytes to the slaves and back; whoever owns it supplies the time.

    The master's port takes a whole frame at once, so its bytes count from when they were seen.
    What a slave sends reaches the master in groups, each when its last stop bit is through, as a
    receiver with a small FIFO would hand it on. Both sides at a time spoil each other: every byte
    is inverted and `collisions` counts it. `short_silences` counts frames of the master that
    began before the line had been silent for t3.5.
    """

    def __init__(self, baud: int, char_bits: int) -> None:
        self.char_ns = char_bits * _SECOND_NS / baud
        self.silence_ns = silence_ns(baud)
        self.group = min(_FIFO_BYTES, max(1, int(_FIFO_NS / self.char_ns)))
        self.collisions = self.short_silences = 0
        self.busy_ns = 0  # time in which somebody was sending
        self._request = bytearray()
        self._request_start_ns = self._request_end_ns = 0
        self._request_garbled = False
        self._line_end_ns = -_SECOND_NS
        self._sending: list[_Sending] = []

    def duration_ns(self, count: int) -> int:
        """Time on the wire of so many bytes."""
        return round(count * self.char_ns)

    def master_sends(self, data: bytes, now_ns: int) -> None:
        """The master's port has taken `data`; call `step` with the same time before."""
        if not self._request:
            self._request_start_ns = self._request_end_ns = now_ns
            self._request_garbled = False
            if now_ns < self._line_end_ns + self.silence_ns:
                self.short_silences += 1
        start_ns = max(now_ns, self._request_end_ns)
        self._request_end_ns = start_ns + self.duration_ns(len(data))
        self.busy_ns += self.duration_ns(len(data))
        self._request += data
        for sending in self._sending:
            if sending.end_ns > start_ns and sending.start_ns < self._request_end_ns:
                self._collide(sending)
                self._request_garbled = True

    def slave_sends(self, frame: bytes, at_ns: int) -> int:
        """A slave begins to send at `at_ns`; the time at which it is through."""
        sending = _Sending(bytearray(frame), at_ns, at_ns + self.duration_ns(len(frame)))
        self.busy_ns += self.duration_ns(len(frame))
        for other in self._sending:
            if other.end_ns > sending.start_ns and other.start_ns < sending.end_ns:
                other.garbled = True
                self._collide(sending)
        if (
            self._request
            and self._request_start_ns < sending.end_ns
            and self._request_end_ns > at_ns
        ):
            self._collide(sending)
            self._request_garbled = True
        self._sending.append(sending)
        return sending.end_ns

    def step(self, now_ns: int) -> tuple[bytes, list[Heard]]:
        """(bytes that the master's port has received by now, frames that the slaves have)."""
        received = b"".join(self._deliver(sending, now_ns) for sending in self._sending)
        self._sending = [s for s in self._sending if s.delivered < len(s.frame)]
        heard: list[Heard] = []
        if self._request and now_ns >= self._request_end_ns + self.silence_ns:
            frame = bytes(self._request)
            if self._request_garbled:
                frame = _inverted(frame)
            heard.append((frame, self._request_end_ns + self.silence_ns))
            self._line_end_ns = max(self._line_end_ns, self._request_end_ns)
            self._request.clear()
        return received, heard

    def next_ns(self) -> int | None:
        """When `step` has something to do; None while the line is idle."""
        times = [self._group_end_ns(sending) for sending in self._sending]
        if self._request:
            times.append(self._request_end_ns + self.silence_ns)
        return min(times, default=None)

    def _deliver(self, sending: _Sending, now_ns: int) -> bytes:
        received = b""
        while sending.delivered < len(sending.frame) and self._group_end_ns(sending) <= now_ns:
            group = bytes(sending.frame[sending.delivered : sending.delivered + self.group])
            sending.delivered += len(group)
            received += _inverted(group) if sending.garbled else group
        if sending.delivered == len(sending.frame):
            self._line_end_ns = max(self._line_end_ns, sending.end_ns)
        return received

    def _group_end_ns(self, sending: _Sending) -> int:
        count = min(len(sending.frame), sending.delivered + self.group)
        return sending.start_ns + self.duration_ns(count)

    def _collide(self, sending: _Sending) -> None:
        self.collisions += not sending.garbled
        sending.garbled = True


def _inverted(data: bytes) -> bytes:
    return bytes(byte ^ 0xFF for byte in data)
