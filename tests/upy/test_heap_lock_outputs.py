"""Opening, closing, relays and proof tests allocate nothing, whatever stage they are in."""

import unittest

import micropython
from fake_hardware import FakeRelays, HandClock
from view_stub import ViewStub

from gateway.outputs.closing import CLOSE, Closing, ClosingRules
from gateway.outputs.opening import (
    AT_ONCE,
    ESCALATED,
    IDLE,
    NONE,
    PROVEN,
    STAGED,
    Opening,
    OpeningTimes,
)
from gateway.outputs.proof_test import PASSED, InputTest, RelayTest
from gateway.outputs.rack_view import RackView
from gateway.outputs.relay_bank import RelayBank
from gateway.outputs.relay_faults import NO_ANSWER, SUPPLY_LOST
from gateway.outputs.site_outputs import SiteOutputs
from gateway.rack.data import RackData


class Site:
    """Two racks; everything of a step happens with the heap locked."""

    def __init__(self):
        self.clock = HandClock(0x3FFFFF00)
        now = self.clock.ticks()
        self.relays = FakeRelays(8)
        self.bank = RelayBank(self.relays, [0, 1, 5, 6, 7], 2)
        self.views = [ViewStub(acquired=now), ViewStub(acquired=now)]
        for view in self.views:
            view.reads_closed = False
        self.openings = [Opening(OpeningTimes(2000, 1000, 3000)) for _ in range(2)]
        rules = ClosingRules(0, True, 30)
        self.closing = Closing(rules, self.views, self.bank.energised, now)
        self.outputs = SiteOutputs(self.bank, 2)
        self.relay_test = RelayTest()
        self.input_test = InputTest()
        self.orders = [NONE, NONE]
        self.level = True

    def run_locked(self, duration_ms):
        for _ in range(duration_ms // 50):
            now = self.clock.advance(50)
            for view in self.views:
                if view.known:
                    view.acquired = now
            micropython.heap_lock()
            try:
                self._step(now)
            finally:
                micropython.heap_unlock()

    def _step(self, now):
        self.closing.step(now)
        self.bank.check()
        escalated = False
        for rack in range(2):
            opening = self.openings[rack]
            view = self.views[rack]
            order = self.orders[rack]
            energised = self.bank.energised[rack] == 1
            opening.step(order, order != NONE, energised, view, now)
            if self.relay_test.rack == rack:
                self.relay_test.step(energised, order == NONE, view, now)
            hold = self.relay_test.hold_open and self.relay_test.rack == rack
            if opening.relay_open or hold:
                self.bank.set(rack, 0)
            elif not energised and self.closing.decide(
                rack, order == NONE, order != NONE, opening.state != IDLE, False, False
            ):
                self.bank.set(rack, 1)
            escalated = escalated or opening.escalate
        self.outputs.step(self.closing.armed, escalated, 1, False)
        self.input_test.step(self.level, now)


class OutputsHeapLockTest(unittest.TestCase):
    def closed(self):
        site = Site()
        site.run_locked(100)
        self.assertEqual(bytes(site.bank.energised[:2]), b"\x01\x01")
        return site

    def test_staged_to_escalation_to_the_next_closing(self):
        site = self.closed()
        site.views[0].at_rest = False
        site.orders[0] = STAGED
        site.run_locked(7000)
        self.assertEqual(site.openings[0].state, ESCALATED)
        self.assertEqual(bytes(site.relays.state), b"\x00\x01\x00\x00\x00\x00\x01\x00")
        site.views[0].at_rest = True
        site.views[0].reads_open = True
        site.orders[0] = NONE
        site.run_locked(100)
        self.assertEqual((site.openings[0].state, site.closing.reasons[0]), (IDLE, CLOSE))

    def test_at_once_to_the_proof(self):
        site = self.closed()
        site.orders[1] = AT_ONCE
        site.views[1].reads_open = True
        site.run_locked(100)
        self.assertEqual(site.openings[1].state, PROVEN)

    def test_silence(self):
        site = self.closed()
        site.views[1].lose()
        site.orders[1] = AT_ONCE
        site.run_locked(5000)
        self.assertEqual(site.bank.energised[1], 0)

    def test_a_fault_of_the_bank(self):
        site = self.closed()
        site.bank.energised[3] ^= 8
        site.run_locked(100)
        self.assertTrue(site.bank.fault)

    def test_faults_of_the_relays(self):
        site = self.closed()
        site.relays.faults = NO_ANSWER
        site.run_locked(1000)
        self.assertTrue(site.bank.unopened)
        site.relays.faults = SUPPLY_LOST
        site.run_locked(100)
        self.assertTrue(site.bank.stopped)

    def test_proof_tests(self):
        site = self.closed()
        self.assertTrue(site.relay_test.order(0))
        self.assertTrue(site.input_test.order(True, 5000, site.clock.ticks()))
        site.run_locked(100)
        site.views[0].reads_open = True
        site.level = False
        site.run_locked(500)
        site.level = True
        site.run_locked(500)
        self.assertEqual((site.relay_test.result, site.input_test.result), (PASSED, PASSED))

    def test_view_of_good_data_and_of_a_bms_that_has_not_started(self):
        data = RackData(0, "rack", 4, 2, 1100, 0)
        view = RackView(data, 31, None)
        micropython.heap_lock()
        try:
            data.take(1000)
            view.look(1100)
            good = view.fresh
            data.take_sign_of_life(1500, True)
            view.look(1600)
        finally:
            micropython.heap_unlock()
        self.assertTrue(good and view.reads_open)


if __name__ == "__main__":
    unittest.main()
