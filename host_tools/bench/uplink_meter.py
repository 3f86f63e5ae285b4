"""Bytes that arrive at the broker: of the backlog, and live; nothing is decoded."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence

import aiomqtt

from gateway.telemetry import records
from host_tools.bench.backlog_flash import Backlog
from host_tools.run.observer import Observer
from host_tools.run.plan import Plan

Arrival = tuple[int, int]  # ms of the rig's clock, bytes


class UplinkMeter(Observer):
    """An observer that costs next to nothing: it shares a processor with the simulated racks.

    `backlog`, `live` and `log` hold time and size of the payload of every message: blocks of the
    backlog, live data, records of any age (events, black boxes). A connection of its own each time
    and QoS 0: what was sent before it is there is missing.
    """

    def __init__(self, plan: Plan, backlog: Backlog, clock: Callable[[], int]) -> None:
        host, port = plan.broker_address
        text = plan.config.text
        super().__init__(
            host=host,
            port=port,
            user=text("uplink.user"),
            password=text("uplink.password"),
            topic=f"bess/v1/{text('site')}/{text('gateway')}",
            racks=len(plan.config.racks),
            clock=clock,
        )
        self._boot = backlog.boot
        self._missing = {
            (lane, rack, last)
            for lane, last in backlog.ends.items()
            for rack in range(len(plan.config.racks))
        }
        self.backlog: list[Arrival] = []
        self.live: list[Arrival] = []
        self.log: list[Arrival] = []

    @property
    def complete(self) -> bool:
        """The last block of every lane and rack of the backlog is there."""
        return not self._missing

    async def _listen(self) -> None:
        async with self._client(clean=True) as client:
            await client.subscribe(f"{self._topic}/#", 0)
            self._subscribed.set()
            async for message in client.messages:
                self._take(message)

    def _take(self, message: aiomqtt.Message) -> None:
        payload = message.payload
        assert isinstance(payload, bytes | bytearray)  # as paho has them
        arrival = (self._clock(), len(payload))
        stream = message.topic.value.removeprefix(self._topic + "/").partition("/")[0]
        if stream in ("live", "cells"):
            self.live.append(arrival)
        elif stream == "log":
            self.log.append(arrival)
        elif stream == "blocks":
            _, lane, rack, _, _, boot, _, last = struct.unpack_from(records.BLOCK, payload)
            if boot == self._boot:
                self.backlog.append(arrival)
                self._missing.discard((lane, rack, last))


def rate(arrivals: Sequence[Arrival], begin_ms: int, end_ms: int) -> float:
    """Bytes per second that came after `begin_ms` and until `end_ms`."""
    came = sum(size for at_ms, size in arrivals if begin_ms < at_ms <= end_ms)
    return came * 1000 / (end_ms - begin_ms)


def longest_pause_ms(arrivals: Sequence[Arrival]) -> int:
    """Longest time between two of them."""
    times = [at_ms for at_ms, _ in arrivals]
    return max(
        (after - before for before, after in zip(times, times[1:], strict=False)), default=0
    )
