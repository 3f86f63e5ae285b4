"""Which records will never be delivered, until the receiver has been told.

Every report names all losses that no delivered report has named yet, so the newest one alone is
enough, whatever happens to earlier ones.
"""

from __future__ import annotations

import struct

from micropython import const

from gateway.telemetry import records

_RANGES = const(16)
_NONE = (0, 0)


class Losses:
    """Merged ranges (boot, first, last) in order, at most 16; `count` grows with every lost key.

    When there are more, the oldest two become one, or the oldest is only told as a part of what
    lies up to the key `up_to`: whatever has not arrived of that is lost, earlier boots included.
    """

    def __init__(self) -> None:
        self.ranges: list[tuple[int, int, int]] = []
        self.up_to = _NONE
        self.count = 0
        self.unreported = False  # a loss came after the last report
        self._folded = _NONE  # `up_to`, as far as it stands for ranges that were counted
        self._report = _NONE  # key of the last record of the last report
        self._cursor = _NONE

    def add(self, boot: int, first: int, last: int) -> None:
        """Take a loss; what was delivered or is known already counts for nothing."""
        if boot == self._cursor[0]:
            first = max(first, self._cursor[1] + 1)
        if boot < self._cursor[0] or first > last or (boot, last) <= self._folded:
            return
        count = self._merge(boot, first, last)
        if count > 0:
            self.count += count
            self.unreported = True

    def add_reports(self, boot: int, first: int, last: int) -> None:
        """An earlier boot may have named losses in these lost records: any that lie before them.

        Behind the cursor, too: it passes a loss once a report of it is on flash.
        """
        if (boot, last) > self._cursor:
            if boot == self._cursor[0]:  # from there on `add` names all
                first = max(first, self._cursor[1] + 1)
            self._add_up_to(boot, first - 1)

    def add_gone(self, boot: int, last: int) -> None:
        """All up to there was deleted, and with it reports of what was lost before."""
        if (boot, last) > self._cursor:
            self._add_up_to(boot, last)

    def _add_up_to(self, boot: int, last: int) -> None:
        if (boot, last) > self.up_to:
            self.up_to = (boot, last)
            self.unreported = True

    def are_told(self, boot: int, stored: int) -> bool:
        """All losses are in gap records that are delivered or on flash.

        That has those of this boot up to `stored`.
        """
        return not self.unreported and self._report <= max(self._cursor, (boot, stored))

    def payloads(self) -> list[bytes]:
        """Payloads of the gap records of a report."""
        named = list(self.ranges)
        if self.up_to != _NONE:
            named.insert(0, (self.up_to[0], 0, self.up_to[1]))
        return [struct.pack(records.GAP_PAYLOAD, *each) for each in named]

    def reported(self, boot: int, last_seq: int) -> None:
        """All losses are in gap records up to (boot, last_seq) now."""
        self.unreported = False
        self._report = (boot, last_seq)

    def delivered(self, cursor: tuple[int, int]) -> None:
        """Everything up to `cursor` was acknowledged: forget what a report in there named."""
        self._cursor = cursor
        if not self.unreported and cursor >= self._report:
            self.ranges = []
            self.up_to = self._folded = _NONE

    def _merge(self, boot: int, first: int, last: int) -> int:
        """Add a range; returns how many of its keys are new."""
        count = last - first + 1
        low, high = first, last
        merged = []
        for known in self.ranges:
            if known[0] != boot or known[2] < first - 1 or known[1] > last + 1:
                merged.append(known)
                continue
            count -= max(0, min(last, known[2]) - max(first, known[1]) + 1)
            low = min(low, known[1])
            high = max(high, known[2])
        merged.append((boot, low, high))
        merged.sort()
        if len(merged) > _RANGES:
            oldest, second = merged[0], merged[1]
            if oldest[0] == second[0]:
                merged[:2] = [(second[0], oldest[1], second[2])]
            else:
                self._folded = (oldest[0], oldest[2])
                self.up_to = max(self.up_to, self._folded)
                merged.pop(0)
        self.ranges = merged
        return count
