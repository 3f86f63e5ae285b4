"""The baseline: one QoS 1 message in flight, as umqtt.simple has it.

    mqtt_stop_and_wait.py PORT BYTES SECONDS

Written here, and kinder than that library: one write per message, no Nagle, so that the only
difference left is the waiting.
"""

from __future__ import annotations

import socket
import sys

from gateway.uplink import mqtt_packet
from host_tools.bench.clients.measure import micros, report

HOST = "127.0.0.1"
_IPPROTO_TCP = 6
_TCP_NODELAY = 1


def main(port: int, size: int, seconds: float) -> None:
    """Publish, wait for the PUBACK, publish."""
    link = socket.socket()
    link.connect(socket.getaddrinfo(HOST, port)[0][-1])
    link.setsockopt(_IPPROTO_TCP, _TCP_NODELAY, 1)
    link.send(mqtt_packet.encode_connect("baseline", 60))
    link.recv(4)
    frame = mqtt_packet.PublishFrame("bench/log", size)
    frame.put(bytes(size))
    span_us = int(seconds * 1000000)
    messages = packet_id = elapsed = 0
    start = micros()
    while elapsed < span_us:
        packet_id = packet_id % 65535 + 1
        packet = frame.seal(size, packet_id)
        sent = 0
        while sent < len(packet):
            sent += link.send(packet[sent:])
        answer = b""
        while len(answer) < 4:
            answer += link.recv(4 - len(answer))
        if answer != mqtt_packet.encode_puback(packet_id):
            sys.exit("the broker answered " + repr(answer))
        messages += 1
        elapsed = micros() - start
    report({"messages": messages, "seconds": elapsed / 1000000})


main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
