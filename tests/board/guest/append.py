# Runs on the board as its main.py: records and a pair of numbers go to flash as fast as it takes
# them, and each is told on the console once it is there. Runs until the power is cut.

import asyncio

from board import Board

from gateway.telemetry import records
from gateway.telemetry.lanes import Lanes
from gateway.telemetry.pair_file import read_pair, write_pair

board = Board()
data = board.storage("data")
lanes = Lanes(
    data,
    board.clock,
    asyncio.Event(),
    segment_bytes=16384,
    capacity_bytes=4000000,
    events_pm=900,
    flush_ms=2000,
    random=board.random,
)
lanes.open()
count = read_pair(data, "count")[0]
print("booted", lanes.boot, count)
events = lanes.events
while True:
    sequence = events.append(records.EVENT, b"%060d" % count)
    events.flush()
    if events.stored >= sequence:
        print("kept", lanes.boot, sequence)
    if sequence % 8 == 0:
        count += 1
        if write_pair(data, "count", count, 0):
            print("count", count)
    lanes.step(board.clock.ticks())
