"""Each known defect of micropython-modbus's TCP client (T1 to T13), provoked against the gateway.

A hostile server on a real socket; the gateway's link in a process of its own, on CPython and on
MicroPython.
"""

from __future__ import annotations

import ast
import json
import os
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hostile_tcp_server import (
    CLOSE,
    DeafListener,
    HostileServer,
    Script,
    framed,
    good,
    read_answer,
    refusal,
    values_at,
)

from host_tools.run.gateway_process import CPYTHON, MICROPYTHON, cpython, micropython
from host_tools.toolchain.paths import ROOT

CLIENT = Path(__file__).with_name("tcp_defect_client.py")
TIMEOUT_MS = 250
LATE_S = 0.35
READ = ["read", 1, 3, 0x1000, 10]
ELSEWHERE = ["read", 1, 3, 0x2000, 10]

Run = Callable[..., dict[str, Any]]


@pytest.fixture(params=[CPYTHON, MICROPYTHON])
def run(request: pytest.FixtureRequest, need: Callable[[str], Path]) -> Run:
    """`run(port, step, ...)` gives the client's report."""
    interpreter = cpython() if request.param == CPYTHON else micropython(need("micropython"))

    def run_client(port: int, *steps: list[Any], transaction: int = 0) -> dict[str, Any]:
        plan = {
            "port": port,
            "timeout_ms": TIMEOUT_MS,
            "connect_timeout_ms": 500,
            "transaction": transaction,
            "steps": steps,
        }
        done = subprocess.run(
            [*interpreter.command, str(CLIENT)],
            input=json.dumps(plan),
            env=os.environ | interpreter.environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        report: dict[str, Any] = json.loads(done.stdout)
        return report

    return run_client


def serve(run: Run, script: Script, *steps: list[Any], transaction: int = 0):
    """(client's report, server) after the steps of the plan."""
    with HostileServer(script) as server:
        report = run(server.port, *steps, transaction=transaction)
    return report, server


def always_good(number: int, frame: bytes) -> list[bytes]:
    return [good(frame)]


def first(*actions: Callable[[bytes], Any]) -> Script:
    """The n-th request gets the n-th of `actions`, all later ones a good answer."""

    def script(number: int, frame: bytes) -> list[Any]:
        return actions[number](frame) if number < len(actions) else [good(frame)]

    return script


def registers(answer: dict[str, Any]) -> list[int]:
    data = answer["data"]
    return [data[index] << 8 | data[index + 1] for index in range(0, len(data), 2)]


def events(report: dict[str, Any]) -> list[str]:
    return [answer["event"] for answer in report["answers"]]


def assert_right(answer: dict[str, Any], step: list[Any]) -> None:
    assert answer["event"] == "REPLY", answer
    assert registers(answer) == values_at(step[3], step[4])


@pytest.mark.parametrize("count", [123, 124, 125])
def test_t01_answers_of_up_to_125_registers_are_whole(run: Run, count: int) -> None:
    steps = [["read", 1, function, 0x1000, count] for function in (3, 4, 3)]
    report, server = serve(run, always_good, *steps)
    for answer, step in zip(report["answers"], steps, strict=True):
        assert_right(answer, step)
    assert server.connections == 1


def test_t02_an_answer_in_several_segments_is_put_together(run: Run) -> None:
    def script(number: int, frame: bytes) -> list[Any]:
        answer = good(frame)
        if number == 0:  # byte by byte
            return [part for byte in answer for part in (bytes([byte]), 0.001)]
        return [answer[: number * 3], 0.01, answer[number * 3 :]]

    report, server = serve(run, script, *[READ, ELSEWHERE] * 5)
    for answer, step in zip(report["answers"], [READ, ELSEWHERE] * 5, strict=True):
        assert_right(answer, step)
    assert (report["losses"], server.connections) == (0, 1)


def test_t02_several_answers_in_one_segment_are_taken_apart(run: Run) -> None:
    held: list[bytes] = []

    def hold(frame: bytes) -> list[bytes]:
        held.append(good(frame))
        return []

    script = first(hold, lambda frame: [held[0] + good(frame)])
    report, _ = serve(run, script, READ, ELSEWHERE, READ)
    assert events(report) == ["TIMED_OUT", "REPLY", "REPLY"]
    assert_right(report["answers"][1], ELSEWHERE)
    assert_right(report["answers"][2], READ)


@pytest.mark.parametrize("cut", range(1, 9))
def test_t03_a_header_in_two_segments_is_put_together(run: Run, cut: int) -> None:
    script = first(lambda frame: [good(frame)[:cut], 0.02, good(frame)[cut:]])
    report, _ = serve(run, script, READ, ELSEWHERE)
    assert_right(report["answers"][0], READ)
    assert_right(report["answers"][1], ELSEWHERE)


@pytest.mark.parametrize("cut", [0, 3, 8, 12])
def test_t03_a_close_within_the_answer_is_a_lost_connection(run: Run, cut: int) -> None:
    script = first(lambda frame: [good(frame)[:cut], CLOSE])
    report, server = serve(run, script, READ, ELSEWHERE)
    assert events(report) == ["LOST", "REPLY"]
    assert report["answers"][0]["reason"] == "closed by the peer"
    assert_right(report["answers"][1], ELSEWHERE)
    assert server.connections == 2


def test_t04_transaction_ids_wrap_at_16_bits(run: Run) -> None:
    report, server = serve(run, always_good, *[READ] * 6, transaction=0xFFFC)
    assert events(report) == ["REPLY"] * 6
    ids = [int.from_bytes(frame[:2], "big") for frame in server.frames]
    assert ids == [0xFFFD, 0xFFFE, 0xFFFF, 0, 1, 2]
    assert server.connections == 1


def test_t05_a_late_answer_is_dropped_and_the_connection_stays_in_step(run: Run) -> None:
    script = first(lambda frame: [LATE_S, good(frame)])
    steps = [READ, ELSEWHERE, READ, ELSEWHERE]
    report, server = serve(run, script, *steps)
    assert events(report) == ["TIMED_OUT", "REPLY", "REPLY", "REPLY"]
    for answer, step in zip(report["answers"][1:], steps[1:], strict=True):
        assert_right(answer, step)
    assert (report["late"], report["losses"], server.connections) == (1, 0, 1)


def test_t05_a_late_answer_between_two_requests_is_dropped(run: Run) -> None:
    script = first(lambda frame: [LATE_S, good(frame)])
    report, _ = serve(run, script, READ, ["pause", 300], ELSEWHERE)
    assert events(report) == ["TIMED_OUT", "PAUSE", "REPLY"]
    assert_right(report["answers"][2], ELSEWHERE)
    assert (report["late"], report["losses"]) == (1, 0)


def test_t05_the_third_silence_in_a_row_makes_a_new_connection(run: Run) -> None:
    script = first(*[lambda frame: []] * 3)
    report, server = serve(run, script, *[READ] * 4)
    assert events(report) == ["TIMED_OUT", "TIMED_OUT", "LOST", "REPLY"]
    assert "no answer to 3 requests" in report["answers"][2]["reason"]
    assert (report["timeouts"], server.connections) == (3, 2)


def test_t06_connecting_has_a_deadline_and_does_not_block(run: Run) -> None:
    with DeafListener() as port:
        report = run(port, ["connect"])
    assert report["answers"][0]["event"] == "LOST"
    assert report["answers"][0]["reason"] == "connect timed out"
    assert report["slowest_ms"] < 200
    assert report["answers"][0]["wakes"] < 100  # asleep while the connection is being made


def test_t06_a_server_that_is_away_is_tried_again(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    report = run(port, READ)
    assert report["answers"][0]["event"] == "CLOSED"
    assert "connect failed" in report["answers"][0]["reason"]
    assert 4 <= report["losses"] <= 30  # 3 s of attempts with growing pauses


def test_t06_after_a_close_the_link_comes_back(run: Run) -> None:
    script = first(*[lambda frame: [good(frame), CLOSE]] * 3)
    steps = [READ, ["pause", 100], ELSEWHERE, ["pause", 100], READ, ["pause", 100], ELSEWHERE]
    report, server = serve(run, script, *steps)
    for answer, step in zip(report["answers"][::2], steps[::2], strict=True):
        assert_right(answer, step)
    assert (report["losses"], server.connections) == (3, 4)


def test_t06_a_closed_connection_wakes_nobody_any_more(run: Run) -> None:
    script = first(lambda frame: [CLOSE], lambda frame: [])
    report, _ = serve(run, script, READ, READ)
    assert events(report) == ["LOST", "TIMED_OUT"]
    assert report["answers"][1]["wakes"] < 30


def test_t07_the_exception_code_arrives_and_the_connection_stays(run: Run) -> None:
    codes = (1, 2, 3, 4, 5, 6, 8, 10, 11)
    script = first(*[lambda frame, code=code: [refusal(frame, code)] for code in codes])
    report, server = serve(run, script, *[READ] * len(codes), ELSEWHERE)
    assert [answer.get("code") for answer in report["answers"]] == [*codes, None]
    assert events(report) == ["REFUSED"] * len(codes) + ["REPLY"]
    assert_right(report["answers"][-1], ELSEWHERE)
    assert (report["losses"], server.connections) == (0, 1)


def spoil(at: int, value: int) -> Callable[[bytes], list[bytes]]:
    """A good answer with one byte changed."""

    def actions(frame: bytes) -> list[bytes]:
        answer = bytearray(good(frame))
        answer[at] = value
        return [bytes(answer)]

    return actions


MISFITS = {
    "function and quantity": (lambda frame: [framed(frame, b"\1\4\4\0\7\0\x08")], "function 4"),
    "function": (spoil(7, 4), "function 4"),
    "unit": (spoil(6, 9), "unit 9"),
    "byte count": (spoil(8, 18), "byte count"),
    "quantity": (lambda frame: [read_answer(frame, bytes(18))], "27 bytes instead of 29"),
    "more than asked": (lambda frame: [read_answer(frame, bytes(22))], "31 bytes instead of 29"),
    "protocol id": (spoil(3, 1), "protocol id"),
    "length of 0": (spoil(5, 0), "not a Modbus TCP frame"),
    "length of 65 k": (spoil(4, 255), "not a Modbus TCP frame"),
    "transaction id": (spoil(0, 0x77), "no request of ours"),
    "another exception": (lambda frame: [framed(frame, b"\1\x84\2")], "function 132"),
    "no Modbus": (lambda frame: [b"HTTP/1.1 400 Bad Request\r\n\r\n"], "not a Modbus TCP frame"),
}


@pytest.mark.parametrize("misfit", MISFITS)
def test_t08_what_does_not_fit_closes_the_connection(run: Run, misfit: str) -> None:
    action, reason = MISFITS[misfit]
    report, server = serve(run, first(action), READ, ELSEWHERE)
    assert events(report) == ["LOST", "REPLY"]
    assert reason in report["answers"][0]["reason"]
    assert_right(report["answers"][1], ELSEWHERE)
    assert server.connections == 2


@pytest.mark.parametrize("function", [1, 2])
def test_t09_bits_are_read_lowest_address_first(run: Run, function: int) -> None:
    # 0, 3 and 8 are on; the padding is garbage and stays out
    script = first(lambda frame: [read_answer(frame, b"\x09\xfd")])
    report, server = serve(run, script, ["read", 1, function, 0, 10])
    assert server.frames[0][7:] == bytes([function, 0, 0, 0, 10])
    data = report["answers"][0]["data"]
    assert [index for index in range(10) if data[index >> 3] >> (index & 7) & 1] == [0, 3, 8]


def test_t09_coils_are_written_lowest_address_first(run: Run) -> None:
    ten = [1, 0, 1, 1, 0, 0, 1, 1, 1, 0]  # the example of the specification
    steps = [["coils", 1, 0, [1] + [0] * 7], ["coils", 1, 19, ten], ["coil", 1, 0, True]]
    report, server = serve(run, always_good, *steps)
    assert events(report) == ["REPLY"] * 3
    assert server.frames[0][7:].hex() == "0f0000000801" + "01"
    assert server.frames[1][7:].hex() == "0f0013000a02" + "cd01"
    assert server.frames[2][7:].hex() == "050000ff00"


def library_calls() -> set[str]:
    """Names of umodbus that the firmware uses."""
    used = set()
    for path in (ROOT / "firmware").rglob("*.py"):
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("umodbus"):
                used |= {f"{node.module}.{alias.name}" for alias in node.names}
            elif isinstance(node, ast.Import):
                used |= {each.name for each in node.names if each.name.startswith("umodbus")}
            elif (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id == "functions"
            ):
                used.add(f"functions.{node.attr}")
    return used


def test_t09_t10_no_mirrored_or_signed_function_of_the_library_is_used() -> None:
    used = library_calls()
    assert "functions.read_holding_registers" in used  # the search does find
    forbidden = ("coils", "discrete", "to_bool", "response", "validate", "to_short")
    assert [name for name in used if any(word in name for word in forbidden)] == []
    assert not any(name.startswith(("umodbus.tcp", "umodbus.serial")) for name in used)


@pytest.mark.parametrize("value", [0, 32767, 32768, 40000, 65535])
def test_t10_unsigned_values_are_written_and_confirmed(run: Run, value: int) -> None:
    steps = [["register", 1, 0x100, value], ["registers", 1, 0x100, [value, value]]]
    report, server = serve(run, always_good, *steps)
    assert events(report) == ["REPLY", "REPLY"]
    assert server.frames[0][10:] == value.to_bytes(2, "big")
    assert server.frames[1][13:] == value.to_bytes(2, "big") * 2


def test_t10_unsigned_values_are_read(run: Run) -> None:
    script = first(lambda frame: [read_answer(frame, b"\x9c\x40\xff\xff")])
    report, _ = serve(run, script, ["read", 1, 3, 0, 2])
    assert registers(report["answers"][0]) == [40000, 65535]


def test_t11_a_request_is_one_segment_and_costs_no_heap(run: Run) -> None:
    report, server = serve(run, always_good, ["heap", "read", 1, 3, 0x1000, 60])
    assert report["answers"][0]["bytes"] == 0
    assert set(server.segments) <= {12}


def test_t11_what_cannot_be_sent_is_no_request(run: Run) -> None:
    # a server that reads nothing more: its answer to the first request comes after the test
    with socket.create_server(("127.0.0.1", 0)) as listener:
        report = run(listener.getsockname()[1], ["jam"], READ)
    assert events(report) == ["JAMMED", "LOST"]
    assert report["answers"][1]["reason"] == "send buffer full"


def test_t12_nothing_blocks_and_everything_is_counted(run: Run) -> None:
    script = first(
        lambda frame: [],
        lambda frame: [refusal(frame, 6)],
        lambda frame: [CLOSE],
    )
    report, _ = serve(run, script, *[READ] * 4)
    assert events(report) == ["TIMED_OUT", "REFUSED", "LOST", "REPLY"]
    assert report["answers"][0]["ms"] in range(TIMEOUT_MS, TIMEOUT_MS + 300)
    assert report["answers"][0]["wakes"] < 30  # asleep while nothing comes
    assert report["slowest_ms"] < 200
    counted = [report[name] for name in ("replies", "timeouts", "refusals", "losses", "late")]
    assert counted == [1, 1, 1, 1, 0]


def test_t12_units_behind_one_address_share_its_connection(run: Run) -> None:
    steps = [["read", unit, 3, 0x1000, 10] for unit in (1, 2, 247, 1)]
    script = first(lambda frame: [good(frame)], lambda frame: [refusal(frame, 11)])
    report, server = serve(run, script, *steps)
    assert events(report) == ["REPLY", "REFUSED", "REPLY", "REPLY"]
    assert [frame[6] for frame in server.frames] == [1, 2, 247, 1]
    assert server.connections == 1


ECHOES = {
    "coil": (["coil", 1, 5, True], "0500051234"),
    "coil by one": (["coil", 1, 5, True], "0500050001"),
    "coil on for off": (["coil", 1, 5, False], "050005ff00"),
    "coil elsewhere": (["coil", 1, 5, True], "050006ff00"),
    "register": (["register", 1, 5, 40000], "0600059c41"),
    "registers": (["registers", 1, 5, [1, 2]], "1000050001"),
    "coils": (["coils", 1, 5, [1, 0, 1]], "0f00050004"),
}


@pytest.mark.parametrize("name", ECHOES)
def test_t13_an_echo_counts_byte_by_byte(run: Run, name: str) -> None:
    step, echo = ECHOES[name]
    script = first(lambda frame: [framed(frame, b"\1" + bytes.fromhex(echo))])
    report, _ = serve(run, script, step, step)
    assert events(report) == ["LOST", "REPLY"]
    assert "echo" in report["answers"][0]["reason"]
