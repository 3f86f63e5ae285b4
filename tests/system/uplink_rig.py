"""The uplink as a process, an independent subscriber, and a link between that breaks."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import struct
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiomqtt
from own_ports import free_row

from host_tools.run.tether import tethered
from host_tools.simulate.ports import HOST
from host_tools.toolchain.paths import ROOT, micropython_path

sys.path.append(str(ROOT / "tests" / "shared" / "uplink"))
from memory_source import parse_message  # noqa: E402

PROGRAM = ROOT / "tests" / "system" / "uplink_gateway.py"
HELPERS = ROOT / "tests" / "shared" / "uplink"
LOG = "bess/v1/plant-7/gw-001/log"
LIVE = "bess/v1/plant-7/gw-001/live/"
STATUS = "bess/v1/plant-7/gw-001/status"
PATIENCE_S = 20.0
QUICK = {
    "reconnect_base_ms": 20,
    "reconnect_cap_ms": 200,
    "batch_bytes": 300,
    "linger_ms": 20,
    "stable_ms": 100,
    "backlog_delay_ms": 0,
}


class Gateway:
    """`uplink_gateway.py` as a process."""

    def __init__(self, interpreter: str, port: int, records: int, **options: Any) -> None:
        self._command = [interpreter, str(PROGRAM)]
        self._options: dict[str, Any] = {
            "port": port,
            "records": records,
            "samples": 0,
            "racks": 0,
            "folder": ".",
            "clock": 1,
            "per_step": 20000,
            "step_ms": 0,
            "give_up_ms": 10000,
            "packet_id": 1,
            "settings": QUICK,
        }
        self._options |= options
        self.log: list[str] = []
        self.result: dict[str, Any] = {}

    async def run(self) -> None:
        sim = ROOT / "boards" / "sim"
        folders = [ROOT / "firmware", sim, ROOT / "boards" / "parts", sim / "cpython", HELPERS]
        process = await asyncio.create_subprocess_exec(
            *tethered(self._command),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=os.environ
            | {
                "UPLINK_OPTIONS": json.dumps(self._options),
                "MICROPYPATH": micropython_path(HELPERS),
                "PYTHONPATH": ":".join(str(folder) for folder in folders),
            },
        )
        assert process.stdout is not None
        try:
            async for line in process.stdout:
                self.log.append(line.decode().rstrip())
            assert await process.wait() == 0, self.log
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        self.result = json.loads(self.log.pop())

    async def logged(self, text: str) -> None:
        await until(lambda: any(text in line for line in self.log))

    def count(self, text: str) -> int:
        return sum(text in line for line in self.log)


class Observer:
    """An independent durable subscriber."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.messages: list[tuple[str, bytes]] = []
        self.live: list[tuple[float, dict[str, Any]]] = []  # Unix time of arrival, summary
        self.subscribed = asyncio.Event()

    async def run(self) -> None:
        while True:
            try:
                async with aiomqtt.Client(
                    HOST, self._port, identifier="observer", clean_session=False
                ) as client:
                    await client.subscribe("bess/#", qos=1)
                    self.subscribed.set()
                    async for message in client.messages:
                        topic, payload = str(message.topic), bytes(message.payload)
                        if topic.startswith(LIVE):
                            self.live.append((time.time(), json.loads(payload)))
                        else:
                            self.messages.append((topic, payload))
            except aiomqtt.MqttError:
                await asyncio.sleep(0.05)

    def records(self) -> list[int]:
        """Sequence numbers of all records in order of arrival."""
        found: list[int] = []
        for topic, payload in self.messages:
            if topic == LOG:
                found += [seq for _, seq in parse_message(payload)]
        return found

    def of_lane(self, lane: int) -> list[int]:
        """The same for one lane."""
        found: list[int] = []
        for topic, payload in self.messages:
            if topic != STATUS and payload[1] == lane:
                found += [seq for _, seq in parse_message(payload)]
        return found

    def statuses(self) -> list[dict[str, Any]]:
        return [json.loads(payload) for topic, payload in self.messages if topic == STATUS]


@asynccontextmanager
async def observing(port: int) -> AsyncIterator[Observer]:
    observer = Observer(port)
    async with running(observer.run()):
        await asyncio.wait_for(observer.subscribed.wait(), PATIENCE_S)
        yield observer


@asynccontextmanager
async def running(work: Coroutine[None, None, None]) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@dataclass(frozen=True)
class Fate:
    """What a link does to one connection; bytes count from the gateway to the broker."""

    delay_s: float = 0.0  # each way
    reset_after: int | None = None  # bytes
    silent_after: int | None = None  # half open from there on: takes all, passes nothing on
    bytes_per_s: int | None = None  # towards the broker; little is under way on such a link


class Proxy:
    """A TCP link to `target`; each connection has its own fate. `silent` makes all half open."""

    def __init__(self, target: int, fate: Callable[[], Fate] = Fate) -> None:
        self._target = target
        self._fate = fate
        self._pairs: list[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = []
        self.port = 0
        self.connections = 0
        self.resets = 0
        self.silent = asyncio.Event()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Proxy]:
        listener = socket.socket()
        # What a link takes in before it is full; connections inherit it.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        listener.bind((HOST, 0))
        server = await asyncio.start_server(self._serve, sock=listener, limit=1024)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for pair in self._pairs:
                for writer in pair:
                    writer.transport.abort()
            await asyncio.sleep(0.05)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            back_reader, back_writer = await asyncio.open_connection(HOST, self._target)
        except OSError:
            writer.transport.abort()
            return
        for each in (writer, back_writer):
            each.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._pairs.append((writer, back_writer))
        fate = self._fate()
        silent = asyncio.Event()
        await asyncio.gather(
            self._pump(reader, back_writer, writer, fate, silent),
            self._pump(back_reader, writer, None, fate, silent),
        )

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        counted: asyncio.StreamWriter | None,
        fate: Fate,
        silent: asyncio.Event,
    ) -> None:
        """One way; `counted` is the gateway's side on the way to the broker."""
        passed = 0
        late: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        passing = asyncio.create_task(_pass_on(late, writer))
        try:
            while data := await reader.read(4096):
                passed += len(data)
                if counted is not None and fate.bytes_per_s is not None:
                    await asyncio.sleep(len(data) / fate.bytes_per_s)
                if counted is not None and None is not fate.reset_after < passed:
                    self.resets += 1
                    late.put_nowait((0.0, data[: fate.reset_after - passed]))
                    _reset(counted)
                    break
                if counted is not None and None is not fate.silent_after < passed:
                    silent.set()
                if self.silent.is_set() or silent.is_set():
                    continue
                late.put_nowait((asyncio.get_running_loop().time() + fate.delay_s, data))
        except OSError:
            pass  # one side is gone: so is the other
        late.put_nowait((0.0, b""))
        await passing


async def _pass_on(late: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
    """Write each piece when it is due; an empty one is the end."""
    loop = asyncio.get_running_loop()
    try:
        while True:
            due, data = await late.get()
            if not data:
                break
            await asyncio.sleep(max(0.0, due - loop.time()))
            writer.write(data)
            await writer.drain()
    except OSError:
        pass  # nobody takes it any more
    writer.close()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST, as a link that lost its state does."""
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


def free_port() -> int:
    return free_row(1)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - what is waited for is in other processes
            await asyncio.sleep(0.01)


def check_complete(received: list[int], total: int, restarts: int) -> None:
    """Nothing lost, in order but for going back at most once for each lost connection."""
    assert set(received) == set(range(1, total + 1))
    firsts = list(dict.fromkeys(received))
    assert firsts == sorted(firsts)
    jumps = [now for before, now in zip(received, received[1:], strict=False) if now != before + 1]
    assert len(jumps) <= restarts
