"""What the figures of a drain stand on: a backlog is made, messages and times are told apart."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import aiomqtt
import pytest

from gateway.telemetry import records
from host_tools.bench import backlog_drain
from host_tools.bench.backlog_flash import Backlog, prepare
from host_tools.bench.drain_figures import Drain, metrics
from host_tools.bench.trip_drill import Found, Trip
from host_tools.bench.uplink_meter import UplinkMeter, longest_pause_ms, rate
from host_tools.decode.journal_image import read_image
from host_tools.errors import UserError
from host_tools.run.plan import Plan
from host_tools.site import compile as site_compile

Need = Callable[[str], Path]

BACKLOG = Backlog(
    image=Path("flash.img"),
    boot=7,
    ends={records.MINUTE: 60, records.FINE: 300},
    hours=2.0,
    recorded_per_s=100.0,
    message_bytes=40_000,
    messages=40,
    build_per_s=400_000.0,
)


@pytest.fixture
def plan(need: Need) -> Plan:
    need("micropython")
    return backlog_drain._plan()


def a_drain(found: Found) -> Drain:
    """10 s of backlog at 20 kB/s from second 5 on, then 29 s of 900 bytes/s live and no more."""
    return Drain(
        found,
        backlog=[(5000 + 100 * number, 2000) for number in range(101)],
        live=[(1000 * second, 900) for second in range(45)],
        log=[(4000, 500), (9000, 3000)],
        end_ms=45_000,
    )


def test_the_ratio_is_backlog_over_live_and_recorded() -> None:
    ratio, _ = metrics([a_drain(Found()), a_drain(Found())], BACKLOG, 620)
    assert ratio.value == pytest.approx(20_000 / (900 * 28 / 29 + 100))
    assert (ratio.met, ratio.target) == (True, 20)
    assert ratio.details["live_bytes_per_s_meanwhile"] == [900, 900]
    assert ratio.details["longest_pause_ms"] == [100, 100]
    assert ratio.details["events_bytes_per_s_meanwhile"] == [300, 300]


def test_a_trip_counts_where_its_whole_time_lies() -> None:
    found = Found(
        trips=[
            Trip(4000, 6000, 900),  # before the drain began
            Trip(5000, 7000, 300),
            Trip(8000, 10500, 400),
            Trip(14000, 16000, 800),  # over its end
            Trip(15500, 17000, 700),  # not settled
            Trip(16000, 18000, 500),
        ]
    )
    _, latency = metrics([a_drain(found)], BACKLOG, 350)
    assert (latency.value, latency.baseline, latency.met) == (400, 500, False)
    assert latency.details["meanwhile"]["trips"] == 2
    assert latency.details["afterwards"]["trips"] == 1


@pytest.mark.parametrize("found", [Found(), Found(trips=[Trip(6000, 8000, 100)], missed=1)])
def test_no_trip_or_a_missed_one_leaves_no_latency(found: Found) -> None:
    _, latency = metrics([a_drain(found)], BACKLOG, 620)
    assert (latency.value, latency.met) == (None, False)


def test_rate_and_pause() -> None:
    arrivals = [(0, 5), (100, 30), (600, 70), (700, 1000)]
    assert rate(arrivals, 0, 600) == pytest.approx(100 * 1000 / 600)
    assert longest_pause_ms(arrivals) == 500
    assert longest_pause_ms([]) == 0


def test_the_meter_tells_backlog_from_what_is_new(plan: Plan) -> None:
    meter = UplinkMeter(plan, BACKLOG, lambda: 1234)
    base = f"bess/v1/{plan.config.text('site')}/{plan.config.text('gateway')}"

    def take(topic: str, payload: bytes) -> None:
        meter._take(aiomqtt.Message(f"{base}/{topic}", payload, 0, False, 1, None))

    def block(lane: int, rack: int, boot: int, last: int) -> bytes:
        head = struct.pack(records.BLOCK, records.VERSION, lane, rack, 0, 1, boot, 1, last)
        return head + bytes(100)

    take("blocks", block(records.FINE, 0, 8, 300))  # of this boot
    take("live/rack01", bytes(40))
    take("cells/rack01", bytes(50))
    take("log", bytes(60))
    take("status", b"{}")
    assert (meter.live, meter.backlog) == ([(1234, 40), (1234, 50)], [])
    assert meter.log == [(1234, 60)]
    for lane, last in BACKLOG.ends.items():
        take("blocks", block(lane, 0, 7, last - 1))
        for rack in range(len(plan.config.racks)):
            assert not meter.complete
            take("blocks", block(lane, rack, 7, last))
    assert meter.complete
    assert meter.backlog == [(1234, 118)] * (2 * 13)


def test_the_backlog_is_on_the_flash_and_goes_into_messages(
    need: Need, plan: Plan, tmp_path: Path
) -> None:
    need("taskset")
    backlog = prepare(plan.config, 200_000, tmp_path)
    stored = {record.key for record in read_image(backlog.image).records}
    assert stored == {
        (backlog.boot, lane, number)
        for lane, last in backlog.ends.items()
        for number in range(1, last + 1)
    }
    assert backlog.messages >= 2 * len(plan.config.racks)
    assert 100_000 < backlog.message_bytes < 220_000
    telemetry = plan.tree["telemetry"] | {"capacity_bytes": 131_072, "segment_bytes": 8192}
    small = site_compile.check(plan.tree | {"telemetry": telemetry}, plan.site)
    with pytest.raises(UserError, match="do not fit"):
        prepare(small, 200_000, tmp_path)
