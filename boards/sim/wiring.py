"""The wire to the simulated field: relays and watchdog out, inputs and the end of the run in.

One TCP connection with ASCII lines. Out: `B <text>` once, `R <relay> <0|1>`, `W <timeout ms>`,
`H` (the dead man was toggled). In: `I <input> <0|1>`, `S` (stop). When this process dies the
connection closes and the field lets every relay drop, as a relay does when its supply fails.
"""

from __future__ import annotations

import socket
import time

_LONGEST_LINE = 64
_INPUT_TRIES = 100
_INPUT_WAIT_S = 0.005


class Relays:
    """Trip relays, energised = 1; starts with all open. `set` neither raises nor allocates."""

    def __init__(self, wiring: Wiring, count: int) -> None:
        self.count = count
        self._wiring = wiring
        self._state = bytearray(count)
        self._lines = [(b"R %d 0\n" % number, b"R %d 1\n" % number) for number in range(count)]

    def set(self, number: int, energised: int) -> None:
        """Energise (1) or drop (0) one relay."""
        if self._state[number] != energised and self._wiring.send(self._lines[number][energised]):
            self._state[number] = energised


class Inputs:
    """Digital inputs, False until the field says otherwise."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.told = 0  # lines from the field so far
        self._state = bytearray(count)

    def get(self, number: int) -> bool:
        """Level of one input."""
        return self._state[number] == 1

    def put(self, number: int, level: int) -> None:
        """The field changed an input."""
        self.told += 1
        if 0 <= number < self.count:
            self._state[number] = level


class Watchdog:
    """Simulated by the field: it drops every relay when it is not fed in time."""

    def __init__(self, wiring: Wiring, timeout_ms: int) -> None:
        self._wiring = wiring
        self._line = b"W %d\n" % timeout_ms

    def feed(self) -> None:
        """Put the next bite off by the timeout."""
        self._wiring.send(self._line)


class DeadMan:
    """Simulated by the field: it drops every relay when it has been silent for 600 ms."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring

    def toggle(self) -> None:
        """The protecting loop has come round: a line each time, about 20 a second as the loop
        does. Allocates nothing.
        """
        self._wiring.send(b"H\n")


class Wiring:
    """The connection; losing it counts as the order to stop."""

    def __init__(self, port: int, relays: int, inputs: int) -> None:
        self._socket = socket.socket()
        address = socket.getaddrinfo("127.0.0.1", port, 0, socket.SOCK_STREAM)[0][-1]
        self._socket.connect(address)
        self._socket.setsockopt(6, 1, 1)  # TCP_NODELAY
        self._socket.setblocking(False)
        self._pending = b""
        self._ended = False
        self.lost_lines = 0
        self.relays = Relays(self, relays)
        self.inputs = Inputs(inputs)
        self.dead_man = DeadMan(self)
        self.send(b"B gateway started\n")
        self._await_inputs()

    def watchdog(self, timeout_ms: int) -> Watchdog:
        """A watchdog that is armed by its first feed."""
        return Watchdog(self, timeout_ms)

    def _await_inputs(self) -> None:
        """The field tells every input at once; a board knows its inputs from the first moment on.

        It also ends when the field went away or says nothing for a while, as in small tests.
        """
        for _ in range(_INPUT_TRIES):
            if self.poll() or self.inputs.told >= self.inputs.count:
                return
            time.sleep(_INPUT_WAIT_S)

    def send(self, line: bytes) -> bool:
        """Send one line; False when it did not go out whole, which ends the wire.

        Then the field drops every relay, as it must when it cannot be told.
        """
        try:
            if self._socket.send(line) == len(line):
                return True
        except OSError:
            pass  # counted below
        self.lost_lines += 1
        self._ended = True
        self._socket.close()
        return False

    def poll(self) -> bool:
        """Take in what the field sent; True once it asked to stop or went away."""
        try:
            received = self._socket.recv(256)
            if not received:
                self._ended = True
            self._pending += received
        except OSError as error:
            if error.errno != 11 and error.errno != 35:  # nothing there: Linux, macOS
                self._ended = True
        while b"\n" in self._pending:
            line, self._pending = self._pending.split(b"\n", 1)
            self._take(line.split())
        self._pending = self._pending[-_LONGEST_LINE:]
        return self._ended

    def _take(self, words: list[bytes]) -> None:
        if words == [b"S"]:
            self._ended = True
        elif len(words) == 3 and words[0] == b"I":
            try:
                self.inputs.put(int(words[1]), int(words[2]))
            except ValueError:
                self.lost_lines += 1
