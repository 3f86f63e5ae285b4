"""Sleep until the bus has something to read: one poll over all southbound sockets and ports."""

from __future__ import annotations

import select
import time

from gateway.clock import Clock, add, diff

_SLICE_US = 250  # poll() knows only whole milliseconds; the rest is slept in slices and looked at
_WAKE_UP_US = 60  # that a sleep usually lasts too long


class BusWait:
    """Everything the gateway waits for on its buses, each registered once.

    `wait` allocates nothing on MicroPython.
    """

    def __init__(self) -> None:
        self._poll = select.poll()
        # MicroPython's ipoll hands out one and the same tuple; CPython has only lists
        self._ready = self._poll.ipoll if hasattr(self._poll, "ipoll") else self._poll.poll
        self._ready(0)  # which makes the tuple
        self._sleep_us = time.sleep_us if hasattr(time, "sleep_us") else _sleep_us
        self._micros = Clock().micros

    def register(self, source: object, connecting: bool = False) -> None:
        """Wake up when `source` (a socket or port) has input, or when its connection stands.

        Registered again, it waits for the other of the two.
        """
        self._poll.register(source, select.POLLOUT if connecting else select.POLLIN)

    def unregister(self, source: object) -> None:
        """No longer wait for `source`; call it before closing."""
        self._poll.unregister(source)

    def wait(self, timeout_us: int) -> bool:
        """Sleep until one source is ready (True) or `timeout_us` is over (False).

        It may end some 10 us early rather than late: who needs the time exactly asks again.
        """
        if timeout_us < 0:
            timeout_us = 0  # poll() takes a negative time for eternity
        for _ in self._ready(timeout_us // 1000):  # the usual case ends here, so it comes first
            return True
        rest_us = timeout_us % 1000 - _WAKE_UP_US
        end = add(self._micros(), max(rest_us, 0))
        while rest_us > 0:
            self._sleep_us(min(rest_us, _SLICE_US))
            for _ in self._ready(0):
                return True
            rest_us = diff(end, self._micros())
        return False


def _sleep_us(delay_us: int) -> None:
    time.sleep(delay_us / 1_000_000)
