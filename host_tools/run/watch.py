"""Looks at the gateway's console all the time, for the table and for what it says of itself."""

from __future__ import annotations

import asyncio
import time

from host_tools.errors import UserError
from host_tools.monitor.console_client import ConsoleClient, ConsoleError, Status
from host_tools.monitor.display import Display

PERIOD_S = 0.5
_START_PERIOD_S = 0.1
_START_S = 15.0
RUN = "run"


class Watch:
    """`status` is the last answer at work; `heap_peak` the highest one seen, over restarts."""

    def __init__(self, client: ConsoleClient, display: Display) -> None:
        self.status: Status = {}
        self.heap_peak = 0
        self.has_run = False  # the gateway has once accepted its configuration
        self.stopping = False  # asked to stop: from now on its answers are only shown
        self._client = client
        self._display = display
        self._began_s = time.monotonic()

    async def run(self) -> str:
        """Returns why the gateway went to its safe state.

        UserError when it refuses its configuration, or never answers.
        """
        while True:
            status = await self._ask()
            if status is not None and status.get("mode") != RUN:
                reason = str(status.get("reason", ""))
                if not self.has_run:
                    raise UserError(f"the gateway stays in safe mode: {reason}")
                return f"the gateway went to its safe state: {reason}"
            if not self.has_run and time.monotonic() - self._began_s > _START_S:
                raise UserError(f"the gateway's console does not answer within {_START_S:g} s")
            await asyncio.sleep(PERIOD_S if self.has_run else _START_PERIOD_S)

    async def _ask(self) -> Status | None:
        try:
            status = await self._client.ask("status")
        except ConsoleError as error:
            note = f"the gateway does not answer: {error}" if self.has_run else ""
            self._display.show(self.status or None, note)
            return None
        if status.get("mode") == RUN and not self.stopping:
            self.has_run = True
            self.status = status
            self.heap_peak = max(self.heap_peak, status["heap"]["peak"])
        self._display.show(status)
        return status
