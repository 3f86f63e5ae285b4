"""Composition root: the only place that constructs and wires. `build` returns what to run.

Data flows link -> poller -> protection -> relays in one step of the enforcing loop. Everything
else (records, uplink, console) only reads what that loop left behind.
"""

from __future__ import annotations

import asyncio

from gateway import VERSION, config
from gateway.clock_check import BAD, OFF, ClockCheck
from gateway.config import Config
from gateway.errors import ConfigError, StorageError
from gateway.log import Logs
from gateway.northbound.console import Console
from gateway.northbound.safe_mode import SafeMode
from gateway.northbound.status import Status
from gateway.outputs.enforcer import Enforcer
from gateway.protection import power_up_test
from gateway.protection.changes import Changes
from gateway.protection.engine import RackProtection, rack_thresholds
from gateway.protection.interlocks import Interlocks
from gateway.protection.latch_store import LatchStore, mark_lost
from gateway.protection.latches import IDENTITIES, NOTHING_TO_RELEASE, RELEASED, RESET_RESULTS
from gateway.protection.reset_inputs import NOBODY, ResetInputs
from gateway.southbound import Southbound
from gateway.supervisor import Supervisor
from gateway.telemetry import boot_id, records
from gateway.telemetry.journal import Journal
from gateway.telemetry.recorder import Recorder
from gateway.telemetry.sampler import Sampler
from gateway.uplink.mqtt_client import MqttClient
from gateway.uplink.publisher import Publisher
from gateway.uplink.settings import load_settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from gateway.contracts import Board

_CONFIG_FILE = "config.json"
_LONGEST_WAIT_US = 2000  # all other tasks stand still meanwhile
_RECORD_MS = 20
_LATCH_MS = 1000
_INPUT_MS = 50
_CLOCK_MS = 60000
_STALL_MS = 1000
_DRAIN_MS = 20000


def build(board: Board) -> App | SafeMode:
    """The gateway for this board; SafeMode when its configuration cannot be accepted."""
    logs = Logs(board.clock)
    log = logs.get("app")
    _open_relays(board)
    try:
        if board.storage("data").formatted:
            mark_lost(board.storage("data"))
        wrong = power_up_test.problem()
        if wrong:
            raise ConfigError(wrong)
        settings = _load_config(board)
        logs.set_level(settings.text("log_level"))
        return App(Parts(board, settings, logs))
    except ConfigError as error:
        reason = str(error)
    except Exception as error:  # noqa: BLE001 - whatever stops the start, the board must tell
        reason = "cannot start: %r" % error
    log.error("not started: %s", reason)
    return SafeMode(board, logs, reason)


def _load_config(board: Board) -> Config:
    try:
        with board.storage("config").open(_CONFIG_FILE, "rb") as file:
            text = file.read().decode()
    except (OSError, UnicodeError):
        text = ""
    if not text:
        raise ConfigError("configuration: %s is missing or unreadable" % _CONFIG_FILE)
    settings = config.load(text)
    for rack in settings.racks:
        if rack.trip_relay >= board.relays.count:
            raise ConfigError(
                "racks: %s: trip_relay %d, but this board has relays 0..%d"
                % (rack.name, rack.trip_relay, board.relays.count - 1)
            )
    for each in settings.inputs:
        if each.number >= board.inputs.count:
            raise ConfigError(
                "inputs: %s: number %d, but this board has inputs 0..%d"
                % (each.name, each.number, board.inputs.count - 1)
            )
    for role in ("site", "ventilation", "suppression"):
        name = "outputs.%s_relay" % role
        if settings.integer(name) >= board.relays.count:
            raise ConfigError("%s: this board has relays 0..%d" % (name, board.relays.count - 1))
    return settings


class Parts:
    """Everything the application consists of, constructed and connected once."""

    def __init__(self, board: Board, settings: Config, logs: Logs) -> None:
        clock = board.clock
        self.board = board
        self.settings = settings
        self.logs = logs
        self.clock = clock
        data = board.storage("data")
        is_new = boot_id.is_new(data)  # asked before anything is written
        self.journal = Journal(
            data,
            clock,
            asyncio.Event(),
            segment_bytes=settings.integer("telemetry.segment_bytes"),
            capacity_bytes=settings.integer("telemetry.capacity_bytes"),
            flush_ms=settings.integer("telemetry.flush_ms"),
            random=board.random,
        )
        self.journal.open(is_new)
        now = clock.ticks()  # only now: what took time before is neither silence nor arming
        self.changes = Changes()
        self.southbound = Southbound(board, settings, now)
        pollers = self.southbound.pollers
        self.interlocks = Interlocks(settings, board.inputs, self.changes, now)
        thresholds = rack_thresholds(settings)
        protections = [
            RackProtection(poller.data, settings, thresholds, self.interlocks, self.changes)
            for poller in pollers
        ]
        for poller, protection in zip(pollers, protections):
            protection.limits_sent = poller.writes_limits
        self.latch_store = LatchStore(
            data,
            [rack.name for rack in settings.racks],
            [protection.latches for protection in protections] + [self.interlocks.latches],
        )
        _restore_latches(self.latch_store, is_new, protections, self.interlocks, logs.get("app"))
        self.enforcer = Enforcer(
            self.southbound.buses,
            pollers,
            protections,
            self.interlocks,
            board.relays,
            board.dead_man,
            settings,
            now,
        )
        self.sampler = Sampler(
            self.journal,
            self.enforcer,
            clock,
            settings.integer("poll.summary_period_ms"),
            settings.integer("telemetry.cell_period_ms"),
        )
        self.recorder = Recorder(
            self.journal,
            self.enforcer,
            self.changes,
            self.southbound.log,
            settings,
            clock,
            logs.get("event"),
        )
        self.supervisor = Supervisor(
            clock,
            board.watchdog(settings.integer("watchdog_ms")),
            self._make_safe,
            logs.get("supervisor"),
        )
        self.mqtt, self.publisher = _uplink(board, settings, self.journal, logs.get("uplink"))
        self.status = Status(self, board.interpreter)
        self.console = Console(
            board.listen, board.console_port, self._questions(), logs.get("console")
        )

    def _questions(self) -> dict[str, Callable[[], object]]:
        """What the console answers; `retry` is a wish to the bus and touches no output."""
        questions = self.status.questions()
        questions["retry"] = self._retry
        return questions

    def _retry(self) -> object:
        self.southbound.retry_now(self.clock.ticks())
        return {"retry": "every unit is asked now"}

    def _make_safe(self, reason: str) -> None:
        self.enforcer.stop()
        self.recorder.note(records.STOP, records.NO_RACK, reason)


def _restore_latches(
    store: LatchStore,
    is_new: bool,
    protections: list[RackProtection],
    interlocks: Interlocks,
    log: Any,
) -> None:
    """Latches from before the restart, the worst when unknown; kept before anything goes on."""
    try:
        store.load(is_new)
    except (StorageError, OSError) as error:
        log.error("%s: every rack counts as tripped until service resets it", error)
        store.hold_all()
    for protection in protections:
        protection.restored()
    interlocks.restored()
    store.save()


def _uplink(
    board: Board, settings: Config, journal: Journal, log: Any
) -> tuple[MqttClient | None, Publisher | None]:
    """Client and publisher, or None for a site without a broker."""
    if not settings.text("uplink.host"):
        return None, None
    uplink = load_settings(settings)
    client = MqttClient(uplink, board.open_stream, board.clock, log, board.random)
    publisher = Publisher(
        client,
        journal,
        uplink,
        board.clock,
        log,
        site=settings.text("site"),
        gateway=settings.text("gateway"),
        boot=journal.boot,
        version=VERSION,
    )
    return client, publisher


class App:
    """The running gateway."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self._log = parts.logs.get("app")
        self._recording = True

    async def run(self) -> None:
        """Run until the board asks to stop (boards in the field never do)."""
        parts = self.parts
        parts.recorder.note(
            records.BOOT,
            records.NO_RACK,
            "version %s, boot %d, %s" % (VERSION, parts.journal.boot, parts.board.interpreter),
        )
        supervisor = parts.supervisor
        supervisor.critical("enforce", _STALL_MS, self._enforce)
        supervisor.helpful("record", self._record)
        supervisor.helpful("latches", self._keep_latches)
        supervisor.helpful("inputs", self._watch_inputs)
        supervisor.helpful("clock", self._watch_clock)
        if parts.mqtt is not None:
            supervisor.helpful("uplink", parts.mqtt.run)
        await parts.console.start()
        watching = asyncio.create_task(supervisor.watch())
        await parts.board.stopping()
        await self._stop()
        watching.cancel()
        parts.console.close()

    async def _stop(self) -> None:
        """Open the relays first, then bring the records out."""
        parts = self.parts
        parts.enforcer.stop()
        parts.recorder.step()
        parts.recorder.note(records.STOP, records.NO_RACK, "asked to stop")
        self._recording = False
        if parts.publisher is not None:
            await parts.publisher.drain(_DRAIN_MS)
        await parts.supervisor.stop()
        parts.journal.close()
        self._log.info("stopped, backlog %d", parts.journal.backlog)

    async def _enforce(self, beat: Callable[[], None]) -> None:
        """The critical loop: the enforcing step, then sleep until the bus has something to say.

        The sleep is the bus's, for a short time; in between every other task has its turn.
        """
        enforcer = self.parts.enforcer
        latch_store = self.parts.latch_store
        clock = self.parts.clock
        wait_for_bus = self.parts.board.wait_for_bus
        while True:
            wait_us = enforcer.step(clock.ticks())
            if latch_store.changed:
                self._save_latches()  # the relays have dropped: now it may cost time
            if enforcer.self_check.problem:
                self.parts.supervisor.fail(enforcer.self_check.problem)
            beat()
            wait_for_bus(wait_us if wait_us < _LONGEST_WAIT_US else _LONGEST_WAIT_US)
            await clock.sleep_ms(0)

    async def _record(self) -> None:
        parts = self.parts
        while True:
            now = parts.clock.ticks()
            if self._recording:
                parts.sampler.step(now)
                parts.recorder.step()
            parts.journal.step(now)
            parts.status.watch_heap()
            await parts.clock.sleep_ms(_RECORD_MS)

    async def _keep_latches(self) -> None:
        """Try again what the flash refused."""
        while True:
            self._save_latches()
            await self.parts.clock.sleep_ms(_LATCH_MS)

    def _save_latches(self) -> None:
        if not self.parts.latch_store.save():
            self._log.error("latches are not on flash: a restart would forget them")

    async def _watch_clock(self) -> None:
        """A tick that is far off makes every delay wrong: then nothing may stay closed."""
        check = ClockCheck(self.parts.clock)
        while True:
            await self.parts.clock.sleep_ms(_CLOCK_MS)
            result = check.step()
            if result == BAD:
                self.parts.supervisor.fail("ticks are %d/1000 off" % check.deviation_pm)
            elif result == OFF:
                self._log.warning("ticks and wall clock differ by %d/1000", check.deviation_pm)

    async def _watch_inputs(self) -> None:
        parts = self.parts
        resets = ResetInputs(parts.settings.inputs, parts.board.inputs)
        while True:
            by = resets.step()
            if by != NOBODY:
                self._reset(by)
            await parts.clock.sleep_ms(_INPUT_MS)

    def _reset(self, by: int) -> None:
        parts = self.parts
        who = IDENTITIES[by]
        result = parts.interlocks.reset(by)
        if result != NOTHING_TO_RELEASE:
            self._note_reset(records.NO_RACK, result, who)
        now = parts.clock.ticks()
        for index, protection in enumerate(parts.enforcer.protections):
            result = protection.reset(by, now)
            if result != NOTHING_TO_RELEASE:
                self._note_reset(index, result, who)

    def _note_reset(self, rack: int, result: int, who: str) -> None:
        code = records.RESET if result == RELEASED else records.RESET_REFUSED
        self.parts.recorder.note(code, rack, "by %s: %s" % (who, RESET_RESULTS[result]))


def run(board: Board) -> None:
    """Build the application and run it to its end; however that comes, relays are open then."""
    try:
        asyncio.run(build(board).run())
    finally:
        _open_relays(board)


def _open_relays(board: Board) -> None:
    for relay in range(board.relays.count):
        board.relays.set(relay, 0)
