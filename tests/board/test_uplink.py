"""The uplink over UART 4, which QEMU joins to a real broker like a modem: nothing gets lost."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

from gateway.config.rules import NAMES
from gateway.telemetry import records as layout
from host_tools.decode.records import Event
from host_tools.emulator.board_config import tree_of
from host_tools.emulator.board_site import BoardSite
from host_tools.protection_matrix.case import SMALL
from host_tools.run.broker import Broker
from host_tools.run.observer import Observer
from host_tools.simulate import faults
from host_tools.simulate.ports import HOST
from host_tools.toolchain.emulated_board import Image


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def test_events_of_an_outage_arrive_afterwards(image: Image, tmp_path: Path) -> None:
    port = free_port()
    over = {
        "outputs": {"arm_delay_ms": 1000},
        "limits": {"comm_loss": {"l3": {"set": 10000}}},
        "telemetry": {"rewind_s": 0, "aftermath_s": 0, "fine_period_ms": 0},
        "uplink": {
            "host": HOST,
            "port": port,
            "keep_alive_s": 4,
            "reconnect_cap_ms": 1000,
            "connect_delay_ms": 0,
            "backlog_delay_ms": 0,
        },
    }

    async def story() -> None:
        tree = tree_of(SMALL, over)
        broker = Broker(port, tmp_path / "broker")
        await broker.start()
        board = BoardSite(image.elf, tmp_path, SMALL, tree, uplink=port)
        observer = Observer(
            host=HOST,
            port=port,
            user="",
            password="",
            topic=f"bess/v1/{tree['site']}/{tree['gateway']}",
            racks=len(tree["racks"]),
            clock=board.clock,
        )

        def events(code: int) -> list[Event]:
            return [
                each
                for each in observer.delivered.records.values()
                if isinstance(each, Event) and each.code == code
            ]

        try:
            await observer.start()
            async with board:
                await board.until(board.all_closed, "all relays closed")
                await board.until(
                    lambda: len(events(layout.RELAY_CLOSED)) == len(tree["racks"]),
                    "events at the broker",
                )
                await broker.kill()
                faults.begin(board.site, faults.by_name("cell_overvoltage"), 0)
                await board.until(lambda: not board.closed(0), "the trip")
                assert not events(layout.TRIP)
                await broker.start()
                await board.until(lambda: bool(events(layout.TRIP)), "the trip at the broker")
                (trip,) = events(layout.TRIP)
                assert (trip.rack, trip.rule) == (0, NAMES.index("cell_overvoltage"))
                numbers = sorted(
                    key[2] for key in observer.delivered.records if key[1] == layout.EVENTS
                )
                assert numbers == list(range(1, len(numbers) + 1))
            assert not observer.delivered.errors
        finally:
            await observer.stop()
            await broker.stop()

    asyncio.run(story())
