"""A real gateway process does not start from a configuration that is not what was built."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from whole_site import SMALL_SITE, WholeSite

from host_tools.errors import UserError
from host_tools.monitor.console_client import ConsoleClient, ConsoleError, Status
from host_tools.prooftest import command as prooftest
from host_tools.run import device_files, plan
from host_tools.run.gateway_process import GatewayProcess
from host_tools.simulate.field import Field
from host_tools.simulate.ports import HOST

Need = Callable[[str], Path]


@pytest.fixture
def whole_site(monkeypatch: pytest.MonkeyPatch) -> Iterator[WholeSite]:
    """Its ports and its folder; no racks and no broker are started."""
    site = WholeSite()
    monkeypatch.setenv("GATEWAYCTL_FIRST_PORT", str(site.first_port))
    site.folder.mkdir(parents=True, exist_ok=True)
    yield site
    site.clean_up()


@asynccontextmanager
async def gateway(
    made: plan.Plan, board: Path, relays: list[tuple[int, bool]]
) -> AsyncIterator[ConsoleClient]:
    """A gateway process at the end of a wire; `relays` gets every change."""
    field = Field(
        port=made.ports.wiring,
        relays=device_files.RELAYS,
        inputs=device_files.INPUTS,
        set_relay=lambda relay, on: relays.append((relay, on)),
        clock=lambda: 0,
    )
    process = GatewayProcess(made.interpreter, board, board.parent / "gateway.log")
    await field.start()
    client = ConsoleClient(HOST, made.ports.console)
    try:
        await process.start()
        yield client
    finally:
        client.close()
        await process.kill()
        await field.stop()


async def first_status(client: ConsoleClient) -> Status:
    for _ in range(100):
        try:
            return await client.ask("status")
        except ConsoleError:
            await asyncio.sleep(0.1)
    raise AssertionError("the gateway's console does not answer")


def start(whole_site: WholeSite, made: plan.Plan, board: Path) -> tuple[Status, str]:
    """(first status, what `gatewayctl prooftest` says of it); no relay may have moved."""

    async def run() -> tuple[Status, str]:
        relays: list[tuple[int, bool]] = []
        async with gateway(made, board, relays) as client:
            status = await first_status(client)
            try:
                address = (HOST, whole_site.ports.console)
                await asyncio.to_thread(prooftest.main, address, "list", "", True)
                said = ""
            except UserError as error:
                said = str(error)
        assert relays == []
        return status, said

    return asyncio.run(run())


@pytest.mark.parametrize("interpreter", ["micropython", "cpython"])
def test_one_changed_byte_or_a_missing_checksum_is_safe_mode(
    whole_site: WholeSite, need: Need, interpreter: str
) -> None:
    if interpreter == "micropython":
        need("micropython")
    made = plan.make(SMALL_SITE, "normal", 0, interpreter)
    board = device_files.write(whole_site.folder, made.tree, made.ports)
    config = whole_site.folder / "config" / device_files.CONFIG
    checksum = config.with_suffix(".crc")
    good = config.read_bytes()
    set_point = b'"set": 3650'
    assert good.count(set_point) > 0
    config.write_bytes(good.replace(set_point, b'"set": 3651', 1))  # still a valid limit
    status, said = start(whole_site, made, board)
    assert (status["mode"], status["racks"], status["armed"]) == ("safe", [], False)
    assert status["reason"].startswith("config.json: damaged or changed by hand")
    assert "gatewayctl site build" in status["reason"]
    assert said.endswith("is in safe mode: " + status["reason"])
    log = (whole_site.folder / "gateway.log").read_text()
    assert "safe mode, relays open: config.json: damaged" in log

    config.write_bytes(good)
    kept = checksum.read_bytes()
    checksum.unlink()
    status, _ = start(whole_site, made, board)
    assert status["mode"] == "safe"
    assert status["reason"].startswith("config.crc is missing")

    checksum.write_bytes(kept)
    status, said = start(whole_site, made, board)
    assert (status["mode"], said) == ("run", "")
    assert status["config"] == {"crc": kept.decode().strip(), "problem": ""}
