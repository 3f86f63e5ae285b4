"""What runs when the configuration cannot be accepted: relays open, reason told, answering."""

from __future__ import annotations

import asyncio

from micropython import const

from gateway import VERSION
from gateway.northbound.console import Console
from gateway.northbound.self_test import SelfTest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.contracts import Board
    from gateway.log import Logs

_REPEAT_MS = const(10000)
_STEP_MS = const(100)
_WATCHDOG_MS = const(3000)


class SafeMode:
    """Keeps every relay open and says why, on the log and to whoever asks the console."""

    def __init__(self, board: Board, logs: Logs, reason: str, config_name: str) -> None:
        self._board = board
        self._config_name = config_name
        self._logs = logs
        self._log = logs.get("safe")
        self._reason = reason

    def status(self) -> dict[str, object]:
        """The console's answer."""
        return {
            "mode": "safe",
            "reason": self._reason,
            "version": VERSION,
            "interpreter": self._board.interpreter,
            "uptime_ms": self._board.clock.uptime_ms(),
            "armed": False,
            "racks": [],
        }

    async def run(self) -> None:
        """Run until the board asks to stop."""
        board = self._board
        questions = {
            "status": self.status,
            "log": lambda: {"log": self._logs.ring.lines},
            "selftest": SelfTest(board, self._config_name).report,
        }
        console = Console(board.listen, board.console_port, questions, self._log)
        await console.start()
        holding = asyncio.create_task(self._hold())
        await board.stopping()
        holding.cancel()
        console.close()

    async def _hold(self) -> None:
        """Open relays again and again, feed the watchdog, repeat the reason."""
        board = self._board
        watchdog = board.watchdog(_WATCHDOG_MS)
        elapsed_ms = 0
        while True:
            for relay in range(board.relays.count):
                board.relays.set(relay, 0)
            watchdog.feed()
            if elapsed_ms % _REPEAT_MS == 0:
                self._log.error("safe mode, relays open: %s", self._reason)
            elapsed_ms += _STEP_MS
            await board.clock.sleep_ms(_STEP_MS)
