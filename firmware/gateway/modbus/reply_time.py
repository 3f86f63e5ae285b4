"""How fast a unit answers: a filtered latency, and the deadline made of it.

A fixed deadline is either too long for a dead rack on a shared bus or too short for a slow one.
"""

from __future__ import annotations

from micropython import const

_SHIFT = const(3)  # each answer moves the filter by an eighth of what it differs


class ReplyTime:
    """Latency of one unit in whole milliseconds; nothing here allocates or uses floats.

    `latency_ms`: filtered time from request to answer, before the first answer what is expected
    (highest_ms // 4 where nobody knows); the deadline then is the highest.
    `timeout_ms`: what to allow the next answer, 4 x latency within lowest_ms .. highest_ms.
    """

    def __init__(self, lowest_ms: int, highest_ms: int, expected_ms: int = -1) -> None:
        if not 0 < lowest_ms <= highest_ms:
            raise ValueError("deadlines %d..%d ms make no range" % (lowest_ms, highest_ms))
        self._lowest_ms = lowest_ms
        self._highest_ms = highest_ms
        self._answered = False
        self._set(highest_ms << _SHIFT >> 2)
        if expected_ms >= 0:
            self.latency_ms = expected_ms

    def observe(self, latency_ms: int) -> None:
        """An answer came after `latency_ms`."""
        latency_ms = min(max(latency_ms, 0), self._highest_ms)
        if self._answered:
            self._set(self._scaled - (self._scaled >> _SHIFT) + latency_ms)
        else:
            self._answered = True
            self._set(latency_ms << _SHIFT)

    def missed(self) -> None:
        """No answer came in time: allow twice as much, up to the highest.

        So a unit that became slow is found again instead of being asked too early for ever.
        """
        doubled_ms = min(2 * self.timeout_ms, self._highest_ms)
        self._set(max(self._scaled, doubled_ms << _SHIFT >> 2))

    def _set(self, scaled: int) -> None:
        """Take over `scaled`, the latency in 1/8 ms."""
        self._scaled = scaled
        self.latency_ms = scaled >> _SHIFT
        self.timeout_ms = max(self._lowest_ms, min(self._highest_ms, scaled >> (_SHIFT - 2)))
