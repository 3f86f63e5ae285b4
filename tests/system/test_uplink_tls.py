"""TLS on both interpreters with a real broker: it works, and every fault says what it is."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from uplink_rig import (
    PATIENCE_S,
    QUICK,
    Fate,
    Gateway,
    Proxy,
    check_complete,
    observing,
    until,
)

from host_tools.run.certificates import Authority, Der, Pem
from host_tools.run.tls_broker import NAME, TlsBroker
from host_tools.simulate.ports import HOST

RECORDS = 300

Need = Callable[[str], Path]


@pytest.fixture(params=["micropython", "cpython"])
def interpreter(request: pytest.FixtureRequest, need: Need) -> str:
    name: str = request.param
    return str(need("micropython with TLS")) if name == "micropython" else sys.executable


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def broker(need: Need, tmp_path: Path, authority: Authority) -> TlsBroker:
    need("mosquitto")
    return TlsBroker(tmp_path, authority)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    folder = tmp_path / "config"
    folder.mkdir()
    return folder


def put(config: Path, **files: Path) -> dict[str, Any]:
    """Settings with TLS; the files go where the device looks for them."""
    settings: dict[str, Any] = QUICK | {"tls": True, "server_name": NAME}
    for setting, path in files.items():
        (config / path.name).write_bytes(path.read_bytes())
        settings[setting] = path.name
    return settings


@pytest.mark.parametrize("encoding", [Pem, Der], ids=["pem", "der"])
def test_mutual_tls_delivers(
    broker: TlsBroker, authority: Authority, config: Path, interpreter: str, encoding: Any
) -> None:
    certificate, key = authority.issue("gw-001", encoding=encoding)
    own = authority.pem if encoding is Pem else authority.der
    settings = put(config, ca_file=own, cert_file=certificate, key_file=key)

    async def main() -> None:
        async with broker.running(), observing(broker.port) as observer:
            gateway = Gateway(
                interpreter, broker.tls_port, RECORDS, settings=settings, folder=str(config)
            )
            await asyncio.wait_for(gateway.run(), PATIENCE_S)
            await until(lambda: {"online": False} in observer.statuses())
        assert gateway.result["drained"], gateway.log
        assert gateway.result["reconnects"] == 0
        assert observer.records() == list(range(1, RECORDS + 1))

    asyncio.run(main())


def test_broker_restart_over_tls(
    broker: TlsBroker, authority: Authority, config: Path, interpreter: str
) -> None:
    certificate, key = authority.issue("gw-001")
    settings = put(config, ca_file=authority.pem, cert_file=certificate, key_file=key)

    async def main() -> None:
        gateway = Gateway(
            interpreter,
            broker.tls_port,
            RECORDS,
            settings=settings,
            folder=str(config),
            per_step=3,
            step_ms=20,
        )
        async with broker.running(), observing(broker.port) as observer:
            task = asyncio.create_task(gateway.run())
            await until(lambda: len(observer.records()) > 50)
            first = observer.records()
        await gateway.logged("ECONNREFUSED")
        async with broker.running(), observing(broker.port) as observer:
            await asyncio.wait_for(task, PATIENCE_S)
            await until(lambda: {"online": False} in observer.statuses())
        assert gateway.result["drained"], gateway.log
        assert set(first + observer.records()) == set(range(1, RECORDS + 1))

    asyncio.run(main())


def test_handshakes_that_stall_or_are_reset(
    broker: TlsBroker, authority: Authority, config: Path, interpreter: str
) -> None:
    certificate, key = authority.issue("gw-001")
    settings = put(config, ca_file=authority.pem, cert_file=certificate, key_file=key)
    settings |= {"connect_timeout_ms": 500, "reply_timeout_ms": 500}
    fates = iter(
        [
            Fate(silent_after=0),
            Fate(silent_after=400),  # between the two flights of the device
            Fate(reset_after=300),
            Fate(reset_after=1000),
            Fate(reset_after=6000),  # in the middle of a record
        ]
    )

    async def main() -> None:
        proxy = Proxy(broker.tls_port, lambda: next(fates, Fate()))
        async with broker.running(), observing(broker.port) as observer, proxy.serving():
            gateway = Gateway(
                interpreter, proxy.port, RECORDS, settings=settings, folder=str(config)
            )
            await asyncio.wait_for(gateway.run(), PATIENCE_S)
            await until(lambda: {"online": False} in observer.statuses())
        assert gateway.result["drained"], gateway.log
        assert proxy.connections == 6
        assert (gateway.result["timeouts"], proxy.resets) == (2, 3)
        assert gateway.result["files"] < 10
        strange = [line for line in gateway.log if not line.startswith(("link lost", "connected"))]
        assert strange == []
        check_complete(observer.records(), RECORDS, 1)

    asyncio.run(main())


def fails_with(
    reason: str,
    broker: TlsBroker,
    config: Path,
    interpreter: str,
    settings: dict[str, Any],
    **options: Any,
) -> None:
    """No session, the reason again and again, and every record still there."""

    async def main() -> None:
        async with broker.running(), observing(broker.port) as observer:
            gateway = Gateway(
                interpreter,
                options.pop("port", broker.tls_port),
                RECORDS,
                settings=settings,
                folder=str(config),
                give_up_ms=1000,
                **options,
            )
            await asyncio.wait_for(gateway.run(), PATIENCE_S)
            assert observer.records() == []
        lost = [line for line in gateway.log if line.startswith("link lost: ")]
        assert len(lost) > 1, gateway.log
        for line in lost:
            assert reason in line, gateway.log
        assert gateway.result["files"] < 10  # no attempt leaves its socket open
        assert (gateway.result["backlog"], gateway.result["reconnects"]) == (RECORDS, 0)

    asyncio.run(main())


def test_unknown_authority(
    broker: TlsBroker, config: Path, tmp_path: Path, interpreter: str
) -> None:
    other = Authority(tmp_path, "Another authority")
    reason = f"no TLS with {HOST}:{broker.tls_port}: the broker's certificate is not signed by"
    fails_with(reason, broker, config, interpreter, put(config, ca_file=other.pem))


def test_wrong_name(
    broker: TlsBroker, authority: Authority, config: Path, interpreter: str
) -> None:
    settings = put(config, ca_file=authority.pem) | {"server_name": "other.plant-7"}
    reason = "certificate is for another name: see uplink.server_name"
    fails_with(reason, broker, config, interpreter, settings)


def test_expired(broker: TlsBroker, authority: Authority, config: Path, interpreter: str) -> None:
    broker.certificate, broker.key = authority.issue(NAME, begins_days=-30, ends_days=-1)
    settings = put(config, ca_file=authority.pem)
    fails_with("certificate has expired: renew it", broker, config, interpreter, settings)


def test_clock_behind_the_certificate(
    broker: TlsBroker, authority: Authority, config: Path, interpreter: str
) -> None:
    """A clock at 2000-01-01 that says that it is right, seen from the certificate."""
    broker.certificate, broker.key = authority.issue(NAME, begins_days=20)
    settings = put(config, ca_file=authority.pem)
    reason = "not valid yet: is this device's clock right?"
    fails_with(reason, broker, config, interpreter, settings)


def test_clock_never_set(
    broker: TlsBroker, authority: Authority, config: Path, interpreter: str
) -> None:
    settings = put(config, ca_file=authority.pem)
    reason = "the time is not known, so no certificate can be judged"
    fails_with(reason, broker, config, interpreter, settings, clock=0)


@pytest.mark.parametrize("shown", ["none", "of another authority"])
def test_client_certificate_that_the_broker_wants(
    broker: TlsBroker,
    authority: Authority,
    config: Path,
    tmp_path: Path,
    interpreter: str,
    shown: str,
) -> None:
    files = {"ca_file": authority.pem}
    if shown != "none":
        other = Authority(tmp_path, "Another authority")
        files["cert_file"], files["key_file"] = other.issue("gw-001")
    # "the broker refused this device: ...", or a reset that overtook its alert
    fails_with("uplink.cert_file", broker, config, interpreter, put(config, **files))


def test_port_without_tls(
    broker: TlsBroker, authority: Authority, config: Path, interpreter: str
) -> None:
    settings = put(config, ca_file=authority.pem)
    fails_with("uplink.port", broker, config, interpreter, settings, port=broker.port)


@pytest.mark.parametrize(
    ("setting", "content", "reason"),
    [
        ("ca_file", None, "uplink.ca_file: ca.pem: ENOENT"),
        ("ca_file", b"hello", "uplink.ca_file: ca.pem holds no certificate, DER or PEM"),
        ("key_file", b"hello", "uplink.cert_file, uplink.key_file: gw-001.pem and ca.pem are no"),
    ],
)
def test_files_that_are_wrong(
    broker: TlsBroker,
    authority: Authority,
    config: Path,
    interpreter: str,
    setting: str,
    content: bytes | None,
    reason: str,
) -> None:
    certificate, key = authority.issue("gw-001")
    settings = put(config, ca_file=authority.pem, cert_file=certificate, key_file=key)
    settings[setting] = "ca.pem"
    if content is not None:
        (config / "ca.pem").write_bytes(content)
    fails_with(reason, broker, config, interpreter, settings)
