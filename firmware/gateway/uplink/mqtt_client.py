"""MQTT 3.1.1 client that keeps one session with a broker up for ever.

Every connection is a clean session: what must survive a lost link is in the journal, and the
publisher sends it again. Everything that speaks on a connection is a child task of its session:
a receiver, a keeper that watches the deadlines, a pinger, and the services of the owner. Whatever
goes wrong in any of them ends in `drop`; then all children are cancelled, the socket is closed,
and one loop connects again. So no task outlives its connection, and none can be half way through
a packet on a living one.
"""

from __future__ import annotations

import asyncio

from gateway.backoff import Backoff, jitter_ms
from gateway.clock import diff
from gateway.uplink import mqtt_packet
from gateway.uplink.mqtt_link import MqttLink
from gateway.uplink.mqtt_packet import MqttError
from gateway.uplink.mqtt_parser import PacketParser
from gateway.uplink.mqtt_window import MqttWindow
from gateway.uplink.reasons import (
    CLOSED,
    CLOSED_IN_HANDSHAKE,
    TlsError,
    is_tls_fault,
    os_reason,
    tls_reason,
)
from gateway.uplink.waits import Waits

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from typing import Any

    from gateway.backoff import Random
    from gateway.clock import Clock
    from gateway.contracts import Log
    from gateway.uplink.settings import UplinkSettings

DOWN = "down"
CONNECTING = "connecting"
UP = "up"

_BAD_CREDENTIALS = (4, 5)  # CONNACK codes that do not mend by themselves
_REFUSED_FACTOR = 8  # a wrong password in a fleet must not become a storm of attempts
_PAUSE_STEP_MS = 200  # `stop` is noticed this soon


class MqttClient:
    """The link to one broker; `run` it as a task.

    `connect(host, port)` is a coroutine function of the board that gives (reader, writer) as
    `asyncio.open_connection` does, with TCP_NODELAY set; it closes its socket when cancelled.
    `random` (the module, say) must be seeded differently on each device.
    """

    def __init__(
        self,
        settings: UplinkSettings,
        connect: Callable[[str, int], Awaitable[tuple[Any, Any]]],
        clock: Clock,
        log: Log,
        random: Random,
    ) -> None:
        self._settings = settings
        self._connect = connect
        self._clock = clock
        self._log = log
        reply_ms = settings.reply_timeout_ms
        self._waits = Waits(
            clock,
            (
                ("connection", settings.connect_timeout_ms),
                ("CONNACK", reply_ms),
                ("PINGRESP", reply_ms),
                ("PUBACK", reply_ms),
                ("SUBACK", reply_ms),
                ("rest of a packet", reply_ms),
                ("room to write", reply_ms),
            ),
        )
        self._watch_ms = max(10, min(250, reply_ms // 4, settings.connect_timeout_ms // 4))
        self._random = random
        self._backoff = Backoff(settings.reconnect_base_ms, settings.reconnect_cap_ms, random)
        self._parser = PacketParser(settings.incoming_bytes)
        self._handlers = {
            mqtt_packet.CONNACK: self._on_connack,
            mqtt_packet.PUBLISH: self._on_publish,
            mqtt_packet.PUBACK: self._on_puback,
            mqtt_packet.SUBACK: self._on_suback,
            mqtt_packet.PINGRESP: self._on_pingresp,
        }
        self._room_made = asyncio.Event()
        self._will: tuple[str, bytes, int, bool] | None = None
        self._filters: tuple[tuple[str, int], ...] = ()
        self._on_message: Callable[[str, bytes, bool], None] | None = None
        self._services: list[Callable[[], Coroutine[Any, Any, None]]] = []
        # One session.
        self._children: list[asyncio.Task[None]] = []
        self._link: MqttLink | None = None
        self._lock = asyncio.Lock()  # one packet at a time, and window order = order on the wire
        self._dropped = asyncio.Event()
        self._dropped.set()
        self._sent_ticks = 0
        self._up_ticks = 0
        self._refused = False
        # For status and diagnosis.
        self.stopped = False
        self.in_first_wait = False  # before the first attempt
        self.state = DOWN
        self.sessions = 0
        self.protocol_errors = 0
        self.timeouts = 0
        self.last_reason = ""
        self.window = MqttWindow(settings.window)

    # -- what the owner sets up before `run` --

    def set_will(self, topic: str, payload: bytes) -> None:
        """What the broker publishes (QoS 1, retained) when the link dies without a good-bye."""
        self._will = (topic, payload, 1, True)

    def subscribe(
        self, filters: tuple[tuple[str, int], ...], on_message: Callable[[str, bytes, bool], None]
    ) -> None:
        """In each session subscribe to (filter, QoS) and pass messages (topic, payload, retained)
        to `on_message`; one of QoS 1 is acknowledged when that has returned.
        """
        self._filters = filters
        self._on_message = on_message

    def add_service(self, service: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run `service()` as a task of each session, from CONNACK until it ends by itself or is
        cancelled with the session. It may let the exceptions of `publish` pass.
        """
        self._services.append(service)

    # -- while running --

    @property
    def reconnects(self) -> int:
        """Sessions after the first one."""
        return max(0, self.sessions - 1)

    async def run(self) -> None:
        """Keep a session up; returns after `stop`.

        The first attempt waits at random, too: a fleet whose power comes back is up at one moment.
        A fault of the link is logged, counted and mended. Any other exception in a service or
        handler is a mistake in the program: it ends the session and is raised here.
        """
        self.in_first_wait = True
        await self._sleep(jitter_ms(self._settings.connect_delay_ms, self._random))
        self.in_first_wait = False
        while not self.stopped:
            await self._session()
            if not self.stopped:
                await self._pause()

    def drop(self, reason: str) -> None:
        """End this session, for whatever reason; the first one counts, later calls do nothing."""
        if not self._dropped.is_set():
            self.last_reason = reason
            self._dropped.set()

    def stop(self) -> None:
        """End this session and let `run` return; without DISCONNECT the broker sends the will."""
        self.stopped = True
        self.drop("stopped")

    async def disconnect(self) -> None:
        """Say good-bye, so that the broker forgets the will, and stop. Only from a service."""
        await self._send(mqtt_packet.DISCONNECT_PACKET)
        self.stop()

    async def publish(
        self,
        frame: mqtt_packet.PublishFrame,
        length: int,
        acked: Callable[[Any], None] | None = None,
        mark: Any = None,
    ) -> None:
        """Send the first `length` payload bytes of `frame`; it may be used again afterwards.

        Of QoS 1, `acked(mark)` is called when the matching PUBACK comes; when the session ends
        before that, nobody is told. Waits while the window is full. Only from a service.
        """
        while True:
            async with self._lock:
                if not frame.qos:
                    return await self._write(frame.seal(length))
                if self.window.room:
                    packet_id = self.window.add(acked, mark)
                    self._waits.begin("PUBACK")
                    return await self._write(frame.seal(length, packet_id))
                self._room_made.clear()
            await self._room_made.wait()

    # -- one session --

    async def _session(self) -> None:
        self._children = []
        self._dropped = asyncio.Event()
        self._lock = asyncio.Lock()
        self._refused = False
        self.state = CONNECTING
        self._spawn(self._keep)
        self._spawn(self._receive)
        try:
            await self._dropped.wait()
        finally:
            await self._end_session()

    async def _end_session(self) -> None:
        self.state = DOWN
        for task in self._children:
            task.cancel()
        try:
            # Not by awaiting them: a cancellation of our own could not be told from theirs.
            while not all(task.done() for task in self._children):
                await self._clock.sleep_ms(1)
        finally:
            self._waits.clear()
            self._parser.reset()
            self.window.clear()
            link, self._link = self._link, None
            if link is not None:
                await link.close()
        for task in self._children:
            try:
                await task  # finished: raises at once what no one has caught
            except asyncio.CancelledError:
                pass  # by us, above

    async def _pause(self) -> None:
        delay_ms = self._backoff.next_ms(_REFUSED_FACTOR if self._refused else 1)
        self._log.warning("link lost: %s; next attempt in %d ms", self.last_reason, delay_ms)
        await self._sleep(delay_ms)

    async def _sleep(self, delay_ms: int) -> None:
        """Until the time is over or `stop` was called."""
        start = self._clock.ticks()
        while not self.stopped:
            left_ms = delay_ms - diff(self._clock.ticks(), start)
            if left_ms <= 0:
                break
            await self._clock.sleep_ms(min(left_ms, _PAUSE_STEP_MS))

    def _spawn(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._children.append(asyncio.create_task(self._observe(work)))

    async def _observe(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run a child; the one place where faults of the link are caught."""
        good = False
        try:
            await work()
            good = True
        except asyncio.TimeoutError as error:  # first: on CPython it is an OSError too
            self.timeouts += 0 if self._dropped.is_set() else 1
            self.drop(str(error))
        except MqttError as error:
            self.protocol_errors += 0 if self._dropped.is_set() else 1
            self.drop(str(error))
        except EOFError:
            self.drop(self._during_handshake() or "closed by the broker")
        except TlsError as error:
            self.drop("no TLS with %s: %s" % (self._place(), error))
        except OSError as error:
            if is_tls_fault(error):
                self.drop("no TLS with %s: %s" % (self._place(), tls_reason(error)))
            else:
                reason = os_reason(error)
                self.drop(reason in CLOSED and self._during_handshake() or reason)
        finally:
            if not good:
                self.drop("fault in the program")  # no-op after the cases above

    def _place(self) -> str:
        return "%s:%d" % (self._settings.host, self._settings.port)

    def _during_handshake(self) -> str:
        """Why the broker may have closed, when it did so in a handshake of TLS; else empty."""
        if not self._settings.tls or self.state != CONNECTING:
            return ""
        return "no TLS with %s: %s" % (self._place(), CLOSED_IN_HANDSHAKE)

    async def _keep(self) -> None:
        """Watch the deadlines. Never waits for the socket, so it cannot get stuck itself."""
        stable = False
        while True:
            await self._clock.sleep_ms(self._watch_ms)
            late = self._waits.overdue()
            if late:
                raise asyncio.TimeoutError(late)
            if self.state == UP and not stable:
                # Only a session that lasts proves the link: one that is accepted and cut again
                # and again (a second device with our client id, say) must slow down as well.
                stable = diff(self._clock.ticks(), self._up_ticks) >= self._settings.stable_ms
                if stable:
                    self._backoff.reset()

    async def _ping(self) -> None:
        """Send PINGREQ when nothing was sent for a quarter of the keep alive."""
        idle_ms = self._settings.keep_alive_s * 250
        while True:
            left_ms = idle_ms - diff(self._clock.ticks(), self._sent_ticks)
            if left_ms > 0:
                await self._clock.sleep_ms(left_ms)
            else:
                self._waits.begin("PINGRESP")
                await self._send(mqtt_packet.PINGREQ_PACKET)

    async def _receive(self) -> None:
        """Connect, then read packets and pass them on until the session ends."""
        settings = self._settings
        self._waits.begin("connection")
        reader, writer = await self._connect(settings.host, settings.port)
        link = self._link = MqttLink(reader, writer)
        self._waits.end("connection")
        self._waits.begin("CONNACK")
        await self._send(
            mqtt_packet.encode_connect(
                settings.client_id,
                settings.keep_alive_s,
                settings.user,
                settings.password,
                self._will,
            )
        )
        parser = self._parser
        while not self._dropped.is_set():
            kind = parser.next()
            if kind:
                await self._handle(kind)
                continue
            if parser.partial():
                self._waits.progress("rest of a packet")
            else:
                self._waits.end("rest of a packet")
            parser.feed(await link.read(parser.room()))

    async def _send(self, packet: bytes) -> None:
        async with self._lock:
            await self._write(packet)

    async def _write(self, packet: bytes | memoryview) -> None:
        """Only with the lock held."""
        if self._link is None:
            raise MqttError("not connected")
        self._waits.begin("room to write")
        await self._link.send(packet)
        self._waits.end("room to write")
        self._sent_ticks = self._clock.ticks()

    # -- packets from the broker --

    async def _handle(self, kind: int) -> None:
        if (kind == mqtt_packet.CONNACK) == (self.state == UP):
            raise MqttError("packet type %d out of order" % kind)
        await self._handlers[kind]()

    async def _on_connack(self) -> None:
        self._waits.end("CONNACK")
        code = self._parser.code
        if code:
            self._refused = code in _BAD_CREDENTIALS
            self.drop("refused by the broker: " + mqtt_packet.REFUSALS[code])
            return
        self.state = UP
        self.sessions += 1
        self._up_ticks = self._clock.ticks()
        self._log.info("connected to %s", self._place())
        if self._filters:
            packet_id = self.window.reserved = self.window.take_packet_id()
            self._waits.begin("SUBACK")
            await self._send(mqtt_packet.encode_subscribe(packet_id, self._filters))
        self._spawn(self._ping)
        for service in self._services:
            self._spawn(service)

    async def _on_puback(self) -> None:
        self.window.acknowledge(self._parser.packet_id)
        if len(self.window):
            self._waits.progress("PUBACK")
        else:
            self._waits.end("PUBACK")
        self._room_made.set()

    async def _on_suback(self) -> None:
        parser = self._parser
        if parser.packet_id != self.window.reserved or len(parser.granted) != len(self._filters):
            raise MqttError("SUBACK %d answers nothing of ours" % parser.packet_id)
        self.window.reserved = 0
        self._waits.end("SUBACK")
        for (topic, _), code in zip(self._filters, parser.granted):
            if code > 1:
                self._log.error("subscription to %s refused by the broker", topic)

    async def _on_pingresp(self) -> None:
        self._waits.end("PINGRESP")

    async def _on_publish(self) -> None:
        parser = self._parser
        packet_id = parser.packet_id if parser.qos else 0
        if self._on_message is not None:
            self._on_message(parser.topic, bytes(parser.payload), parser.retain)
        if packet_id:
            await self._send(mqtt_packet.encode_puback(packet_id))
