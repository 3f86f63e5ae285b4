"""A Modbus RTU slave behind a pseudo-terminal that misbehaves exactly as told, byte by byte.

It keeps the time of the line: the request lasts its characters, then t3.5, then the answer comes
one character after the other. `plan(number, frame)` gives for request `number` (from 0) a list of
(microseconds after the end of the request, bytes).
"""

from __future__ import annotations

import os
import select
import struct
import termios
import threading
import time
import tty
from collections.abc import Callable
from dataclasses import dataclass

from pymodbus.framer.rtu import FramerRTU

Parts = list[tuple[int, bytes]]


def sealed(body: bytes) -> bytes:
    """`body` with its CRC, by another hand than the gateway's."""
    return body + struct.pack(">H", FramerRTU.compute_CRC(body))


def register_value(address: int) -> int:
    return (address * 257 + 1) & 0xFFFF


def answer(frame: bytes) -> bytes:
    """What a good slave says: registers by `register_value`, writes by their echo."""
    if frame[1] in (3, 4):
        address, count = struct.unpack(">HH", frame[2:6])
        values = [register_value(address + index) for index in range(count)]
        return sealed(frame[:2] + bytes([2 * count]) + struct.pack(f">{count}H", *values))
    return sealed(frame[:6])


@dataclass(frozen=True)
class Heard:
    """One request: its bytes, when it came, and how long the line had been silent before, us."""

    frame: bytes
    at_us: int
    silence_us: int


class HostileSlave:
    """Runs while its context is open; `path` is the gateway's side."""

    def __init__(
        self, plan: Callable[[int, bytes], Parts], baud: int = 115200, char_bits: int = 10
    ) -> None:
        self._plan = plan
        self._char_us = char_bits * 1e6 / baud
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        attributes = termios.tcgetattr(self._slave)
        attributes[6][termios.VMIN] = attributes[6][termios.VTIME] = 0
        termios.tcsetattr(self._slave, termios.TCSANOW, attributes)
        self.path = os.ttyname(self._slave)
        self.heard: list[Heard] = []
        self._last_us = 0  # when the last character, either way, was over
        self._due: list[tuple[float, bytes]] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> HostileSlave:
        self._thread.start()
        return self

    def __exit__(self, *details: object) -> None:
        self._stop.set()
        self._thread.join(5)
        os.close(self._master)
        os.close(self._slave)

    def _run(self) -> None:
        while not self._stop.is_set():
            now = _now_us()
            wait_us = 20_000.0
            if self._due:
                wait_us = max(self._due[0][0] - now, 0)
            if wait_us < 1000:
                readable = _sleep_or_readable(self._master, wait_us)
            else:
                readable = bool(select.select([self._master], [], [], (wait_us - 500) / 1e6)[0])
            if readable:
                self._hear(os.read(self._master, 512))
            self._speak()

    def _hear(self, frame: bytes) -> None:
        now = _now_us()
        self.heard.append(Heard(frame, now, now - self._last_us))
        end_us = now + len(frame) * self._char_us
        self._last_us = int(end_us)
        for delay_us, data in self._plan(len(self.heard) - 1, frame):
            for index in range(len(data)):
                over_us = end_us + delay_us + (index + 1) * self._char_us
                self._due.append((over_us, data[index : index + 1]))
        self._due.sort(key=lambda part: part[0])

    def _speak(self) -> None:
        data = b""
        now = _now_us()
        while self._due and self._due[0][0] <= now:
            data += self._due.pop(0)[1]
        if data:
            os.write(self._master, data)
            self._last_us = max(self._last_us, now)


def _now_us() -> int:
    return time.monotonic_ns() // 1000


def _sleep_or_readable(descriptor: int, wait_us: float) -> bool:
    """Wait less than a millisecond, which select() does not do exactly."""
    if select.select([descriptor], [], [], 0)[0]:
        return True
    time.sleep(wait_us / 1e6)
    return False
