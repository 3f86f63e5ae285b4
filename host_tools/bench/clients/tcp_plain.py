"""The least a Python client can do: a blocking socket, the length checked, nothing decoded.

tcp_plain.py speed REGISTERS SECONDS PORT
"""

from __future__ import annotations

import socket
import struct
import sys

from host_tools.bench.clients.measure import ADDRESS, UNIT, check, report, speed

_FRAME = "!HHHBBHH"


def main(registers: int, seconds: float, port: int) -> None:
    """Measure and report."""
    connection = socket.socket()
    connection.connect(("127.0.0.1", port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    buffer = bytearray(9 + 2 * registers)
    request = bytearray(struct.pack(_FRAME, 0, 0, 6, UNIT, 3, ADDRESS, registers))

    def read() -> None:
        connection.send(request)
        fill = connection.recv_into(buffer)
        if fill != len(buffer):
            sys.exit("an answer came in parts")

    result = speed(read, seconds)
    check(buffer[-2] << 8 | buffer[-1], ADDRESS + registers - 1, 0)
    report(result)


main(int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]))
