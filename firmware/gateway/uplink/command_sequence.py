"""The number of the last command, on flash before the command acts: none is done twice.

Two files take turns, so that one that is damaged forgets a single command and no more.
"""

from __future__ import annotations

from gateway.telemetry.pair_file import read_pair, write_pair

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.contracts import Storage

_FILES = ("command-0", "command-1")
_LOW = 0xFFFFFFFF


class CommandSequence:
    """`last`: the highest number seen, kept or not: what only asks need not be kept."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        kept = [high << 32 | low for high, low in [read_pair(storage, name) for name in _FILES]]
        self.last = max(kept)
        self._next_file = kept.index(min(kept))
        self.write_errors = 0

    def see(self, seq: int) -> None:
        """Take a number until the next restart."""
        self.last = max(self.last, seq)

    def keep(self, seq: int) -> bool:
        """Take a number above all that were kept, for ever; False when the flash does not."""
        if not write_pair(self._storage, _FILES[self._next_file], seq >> 32, seq & _LOW):
            self.write_errors += 1
            return False
        self._next_file = 1 - self._next_file
        self.last = max(self.last, seq)
        return True
