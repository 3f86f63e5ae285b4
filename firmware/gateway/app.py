"""The gateway as a program: start it, run its tasks, stop it in order.

Data flows link -> poller -> protection -> relays in one step of the enforcing loop. Everything
else (records, uplink, console) only reads what that loop left behind.
"""

from __future__ import annotations

import asyncio

from micropython import const

from gateway.clock_check import BAD, OFF
from gateway.config import Config
from gateway.config import file as config_file
from gateway.errors import ConfigError
from gateway.heap_care import collect_every, let_go
from gateway.log import Logs
from gateway.northbound.safe_mode import SafeMode
from gateway.parts import Parts
from gateway.protection.latch_store import mark_lost
from gateway.protection.latches import IDENTITIES, NOTHING_TO_RELEASE, RELEASED, RESET_RESULTS
from gateway.protection.reset_inputs import NOBODY
from gateway.telemetry import records

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.contracts import Board

_LONGEST_WAIT_US = const(2000)  # all other tasks stand still meanwhile
_RECORD_MS = const(20)
_HEAP_MS = const(1000)
_LATCH_MS = const(1000)
_INPUT_MS = const(50)
_CLOCK_MS = const(60000)
_CONFIG_MS = 3600000
_SLICE_MS = 20  # between two slices of the configuration
_STALL_MS = const(1000)
_LEAST_ARM_MS = const(10000)  # all racks must have answered and settled before a relay closes
_DRAIN_MS = const(20000)
_START_GC_BYTES = const(8192)


def build(board: Board, name: str = config_file.NAME) -> App | SafeMode:
    """The gateway for this board; SafeMode when the configuration of this name is not accepted."""
    logs = Logs(board.clock)
    log = logs.get("app")
    _open_relays(board)
    usual_bytes = collect_every(_START_GC_BYTES)
    try:
        if board.storage("data").formatted:
            mark_lost(board.storage("data"))
        _power_up_test()
        settings = _load_config(board, name)
        logs.set_level(settings.text("log_level"))
        return App(Parts(board, settings, logs, name))
    except ConfigError as error:
        reason = str(error)
    except Exception as error:  # noqa: BLE001 - whatever stops the start, the board must tell
        reason = "cannot start: %r" % error
    finally:
        let_go("gateway.config.", "gateway.protection.power_up_test")
        collect_every(usual_bytes)
    log.error("not started: %s", reason)
    return SafeMode(board, logs, reason, name)


def _power_up_test() -> None:
    from gateway.protection import power_up_test  # not needed again

    wrong = power_up_test.problem()
    if wrong:
        raise ConfigError(wrong)


def _load_config(board: Board, name: str) -> Config:
    """The configuration on flash, which must fit this board too."""
    settings = config_file.load(board.storage("config"), name)
    arm_ms = settings.integer("outputs.arm_delay_ms")
    if arm_ms < _LEAST_ARM_MS and "simulated" not in board.capabilities:
        raise ConfigError(
            "outputs.arm_delay_ms: %d, a board in the field needs at least %d ms"
            % (arm_ms, _LEAST_ARM_MS)
        )
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


class App:
    """The running gateway."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self._log = parts.logs.get("app")

    async def run(self) -> None:
        """Run until the board asks to stop (boards in the field never do)."""
        parts = self.parts
        supervisor = parts.supervisor
        supervisor.critical("enforce", _STALL_MS, self._enforce)
        supervisor.helpful("record", self._record)
        supervisor.helpful("heap", self._watch_heap)
        supervisor.helpful("latches", self._keep_latches)
        supervisor.helpful("inputs", self._watch_inputs)
        supervisor.helpful("clock", self._watch_clock)
        supervisor.helpful("time", self._keep_time)
        supervisor.helpful("config", self._watch_config)
        if parts.upstream is not None:
            supervisor.helpful("uplink", parts.upstream.client.run)
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
        parts.recording.finish()
        if parts.upstream is not None:
            await parts.upstream.drain(_DRAIN_MS)
        await parts.supervisor.stop()
        parts.lanes.close()
        self._log.info("stopped, backlog %d", parts.lanes.backlog)

    async def _enforce(self, beat: Callable[[], None]) -> None:
        """The critical loop: the enforcing step, then sleep until the bus has something to say.

        The sleep is the bus's, for a short time; in between every other task has its turn.
        """
        enforcer = self.parts.enforcer
        latch_store = self.parts.latch_store
        clock = self.parts.clock
        wait_for_bus = self.parts.board.wait_for_bus
        enforcer.begin(clock.ticks())
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
            parts.recording.step(parts.clock.ticks())
            await parts.clock.sleep_ms(_RECORD_MS)

    async def _watch_heap(self) -> None:
        """Rarely: the interpreter counts by looking at every block of its heap."""
        while True:
            self.parts.status.watch_heap()
            await self.parts.clock.sleep_ms(_HEAP_MS)

    async def _keep_latches(self) -> None:
        """Try again what the flash refused: latches, and caps on currents."""
        while True:
            self._save_latches()
            self._save_caps()
            await self.parts.clock.sleep_ms(_LATCH_MS)

    def _save_latches(self) -> None:
        if not self.parts.latch_store.save():
            self._log.error("latches are not on flash: a restart would forget them")

    def _save_caps(self) -> None:
        caps = self.parts.caps
        if not caps.kept and caps.save():
            self.parts.recorder.note(records.COMMAND, records.NO_RACK, "limits: kept now")

    async def _watch_clock(self) -> None:
        """A tick that is far off makes every delay wrong: then nothing may stay closed."""
        check = self.parts.clock_check
        while True:
            await self.parts.clock.sleep_ms(_CLOCK_MS)
            result = check.step()
            if result == BAD:
                self.parts.supervisor.fail("ticks are %d/1000 off" % check.deviation_pm)
            elif result == OFF:
                self._log.warning("ticks and wall clock differ by %d/1000", check.deviation_pm)

    async def _keep_time(self) -> None:
        time_sync = self.parts.time_sync
        upstream = self.parts.upstream
        while True:
            if upstream is not None:
                upstream.watch_time()
            await self.parts.clock.sleep_ms(time_sync.step(self.parts.clock.ticks()))

    async def _watch_config(self) -> None:
        """Once an hour: does what runs still stand on flash? A restart would run the other."""
        parts = self.parts
        watch = parts.config_watch
        told = ""
        while True:
            await parts.clock.sleep_ms(_CONFIG_MS)
            while not watch.step():
                await parts.clock.sleep_ms(_SLICE_MS)
            if watch.problem and not told:
                parts.recorder.note(records.CONFIG, records.NO_RACK, watch.problem)
                self._log.error("%s: the next start will not be as this one", watch.problem)
            told = watch.problem

    async def _watch_inputs(self) -> None:
        parts = self.parts
        while True:
            by = parts.resets.step()
            now = parts.clock.ticks()
            if by != NOBODY and not parts.proof_tests.confirm(now):
                self._reset(by)
            parts.proof_tests.step(now)
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


def run(board: Board, config_name: str = config_file.NAME) -> None:
    """Build the application and run it to its end; however that comes, relays are open then."""
    try:
        asyncio.run(build(board, config_name).run())
    finally:
        _open_relays(board)


def _open_relays(board: Board) -> None:
    """Every relay of the board, wired or not; then what the last of them raised, if anything."""
    failure: Exception | None = None
    for relay in range(board.relays.count):
        try:
            board.relays.set(relay, 0)
        except Exception as error:  # noqa: BLE001 - whatever a driver does, the next relay first
            failure = error
    if failure is not None:
        raise failure
