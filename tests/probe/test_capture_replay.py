"""What capture writes down, and replay says again, is what went over the line."""

from __future__ import annotations

import asyncio
import os
import threading
import tty
from pathlib import Path

import pytest
from pymodbus.client import AsyncModbusTcpClient
from pymodbus_racks import HOST, rack, tcp

from gateway.modbus.crc16 import crc16
from host_tools.errors import UserError
from host_tools.probe import capture
from host_tools.probe.capture import Relay
from host_tools.probe.frames import NOISE, REPLY, REQUEST, Frame, load, sort_serial
from host_tools.probe.line import Where
from host_tools.probe.listener import listening
from host_tools.probe.replay import Replay


def on_wire(data: bytes) -> bytes:
    return data + crc16(data, 0, len(data)).to_bytes(2, "little")


ASK = bytes.fromhex("010300060002")
TELL = bytes.fromhex("0103043552fe5c")
REFUSE = bytes.fromhex("018302")


def test_what_went_through_the_relay_is_answered_again(tmp_path: Path) -> None:
    out = tmp_path / "frames.jsonl"

    async def read(port: int, addresses: list[int]) -> list[list[int]]:
        client = AsyncModbusTcpClient(HOST, port=port, retries=0)
        await client.connect()
        answers = [await client.read_holding_registers(each, count=2) for each in addresses]
        client.close()
        return [list(answer.registers) for answer in answers]

    async def through_relay(rack_port: int) -> list[list[int]]:
        relay = Relay(Where(host=HOST, port=rack_port), 0, out)
        task = asyncio.create_task(relay.run(0))
        while not relay.port:
            await asyncio.sleep(0.01)
        answers = await read(relay.port, [6, 8, 6])
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return answers

    async def replayed() -> tuple[list[list[int]], int]:
        replay = Replay(load(out))
        async with listening(replay.serve, HOST, 0) as port:
            return await read(port, [6, 8, 6]), replay.strangers

    with tcp({1: rack("generic-416s")}) as port:
        direct = asyncio.run(read(port, [6, 8, 6]))
        relayed = asyncio.run(through_relay(port))
    assert relayed == direct
    assert [frame.kind for frame in load(out)] == [REQUEST, REPLY] * 3
    assert asyncio.run(replayed()) == (direct, 0)


def test_a_stranger_is_refused_and_silence_stays_silence() -> None:
    replay = Replay(
        [Frame(0, REQUEST, ASK), Frame(9, REQUEST, b"\2\3\0\0\0\1"), Frame(12, REPLY, TELL)]
    )
    assert replay.answer(ASK) is None
    assert replay.answer(b"\1\3\0\0\0\1") == b"\1\x83\2"
    assert replay.strangers == 1


def test_serial_frames_are_told_apart_by_unit_function_and_checksum() -> None:
    both = on_wire(ASK) + on_wire(TELL)  # without a silence in between
    chunks = [(0.0, both), (20.0, on_wire(ASK)), (30.0, on_wire(REFUSE)), (40.0, b"\xff\0")]
    found = list(sort_serial(chunks))
    assert [(frame.kind, frame.data) for frame in found] == [
        (REQUEST, ASK),
        (REPLY, TELL),
        (REQUEST, ASK),
        (REPLY, REFUSE),
        (NOISE, b"\xff\0"),
    ]


def test_a_serial_line_is_listened_to(tmp_path: Path) -> None:
    out = tmp_path / "frames.jsonl"
    end, other = os.openpty()
    tty.setraw(other)
    timers = [
        threading.Timer(at_s, os.write, (end, on_wire(data)))
        for at_s, data in ((0.3, ASK), (0.6, TELL))
    ]
    for timer in timers:
        timer.start()
    where = Where(serial=os.ttyname(other), baud=19200, frame="8N1")
    assert capture.listen(where, out, 1.5, lambda line: None) == 2
    assert [(frame.kind, frame.data) for frame in load(out)] == [(REQUEST, ASK), (REPLY, TELL)]
    for descriptor in (end, other):
        os.close(descriptor)


def test_a_damaged_recording_is_named_by_its_line(tmp_path: Path) -> None:
    path = tmp_path / "frames.jsonl"
    path.write_text(Frame(0, REQUEST, ASK).line() + "\n{}\n")
    with pytest.raises(UserError, match="line 2: is no recorded frame"):
        load(path)


def test_an_adapter_that_is_pulled_out_leaves_what_was_recorded(tmp_path: Path) -> None:
    master, slave = os.openpty()
    tty.setraw(slave)
    out = tmp_path / "frames.jsonl"

    def show(line: str) -> None:
        os.close(master)

    threading.Timer(0.3, os.write, (master, on_wire(ASK))).start()
    path = os.ttyname(slave)
    os.close(slave)
    with pytest.raises(UserError, match=rf"{path} 9600 8N1: broke off .*; {out} has 1 frames"):
        capture.listen(Where(serial=path), out, 20, show)
    assert [frame.data for frame in load(out)] == [ASK]
