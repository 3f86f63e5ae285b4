"""The gateway's own Modbus TCP link on the simulated board, stepped as the firmware steps it.

    tcp_gateway.py speed REGISTERS SECONDS PORT
    tcp_gateway.py speed-undecoded REGISTERS SECONDS PORT
    tcp_gateway.py speed-in-task REGISTERS SECONDS PORT
    tcp_gateway.py heap REGISTERS 0 PORT
    tcp_gateway.py scan REGISTERS CYCLES PORT ...

`speed`, `heap` and `scan` end with every register as a number in an array, as umodbus gives a
tuple of numbers. `speed-undecoded` leaves them in the answer; `speed-in-task` lets other asyncio
tasks run at every wait, as the enforcing loop does.
"""

from __future__ import annotations

import asyncio
import random
import sys
from array import array

import micropython
from bus_wait import BusWait  # type: ignore[import-not-found]
from sockets import Network  # type: ignore[import-not-found]

from gateway.clock import Clock
from gateway.modbus import link as states
from gateway.modbus import pdu
from gateway.modbus.reply_time import ReplyTime
from gateway.modbus.tcp_link import TcpLink
from host_tools.bench.clients.measure import (
    ADDRESS,
    BATCH,
    UNIT,
    WARM_UP,
    check,
    durations,
    heap,
    micros,
    report,
    speed,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from micropython import ptr8, ptr16

LONGEST_WAIT_US = 2000  # as in the enforcing loop
clock = Clock()
bus_wait = BusWait()


@micropython.viper
def decode(source: ptr8, start: int, target: ptr16, count: int) -> int:
    """Big-endian registers at `start` to an array of numbers; the place behind them."""
    for index in range(count):
        target[index] = source[start] << 8 | source[start + 1]
        start += 2
    return start


class Reader:
    """One connection and one read."""

    def __init__(self, port: int, number: int, registers: int) -> None:
        network = Network(bus_wait)
        reply_time = ReplyTime(1000, 1000)
        self._number = number
        self._registers = registers
        self._values = array("H", [0] * registers)
        self._now = clock.ticks()
        self._request = pdu.read_request(pdu.TCP, UNIT, 3, ADDRESS, registers, reply_time)
        self.link = TcpLink(network, "127.0.0.1", port, 1000, random)
        while self.link.state != states.IDLE:
            if self.link.step(clock.ticks()) == states.LOST:
                sys.exit(self.link.reason)
            bus_wait.wait(1000)

    def send(self) -> None:
        """Send the request."""
        self.link.send(self._request, clock.ticks())

    def come(self) -> bool:
        """Step; True once the answer is there and decoded."""
        link = self.link
        event = link.step(clock.ticks())
        if event == states.REPLY:
            decode(link.buffer, self._request.data_at, self._values, self._registers)
            return True
        if event != states.NOTHING:
            sys.exit(f"event {event} instead of an answer: {link.reason}")
        return False

    def read(self) -> None:
        """Read all registers once and decode them."""
        self.read_undecoded()
        decode(self.link.buffer, self._request.data_at, self._values, self._registers)

    def read_undecoded(self) -> None:
        """Read all registers once; the link has checked the answer."""
        link = self.link
        now = self._now
        link.send(self._request, now)
        while True:
            bus_wait.wait(min(link.wait_us(now), LONGEST_WAIT_US))
            now = clock.ticks()
            event = link.step(now)
            if event == states.REPLY:
                self._now = now  # the clock is read once per step, as in the enforcing loop
                return
            if event != states.NOTHING:
                sys.exit(f"event {event} instead of an answer: {link.reason}")

    async def speed_in_task(self, seconds: float) -> dict[str, float]:
        """As `measure.speed`, with other tasks allowed to run at each wait."""
        requests = -WARM_UP
        start = 0
        while True:
            for _ in range(BATCH):
                self.send()
                bus_wait.wait(LONGEST_WAIT_US)
                await clock.sleep_ms(0)
                while not self.come():
                    bus_wait.wait(LONGEST_WAIT_US)
                    await clock.sleep_ms(0)
            requests += BATCH
            if requests <= 0:
                requests = 0 if requests > -BATCH else requests
                start = micros()
            elapsed = (micros() - start) / 1000000
            if requests > 0 and elapsed >= seconds:
                return {"requests": requests, "seconds": elapsed}

    def check(self) -> None:
        """End the run unless the last answer was right."""
        at = self._request.data_at + 2 * self._registers - 2
        buffer = self.link.buffer
        last = ADDRESS + self._registers - 1
        check(buffer[at] << 8 | buffer[at + 1], last, self._number)


def scan_all(readers: list[Reader]) -> None:
    """One read of every rack, all in flight at once."""
    for reader in readers:
        reader.send()
    waiting = len(readers)
    while waiting:
        bus_wait.wait(LONGEST_WAIT_US)
        for reader in readers:
            if reader.link.state == states.WAITING and reader.come():
                waiting -= 1


def main(job: str, registers: int, amount: float, ports: list[int]) -> None:
    """Do one job and report."""
    readers = [Reader(port, number, registers) for number, port in enumerate(ports)]
    result: object = None
    if job == "speed":
        result = speed(readers[0].read, amount)
    elif job == "speed-undecoded":
        result = speed(readers[0].read_undecoded, amount)
    elif job == "speed-in-task":
        result = asyncio.run(readers[0].speed_in_task(amount))
    elif job == "heap":
        result = heap(readers[0].read)
    elif job == "scan":
        result = durations(lambda: scan_all(readers), int(amount))
    for reader in readers:
        reader.check()
    report(result)


main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), [int(port) for port in sys.argv[4:]])
