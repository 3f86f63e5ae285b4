"""What is wrong with a rack BMS as a whole: frozen, not started, restarting, welded contactor."""

from __future__ import annotations

from dataclasses import dataclass

# What of the served values stands still.
EVERYTHING, VALUES, HEARTBEAT = "everything", "values", "heartbeat"

PRECHARGE_MS = 2000  # of one try
PAUSE_MS = 3000  # between two
_AGES_AGO_MS = -(1 << 60)


@dataclass
class BmsState:
    """Set by faults, looked at by the rack.

    `frozen` is one of the names above; VALUES leaves the heartbeat running. `zero`: no cell has
    been measured yet, so every cell reads 0 mV and the contactor stays open. `stuck` is the
    position in which the contactor is welded or jammed, `carries` what flows through a welded one
    that should be open, in parts of the rating (None = what the limits leave). A restart is silent
    until `silent_until_ms` and measures nothing until `zero_until_ms`. Since `precharge_since_ms`
    the contactor has failed to close, `precharge_tries` times or still counting.
    """

    frozen: str | None = None
    zero: bool = False
    stuck: bool | None = None
    carries: float | None = None
    silent_until_ms: int = _AGES_AGO_MS
    zero_until_ms: int = _AGES_AGO_MS
    precharge_tries: int = 0
    precharge_since_ms: int = 0

    def restart(self, now_ms: int, silent_ms: int, zero_ms: int) -> None:
        """Power-cycle at `now_ms`."""
        self.silent_until_ms = now_ms + silent_ms
        self.zero_until_ms = self.silent_until_ms + zero_ms

    def is_silent(self, now_ms: int) -> bool:
        """Whether a restart keeps it from answering."""
        return now_ms < self.silent_until_ms

    def is_zero(self, now_ms: int) -> bool:
        """Whether it has measured nothing yet."""
        return self.zero or now_ms < self.zero_until_ms

    def fail_precharge(self, now_ms: int, tries: int) -> None:
        """Let the contactor fall, and fail `tries` times to close it."""
        self.precharge_since_ms = now_ms
        self.precharge_tries = tries

    def is_precharging(self, now_ms: int) -> bool:
        """Whether one of the tries that will fail is going on."""
        number, at_ms = divmod(now_ms - self.precharge_since_ms, PRECHARGE_MS + PAUSE_MS)
        return number < self.precharge_tries and at_ms < PRECHARGE_MS
