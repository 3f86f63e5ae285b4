# Runs on the board as its main.py: the gateway, but its protecting loop stands still for as long
# as the host wants it to.

import exchange
import machine
from board import Board

from gateway import app

HANG = exchange.PSRAM + exchange.WORDS + 0xC0


class HangingBoard(Board):
    def __init__(self):
        super().__init__()
        wait = self._bus_wait.wait

        def wait_or_hang(timeout_us):
            while machine.mem32[HANG]:
                pass
            return wait(timeout_us)

        self.wait_for_bus = wait_or_hang


app.run(HangingBoard())
