"""Empties the journal upstream: windowed QoS 1 with one cumulative cursor.

The journal's cursor says what the broker has acknowledged; it moves on a PUBACK and on nothing
else. In a session the publisher runs ahead of it by at most one window of messages. When the
session is lost, so is the window, and the next session starts from the cursor again: nothing is
lost, and what the broker had taken without its PUBACK reaching us arrives twice. Records carry
(gateway, boot, sequence), so a consumer can tell. The repeated messages are new ones to the
broker (clean session): new packet ids, DUP flag clear.

In RAM stand only (packet id, boot, last sequence) per message in flight, in the client's window,
and one buffer in which every message is built.
"""

from __future__ import annotations

import json

from gateway.clock import diff
from gateway.uplink.mqtt_client import os_reason
from gateway.uplink.mqtt_packet import PublishFrame

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable
    from logging import Logger
    from typing import Any, Protocol

    from gateway.clock import Clock
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

    class Journal(Protocol):
        """What the publisher needs of the journal; OSError when the flash fails."""

        cursor: tuple[int, int]  # (boot, sequence) of the last released record
        appended: Event  # set on every append, cleared here
        batch_boot: int  # of the last `read_batch`, as the two below
        batch_last_seq: int
        batch_length: int  # bytes

        def read_batch(self, boot: int, seq: int, buf: memoryview) -> int:
            """Fill `buf` with one message of records after (boot, seq); how many, 0 = none."""

        def release(self, boot: int, last_seq: int) -> None:
            """Everything up to (boot, last_seq) was acknowledged."""


_WAKE_MS = 200  # looks at the journal at least this often
_POLL_MS = 20  # `drain` looks at the state this often

# How far the publisher is with leaving.
_STAYING = 0
_LEAVING_WHEN_EMPTY = 1
_LEAVING_NOW = 2


class Publisher:
    """Sends what the journal holds and tells the broker whether this gateway is online.

    Topics: `bess/v1/<site>/<gateway>/log` takes the journal's messages as they are,
    `.../status` is retained: {"online": true, "boot": n, "version": text}, {"online": false}.
    """

    def __init__(
        self,
        client: MqttClient,
        journal: Journal,
        settings: UplinkSettings,
        clock: Clock,
        log: Logger,
        *,
        site: str,
        gateway: str,
        boot: int,
        version: str,
    ) -> None:
        self._client = client
        self._journal = journal
        self._clock = clock
        self._log = log
        self._linger_ms = settings.linger_ms
        topic = "bess/v1/%s/%s/" % (site, gateway)
        self._records = PublishFrame(topic + "log", settings.batch_bytes)
        text = '{"online":true,"boot":%d,"version":%s}' % (boot, json.dumps(version))
        self._online = text.encode()
        self._offline = b'{"online":false}'
        self._status = PublishFrame(topic + "status", len(self._online), retain=True)
        self._sent = (0, 0)  # (boot, sequence) of the last record sent in this session
        self._sent_ticks: int | None = None
        self._leaving = _STAYING
        self.messages = 0  # sent, repeated ones included
        client.set_will(topic + "status", self._offline)
        client.add_service(self._serve)
        client.add_service(self._wake)

    async def drain(self, deadline_ms: int) -> bool:
        """Graceful stop: wait until all is acknowledged, say good-bye, stop the client.

        True when that worked within `deadline_ms`. Otherwise what is left stays in the journal.
        Append nothing any more when you call it.
        """
        self._leaving = _LEAVING_WHEN_EMPTY
        self._journal.appended.set()
        last_call_ms = deadline_ms - min(500, deadline_ms // 4)
        await self._wait_stopped(last_call_ms)
        complete = self._client.stopped
        if not complete:
            self._leaving = _LEAVING_NOW
            self._journal.appended.set()
            await self._wait_stopped(deadline_ms - last_call_ms)
            self._client.stop()
        return complete

    async def _wait_stopped(self, time_ms: int) -> None:
        start = self._clock.ticks()
        while not self._client.stopped and diff(self._clock.ticks(), start) < time_ms:
            await self._clock.sleep_ms(_POLL_MS)

    # -- services of each session --

    async def _serve(self) -> None:
        self._sent = self._journal.cursor
        await self._client.publish(self._status, self._status.put(self._online), self._look_again)
        wake = self._journal.appended
        while not self._client.stopped:
            wake.clear()  # before looking: what is appended from here on sets it again
            try:
                length = self._next_batch()
            except OSError as error:
                self._journal_failed(error)
                return
            if length:
                await self._publish_batch(length)
            elif self._may_leave():
                await self._say_goodbye()
            else:
                await wake.wait()

    async def _wake(self) -> None:
        """A clock for `_serve`, so that it waits for one event only and needs no `wait_for`."""
        while True:
            await self._clock.sleep_ms(_WAKE_MS)
            self._journal.appended.set()

    def _next_batch(self) -> int:
        """Build the next message; its length, 0 when there is none or no room for it."""
        if not self._client.window.room or self._leaving == _LEAVING_NOW:
            return 0
        boot, seq = self._sent
        if not self._journal.read_batch(boot, seq, self._records.payload):
            return 0
        return self._journal.batch_length

    async def _publish_batch(self, length: int) -> None:
        """Send the message just built, or wait when it would be one small message of many."""
        now = self._clock.ticks()
        if self._sent_ticks is not None and 2 * length < len(self._records.payload):
            linger_ms = self._linger_ms - diff(now, self._sent_ticks)
            if 0 < linger_ms <= self._linger_ms:  # larger: the last one was days ago
                await self._clock.sleep_ms(linger_ms)
                return  # `_serve` reads again: there may be more by now
        mark = (self._journal.batch_boot, self._journal.batch_last_seq)
        self._sent = mark
        self._sent_ticks = now
        self.messages += 1
        await self._client.publish(self._records, length, self._acked, mark)

    def _acked(self, mark: tuple[int, int]) -> None:
        try:
            self._journal.release(mark[0], mark[1])
        except OSError as error:
            self._journal_failed(error)
        self._look_again()

    def _look_again(self, _mark: None = None) -> None:
        """The window has room again."""
        self._journal.appended.set()

    def _journal_failed(self, error: OSError) -> None:
        """Try again in another session, after a pause: the records are safe where they are."""
        self._log.error("journal: %s", os_reason(error))
        self._client.drop("journal: " + os_reason(error))

    def _may_leave(self) -> bool:
        if self._leaving == _LEAVING_WHEN_EMPTY:
            return len(self._client.window) == 0
        return self._leaving == _LEAVING_NOW

    async def _say_goodbye(self) -> None:
        await self._client.publish(self._status, self._status.put(self._offline))
        if self._leaving == _LEAVING_WHEN_EMPTY:
            # Close only with nothing unread, or the reset could overtake our last words.
            while len(self._client.window):
                await self._clock.sleep_ms(_POLL_MS)
        await self._client.disconnect()
