"""A pseudo-terminal at the speed of an RS-485 line, served by a thread of its own."""

from __future__ import annotations

import os
import select
import sys
import termios
import threading
import time
import tty
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from host_tools.errors import UserError
from host_tools.simulate.wire_timing import WireTiming

_READ_BYTES = 4096
_IDLE_S = 1.0
# Other threads of this process may hold the interpreter for as long as this; the default of 5 ms
# would show in the pace of the bytes.
_SWITCH_S = 0.0001
_CC = 6  # control characters in what tcgetattr gives
_LATE_NS = 1_000_000


class Rs485Wire:
    """`path` is the master's port: raw, and a read that finds nothing returns at once.

    A thread keeps absolute deadlines, so an error never adds up. `heard(frame, at_ns)` is called
    in that thread when t3.5 after a request is over; `transmit` may be called from any thread.
    Times are of `time.monotonic_ns`. `overruns` counts bytes that the master's port had no room
    for, `late` groups of bytes that came more than 1 ms after their time.
    """

    def __init__(self, baud: int, char_bits: int, heard: Callable[[bytes, int], None]) -> None:
        self.timing = WireTiming(baud, char_bits)
        self.path = ""
        self.overruns = self.late = 0
        self._heard = heard
        self._outbox: deque[tuple[bytes, int]] = deque()
        self._master = self._slave = self._wake_read = self._wake_write = -1
        self._thread: threading.Thread | None = None
        self._ending = False

    def open(self) -> None:
        """Make the pseudo-terminal and start; UserError when the machine has none left."""
        try:
            self._master, self._slave = os.openpty()
        except OSError as error:
            raise UserError(f"no pseudo-terminal for a serial bus: {error.strerror}") from error
        tty.setraw(self._slave)
        attributes = termios.tcgetattr(self._slave)
        attributes[_CC][termios.VMIN] = attributes[_CC][termios.VTIME] = 0
        termios.tcsetattr(self._slave, termios.TCSANOW, attributes)
        os.set_blocking(self._master, False)
        self.path = os.ttyname(self._slave)
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        sys.setswitchinterval(min(sys.getswitchinterval(), _SWITCH_S))
        self._ending = False
        self._thread = threading.Thread(target=self._run, name=f"wire {self.path}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread and the pseudo-terminal; nothing happens when it is not open."""
        if self._thread is None:
            return
        self._ending = True
        self._wake()
        self._thread.join()
        self._thread = None
        for descriptor in (self._master, self._slave, self._wake_read, self._wake_write):
            os.close(descriptor)

    def transmit(self, frame: bytes, at_ns: int) -> None:
        """Let a slave send `frame` from `at_ns` on, or at once when that has passed."""
        self._outbox.append((frame, at_ns))
        self._wake()

    def forget(self) -> None:
        """Throw away what the master's port holds: nobody is there to read it any more."""
        if self._thread:
            termios.tcflush(self._slave, termios.TCIOFLUSH)

    def _wake(self) -> None:
        with suppress(BlockingIOError):  # full: it is awake already
            os.write(self._wake_write, b"!")

    def _run(self) -> None:
        while not self._ending:
            next_ns = self.timing.next_ns()
            wait_s = _IDLE_S
            if next_ns is not None:
                wait_s = max(0.0, (next_ns - time.monotonic_ns()) / 1e9)
            ready, _, _ = select.select([self._master, self._wake_read], [], [], wait_s)
            now_ns = time.monotonic_ns()
            # before new bytes are looked at: a frame may have become complete
            self._step(now_ns)
            if self._wake_read in ready:
                os.read(self._wake_read, _READ_BYTES)
            while self._outbox:
                frame, at_ns = self._outbox.popleft()
                self.timing.slave_sends(frame, max(at_ns, now_ns))
            if self._master in ready:
                with suppress(BlockingIOError):
                    self.timing.master_sends(os.read(self._master, _READ_BYTES), now_ns)

    def _step(self, now_ns: int) -> None:
        due_ns = self.timing.next_ns()
        received, heard = self.timing.step(now_ns)
        if received:
            self.late += due_ns is not None and now_ns - due_ns > _LATE_NS
            taken = 0
            with suppress(BlockingIOError):
                taken = os.write(self._master, received)
            self.overruns += len(received) - taken
        for frame, at_ns in heard:
            self._heard(frame, at_ns)
