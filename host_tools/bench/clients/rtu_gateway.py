"""The gateway's own Modbus RTU link on the simulated board, stepped as the firmware steps it.

    rtu_gateway.py REGISTERS EXCHANGES BAUD TERMINAL

8N1. Reports the microseconds from the beginning of each exchange to the beginning of the next.
"""

from __future__ import annotations

import sys

from bus_wait import BusWait  # type: ignore[import-not-found]
from serial_line import SerialLine  # type: ignore[import-not-found]

from gateway.clock import Clock
from gateway.modbus import link as states
from gateway.modbus import pdu
from gateway.modbus.reply_time import ReplyTime
from gateway.modbus.rtu_link import RtuLink
from host_tools.bench.clients.measure import ADDRESS, UNIT, check, durations, report

LONGEST_WAIT_US = 2000  # as in the enforcing loop


def main(registers: int, exchanges: int, baud: int, terminal: str) -> None:
    """Measure and report."""
    clock = Clock()
    bus_wait = BusWait()
    link = RtuLink(SerialLine(terminal, baud, None, 1, clock.micros, bus_wait), clock.micros)
    request = pdu.read_request(pdu.RTU, UNIT, 3, ADDRESS, registers, ReplyTime(500, 500))

    def read() -> None:
        """From one moment the line is free to the next."""
        now = clock.ticks()
        link.send(request, now)
        while link.state != states.IDLE:
            bus_wait.wait(min(link.wait_us(now), LONGEST_WAIT_US))
            now = clock.ticks()
            event = link.step(now)
            if event not in (states.NOTHING, states.REPLY):
                sys.exit(f"event {event} instead of an answer: {link.reason}")

    while link.state != states.IDLE:
        bus_wait.wait(100)
        link.step(clock.ticks())
    result = durations(read, exchanges)
    last = request.data_at + 2 * registers - 2
    check(link.buffer[last] << 8 | link.buffer[last + 1], ADDRESS + registers - 1, 0)
    report(result)


main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
