"""Composition of what speaks with the broker: client, publisher, live data, commands."""

from __future__ import annotations

from gateway import VERSION
from gateway.uplink.device_key import load_key
from gateway.uplink.live import Live
from gateway.uplink.mqtt_client import MqttClient
from gateway.uplink.publisher import Publisher
from gateway.uplink.settings import load_settings
from gateway.uplink.tls_context import connector

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from gateway.config import Config
    from gateway.contracts import Board
    from gateway.log import Logs
    from gateway.outputs.enforcer import Enforcer
    from gateway.recording import Recording
    from gateway.uplink.commands import Commands

_ANSWERS_BYTES = 256  # of a broker that nobody may send orders through


class Upstream:
    """The link to the broker with everything that uses it; made only for a site with a broker.

    `orders()` makes the table of commands, `note(text)` records one. Without a device key there
    are no commands, `commands` is None, and nothing is loaded or kept for them.
    """

    def __init__(
        self,
        board: Board,
        settings: Config,
        logs: Logs,
        recording: Recording,
        enforcer: Enforcer,
        orders: Callable[[], dict[str, Any]],
        note: Callable[[str], None],
    ) -> None:
        log = logs.get("uplink")
        uplink = load_settings(settings)
        site, gateway = settings.text("site"), settings.text("gateway")
        lanes = recording.lanes
        clock = board.clock
        key, problem = load_key(board.storage("config"))
        if key is None:
            log.info("%s", problem)
            uplink.incoming_bytes = _ANSWERS_BYTES
        connect = connector(board.open_stream, board.storage("config"), uplink, clock)
        self.client = MqttClient(uplink, connect, clock, log, board.random)
        self.live = Live(
            self.client,
            [poller.data for poller in enforcer.pollers],
            recording.summary.fill,
            lambda: enforcer.stalls,
            uplink,
            clock,
            site=site,
            gateway=gateway,
            boot=lanes.boot,
        )
        self.publisher = Publisher(
            self.client,
            lanes.sources(),
            self.live,
            uplink,
            clock,
            log,
            board.random,
            appended=lanes.appended,
            site=site,
            gateway=gateway,
            boot=lanes.boot,
            version=VERSION,
        )
        self.commands: Commands | None = None
        if key is not None:
            from gateway.uplink.command_sequence import CommandSequence
            from gateway.uplink.commands import Commands

            self.commands = Commands(
                self.client,
                key,
                CommandSequence(board.storage("data")),
                orders(),
                clock,
                note,
                logs.get("command"),
                site=site,
                gateway=gateway,
                acked=lambda _mark: lanes.appended.set(),  # wakes the publisher
            )

    def watch_time(self) -> None:
        """Once a second or so, and before the clock is set."""
        if self.commands is not None:
            self.commands.watch_time()

    async def drain(self, deadline_ms: int) -> None:
        """The gateway ends: deliver what is stored, as far as the time goes."""
        self.live.stop()
        await self.publisher.drain(deadline_ms)

    def status(self) -> dict[str, object]:
        """For whoever looks at the gateway."""
        client, publisher, live = self.client, self.publisher, self.live
        return {
            "state": client.state,
            "reconnects": client.reconnects,
            "reason": client.last_reason,
            "messages": publisher.messages,
            "waiting": publisher.waiting,
            "live": {"sent": live.sent, "skipped": live.skipped},
            "commands": {"state": "off"} if self.commands is None else self.commands.status(),
        }
