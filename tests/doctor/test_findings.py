"""What the doctor makes of a gateway's answers, and of a gateway in safe mode."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from typing import Any

import pytest

from gateway.northbound.console import Console
from host_tools.doctor import command
from host_tools.doctor.findings import BAD, GOOD, LOOK, findings
from host_tools.monitor.console_client import ConsoleClient
from host_tools.toolchain.paths import ROOT

REPORT: dict[str, Any] = {
    "unique_id": "1",
    "interpreter": "micropython 1.29.0",
    "board_problems": [],
    "slot": "slot_a",
    "kept": True,
    "flash": {"formatted": False, "error": ""},
    "rtc": {"fitted": True, "utc_ms": 1790000000000, "error": ""},
    "relays": 8,
    "inputs": [1, 0],
    "heap": {"used": 1000, "free": 9000},
}
STATUS: dict[str, Any] = {
    "mode": "run",
    "reason": "",
    "version": "0.1.0",
    "uptime_ms": 5000,
    "self_check": "",
    "clock": {
        "quality": 2,
        "deviation_pm": 0,
        "sync": {"server": "", "age_s": None, "reason": ""},
    },
    "config": {"crc": "0", "problem": ""},
    "interlocks": {},
    "buses": [{"name": "b", "replies": 999, "timeouts": 1, "garbled": 0, "reason": ""}],
    "racks": [],
    "telemetry": {"write_errors": 0, "corrupt": 0},
    "uplink": {"state": "up", "messages": 3},
    "counters": {"relay_errors": 0},
}
SAFE = {"mode": "safe", "reason": "config.json is missing", "version": "0.1.0", "uptime_ms": 1}


def states(status: dict[str, Any], report: dict[str, Any]) -> dict[str, str]:
    return {each.part: each.state for each in findings(status, report)}


def test_a_gateway_in_order_has_only_good_parts() -> None:
    assert set(states(STATUS, REPORT).values()) == {GOOD}


@pytest.mark.parametrize(
    ("part", "state", "status", "report"),
    [
        ("flash", BAD, {}, {"flash": {"formatted": False, "error": "[Errno 5] EIO"}}),
        ("flash", LOOK, {}, {"flash": {"formatted": True, "error": ""}}),
        ("flash", LOOK, {"telemetry": {"write_errors": 2, "corrupt": 0}}, {}),
        ("rtc", BAD, {}, {"rtc": {"fitted": True, "utc_ms": 0, "error": "no answer"}}),
        ("rtc", LOOK, {}, {"rtc": {"fitted": True, "utc_ms": 0, "error": ""}}),
        ("board", BAD, {}, {"board_problems": ["no network: no such chip"]}),
        ("memory", LOOK, {}, {"heap": {"used": 9500, "free": 500}}),
        ("program", LOOK, {}, {"kept": False}),
        ("program", LOOK, {"counters": {"relay_errors": 0, "stalls": 2}}, {}),
        ("time", BAD, {"clock": STATUS["clock"] | {"quality": 0}}, {}),
        ("relays", BAD, {"counters": {"relay_errors": 4}}, {}),
        ("relays", BAD, {"relay_fault": "output 2 does not follow its orders"}, {}),
        ("relays", LOOK, {"counters": {"relay_errors": 0, "relay_retries": 2}}, {}),
        ("bus b", BAD, {"buses": [STATUS["buses"][0] | {"replies": 0}]}, {}),
        ("bus b", LOOK, {"buses": [STATUS["buses"][0] | {"timeouts": 100}]}, {}),
        ("rack", BAD, {"escalated": True}, {}),
        ("broker", BAD, {"uplink": {"state": "down", "reason": "refused"}}, {}),
        ("broker", GOOD, {"uplink": {"state": "off"}}, {}),
    ],
)
def test_one_part_that_is_not(
    part: str, state: str, status: dict[str, Any], report: dict[str, Any]
) -> None:
    found = [each for each in findings(STATUS | status, REPORT | report) if each.part == part]
    assert state in {each.state for each in found}
    others = findings(STATUS | status, REPORT | report)
    assert {each.state for each in others if each.part != part} == {GOOD}


def test_a_limit_that_rises_by_itself_is_nothing_to_look_at() -> None:
    rising = {
        "name": "rack01", "quality": "good", "level": 0, "rule": "", "latched": False, "relay": 1,
        "contactor": 1, "charge_by": "ramp", "discharge_by": "ramp",
    }  # fmt: skip
    for changed, state in (
        ({}, GOOD),
        ({"contactor": 0}, LOOK),
        ({"level": 1, "rule": "x"}, LOOK),
    ):
        found = findings(STATUS | {"racks": [rising | changed]}, REPORT)
        assert [each.state for each in found if each.part == "rack"] == [state]


def test_safe_mode_names_its_reason_and_guesses_nothing() -> None:
    found = findings(SAFE, REPORT)
    assert found[0].text == "safe mode, relays open: config.json is missing"
    assert not {each.part for each in found} & {"time", "broker", "relays"}


async def _listen(handler: Any, port: int) -> asyncio.Server:
    return await asyncio.start_server(handler, "127.0.0.1", port)


def test_over_a_real_console(capsys: pytest.CaptureFixture[str]) -> None:
    questions = {
        "status": lambda: STATUS,
        "selftest": lambda: REPORT | {"kept": False},
        "log": lambda: {"log": ["first", "second"]},
    }

    async def main() -> tuple[int, int]:
        console = Console(_listen, 0, questions, None)  # type: ignore[arg-type]
        await console.start()
        port = console._server.sockets[0].getsockname()[1]
        where = f"127.0.0.1:{port}"
        client = ConsoleClient("127.0.0.1", port)
        found = await asyncio.to_thread(command.main, client, where, False, True)
        client = ConsoleClient("127.0.0.1", port)
        show = command.LogLines(False)
        printed = await asyncio.to_thread(command.logs, client, where, show, False)
        console.close()
        return found, printed

    assert asyncio.run(main()) == (1, 0)
    report, *lines = capsys.readouterr().out.splitlines()
    found = json.loads(report)["findings"]
    assert [each["part"] for each in found if each["state"] != GOOD] == ["program"]
    assert lines == ["first", "second"]


def test_ctrl_c_at_the_question_about_a_relay_ends_the_command() -> None:
    """Nothing was moved, and nobody has to push Enter first."""
    closed = {
        "name": "rack01",
        "relay": 1,
        "level": 0,
        "quality": "good",
        "contactor": 1,
        "rule": "",
    }
    questions = {
        "status": lambda: STATUS | {"racks": [closed | {"latched": False}]},
        "selftest": lambda: REPORT,
    }

    async def main() -> tuple[int, bytes]:
        console = Console(_listen, 0, questions, None)  # type: ignore[arg-type]
        await console.start()
        port = console._server.sockets[0].getsockname()[1]
        ours, theirs = os.openpty()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "host_tools", "doctor", "--relays"),
            *("--console", f"127.0.0.1:{port}"),
            cwd=ROOT,
            stdin=theirs,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stderr is not None
        told = b""
        while b"Go on?" not in told:
            told += await process.stderr.read(64) or b"Go on? never came"
        process.send_signal(signal.SIGINT)
        rest = await process.stderr.read()
        for end in (ours, theirs):
            os.close(end)
        console.close()
        return await process.wait(), told + rest

    status, told = asyncio.run(main())
    assert status == 130
    assert b"never came" not in told and b"Traceback" not in told
