"""Which records will never be delivered, until the receiver has been told.

Every report names all losses that no delivered report has named yet, so the newest one alone is
enough, whatever happens to earlier ones.
"""

from __future__ import annotations

import struct

from gateway.telemetry import records

_RANGES = 16


class Losses:
    """Merged ranges (boot, first, last) in order, at most 16; `count` grows with every lost key.

    When there are more, the oldest two become one; over several boots that is (boot, 0, last):
    whatever has not arrived up to there, earlier boots included.
    """

    def __init__(self) -> None:
        self.ranges: list[tuple[int, int, int]] = []
        self.count = 0
        self.unreported = False  # a loss came after the last report
        self._report = (0, 0)  # key of the last record of the last report
        self._cursor = (0, 0)

    def add(self, boot: int, first: int, last: int) -> None:
        """Take a loss; what was delivered or is known already counts for nothing."""
        if boot == self._cursor[0]:
            first = max(first, self._cursor[1] + 1)
        if boot < self._cursor[0] or first > last or self._is_covered(boot, last):
            return
        count = self._merge(boot, first, last)
        if count > 0:
            self.count += count
            self.unreported = True

    def add_reports(self, boot: int, last: int) -> None:
        """A file of an earlier boot is lost up to `last`, and what reports in it named with it.

        All that lies before it: what has not arrived up to there does so no more.
        """
        if (boot, last) > self._cursor and not self._is_covered(boot, last):
            self._merge(boot, 0, last)
            self.unreported = True

    def are_told(self, boot: int, stored: int) -> bool:
        """All losses are in gap records that are delivered or on flash.

        That has those of this boot up to `stored`.
        """
        return not self.unreported and self._report <= max(self._cursor, (boot, stored))

    def payloads(self) -> list[bytes]:
        """Payloads of the gap records of a report."""
        return [struct.pack(records.GAP_PAYLOAD, *each) for each in self.ranges]

    def reported(self, boot: int, last_seq: int) -> None:
        """All ranges are in gap records up to (boot, last_seq) now."""
        self.unreported = False
        self._report = (boot, last_seq)

    def delivered(self, cursor: tuple[int, int]) -> None:
        """Everything up to `cursor` was acknowledged: forget what a report in there named."""
        self._cursor = cursor
        if self.ranges and not self.unreported and cursor >= self._report:
            self.ranges = []

    def _is_covered(self, boot: int, last: int) -> bool:
        """Whatever has not arrived up to there is named."""
        return any([each[1] == 0 and (boot, last) <= (each[0], each[2]) for each in self.ranges])

    def _merge(self, boot: int, first: int, last: int) -> int:
        """Add a range; returns how many of its keys are new."""
        count = last - first + 1
        low, high = first, last
        merged = []
        for known in self.ranges:
            if first == 0 and known[0] < boot:
                continue  # it says so, too
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
            start = oldest[1] if oldest[0] == second[0] else 0
            merged[:2] = [(second[0], start, second[2])]
        self.ranges = merged
        return count
