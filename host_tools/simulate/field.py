"""The wiring between a gateway process and the site: relays and watchdog out, inputs in."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from host_tools.simulate.ports import HOST, PortInUseError

MAX_LINE = 200  # bytes; a longer line is garbage
MAX_WATCHDOG_MS = 3_600_000
DEAD_MAN_MS = 600
BOOTS_KEPT = 100
WATCHDOG, DEAD_MAN = "watchdog", "dead man"
_LET_GO_KEPT = 100


class Field:
    """Terminal strip for one gateway at a time; relays drop when the gateway does.

    Relays are de-energised (open) before the first connection, when the connection closes, and
    when a watchdog that was fed once is not fed within its own time. Such a bite also closes the
    connection and calls `on_bite`: a real watchdog resets the board, which then connects anew.
    They drop too when a dead man that was toggled once is silent for DEAD_MAN_MS, counted in
    `dead_man_drops`. The gateway lives on; it can energise relays again, each by a new line, once
    it toggles again. `let_go` holds both: (ms, WATCHDOG or DEAD_MAN). A second gateway is turned
    away and counted in `refused`; `garbage` counts lines without sense.
    """

    def __init__(
        self,
        *,
        port: int,
        relays: int,
        inputs: int,
        set_relay: Callable[[int, bool], None],
        clock: Callable[[], int],
        on_bite: Callable[[], None] = lambda: None,
    ) -> None:
        """`set_relay(index, energised)` is called at each change of a relay, never else."""
        self.port = port
        self.relays = [False] * relays
        self.inputs = [False] * inputs
        self.boots: deque[tuple[int, str]] = deque(maxlen=BOOTS_KEPT)  # (ms, text of the gateway)
        self.let_go: deque[tuple[int, str]] = deque(maxlen=_LET_GO_KEPT)
        self.bites = self.garbage = self.refused = self.dead_man_drops = 0
        self._set_relay = set_relay
        self._clock = clock
        self._on_bite = on_bite
        self._server: asyncio.Server | None = None
        self._wire: _Wire | None = None
        self._watchdog: asyncio.TimerHandle | None = None
        self._dead_man: asyncio.TimerHandle | None = None
        self._dead = False  # the dead man has let go and not been toggled since

    @property
    def connected(self) -> bool:
        """Whether a gateway is connected."""
        return self._wire is not None

    async def start(self) -> None:
        """Listen for the gateway; raises PortInUseError."""
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(lambda: _Wire(self), HOST, self.port)
        except OSError:
            raise PortInUseError(self.port, "wiring port") from None

    async def stop(self) -> None:
        """Close port and connection; all relays drop."""
        if self._server:
            self._server.close()
            self._server = None
        if self._wire:
            self._unplug()

    def set_input(self, index: int, value: bool) -> None:
        """Set a digital input and tell the gateway if it changed."""
        if self.inputs[index] != value:
            self.inputs[index] = value
            if self._wire:
                self._wire.send_input(index, value)

    def request_stop(self) -> None:
        """Ask the gateway to stop in order; nothing happens when none is connected."""
        if self._wire:
            self._wire.send_stop()

    # Called by the connection, in the moment its bytes arrive.

    def plugged(self, wire: _Wire) -> bool:
        """A gateway has connected; False when there is one already."""
        if self._wire:
            self.refused += 1
            return False
        self._wire = wire
        for index, value in enumerate(self.inputs):
            wire.send_input(index, value)
        return True

    def unplugged(self, wire: _Wire) -> None:
        """A connection has closed."""
        if wire is self._wire:
            self._unplug()

    def line(self, text: str) -> None:
        """Act on one line of the gateway."""
        letter, _, rest = text.partition(" ")
        verb = _VERBS.get(letter)
        if verb is None or len(text) > MAX_LINE:
            self.garbage += 1
            return
        try:
            verb(self, rest)
        except ValueError:
            self.garbage += 1

    def _boot(self, rest: str) -> None:
        self.boots.append((self._clock(), rest))

    def _relay(self, rest: str) -> None:
        index_text, state = rest.split(" ")
        index = int(index_text)
        if state not in ("0", "1") or not 0 <= index < len(self.relays):
            raise ValueError(rest)
        self._drive(index, state == "1" and not self._dead)

    def _feed(self, rest: str) -> None:
        timeout_ms = int(rest)
        if not 0 < timeout_ms <= MAX_WATCHDOG_MS:
            raise ValueError(rest)
        self._disarm()
        loop = asyncio.get_running_loop()
        self._watchdog = loop.call_later(timeout_ms / 1000, self._bite)

    def _toggle(self, rest: str) -> None:
        if rest:
            raise ValueError(rest)
        if self._dead_man:
            self._dead_man.cancel()
        self._dead = False
        loop = asyncio.get_running_loop()
        self._dead_man = loop.call_later(DEAD_MAN_MS / 1000, self._let_go)

    def _let_go(self) -> None:
        self.dead_man_drops += 1
        self._dead_man = None
        self._dead = True
        self.let_go.append((self._clock(), DEAD_MAN))
        self._drop_all()

    def _bite(self) -> None:
        self.bites += 1
        self.let_go.append((self._clock(), WATCHDOG))
        self._unplug()
        self._on_bite()

    def _unplug(self) -> None:
        self._disarm()
        self._drop_all()
        if self._dead_man:
            self._dead_man.cancel()
            self._dead_man = None
        self._dead = False
        wire, self._wire = self._wire, None
        if wire:
            wire.close()

    def _disarm(self) -> None:
        if self._watchdog:
            self._watchdog.cancel()
            self._watchdog = None

    def _drop_all(self) -> None:
        for index in range(len(self.relays)):
            self._drive(index, False)

    def _drive(self, index: int, energised: bool) -> None:
        if self.relays[index] != energised:
            self.relays[index] = energised
            self._set_relay(index, energised)


_VERBS: dict[str, Callable[[Field, str], None]] = {
    "B": Field._boot,
    "H": Field._toggle,
    "R": Field._relay,
    "W": Field._feed,
}


class _Wire(asyncio.Protocol):
    """One connection.

    A protocol and not a stream: its bytes are seen before timers of the same loop turn fire, so a
    busy host cannot let the watchdog bite on a gateway that has fed it.
    """

    def __init__(self, field: Field) -> None:
        self._field = field
        self._transport: asyncio.WriteTransport | None = None
        self._partial = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport
        if not self._field.plugged(self):
            transport.close()  # nothing is read from here on

    def connection_lost(self, exc: Exception | None) -> None:
        self._field.unplugged(self)

    def data_received(self, data: bytes) -> None:
        *lines, self._partial = (self._partial + data).split(b"\n")
        for line in lines:
            self._field.line(line[: MAX_LINE + 1].decode("ascii", "replace").rstrip("\r"))
        if len(self._partial) > MAX_LINE:
            self._partial = b""
            self._field.garbage += 1

    def send_input(self, index: int, value: bool) -> None:
        if self._transport:
            self._transport.write(b"I %d %d\n" % (index, value))

    def send_stop(self) -> None:
        if self._transport:
            self._transport.write(b"S\n")

    def close(self) -> None:
        if self._transport:
            self._transport.close()
