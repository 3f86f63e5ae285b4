"""Lanes in RAM, the publisher, its client, and a scripted broker at the other end."""

from __future__ import annotations

import asyncio
import random

from memory_source import MemorySource, parse_message
from scripted_broker import (
    PUBLISH,
    FastClock,
    LineLog,
    ScriptedBroker,
    accept_all,
    connect,
)

from gateway.telemetry.records import FINE, MINUTE
from gateway.uplink.mqtt_client import MqttClient
from gateway.uplink.publisher import Publisher
from gateway.uplink.settings import UplinkSettings

LOG = "bess/v1/plant-7/gw-001/log"
BLOCKS = "bess/v1/plant-7/gw-001/blocks"
STATUS = "bess/v1/plant-7/gw-001/status"


class LargestDice:
    """Always the longest delay."""

    def getrandbits(self, bits):
        return (1 << bits) - 1


class Bench:
    """Lanes, publisher, client and a scripted broker."""

    def __init__(self, answer=accept_all, slow=0, dice=random, **settings):
        self.broker = ScriptedBroker(answer)
        self.appended = asyncio.Event()
        self.journal = MemorySource(self.appended)
        self.minute = MemorySource(self.appended, MINUTE, "blocks", slow)
        self.fine = MemorySource(self.appended, FINE, "blocks", slow)
        self._dice = dice
        self.log = LineLog()
        self._settings = settings
        self.client = self.publisher = self.task = None

    async def __aenter__(self):
        await self.broker.start()
        options = {
            "reconnect_base_ms": 200,
            "batch_bytes": 512,
            "linger_ms": 0,
            "backlog_delay_ms": 0,
        }
        options.update(self._settings)
        settings = UplinkSettings(
            host="127.0.0.1", port=self.broker.port, client_id="gw-001", **options
        )
        clock = FastClock()
        self.client = MqttClient(settings, connect, clock, self.log, self._dice)
        self.publisher = Publisher(
            self.client,
            (self.journal, self.minute, self.fine),
            None,
            settings,
            clock,
            self.log,
            self._dice,
            appended=self.appended,
            site="plant-7",
            gateway="gw-001",
            boot=3,
            version='0.1 "x"',
        )
        return self

    async def __aexit__(self, kind, error, trace):
        if self.task is not None and not self.task.done():
            self.client.stop()
            await self.task
        await self.broker.stop()

    def start(self):
        self.task = asyncio.create_task(self.client.run())

    def messages(self, connection=0, topic=LOG):
        """The PUBLISH packets with records."""
        packets = self.broker.of_kind(PUBLISH, connection)
        return [packet for packet in packets if packet.topic == topic]

    def records(self, connection=0, topic=LOG):
        found = []
        for packet in self.messages(connection, topic):
            found += parse_message(packet.payload)
        return found

    def lanes(self):
        """Lane of each message with records, in order."""
        packets = self.broker.of_kind(PUBLISH)
        return [packet.payload[1] for packet in packets if packet.topic in (LOG, BLOCKS)]


async def hold_records(broker, packet):
    """Accepts everything but acknowledges no record."""
    if packet.kind != PUBLISH or packet.topic == STATUS:
        await accept_all(broker, packet)


def sequence(boot, first, last):
    return [(boot, seq) for seq in range(first, last + 1)]
