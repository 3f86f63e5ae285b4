"""The whole application on a board in RAM, and what a test waits for beside it."""

import asyncio

from gateway import app

PATIENCE_MS = 6000


async def until(board, condition, what, patience_ms=PATIENCE_MS):
    """Wait for `condition()`."""
    for _ in range(patience_ms // 10):
        if condition():
            return
        await board.clock.sleep_ms(10)
    raise AssertionError("not within %d ms: %s" % (patience_ms, what))


def closed(board):
    """The relays of the two racks."""
    return board.relays.state[0], board.relays.state[1]


def run(board, scenario):
    """Build on `board`, run `scenario(gateway)` beside it, end in order."""

    async def main():
        gateway = app.build(board)
        running = asyncio.create_task(gateway.run())
        try:
            await scenario(gateway)
        finally:
            board.ended.set()
            await running

    asyncio.run(main())
