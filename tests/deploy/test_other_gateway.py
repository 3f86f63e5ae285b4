"""A cable in the next cabinet: nothing is written to a gateway that the site file is not for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cable_end import at_cable
from one_rack import on_a_line

from gateway.northbound.cable_console import ETX
from host_tools.cli import main

SITE = f'site = "demo"\ngateway = "gw-a"\n{on_a_line()}'
COMMANDS = (["deploy"], ["provision"])


@pytest.fixture(params=COMMANDS, ids=lambda words: str(words[0]))
def words(request: pytest.FixtureRequest, tmp_path: Path) -> list[str]:
    site = tmp_path / "site.toml"
    site.write_text(SITE)
    folder = ["--folder", str(tmp_path / "devices")] if request.param == ["provision"] else []
    return [*request.param, "--board", "qemu_mps2", "--site", str(site), *folder]


def running(gateway: str, site: str = "demo") -> bytes:
    racks = [{"relay": 1, "current_da": -1200}]
    status = {"mode": "run", "version": "1", "site": site, "gateway": gateway, "racks": racks}
    return f"{ETX}status {json.dumps(status)}\n".encode()


def end(words: list[str], answer: bytes, capsys: pytest.CaptureFixture[str]) -> str:
    with at_cable(answer, b"status\n") as port:
        assert main([*words, "--port", port]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    return error


@pytest.mark.parametrize(("gateway", "site"), [("gw-b", "demo"), ("gw-a", "other")])
def test_it_is_refused_whoever_says_yes(
    words: list[str],
    gateway: str,
    site: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    error = end([*words, "--yes"], running(gateway, site), capsys)
    assert f": {gateway} of site {site} runs there, and " in error
    assert "is for gw-a of site demo: check into which cabinet the cable goes; --rename" in error
    assert not (tmp_path / "devices" / "gw-a" / "device.key").exists()


@pytest.mark.parametrize(
    ("options", "gateway"), [([], "gw-a"), (["--rename"], "gw-b")], ids=["same", "renamed"]
)
def test_who_is_stopped_is_named(
    words: list[str], options: list[str], gateway: str, capsys: pytest.CaptureFixture[str]
) -> None:
    error = end([*words, *options], running(gateway), capsys)
    assert f"{gateway} of site demo runs there: 1 of 1 racks are closed, 120 A flow." in error
    assert "--yes goes on" in error
