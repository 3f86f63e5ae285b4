"""`gatewayctl` as a person meets it: help, one line for an error, honest exit status."""

from __future__ import annotations

import subprocess
import sys

import pytest

from host_tools import cli
from host_tools.errors import UserError
from host_tools.toolchain.paths import ROOT


def gatewayctl(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "host_tools", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)


def test_help_names_every_command() -> None:
    done = gatewayctl("--help")
    assert done.returncode == 0
    for command in (
        "run",
        "simulate",
        "site",
        "maps",
        "decode",
        "ingest",
        "monitor",
        "prooftest",
        "deploy",
        "doctor",
        "scan",
        "toolchain",
    ):
        assert f" {command} " in done.stdout


def test_the_command_line_itself_imports_nothing_heavy() -> None:
    heavy = {
        "pydantic",
        "pymodbus",
        "duckdb",
        "psycopg",
        "numpy",
        "amqtt",
        "requests",
        "rich.live",
        "asyncio",
    }
    code = "import sys, host_tools.cli; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert heavy & set(done.stdout.split()) == set()


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["nonsense"], "nonsense"),
        (["run", "--duration", "soon"], "--duration"),
        (["run", "--duration", "-1"], "--duration"),
        (["run", "--nonsense"], "--nonsense"),
        (["decode"], "sources"),
        (["ingest", "--broker", "nowhere"], "mqtt://HOST"),
        (["ingest", "--broker", "mqtt://h:x"], "mqtt://HOST"),
        (["ingest", "--ca", "ca.pem"], "mqtts://"),
        (["ingest", "--broker", "mqtts://h", "--ca", "no-such.pem"], "no-such.pem"),
        (["ingest", "--database", "mysql://h/x"], "mysql"),
        (["ingest", "--workers", "2"], "--workers 1"),
        (["ingest", "--group", "a/b"], "--group"),
        (["prooftest", "door"], "'door'"),
        (["prooftest", "rack"], "name of one rack"),
        (["prooftest", "--console", "nowhere"], "HOST:PORT"),
        (["prooftest", "--console", "127.0.0.1:1"], "refused; check that the gateway has power"),
        (["site", "check", "no-such-site"], "no-such-site"),
        (["simulate", "--rack", "3"], "--fault"),
    ],
)
def test_bad_input_is_one_line_and_status_2(arguments: list[str], word: str) -> None:
    done = gatewayctl(*arguments)
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("gatewayctl: ")
    assert word in lines[0]


def test_toolchain_prints_json() -> None:
    import json

    done = gatewayctl("toolchain", "--json")
    assert done.returncode == 0
    rows = json.loads(done.stdout)
    assert rows["MicroPython"].keys() == {"found", "note"}
    assert rows["CPython"]["found"] == sys.version.split()[0]


@pytest.fixture
def run_command(monkeypatch):
    """Puts something else in the place of `host_tools.run.command.main`."""
    import types

    def replace(main) -> None:
        module = types.ModuleType("host_tools.run.command")
        module.main = main
        package = types.ModuleType("host_tools.run")
        package.command = module
        monkeypatch.setitem(sys.modules, "host_tools.run", package)
        monkeypatch.setitem(sys.modules, "host_tools.run.command", module)

    return replace


def test_run_gets_what_was_typed_and_its_status_comes_back(run_command) -> None:
    calls = []

    def main(*arguments: object) -> int:
        calls.append(arguments)
        return 1

    run_command(main)
    options = [
        "--site",
        "a",
        "--scenario",
        "b",
        "--duration",
        "30",
        "--interpreter",
        "cpython",
        "--bus",
        "rtu",
    ]
    assert cli.main(["run", *options]) == 1
    assert calls == [("a", "b", 30, "cpython", "rtu")]


@pytest.mark.parametrize(("duration", "status"), [("0", 0), ("30", 130)])
def test_ctrl_c_ends_an_endless_run_well(run_command, duration: str, status: int) -> None:
    def main(*_: object) -> int:
        raise KeyboardInterrupt

    run_command(main)
    assert cli.main(["run", "--duration", duration]) == status


def test_a_user_error_is_its_line(run_command, capsys) -> None:
    def main(*_: object) -> int:
        raise UserError("site x: port 15021 is in use; stop what uses it")

    run_command(main)
    assert cli.main(["run"]) == 2
    assert capsys.readouterr().err == (
        "gatewayctl: site x: port 15021 is in use; stop what uses it\n"
    )
