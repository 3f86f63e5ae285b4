"""`python -m host_tools.run.embedded_broker PORT FILE`: the broker where mosquitto is missing.

FILE keeps the durable sessions. Ends on SIGTERM, and when its standard input is closed: then its
parent has died.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from pathlib import Path

from host_tools.run.durable_broker import DurableBroker
from host_tools.simulate.ports import HOST


async def serve(port: int, database: Path) -> None:
    """Serve until SIGTERM or end of standard input."""
    broker = DurableBroker(HOST, port, database)
    end = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, end.set)
    loop.add_reader(sys.stdin, _at_end_of_input, end)
    await broker.start()
    await end.wait()
    await broker.shutdown()


def _at_end_of_input(end: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 1024):
        asyncio.get_running_loop().remove_reader(sys.stdin)
        end.set()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2])))
