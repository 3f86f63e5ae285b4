"""What the status says of a site that something outside the racks keeps open."""

import asyncio
import time
import unittest

from app_bench import closed, until
from fake_board import FakeBoard

from gateway import app

ESTOP = 1  # input
INPUTS = [
    {"name": "reset", "number": 0, "role": "reset"},
    {"name": "estop", "number": ESTOP, "role": "estop"},
]


def stand_still():
    time.sleep(0.7)  # nobody else has his turn


def run(scenario):
    """A gateway whose racks have closed, `scenario(gateway, board)`, and its end."""

    async def main():
        board = FakeBoard(inputs=INPUTS)
        board.inputs.state[ESTOP] = 1  # its loop is closed: nobody pushes
        gateway = app.build(board)
        running = asyncio.create_task(gateway.run())
        try:
            await until(board, lambda: closed(board) == (1, 1), "both closed")
            await scenario(gateway, board)
        finally:
            board.ended.set()
            await running

    asyncio.run(main())


class StatusTest(unittest.TestCase):
    def test_a_latch_of_the_site_stands_with_each_rack_that_it_keeps_open(self):
        async def scenario(gateway, board):
            status = gateway.parts.status.status
            for rack in status()["racks"]:
                self.assertEqual((rack["latched"], rack["latches"]), (False, []))
            board.inputs.state[ESTOP] = 0
            await until(board, lambda: closed(board) == (0, 0), "both open")
            board.inputs.state[ESTOP] = 1
            await board.clock.sleep_ms(1000)
            for rack in status()["racks"]:
                self.assertEqual(rack["closing"], "tripped, needs a reset")
                self.assertEqual((rack["latched"], rack["latches"]), (True, ["estop"]))
            board.inputs.state[0] = 1
            await until(board, lambda: closed(board) == (1, 1), "both closed again")
            for rack in status()["racks"]:
                self.assertEqual((rack["latched"], rack["latches"]), (False, []))

        run(scenario)

    def test_a_relay_that_does_not_follow_is_told_and_recorded(self):
        async def scenario(gateway, board):
            status = gateway.parts.status.status
            self.assertEqual(status()["relay_fault"], "")
            board.relays.faults = 1 << 3
            await until(board, lambda: status()["relay_fault"], "told")
            self.assertIn("output 3", status()["relay_fault"])

            def recorded():
                return [text for _, text in status()["events"] if "relays: output 3" in text]

            await until(board, recorded, "recorded")

        run(scenario)

    def test_a_stall_of_the_protecting_loop_counts(self):
        async def scenario(gateway, board):
            status = gateway.parts.status.status
            before = status()["counters"]["stalls"]
            stand_still()
            await until(board, lambda: closed(board) == (0, 0), "both open")
            self.assertTrue(status()["counters"]["stalls"] > before)

            def told():
                return [text for _, text in status()["events"] if text.startswith("stall: ")]

            await until(board, told, "told")

        run(scenario)


if __name__ == "__main__":
    unittest.main()
