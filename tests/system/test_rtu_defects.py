"""One test for each defect of the RTU client this gateway's link takes the place of.

A slave on a real pseudo-terminal misbehaves, the link runs in a process of its own on either
interpreter. The numbers are those of the list of defects of micropython-modbus 2.3.7.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hostile_rtu_slave import Heard, HostileSlave, Parts, answer, register_value, sealed

from host_tools.toolchain.paths import ROOT, micropython_path

MASTER = ROOT / "tests" / "system" / "rtu_master.py"
CPYTHON_PATH = ":".join(
    str(ROOT / folder)
    for folder in (
        "boards/sim",
        "boards/parts",
        "firmware",
        "build/upy/modbus",
        "boards/sim/cpython",
    )
)
READ_40 = ["3", 7, 0x0100, 40]
READ_125 = ["3", 7, 0x1000, 125]
WRITE = ["write", 7, 0x0200, 0x1234]
T35_US = 1750
SOON_US = 1800  # after a request: t3.5, then a quick unit answers
HOST_US = 12_000  # what a busy host may add to the least of some times measured here
ROUNDS = 3


@dataclass(frozen=True)
class Outcome:
    """What the master printed, and what the slave heard."""

    events: list[str]
    results: list[dict[str, Any]]
    counters: dict[str, int]
    heard: list[Heard]


@pytest.fixture(params=["cpython", "micropython"])
def ask(
    request: pytest.FixtureRequest, need: Callable[[str], Path], tmp_path: Path
) -> Callable[..., Outcome]:
    """`ask(plan, requests)` runs a master against a slave that answers by `plan`."""
    if request.param == "micropython":
        command = [str(need("micropython")), str(MASTER)]
        environment = {"MICROPYPATH": micropython_path()}
    else:
        command = [sys.executable, str(MASTER)]
        environment = {"PYTHONPATH": CPYTHON_PATH}

    def run(
        plan: Callable[[int, bytes], Parts],
        requests: list[list[Any]],
        *,
        baud: int = 115200,
        even: bool = False,
        reply_ms: tuple[int, int] = (200, 200),
    ) -> Outcome:
        with HostileSlave(plan, baud, 11 if even else 10) as slave:
            file = tmp_path / "plan.json"
            file.write_text(
                json.dumps(
                    {
                        "path": slave.path,
                        "baud": baud,
                        "format": [0 if even else None, 1],
                        "reply_ms": reply_ms,
                        "requests": requests,
                    }
                )
            )
            done = subprocess.run(
                [*command, str(file)],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=60,
                text=True,
            )
        assert done.returncode == 0, done.stdout
        said = json.loads(done.stdout)
        results = said["results"]
        events = [result["event"] for result in results]
        return Outcome(events, results, said["counters"], slave.heard)

    return run


def good(number: int, frame: bytes) -> Parts:
    return [(SOON_US, answer(frame))]


def least_us(outcomes: list[Outcome], name: str = "us") -> list[int]:
    """Of each request its shortest time: the link is late every time, a busy host now and then."""
    every = [[result[name] for result in outcome.results] for outcome in outcomes]
    return [min(times) for times in zip(*every, strict=True)]


def values_of(request: list[Any]) -> list[int]:
    return [register_value(request[2] + index) for index in range(request[3])]


def test_r01_a_slow_answer_is_waited_for(ask) -> None:
    outcome = ask(
        lambda number, frame: [(250_000, answer(frame))],
        [READ_125],
        baud=19200,
        even=True,
        reply_ms=(50, 1000),
    )
    assert outcome.events == ["REPLY"]
    assert outcome.results[0]["values"] == values_of(READ_125)


def test_r01_the_window_is_a_parameter(ask) -> None:
    outcomes = [
        ask(lambda number, frame: [], [READ_40, READ_40], reply_ms=(60, 60)) for _ in range(ROUNDS)
    ]
    for outcome in outcomes:
        assert outcome.events == ["TIMED_OUT", "TIMED_OUT"]
    least = least_us(outcomes)
    assert min(least) >= 60_000
    assert max(least) <= 60_000 + 10_100 + HOST_US  # request, 85 characters of the answer, slack


def test_r02_the_line_is_silent_before_every_request(ask) -> None:
    def plan(number: int, frame: bytes) -> Parts:
        if number == 2:
            return []
        if number == 4:
            return [(SOON_US, b"\xff"), (SOON_US + 5000, answer(frame))]
        return good(number, frame)

    outcome = ask(plan, [READ_40] * 8, reply_ms=(40, 40))
    assert outcome.events[2:6] == ["TIMED_OUT", "REPLY", "GARBLED", "REPLY"]
    assert len(outcome.heard) == 8
    assert min(heard.silence_us for heard in outcome.heard) >= T35_US
    # and a bad answer is heard to its end first
    assert outcome.heard[5].silence_us > 20_000


def test_r03_a_lost_byte_does_not_cost_the_window(ask) -> None:
    def plan(number: int, frame: bytes) -> Parts:
        return (
            [(SOON_US, answer(frame)[:30] + answer(frame)[31:])] if number == 0 else good(0, frame)
        )

    outcomes = [ask(plan, [READ_40, READ_40], reply_ms=(1000, 1000)) for _ in range(ROUNDS)]
    for outcome in outcomes:
        assert outcome.events == ["GARBLED", "REPLY"]
        assert outcome.results[1]["values"] == values_of(READ_40)
    assert least_us(outcomes)[0] < 60_000  # 10 ms on the wire, 31 ms of silence


def test_r03_a_noise_byte_in_front(ask) -> None:
    def plan(number: int, frame: bytes) -> Parts:
        return [(SOON_US, b"\x00" + answer(frame))] if number == 0 else good(0, frame)

    for request in (READ_40, WRITE):
        outcome = ask(plan, [request, READ_40])
        assert outcome.events == ["GARBLED", "REPLY"]
        # not before the slave has ended
        assert outcome.heard[1].silence_us >= T35_US


def test_r04_function_and_byte_count_are_checked(ask) -> None:
    def plan(number: int, frame: bytes) -> Parts:
        data = answer(frame)[3:-2]
        wrong = (
            frame[:1] + b"\x04" + bytes([len(data)]) + data,  # another function
            frame[:2] + bytes([len(data) - 2]) + data,  # byte count of another block
            b"\x08" + frame[1:2] + bytes([len(data)]) + data,  # another unit
            frame[:2] + b"\x02" + data[:2],  # a shorter answer
            frame[:2] + bytes([len(data) + 2]) + data + b"\0\0",  # a longer one
        )
        return [(SOON_US, sealed(wrong[number]))]

    outcome = ask(plan, [READ_40] * 5)
    assert outcome.events == ["GARBLED"] * 5
    assert outcome.counters["replies"] == 0


def test_r04_a_write_is_confirmed_by_its_own_echo_only(ask) -> None:
    def plan(number: int, frame: bytes) -> Parts:
        if number == 0:
            return good(number, frame)
        other = bytearray(frame[:6])
        other[number + 1] ^= 1
        return [(SOON_US, sealed(bytes(other)))]

    outcome = ask(plan, [READ_40, WRITE, WRITE, WRITE, WRITE])
    assert outcome.events == ["REPLY"] + ["GARBLED"] * 4


def test_r04_a_late_answer_of_the_same_size_is_dropped_on_an_idle_line(ask) -> None:
    def plan(number: int, frame: bytes) -> Parts:
        return [(90_000, answer(frame))] if number == 0 else good(number, frame)

    later = ["3", 7, 0x0900, 40, 120]  # asked 120 ms after the first one's deadline
    outcome = ask(plan, [READ_40, later], reply_ms=(40, 40))
    assert outcome.events == ["TIMED_OUT", "REPLY"]
    assert outcome.results[1]["values"] == values_of(later)
    assert outcome.counters["late"] == 1


def test_r05_every_byte_of_the_check_sum_counts(ask) -> None:
    def plan(number: int, frame: bytes) -> Parts:
        data = bytearray(answer(frame))
        data[-1 - number % 2] ^= 1 << number // 2
        return [(SOON_US, bytes(data))]

    outcome = ask(plan, [["3", 7, 5, 1]] * 16, reply_ms=(50, 50))
    assert outcome.events == ["GARBLED"] * 16


def test_r06_answers_of_a_few_bytes(ask) -> None:
    def plan(number: int, frame: bytes) -> Parts:
        return [(SOON_US, answer(frame)[:number] or b"\xff")] if number < 6 else good(0, frame)

    outcome = ask(plan, [READ_40] * 7)
    assert outcome.events == ["GARBLED"] * 6 + ["REPLY"]


def test_r06_exception_answers_keep_their_code(ask) -> None:
    def plan(number: int, frame: bytes) -> Parts:
        return [(SOON_US, sealed(bytes([frame[0], frame[1] | 0x80, number + 1])))]

    requests = [READ_40, WRITE, READ_125]
    outcomes = [ask(plan, requests, reply_ms=(1000, 1000)) for _ in range(ROUNDS)]
    for outcome in outcomes:
        assert outcome.events == ["REFUSED"] * 3
        assert [result["code"] for result in outcome.results] == [1, 2, 3]
    assert max(least_us(outcomes)) < 5_000 + HOST_US


def test_r07_a_port_needs_no_pins(ask) -> None:
    # the link takes any port that is ready; see tests/shared/boards for machine.UART itself
    outcome = ask(good, [READ_40], baud=9600)
    assert outcome.events == ["REPLY"]


def test_r08_nothing_is_allocated_for_a_request(ask) -> None:
    # rtu_master.py locks the heap from `send` to the event where there is a lock
    outcome = ask(good, [READ_125, WRITE, READ_40, READ_125])
    assert outcome.events == ["REPLY"] * 4


def test_r09_a_broadcast_awaits_no_answer(ask) -> None:
    def plan(number: int, frame: bytes) -> Parts:
        return good(number, frame) if frame[0] else []

    requests = [READ_40, ["write", 0, 0x0200, 1], READ_40]
    outcomes = [ask(plan, requests) for _ in range(ROUNDS)]
    for outcome in outcomes:
        assert outcome.events == ["REPLY"] * 3
    assert least_us(outcomes)[1] < 700 + HOST_US
    assert 100_000 <= least_us(outcomes, "cycle_us")[1] <= 101_000 + HOST_US


def with_echo(plan: Callable[[int, bytes], Parts]) -> Callable[[int, bytes], Parts]:
    """As heard through an adapter that echoes: the request itself comes first."""
    wire_us = 8 * 10_000_000 // 115200
    return lambda number, frame: [(-wire_us, frame), *plan(number, frame)]


def test_r09_an_echo_is_dropped(ask) -> None:
    outcome = ask(with_echo(good), [READ_125, WRITE, READ_40, WRITE])
    assert outcome.events == ["REPLY"] * 4
    assert outcome.results[2]["values"] == values_of(READ_40)


def test_r09_an_echo_alone_confirms_no_write(ask) -> None:
    def plan(number: int, frame: bytes) -> Parts:
        return good(number, frame) if frame[1] == 3 else []

    outcome = ask(with_echo(plan), [WRITE, READ_40, WRITE, READ_40])
    assert outcome.events == ["TIMED_OUT", "REPLY", "TIMED_OUT", "REPLY"]
