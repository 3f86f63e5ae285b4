"""What no command may go back behind: the number of the last one, and the latest time seen.

The number is on flash before its command acts: none is done twice. Two files take turns, so that
one that is damaged forgets a single command and no more. The time is kept now and then, so that a
clock that is moved back makes nothing valid again.
"""

from __future__ import annotations

from micropython import const

from gateway.telemetry.pair_file import KeptPair, read_pair, write_pair

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.contracts import Storage

_FILES = ("command-0", "command-1")
_TIME_FILE = const("command-time")
_KEEP_S = const(600)  # between two writes of the time: what a restart may forget of it
_LOW = const(0xFFFFFFFF)


class CommandSequence:
    """`last`: the highest number seen, kept or not: what only asks need not be kept. `latest_s`:
    the largest Unix time seen, in s; 0 = none.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._file = KeptPair(storage, _FILES)
        high, low = self._file.read()
        self.last = high << 32 | low
        self.latest_s = self._kept_s = read_pair(storage, _TIME_FILE)[0]
        self.write_errors = 0

    def see(self, seq: int) -> None:
        """Take a number until the next restart."""
        self.last = max(self.last, seq)

    def keep(self, seq: int) -> bool:
        """Take a number above all that were kept, for ever; False when the flash does not."""
        if not self._file.write(seq >> 32, seq & _LOW):
            self.write_errors += 1
            return False
        self.last = max(self.last, seq)
        return True

    def see_time(self, utc_s: int) -> None:
        """It is, or was, this late by a clock that is set."""
        self.latest_s = max(self.latest_s, min(utc_s, _LOW))

    def keep_time(self) -> None:
        """Write the latest time when the flash has an old one; a failure is counted."""
        if self.latest_s - self._kept_s < _KEEP_S:
            return
        self._kept_s = self.latest_s  # on a flash that fails, too: not again at once
        if not write_pair(self._storage, _TIME_FILE, self.latest_s, 0):
            self.write_errors += 1
