"""Critical tasks by name: when one dies or stalls the site goes to its safe state.

The watchdog is fed only while every critical task has reported within its time, so a hang that
stops this very code ends in a reset, and a reset opens the relays.
"""

from __future__ import annotations

import asyncio

from micropython import const

from gateway.clock import diff

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

    from gateway.clock import Clock
    from gateway.contracts import Log, Watchdog

_CHECK_MS = const(100)
_LATE_MS = const(300)
_RESTART_MS = const(2000)


class Supervisor:
    """Starts and watches tasks; `on_unsafe(reason)` is called once, before the watchdog bites."""

    def __init__(
        self, clock: Clock, watchdog: Watchdog, on_unsafe: Callable[[str], None], log: Log
    ) -> None:
        self._clock = clock
        self._watchdog = watchdog
        self._on_unsafe = on_unsafe
        self._log = log
        self._beats: dict[str, int] = {}  # ticks of the last report of each critical task
        self._limits: dict[str, int] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._checked = clock.ticks()
        self.failure = ""  # why the site is in its safe state
        self.restarts = 0  # of tasks that are not critical

    def critical(
        self, name: str, stall_ms: int, run: Callable[[Callable[[], None]], Awaitable[None]]
    ) -> None:
        """Start coroutine function `run(beat)`; it calls `beat()` at least every `stall_ms`."""
        self._beats[name] = self._clock.ticks()
        self._limits[name] = stall_ms

        def beat() -> None:
            self._beats[name] = self._clock.ticks()

        self._tasks.append(asyncio.create_task(self._guard(name, run, beat)))

    def helpful(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        """Start coroutine function `run()`; when it fails it is logged and started again, when it
        returns it is done.
        """
        self._tasks.append(asyncio.create_task(self._repeat(name, run)))

    async def watch(self) -> None:
        """Feed the watchdog while all is well; runs until cancelled."""
        while True:
            self.check(self._clock.ticks())
            await self._clock.sleep_ms(_CHECK_MS)

    def check(self, now: int) -> None:
        """One look at all critical tasks.

        When this look itself comes late, the whole loop was held up (a flash erase, say): the
        others get one turn first. Until then the watchdog is not fed.
        """
        held_up = diff(now, self._checked) > _LATE_MS
        self._checked = now
        if held_up:
            return
        for name in self._beats:
            if diff(now, self._beats[name]) > self._limits[name]:
                self.fail("task %s stalled" % name)
        if not self.failure:
            self._watchdog.feed()

    def fail(self, reason: str) -> None:
        """Go to the safe state and stop feeding the watchdog."""
        if self.failure:
            return
        self.failure = reason
        try:
            self._on_unsafe(reason)
        finally:
            self._log.error("safe state: %s", reason)

    async def stop(self) -> None:
        """Cancel every task and wait for its end."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            try:
                await task
            except asyncio.CancelledError:
                pass
        self._tasks = []

    async def _guard(
        self, name: str, run: Callable[[Callable[[], None]], Awaitable[None]], beat: Any
    ) -> None:
        try:
            await run(beat)
            self.fail("task %s ended" % name)
        except Exception as error:  # noqa: BLE001 - whatever it was, the site must become safe
            self.fail("task %s died: %r" % (name, error))

    async def _repeat(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await run()
                return
            except Exception as error:  # noqa: BLE001 - counted, logged, started again
                self._log.error("task %s died: %r", name, error)
            self.restarts += 1
            await self._clock.sleep_ms(_RESTART_MS)
