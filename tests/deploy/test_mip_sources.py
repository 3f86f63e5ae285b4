"""The packages of sources through mpremote's own mip; the board is a folder."""

from __future__ import annotations

import io
import json
import os
import subprocess
import urllib.request
from collections.abc import Callable
from email.message import Message
from pathlib import Path
from urllib.response import addinfourl

import pytest
from mpremote import mip
from web_server import web_server

from host_tools.cli import main
from host_tools.deploy import program
from host_tools.toolchain.interpreter import locate
from host_tools.toolchain.paths import ROOT, UPY_PACKAGES

GITHUB = "https://raw.githubusercontent.com/"
UMODBUS = GITHUB + "brainelectronics/micropython-modbus/2.3.7/"
UMODBUS_FILES = (
    *("__init__", "common", "const", "functions", "modbus", "serial", "tcp", "typing", "version"),
)
WRITES_A_FRAME = (
    "from umodbus import functions\n"
    "import logging\n"
    "from gateway import app\n"
    "print(app.__file__, functions.read_holding_registers(1, 2) == bytes([3, 0, 1, 0, 2]))\n"
)


class Folder:
    """What mip asks of a board."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def fs_exists(self, name: str) -> bool:
        return Path(name).exists()

    def fs_mkdir(self, name: str) -> None:
        Path(name).mkdir()

    def fs_writefile(self, name: str, data: bytes, progress_callback: object) -> None:
        Path(name).write_bytes(data)

    def fs_hashfile(self, name: str, kind: str) -> bytes:
        raise FileNotFoundError(name)


class Mirror(urllib.request.BaseHandler):
    """The address of umodbus' release, which has a list of its files beside them."""

    handler_order = 100  # before the one that would ask the network

    def https_open(self, request: urllib.request.Request) -> addinfourl:
        url = request.full_url
        assert url.startswith(UMODBUS), url
        name = url.removeprefix(UMODBUS)
        if name == "package.json":
            base = "github:brainelectronics/micropython-modbus/umodbus/"
            urls = [[f"umodbus/{each}.py", f"{base}{each}.py"] for each in UMODBUS_FILES]
            content = json.dumps({"urls": urls, "deps": [], "version": "2.3.7"}).encode()
        else:
            content = (UPY_PACKAGES / "modbus" / name).read_bytes()
        answer = addinfourl(io.BytesIO(content), Message(), url, 200)
        answer.msg = "OK"  # what urllib reads of every answer
        return answer


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    opener = urllib.request.build_opener(Mirror)
    monkeypatch.setattr(urllib.request, "_opener", opener)


def starts(folder: Path, tmp_path: Path) -> None:
    """MicroPython imports the gateway from there, and all that it needs."""
    script = tmp_path / "start.py"
    script.write_text(WRITES_A_FRAME)
    found = locate()
    assert found is not None
    path = f"{folder}:.frozen"
    done = subprocess.run(
        [str(found.path), str(script)],
        env=os.environ | {"MICROPYPATH": path},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.split() == [f"{folder}/gateway/app.py", "True"], done.stderr


def installed(install: Callable[[Folder, str], None], tmp_path: Path) -> Path:
    target = tmp_path / "lib"
    target.mkdir()
    install(Folder(target), str(target))
    return target


@pytest.mark.usefixtures("mirror")
def test_the_package_in_the_tree_brings_all_that_the_gateway_imports(tmp_path: Path) -> None:
    index = tmp_path / "index"
    logging = index / "package" / "py" / "logging"
    logging.mkdir(parents=True)
    source = UPY_PACKAGES / "logging" / "logging" / "__init__.py"
    (index / "file" / "00").mkdir(parents=True)
    (index / "file" / "00" / "00112233").write_bytes(source.read_bytes())
    hashes = {"version": "0.6.1", "hashes": [["logging/__init__.py", "00112233"]]}
    (logging / "latest.json").write_text(json.dumps(hashes))

    def install(board: Folder, target: str) -> None:
        with web_server(index) as pi, web_server(ROOT / "firmware") as address:
            package = f"{address}/package.json"
            mip._install_package(board, package, pi, target, None, False)

    target = installed(install, tmp_path)
    for name, path in program.firmware_sources():
        assert (target / name).read_bytes() == path.read_bytes()
    starts(target, tmp_path)


def test_a_folder_of_sources_needs_no_other_server(tmp_path: Path) -> None:
    out = tmp_path / "served"
    assert main(["package", "--out", str(out)]) == 0

    def install(board: Folder, target: str) -> None:
        with web_server(out) as address:
            mip._install_package(board, f"{address}/package.json", "", target, None, False)

    starts(installed(install, tmp_path), tmp_path)
