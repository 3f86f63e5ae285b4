"""What a rack notes of the limits that its master writes."""

from __future__ import annotations

from host_tools.simulate.access_log import AccessLog
from host_tools.simulate.registers import CHARGE_LIMIT, CONTACTOR, DISCHARGE_LIMIT


def test_limits_are_noted_when_they_change() -> None:
    now_ms = 0
    log = AccessLog(lambda: now_ms)
    for now_ms, commands in (  # noqa: B007 - the log looks at the clock
        (10, {CHARGE_LIMIT: 1570, DISCHARGE_LIMIT: 1570}),
        (20, {CHARGE_LIMIT: 1570, DISCHARGE_LIMIT: 1570}),
        (30, {CHARGE_LIMIT: 785}),
        (40, {CONTACTOR: 0}),
        (50, {CHARGE_LIMIT: 785, DISCHARGE_LIMIT: 0}),
        (60, {CHARGE_LIMIT: 1570}),
    ):
        log.written(0x0102, [], commands)
    assert list(log.limit_changes) == [
        (10, CHARGE_LIMIT, 1570),
        (10, DISCHARGE_LIMIT, 1570),
        (30, CHARGE_LIMIT, 785),
        (50, DISCHARGE_LIMIT, 0),
        (60, CHARGE_LIMIT, 1570),
    ]
    assert list(log.open_commands) == [40]
    assert len(log.writes) == 6
