"""Plain umodbus 2.3.7 over Modbus TCP.

    tcp_umodbus.py speed REGISTERS SECONDS PORT
    tcp_umodbus.py heap REGISTERS 0 PORT
    tcp_umodbus.py scan REGISTERS CYCLES PORT ...

Its transaction id is put back before it passes 65535, where the library would fail for ever;
nothing else of it is touched.
"""

from __future__ import annotations

import sys

from umodbus.tcp import TCP

from host_tools.bench.clients.measure import (
    ADDRESS,
    UNIT,
    check,
    durations,
    heap,
    report,
    speed,
)

HOST = "127.0.0.1"
_LAST_ID = 65000


class Reader:
    """One connection and one read."""

    def __init__(self, port: int, number: int, registers: int) -> None:
        self._client = TCP(HOST, port)
        self._number = number
        self._registers = registers
        self._values: tuple[int, ...] = ()

    def read(self) -> None:
        """Read all registers once."""
        client = self._client
        if client.trans_id_ctr > _LAST_ID:
            client.trans_id_ctr = 0
        self._values = client.read_holding_registers(UNIT, ADDRESS, self._registers)

    def check(self) -> None:
        """End the run unless the last value is right."""
        check(self._values[-1], ADDRESS + self._registers - 1, self._number)


def main(job: str, registers: int, amount: float, ports: list[int]) -> None:
    """Do one job and report."""
    readers = [Reader(port, number, registers) for number, port in enumerate(ports)]
    result: object = None
    if job == "speed":
        result = speed(readers[0].read, amount)
    elif job == "heap":
        result = heap(readers[0].read)
    elif job == "scan":

        def scan() -> None:
            for reader in readers:
                reader.read()

        result = durations(scan, int(amount))
    for reader in readers:
        reader.check()
    report(result)


main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), [int(port) for port in sys.argv[4:]])
