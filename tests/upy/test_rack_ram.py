"""RAM of one rack on the bus side. On a 64-bit host; a 32-bit board takes a little over half."""

import gc
import unittest

from bus_bench import generic_map, periods
from fake_hardware import HandClock

from gateway.modbus.pdu import RTU
from gateway.modbus.reply_time import ReplyTime
from gateway.modbus.requests import Requests
from gateway.rack.data import RackData
from gateway.rack.incidents import Incidents
from gateway.rack.poller import RackPoller
from gateway.rack.unit_address import UnitAddress
from gateway.rack.unit_health import UnitHealth

CELLS = 416
RACKS = 8
MOST_DATA_BYTES = 2500
MOST_POLLER_BYTES = 2600


def used():
    gc.collect()
    return gc.mem_alloc()


class RackRamTest(unittest.TestCase):
    def test_data_and_poller_of_a_rack(self):
        now = HandClock().ticks()
        register_map = generic_map(CELLS)
        times = periods()
        log = Incidents()
        requests = Requests(RTU)
        before = used()
        racks = [RackData(rack, "rack", CELLS, CELLS // 2, 1100, now) for rack in range(RACKS)]
        data_bytes = (used() - before) // RACKS
        before = used()
        pollers = []
        for data in racks:
            health = UnitHealth(False, True, now)
            reply_times = ReplyTime(60, 60, 20), ReplyTime(20, 20, 20)
            address = UnitAddress(requests, data.index + 1, 0, *reply_times, health)
            pollers.append(RackPoller(data, register_map, address, times, now, log))
        poller_bytes = (used() - before) // RACKS
        self.assertTrue(data_bytes <= MOST_DATA_BYTES, data_bytes)
        self.assertTrue(poller_bytes <= MOST_POLLER_BYTES, poller_bytes)


if __name__ == "__main__":
    unittest.main()
