"""One gateway's command part with orders that only note what they were asked to do."""

import asyncio
import json
import random
import sys

from fake_hardware import HandClock, MemoryStorage, QuietLog

from gateway.uplink.command_sequence import CommandSequence
from gateway.uplink.commands import Commands
from gateway.uplink.mqtt_client import MqttClient
from gateway.uplink.settings import UplinkSettings
from gateway.uplink.signed_message import REPLY, seal, unseal

KEY = bytes(range(40, 72))
SITE, GATEWAY = "plant-7", "gw-001"
TOPIC = "bess/v1/plant-7/gw-001/command"


async def connect(_host, _port):
    """No network here."""
    raise OSError(101)


def ready_client(clock, port=1):
    """A client that is not running."""
    settings = UplinkSettings(host="127.0.0.1", port=port, client_id=GATEWAY)
    return MqttClient(settings, connect, clock, QuietLog(), random)


class CommandBench:
    """`send` signs and delivers; `orders` and `events` tell what came of it."""

    def __init__(self, storage=None, clock=None, client=None, answer=None):
        self.storage = storage or MemoryStorage()
        self.clock = clock or HandClock()
        self.events = []
        self.orders = []
        self.answer = answer or {"done": 1}
        self.kept_before = []  # files on flash at the moment of each order
        self.seq = 100
        self.commands = Commands(
            client or ready_client(self.clock),
            KEY,
            CommandSequence(self.storage),
            {"limit": (self.order, True), "status": (self.order, False)},
            self.clock,
            self.events.append,
            QuietLog(),
            site=SITE,
            gateway=GATEWAY,
        )

    def order(self, args):
        self.kept_before.append(dict(self.storage.files))
        self.orders.append(args)
        return self.answer

    def now_s(self):
        return self.clock.utc_ms() // 1000

    def tree(self, **changes):
        """A good command as plain data; `changes` replace entries, None takes one out."""
        self.seq += 1
        entries = {
            "gateway": GATEWAY,
            "seq": self.seq,
            "until": self.now_s() + 60,
            "command": "limit",
            "args": {"rack": "rack01", "charge_da": 500},
        }
        for name in changes:
            entries[name] = changes[name]
            if changes[name] is None:
                del entries[name]
        return entries

    def send(self, **changes):
        return self.deliver(seal(KEY, json.dumps(self.tree(**changes)).encode()))

    def deliver(self, payload, retained=False):
        """The replies to one message."""
        self.commands.take(TOPIC, payload, retained)
        self.work_off()
        return self.replies()

    def work_off(self):
        work_off(self.commands)

    def replies(self):
        waiting, self.commands._replies = self.commands._replies, []
        return [read_reply(each) for each in waiting]


def work_off(commands):
    """Carry out what waits, as the service of a session does."""
    if commands._waiting:
        if sys.implementation.name == "micropython":
            asyncio.new_event_loop()  # there `run` goes on with the loop before
        asyncio.run(commands.work_off())


def read_reply(payload):
    """What a signed reply says."""
    body = unseal(KEY, payload, REPLY)
    assert body is not None, payload
    return json.loads(body.decode())
