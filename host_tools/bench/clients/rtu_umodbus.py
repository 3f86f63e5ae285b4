"""Plain umodbus 2.3.7 over Modbus RTU.

    rtu_umodbus.py REGISTERS EXCHANGES BAUD TERMINAL

8N1. Reports the microseconds from the beginning of each exchange to the beginning of the next.
"""

from __future__ import annotations

import sys

from host_tools.bench.clients import uart_stand_in  # noqa: F401 - it becomes `machine`
from host_tools.bench.clients.measure import ADDRESS, UNIT, check, durations, report

from umodbus.serial import Serial  # isort: skip - needs the stand-in


def main(registers: int, exchanges: int, baud: int, terminal: str) -> None:
    """Measure and report."""
    client = Serial(terminal, baudrate=baud, pins=(None, None))
    values: list[tuple[int, ...]] = [()]

    def read() -> None:
        values[0] = client.read_holding_registers(UNIT, ADDRESS, registers)

    result = durations(read, exchanges)
    check(values[0][-1], ADDRESS + registers - 1, 0)
    report(result)


main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
