"""The gateway's parts, constructed and connected: the one place that knows all of them."""

from __future__ import annotations

from gateway import VERSION
from gateway.clock_check import ClockCheck
from gateway.config.file import NAME, ConfigWatch
from gateway.errors import StorageError
from gateway.northbound import program_slot
from gateway.northbound.console import Console
from gateway.northbound.status import Status
from gateway.outputs.enforcer import Enforcer
from gateway.outputs.proof_records import ProofRecords
from gateway.outputs.proof_tests import ProofTests, items
from gateway.protection import first_use, rules
from gateway.protection.changes import Changes
from gateway.protection.current_caps import CurrentCaps
from gateway.protection.engine import RackProtection
from gateway.protection.interlocks import Interlocks
from gateway.protection.latch_store import LatchStore
from gateway.protection.reset_inputs import ResetInputs
from gateway.protection.shared_settings import SharedSettings
from gateway.recording import Recording, open_lanes
from gateway.southbound import Southbound
from gateway.supervisor import Supervisor
from gateway.telemetry import records
from gateway.telemetry.config_events import append_config
from gateway.time_sync import TimeSync

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from gateway.config import Config
    from gateway.contracts import Board
    from gateway.log import Logs
    from gateway.upstream import Upstream


class Parts:
    """Everything the application consists of, constructed and connected once.

    Each part takes what it needs of the settings: nothing holds them afterwards.
    """

    def __init__(
        self, board: Board, settings: Config, logs: Logs, config_name: str = NAME
    ) -> None:
        clock = board.clock
        self.board = board
        self.config_name = config_name
        self.site, self.gateway = settings.text("site"), settings.text("gateway")
        self.logs = logs
        self.clock = clock
        data = board.storage("data")
        self.time_sync = TimeSync(
            clock,
            board.datagram,
            board.rtc,
            board.random,
            logs.get("time"),
            host=settings.text("time.ntp_host"),
            period_s=settings.integer("time.ntp_period_s"),
        )
        self.time_sync.read_rtc()  # first of all: the boot id may come from it
        is_new = first_use.is_new(data, board.storage("config"))  # before anything is written
        self.lanes = open_lanes(board, settings)
        now = clock.ticks()  # only now: what took time before is neither silence nor arming
        self.changes = Changes()
        self.southbound = Southbound(board, settings, now)
        pollers = self.southbound.pollers
        self.interlocks = Interlocks(settings, board.inputs, self.changes, now)
        shared = SharedSettings(settings)
        protections = [
            RackProtection(poller.data, shared, self.interlocks, self.changes)
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
        if not first_use.mark(board.storage("config")):
            logs.get("app").error("%s cannot be written beside config.json", first_use.FILE)
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
        self.recording = Recording(
            board,
            settings,
            self.lanes,
            self.enforcer,
            self.changes,
            self.southbound.log,
            logs.get("event"),
        )
        self.recorder = self.recording.recorder
        self.recorder.note(
            records.BOOT,
            records.NO_RACK,
            "version %s, boot %d, %s%s"
            % (VERSION, self.lanes.boot, board.interpreter, program_slot.told(config_name)),
        )
        append_config(self.lanes.events.append, settings)
        self.time_sync.changed = self.recording.clock_records.changed
        self.caps = CurrentCaps(
            data,
            [rack.name for rack in settings.racks],
            [protection.decision for protection in protections],
        )
        self.caps.load()
        if self.caps.problem:
            self.recorder.note(records.COMMAND, records.NO_RACK, self.caps.problem)
        self.supervisor = Supervisor(
            clock,
            board.watchdog(settings.integer("watchdog_ms")),
            self._make_safe,
            logs.get("supervisor"),
        )
        self.proof_records = ProofRecords(
            data,
            [item.key for item in items(settings)],
            settings.integer("prooftest.interval_days"),
        )
        self.proof_tests = ProofTests(
            self.proof_records,
            self.enforcer,
            settings,
            board.inputs,
            clock,
            self._note_proof,
            logs.get("prooftest"),
        )
        self.clock_check = ClockCheck(clock)
        self.config_watch = ConfigWatch(board.storage("config"), settings.crc, config_name)
        self.resets = ResetInputs(settings.inputs, board.inputs)
        self.status = Status(self, board.interpreter)
        self.upstream = self._upstream(settings)
        self.console = Console(
            board.listen,
            board.console_port,
            self._questions(),
            logs.get("console"),
            {"prooftest": self.proof_tests.answer},
        )

    def _upstream(self, settings: Config) -> Upstream | None:
        """None for a site without a broker, which needs no code for it either."""
        if not settings.text("uplink.host"):
            return None
        from gateway.upstream import Upstream

        return Upstream(
            self.board,
            settings,
            self.logs,
            self.recording,
            self.enforcer,
            lambda: self._orders(settings),
            self._note_command,
        )

    def _orders(self, settings: Config) -> dict[str, Any]:
        from gateway.northbound.orders import Orders

        orders = Orders(
            self.enforcer,
            self.caps,
            self.proof_tests,
            self.status.status,
            self.status.log,
            settings,
            self.clock,
            self.recorder.note,
        )
        return orders.table()

    def _note_command(self, text: str) -> None:
        self.recorder.note(records.COMMAND, records.NO_RACK, text)

    def _questions(self) -> dict[str, Callable[[], object]]:
        """What the console answers; `retry` is a wish to the bus and touches no output."""
        questions = self.status.questions()
        questions["retry"] = self._retry
        return questions

    def _retry(self) -> object:
        self.southbound.retry_now(self.clock.ticks())
        return {"retry": "every unit is asked now"}

    def _note_proof(self, rack: int, text: str, result: int) -> None:
        code = records.PROOF_TEST if result else records.PROOF_DUE
        self.recorder.note(code, rack, text, (rules.NO_RULE, 0, result, 0))

    def _make_safe(self, reason: str) -> None:
        self.enforcer.stop()
        self.recorder.note(records.STOP, records.NO_RACK, reason)
        self.lanes.flush()  # the relays are open, and the watchdog may be next


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
