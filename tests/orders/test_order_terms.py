"""A second attempt in the gateway's terms: its numbers, its time, or the latest one it knows."""

from __future__ import annotations

import pytest

from gateway.clock import NTP, UNSET
from host_tools.orders.exchange import VALID_S, in_its_terms

NOW_S = 1_795_000_000
SEQ = NOW_S * 1000
UNTIL = NOW_S + VALID_S


@pytest.mark.parametrize(
    ("clock", "utc_s", "last", "expected"),
    [
        (NTP, NOW_S, SEQ - 5, None),  # refused for another reason
        (NTP, NOW_S, SEQ + 7, (SEQ + 8, UNTIL)),
        (NTP, NOW_S - 3600, SEQ - 5, (SEQ + 1, UNTIL - 3600)),
        (NTP, NOW_S + 3600, SEQ + 7, (SEQ + 8, UNTIL + 3600)),
        (UNSET, 75, SEQ - 5, None),  # counts from power-up
        (UNSET, NOW_S - 3600, SEQ + 7, (SEQ + 8, UNTIL)),  # the latest time it remembers
        (UNSET, NOW_S + 3600, SEQ - 5, (SEQ + 1, UNTIL + 3600)),  # that lies ahead of ours
    ],
)
def test_what_a_refused_order_is_asked_with_again(
    clock: int, utc_s: int, last: int, expected: tuple[int, int] | None
) -> None:
    reply = {"answer": {"refused": "no"}, "clock": clock, "utc_s": utc_s, "last": last}
    assert in_its_terms(reply, SEQ, UNTIL) == expected
    assert in_its_terms(reply | {"answer": {"done": 1}}, SEQ, UNTIL) is None
