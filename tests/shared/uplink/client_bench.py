"""A client under test with a scripted broker at its other end."""

from __future__ import annotations

import asyncio
import random

from scripted_broker import FastClock, LineLog, ScriptedBroker, accept_all, connect

from gateway.uplink.mqtt_client import MqttClient
from gateway.uplink.settings import UplinkSettings


class Bench:
    """A scripted broker, a client and the task that runs it."""

    def __init__(self, answer=accept_all, connect=connect, dice=random, **settings):
        self.broker = ScriptedBroker(answer)
        self.log = LineLog()
        self._connect = connect
        self._dice = dice
        self._settings = settings
        self.client = None
        self.task = None

    async def __aenter__(self):
        await self.broker.start()
        options = {"reconnect_base_ms": 200, "keep_alive_s": 20}
        options.update(self._settings)
        self.client = MqttClient(
            UplinkSettings(host="127.0.0.1", port=self.broker.port, client_id="gw-001", **options),
            self._connect,
            FastClock(),
            self.log,
            self._dice,
        )
        return self

    async def __aexit__(self, kind, error, trace):
        if self.task is not None and not self.task.done():
            self.client.stop()
            await self.task
        await self.broker.stop()

    def start(self):
        self.task = asyncio.create_task(self.client.run())

    def logged(self, text):
        return any(text in line for line in self.log.lines)
