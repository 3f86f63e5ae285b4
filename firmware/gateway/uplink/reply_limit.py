"""How often refusals are answered: a recorded message can be sent again by whoever likes."""

from __future__ import annotations

from gateway.clock import diff

_QUIET_MS = 60000
_MOST = 16


class ReplyLimit:
    """One reply per number and minute, and sixteen a minute in all."""

    def __init__(self) -> None:
        self._answered: list[tuple[int | None, int]] = []  # (number, ticks of its reply)

    def allows(self, seq: int | None, now: int) -> bool:
        """Whether this number (None: of what could not be read) gets a reply; counts it then."""
        self._answered = [each for each in self._answered if 0 <= diff(now, each[1]) < _QUIET_MS]
        if len(self._answered) >= _MOST or seq in [each[0] for each in self._answered]:
            return False
        self._answered.append((seq, now))
        return True
