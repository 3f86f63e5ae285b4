"""Empties the lanes of the journal upstream: windowed QoS 1 with one cumulative cursor each.

A lane's cursor says what the broker has acknowledged; it moves on a PUBACK and on nothing else.
In a session the publisher runs ahead of the cursors by at most one window of messages. When the
session is lost, so is the window, and the next session starts from the cursors again: nothing is
lost, and what the broker had taken without its PUBACK reaching us arrives twice. Records carry
(gateway, boot, lane, sequence), so a consumer can tell. The repeated messages are new ones to the
broker (clean session): new packet ids, DUP flag clear.

Events go at once and before everything else. Samples are a backlog and wait for `BacklogGate`;
they leave one place of the window free for an event.

In RAM stand a mark per message in flight, in the client's window, and two buffers in which the
messages are built: one for events, one for samples.
"""

from __future__ import annotations

import json

from gateway.clock import diff
from gateway.telemetry.lane import LARGEST_RECORD
from gateway.telemetry.records import BATCH_BYTES, EVENTS
from gateway.uplink.backlog_gate import BacklogGate
from gateway.uplink.mqtt_packet import PublishFrame
from gateway.uplink.reasons import os_reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable
    from typing import Any, Protocol

    from gateway.backoff import Random
    from gateway.clock import Clock
    from gateway.contracts import Log
    from gateway.uplink.live import Live
    from gateway.uplink.mqtt_client import MqttClient
    from gateway.uplink.settings import UplinkSettings

    class Event(Protocol):
        """What the publisher needs of `asyncio.Event`."""

        def set(self) -> None:
            """Wake who waits."""

        def clear(self) -> None:
            """Let the next `wait` wait."""

        def wait(self) -> Awaitable[Any]:
            """Return when set."""

    class Source(Protocol):
        """One lane of the journal, message by message."""

        lane: int  # of `telemetry.records`
        topic: str  # "log" or "blocks", of the message just built
        busy: bool  # `next` gave 0, but a message is half built in the buffer: call it again
        mark: Any  # of the message just built

        @property
        def appended_bytes(self) -> int:
            """That the lane has taken since start."""

        @property
        def backlog(self) -> int:
            """Records that no `release` has covered."""

        def next(self, buffer: memoryview) -> int:
            """Build the message behind the last one; its length, 0 = none now, or `busy`.

            A few milliseconds at most; OSError when the flash fails.
            """

        def release(self, mark: Any) -> None:
            """Everything up to `mark` was acknowledged; marks come in order. Never raises."""

        def restart(self) -> None:
            """A new session: go on behind the cursor."""


TOPICS = ("log", "blocks")
_EVENT_BYTES = LARGEST_RECORD + BATCH_BYTES  # largest message of events
# Building in one turn of the loop. A turn costs the wait for the bus, up to 2 ms, so a backlog
# that went on for one `next` a turn would mostly wait; with as much again a trip waits that long.
_SLICE_MS = 2
_WAKE_MS = 200  # looks at the sources at least this often
_POLL_MS = 20  # looks at what sets no event this often

# How far the publisher is with leaving.
_STAYING = 0
_LEAVING_WHEN_EMPTY = 1
_LEAVING_NOW = 2


class Publisher:
    """Sends what the sources hold, first source first, and says whether this gateway is online.

    Topics under `bess/v1/<site>/<gateway>/`: `log` and `blocks` take the messages as they are,
    `status` is retained: {"online": true, "boot": n, "version": text}, {"online": false}.
    `appended` is set whenever a lane takes a record. `live`, when there is one, is only asked how
    much it sends; it publishes by itself.
    """

    def __init__(
        self,
        client: MqttClient,
        sources: tuple[Source, ...],
        live: Live | None,
        settings: UplinkSettings,
        clock: Clock,
        log: Log,
        random: Random,
        *,
        appended: Event,
        site: str,
        gateway: str,
        boot: int,
        version: str,
    ) -> None:
        self._client = client
        self._sources = sources
        self._live = live
        self._clock = clock
        self._log = log
        self._appended = appended
        self._linger_ms = settings.linger_ms
        self._spare = 1 if settings.window > 1 else 0
        base = "bess/v1/%s/%s/" % (site, gateway)
        topics = tuple([base + topic for topic in TOPICS])
        room = min(_EVENT_BYTES, settings.batch_bytes)
        self._events = PublishFrame(topics[0], room, more=topics[1:])
        self._samples = PublishFrame(topics[0], settings.batch_bytes, more=topics[1:])
        text = '{"online":true,"boot":%d,"version":%s}' % (boot, json.dumps(version))
        self._online = text.encode()
        self._offline = b'{"online":false}'
        self._status = PublishFrame(base + "status", len(self._online), retain=True)
        self._gate = BacklogGate(settings, clock, random)
        self._small: int | None = None  # ticks of the last small message of events
        self._half_built = -1  # source whose message stands half built in `_samples`
        self._building = False  # a source went on with its message just now
        self._linger_left_ms = 0
        self._leaving = _STAYING
        # For status and diagnosis.
        self.messages = 0  # sent, repeated ones included
        client.set_will(base + "status", self._offline)
        client.add_service(self._serve)
        client.add_service(self._wake)

    @property
    def backlog(self) -> int:
        """Records that the broker has not acknowledged."""
        return sum([source.backlog for source in self._sources])

    @property
    def waiting(self) -> str:
        """Why samples wait: "delay", "rate" or nothing."""
        return self._gate.waiting

    async def drain(self, deadline_ms: int) -> bool:
        """Graceful stop: wait until all is acknowledged, say good-bye, stop the client.

        True when that worked within `deadline_ms`. Otherwise what is left stays in the journal; so
        does all of it in the random wait before the first connect, which nobody waits for. Append
        nothing any more when you call it.
        """
        if self._client.in_first_wait:
            self._client.stop()
            return self.backlog == 0
        self._leaving = _LEAVING_WHEN_EMPTY
        self._appended.set()
        last_call_ms = deadline_ms - min(500, deadline_ms // 4)
        await self._wait_stopped(last_call_ms)
        complete = self._client.stopped
        if not complete:
            self._leaving = _LEAVING_NOW
            self._appended.set()
            await self._wait_stopped(deadline_ms - last_call_ms)
            self._client.stop()
        return complete

    async def _wait_stopped(self, time_ms: int) -> None:
        start = self._clock.ticks()
        while not self._client.stopped and diff(self._clock.ticks(), start) < time_ms:
            await self._clock.sleep_ms(_POLL_MS)

    # -- services of each session --

    async def _serve(self) -> None:
        self._begin_session()
        await self._client.publish(self._status, self._status.put(self._online), self._look_again)
        wake = self._appended
        while not self._client.stopped:
            wake.clear()  # before looking: what is appended from here on sets it again
            try:
                number, length = self._build()
            except OSError as error:
                self._flash_failed(error)
                return
            if length:
                await self._publish(number, length)
            elif self._building:
                await self._clock.sleep_ms(0)  # the rest of it after everybody's turn
            elif self._linger_left_ms:  # not longer: samples may have room again by then
                await self._clock.sleep_ms(min(self._linger_left_ms, _POLL_MS))
            elif self._may_leave():
                await self._say_goodbye()
            else:
                await wake.wait()

    async def _wake(self) -> None:
        """A clock for `_serve`, so that it waits for one event only and needs no `wait_for`."""
        while True:
            await self._clock.sleep_ms(_WAKE_MS)
            self._appended.set()

    def _begin_session(self) -> None:
        for source in self._sources:
            source.restart()
        self._half_built = -1
        self._gate.connected()

    def _build(self) -> tuple[int, int]:
        """Build until a message is whole, there is none, or this turn's time is over.

        (number of the source, length); length 0 = none now. OSError when the flash fails.
        """
        self._gate.watch(self._inflow())
        begin = self._clock.ticks()
        while True:
            number, length = self._build_next()
            if not self._building or diff(self._clock.ticks(), begin) >= _SLICE_MS:
                return number, length

    def _build_next(self) -> tuple[int, int]:
        """One call of the first source that has something and may send it: as `_build`."""
        self._linger_left_ms = 0
        self._building = False
        samples = self._gate.is_open() or self._leaving != _STAYING
        for number, source in enumerate(self._sources):
            is_event = source.lane == EVENTS
            if not (self._room(is_event) and (is_event or samples)):
                continue
            if not is_event and self._half_built not in (-1, number):
                continue  # first the one whose message stands half built in the buffer
            if is_event and self._lingers():
                continue
            length = source.next(self._frame_of(source).payload)
            self._building = source.busy and not length
            if not is_event:
                self._half_built = number if self._building else -1
            if length or self._building:
                return number, length
        return 0, 0

    def _frame_of(self, source: Source) -> PublishFrame:
        return self._events if source.lane == EVENTS else self._samples

    async def _publish(self, number: int, length: int) -> None:
        source = self._sources[number]
        frame = self._frame_of(source)
        if source.lane != EVENTS:
            self._gate.passed(length)
        else:
            self._small = None if 2 * length >= len(frame.payload) else self._clock.ticks()
        self.messages += 1
        frame.address(TOPICS.index(source.topic))
        await self._client.publish(frame, length, self._acked, (source, source.mark))

    # -- who may send now --

    def _room(self, is_event: bool) -> bool:
        if self._leaving == _LEAVING_NOW:
            return False
        spare = 0 if is_event or self._leaving else self._spare
        return self._client.window.room > spare

    def _lingers(self) -> bool:
        """After a small message of events the next one waits a little: there may be more in it
        by then. A block of samples is as large as it gets.
        """
        if self._small is None or self._leaving:
            return False
        left_ms = self._linger_ms - diff(self._clock.ticks(), self._small)
        if not 0 < left_ms <= self._linger_ms:  # larger: the last one was days ago
            self._small = None
            return False
        self._linger_left_ms = left_ms
        return True

    def _inflow(self) -> int:
        """Bytes that came in since start, for this link to carry."""
        total = 0 if self._live is None else self._live.bytes
        for source in self._sources:
            total += source.appended_bytes
        return total

    # -- answers and ends --

    def _acked(self, message: tuple[Source, Any]) -> None:
        source, mark = message
        source.release(mark)
        self._look_again()

    def _look_again(self, _mark: None = None) -> None:
        """The window has room again."""
        self._appended.set()

    def _flash_failed(self, error: OSError) -> None:
        """Try again in another session, after a pause: the records are safe where they are."""
        self._log.error("journal: %s", os_reason(error))
        self._client.drop("journal: " + os_reason(error))

    def _may_leave(self) -> bool:
        if self._leaving == _LEAVING_WHEN_EMPTY:  # a lane may wait for its flash
            return len(self._client.window) == 0 and self.backlog == 0
        return self._leaving == _LEAVING_NOW

    async def _say_goodbye(self) -> None:
        await self._client.publish(self._status, self._status.put(self._offline))
        if self._leaving == _LEAVING_WHEN_EMPTY:
            # Close only with nothing unread, or the reset could overtake our last words.
            while len(self._client.window):
                await self._clock.sleep_ms(_POLL_MS)
        await self._client.disconnect()
