"""Racks that pymodbus serves: registers of a map, over TCP or at the end of a pseudo-terminal."""

from __future__ import annotations

import asyncio
import os
import select
import threading
import tty
from collections.abc import Coroutine, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pymodbus import FramerType
from pymodbus.server import ModbusSerialServer, ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from host_tools.maps.image import RegisterImage

VALUES = {
    "rack_voltage_dv": 13650,
    "rack_current_da": -420,
    "soc_pm": 613,
    "soh_pm": 990,
    "cell_max_mv": 3301,
    "cell_min_mv": 3287,
    "cell_mean_mv": 3290,
    "temp_max_dc": 251,
    "temp_min_dc": 198,
    "contactor_state": 1,
}
HOST = "127.0.0.1"


def rack(name: str, cells: int = 416) -> RegisterImage:
    image = RegisterImage(name, cells, cells // 2)
    image.put(VALUES)
    return image


def devices_of(units: Mapping[int, RegisterImage]) -> list[SimDevice]:
    return [SimDevice(unit, simdata=_blocks(image)) for unit, image in units.items()]


def _blocks(image: RegisterImage) -> tuple[list[SimData], ...]:
    """Coils and discrete inputs, which no map has, then holding and input registers."""
    none = SimData(0xFFF0, values=0, datatype=DataType.REGISTERS)
    bits = SimData(0xFFF0, values=False, datatype=DataType.BITS)
    found: dict[int, list[SimData]] = {3: [], 4: []}
    for function, address, count, _ in image.layout():
        values = image.read(function, address, count)
        found[function].append(SimData(address, values=values, datatype=DataType.REGISTERS))
    return [bits], [bits], found[3] or [none], found[4] or [none]


@contextmanager
def tcp(units: Mapping[int, RegisterImage]) -> Iterator[int]:
    """The port they answer at."""
    devices = devices_of(units)

    async def begin() -> ModbusTcpServer:
        server = ModbusTcpServer(devices, address=(HOST, 0))
        await server.serve_forever(background=True)
        return server

    with _loop() as run:
        server = run(begin())
        try:
            yield server.transport.sockets[0].getsockname()[1]
        finally:
            run(server.shutdown())


@contextmanager
def serial(units: Mapping[int, RegisterImage]) -> Iterator[str]:
    """The path of the master's end of a line with these units."""
    ours, theirs = _pty(), _pty()
    stop = threading.Event()
    thread = threading.Thread(target=_bridge, args=(ours[0], theirs[0], units, stop))
    thread.start()
    devices = devices_of(units)

    async def begin() -> ModbusSerialServer:
        server = ModbusSerialServer(devices, framer=FramerType.RTU, port=theirs[1], baudrate=19200)
        await server.serve_forever(background=True)
        return server

    try:
        with _loop() as run:
            server = run(begin())
            try:
                yield ours[1]
            finally:
                run(server.shutdown())
    finally:
        stop.set()
        thread.join()
        for descriptor in (ours[0], ours[2], theirs[0], theirs[2]):
            os.close(descriptor)


def _pty() -> tuple[int, str, int]:
    """(our end, path of the other, which stays open so that nothing is ever hung up)."""
    end, other = os.openpty()
    tty.setraw(other)
    return end, os.ttyname(other), other


def _bridge(master: int, server: int, units: Iterable[int], stop: threading.Event) -> None:
    """A wire; pymodbus answers for units it does not have, and those answers are dropped."""
    while not stop.is_set():
        for source in select.select((master, server), (), (), 0.05)[0]:
            data = os.read(source, 512)
            if source == master:
                os.write(server, data)
            elif data[0] in units:
                os.write(master, data)


@contextmanager
def _loop() -> Iterator[Any]:
    """`run(coroutine)` in a loop that lives in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(20)

    try:
        yield run
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
