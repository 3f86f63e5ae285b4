"""What a session is waiting for, since when, and whether that is too long."""

from __future__ import annotations

from gateway.clock import diff

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.clock import Clock


class Waits:
    """Named waits with one deadline each, looked at by one task.

    This replaces `wait_for` around every socket operation: nothing is allocated per operation, no
    cancellation can be lost in it, and a deadline counts from the last progress of its own wait.
    A peer that answers pings but no longer acknowledges is still found out.
    """

    def __init__(self, clock: Clock, deadlines_ms: tuple[tuple[str, int], ...]) -> None:
        self._clock = clock
        self._names = [name for name, _ in deadlines_ms]
        self._deadlines_ms = [deadline_ms for _, deadline_ms in deadlines_ms]
        self._since: list[int | None] = [None] * len(deadlines_ms)

    def clear(self) -> None:
        """Wait for nothing any more."""
        for index in range(len(self._since)):
            self._since[index] = None

    def begin(self, name: str) -> None:
        """Wait for `name` from now on; a wait already begun keeps its start."""
        index = self._names.index(name)
        if self._since[index] is None:
            self._since[index] = self._clock.ticks()

    def progress(self, name: str) -> None:
        """Wait for `name` with its deadline counting from now."""
        self._since[self._names.index(name)] = self._clock.ticks()

    def end(self, name: str) -> None:
        """Stop waiting for `name`."""
        self._since[self._names.index(name)] = None

    def pending(self, name: str) -> bool:
        """True between `begin` and `end`."""
        return self._since[self._names.index(name)] is not None

    def overdue(self) -> str:
        """The first wait over its deadline as text for a person; empty when all is well."""
        now = self._clock.ticks()
        for index, since in enumerate(self._since):
            if since is not None and diff(now, since) > self._deadlines_ms[index]:
                return "no %s within %d ms" % (self._names[index], self._deadlines_ms[index])
        return ""
