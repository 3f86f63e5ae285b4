"""A flash that fails: how long it is left alone, and what is given up for it."""

from __future__ import annotations

from micropython import const

from gateway.clock import diff

_PAUSE_MS = const(10000)  # at most, after a failed write
_PROBE = const(4)  # a segment is given up for every so many failures that do not say "full"
_READ_TRIES = const(8)  # of a file; with the pauses between them two minutes
_READ_PAUSE_MS = const(1000)  # after the first failed read; each further one doubles it
_ENOSPC = const(28)  # MicroPython's errno module has no name for it


def is_full(error: OSError) -> bool:
    """The flash has no room left."""
    return error.args[:1] == (_ENOSPC,)


class Setbacks:
    """Failed writes: `total` since the start, `in_a_row` since the last that worked."""

    def __init__(self, longest_pause_ms: int) -> None:
        self._pause_ms = min(longest_pause_ms, _PAUSE_MS)
        self._since: int | None = None  # ticks while the flash is left alone
        self.in_a_row = 0
        self.total = 0

    def count(self, now: int) -> None:
        """A write failed: leave the flash alone for a while."""
        self.total += 1
        self.in_a_row += 1
        self._since = now

    def pausing(self, now: int) -> bool:
        """True while the flash is left alone."""
        if self._since is not None and diff(now, self._since) >= self._pause_ms:
            self._since = None
        return self._since is not None

    def may_be_full(self, error: OSError) -> bool:
        """Take the failure for a full flash; where it does not say so, only seldom.

        So the newest data win, and old data go slowly when something else is wrong.
        """
        return is_full(error) or self.in_a_row % _PROBE == 2


class FailedReads:
    """Failed reads of one file: how long it is left alone, and when it is hopeless."""

    def __init__(self) -> None:
        self._tries = 0  # in a row, at one place
        self._since = 0  # ticks of the last one
        self._wanted = 0  # sequence number that it was to give

    def count(self, now: int, wanted: int) -> bool:
        """A read failed: leave the file alone for a while; True when that is of no more use."""
        self._tries += 1
        self._since = now
        self._wanted = max(self._wanted, wanted)
        return self._tries >= _READ_TRIES

    def worked(self, wanted: int) -> None:
        """A read gave this record; that counts where it had failed before, or behind."""
        if wanted >= self._wanted:
            self._tries = 0

    def pausing(self, now: int) -> bool:
        """True while the file is left alone."""
        if not self._tries:
            return False
        return 0 <= diff(now, self._since) < _READ_PAUSE_MS << (self._tries - 1)
