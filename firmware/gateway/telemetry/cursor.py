"""Up to which record one consumer has acknowledged a lane."""

from __future__ import annotations

from micropython import const

from gateway.clock import diff
from gateway.telemetry.pair_file import KeptPair

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.contracts import Storage

_RECORDS = const(512)  # acknowledged records between two writes
_PERIOD_MS = const(10000)


class Cursor:
    """`key` is (boot, sequence) of the last acknowledged record, `kept` what flash knows of it.

    After a power cut everything between the two is sent again, with the same keys.
    """

    def __init__(self, storage: Storage, clock: Clock, name: str) -> None:
        self._clock = clock
        self._file = KeptPair(storage, (name, name + "-1"))
        self._since = 0  # ticks of the first acknowledgement that is not on flash
        self._unwritten = 0  # records acknowledged since
        self.key = (0, 0)
        self.kept = (0, 0)

    def load(self) -> None:
        """Take what the flash holds; nothing is acknowledged when it cannot be read."""
        self.key = self.kept = self._file.read()

    def advance(self, boot: int, sequence: int) -> bool:
        """Everything up to there is acknowledged; False when that is known: it never goes back."""
        if (boot, sequence) <= self.key:
            return False
        if not self._unwritten:
            self._since = self._clock.ticks()
        known = self.key[1] if boot == self.key[0] else 0
        self._unwritten += max(1, sequence - known)
        self.key = (boot, sequence)
        return True

    def due(self, now: int) -> bool:
        """It is time to write it."""
        if not self._unwritten:
            return False
        return self._unwritten >= _RECORDS or diff(now, self._since) >= _PERIOD_MS

    def write(self) -> bool:
        """Keep it on flash; False when that failed: it is due again after its period."""
        if self.key == self.kept:
            return True
        if not self._file.write(self.key[0], self.key[1]):
            self._since = self._clock.ticks()
            self._unwritten = min(1, self._unwritten)
            return False
        self.kept = self.key
        self._unwritten = 0
        return True
