"""The enforcing step: poll, protect, act, in this order and in one go for each rack.

A relay is energised only while its rack's permit holds, the site is armed and the closing rules
agree. Taking a permit away begins an opening (see `gateway.outputs.opening`). A trip that a person
must release also commands the BMS contactor open. Lost data, which end by themselves, do not: the
command would stay in the BMS, and nothing here ever closes a contactor. A relay only lets the rack
BMS close its own.
"""

from __future__ import annotations

from gateway.clock import diff
from gateway.outputs.closing import Closing, ClosingRules
from gateway.outputs.opening import AT_ONCE, IDLE, NONE, STAGED, Opening, OpeningTimes
from gateway.outputs.proof_test import RelayTest
from gateway.outputs.rack_view import RackView
from gateway.outputs.relay_bank import RelayBank
from gateway.outputs.release import Release
from gateway.outputs.self_check import SelfCheck
from gateway.outputs.site_outputs import SiteOutputs
from gateway.protection import rules
from gateway.rack import data as slots
from gateway.rack.data import GOOD

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.config import Config
    from gateway.contracts import DeadMan, Relays
    from gateway.protection.engine import RackProtection
    from gateway.protection.interlocks import Interlocks
    from gateway.rack.bus import Bus
    from gateway.rack.poller import RackPoller

_AGEING_MS = 50
_INPUTS_MS = 10
_STALL_MS = 500  # any dead man waits longer, see `gateway.contracts.DeadMan`
_LONGEST_WAIT_US = 10000
_WARM_DC = 400  # above it a lost coolant flow stops the currents
_RISE_LEVEL = 2


class Enforcer:
    """All racks of the site; `step` is the critical loop's body and allocates nothing.

    `closed`: relay of each rack, 1 = energised. `self_check.problem`: why the gateway no longer
    trusts itself; everything is open then.
    """

    def __init__(
        self,
        buses: list[Bus],
        pollers: list[RackPoller],
        protections: list[RackProtection],
        interlocks: Interlocks,
        relays: Relays,
        dead_man: DeadMan,
        settings: Config,
        now: int,
    ) -> None:
        integer = settings.integer
        self.buses = buses
        self.pollers = pollers
        self.protections = protections
        self.interlocks = interlocks
        numbers = [rack.trip_relay for rack in settings.racks] + [
            integer("outputs.%s_relay" % role) for role in ("site", "ventilation", "suppression")
        ]
        self.bank = RelayBank(relays, numbers, 2)
        self.closed = self.bank.energised
        self.views = [
            RackView(protection.data, protection.settings.rest_da, poller.opening_write)
            for poller, protection in zip(pollers, protections)
        ]
        times = OpeningTimes(
            integer("outputs.zero_wait_ms"),
            integer("outputs.check_ms"),
            integer("outputs.escalate_ms"),
        )
        self.openings = [Opening(times) for _ in pollers]
        closing_rules = ClosingRules(
            integer("outputs.arm_delay_ms"),
            integer("outputs.shared_dc_bus") == 1,
            integer("outputs.reconnect_dv"),
        )
        self.joined = bytearray(len(pollers))  # 1 = counts as connected to the other racks
        self.closing = Closing(closing_rules, self.views, self.joined, now)
        self.release = Release(
            interlocks, rules.SMOKE, integer("outputs.suppression_delay_ms"), now
        )
        self.site_outputs = SiteOutputs(self.bank, len(pollers))
        self.relay_test = RelayTest()
        opening_ms = times.zero_wait_ms + times.check_ms + _STALL_MS
        self.self_check = SelfCheck(protections, interlocks, self.bank, opening_ms, now)
        self._dead_man = dead_man
        self._aged = now
        self._looked = now
        self._escalated = False
        self._sound = False  # the last cycle was complete and passed its self-check
        self.stalls = 0  # times this loop stood still for so long that a dead man may have acted

    @property
    def armed(self) -> bool:
        """The time after the start in which nothing closes is over."""
        return self.closing.armed

    @property
    def stopped(self) -> bool:
        """Every relay is open for good."""
        return self.bank.stopped

    @property
    def escalated(self) -> bool:
        """A rack or a relay did not open; the site relay is open."""
        return self._escalated

    def begin(self, now: int) -> None:
        """Before the first step: what the start took until now was no stall."""
        self._aged = now

    def step(self, now: int) -> int:
        """One pass over all buses; returns the microseconds until something may be due."""
        since_ms = diff(now, self._aged)
        cycle = since_ms >= _AGEING_MS
        if cycle:
            # Before anything is driven, and before a supply that was gone may come back.
            self._aged = now
            if since_ms >= _STALL_MS:
                self._begin_anew(now)
            elif self._sound:
                self._dead_man.toggle()
        self.closing.step(now)
        wait_us = _LONGEST_WAIT_US
        for bus in self.buses:
            rack = bus.step(now)
            if rack >= 0:
                self._protect(rack, now)
            wait_us = min(wait_us, bus.wait_us(now))
        if diff(now, self._looked) >= _INPUTS_MS:
            self._looked = now
            self.interlocks.step(self._is_warm(now), self._is_rising(), now)
            if self.interlocks.changed:
                self._protect_all(now)
        if cycle:
            self._protect_all(now)
            self._sound = self.self_check.step(now)
        return wait_us

    def stop(self) -> None:
        """Open every relay for good; the way back is a restart. Callable from anywhere."""
        self.bank.stop()

    def _begin_anew(self, now: int) -> None:
        """The loop stood still for so long that a dead man may act: as at a start."""
        self.stalls += 1
        self.closing.disarm(now)
        for index in range(len(self.pollers)):
            self.protections[index].decision.drop(now)
            if self.closed[index]:
                self.bank.set(index, 0)
        self.site_outputs.open_site()

    def _protect_all(self, now: int) -> None:
        for index in range(len(self.pollers)):
            self._protect(index, now)
        self._drive_site(now)

    def _protect(self, index: int, now: int) -> None:
        protection = self.protections[index]
        protection.step(now)
        self.self_check.stepped(index)
        tested = self.relay_test.busy and self.relay_test.rack == index
        waiting = tested or self.openings[index].under_way
        self.pollers[index].hot = protection.running or waiting
        self._act(index, now)

    def _act(self, index: int, now: int) -> None:
        decision = self.protections[index].decision
        poller = self.pollers[index]
        opening = self.openings[index]
        view = self.views[index]
        view.look(now)
        order = NONE
        if not decision.permit:
            # Without data nobody would see the current go: there is nothing to wait for.
            at_once = decision.at_once or decision.data_lost or not view.known
            order = AT_ONCE if at_once else STAGED
        command = not decision.permit and decision.tripped
        opening.step(order, command, self.closed[index] == 1, view, now)
        test = self.relay_test
        if test.rack == index:
            test.step(self.closed[index] == 1, decision.permit, view, now)
        held_open = test.rack == index and test.hold_open
        wanted_open = opening.relay_open or held_open
        if self.closed[index] and view.fresh and view.reads_open and not wanted_open:
            wanted_open = not self.closing.still_fits(index)  # nobody else checks before it closes
        if wanted_open and self.closed[index]:
            self.bank.set(index, 0)
        if not self.closed[index] and self.closing.decide(
            index,
            decision.permit,
            decision.tripped,
            opening.state != IDLE,
            self.bank.stopped or self._escalated,
            poller.data.is_starting(now),
        ):
            self.bank.set(index, 0 if wanted_open else 1)
        if opening.command_open:
            poller.open_contactor(now)
        else:
            poller.leave_contactor()
        connected = self.closed[index] or view.reads_closed or opening.unproven
        self.joined[index] = 1 if connected else 0
        ordered = opening.command_open or not self.closed[index]
        self.protections[index].quantities.contactor.order(ordered, now)
        zero = opening.zero_current or held_open or self._escalated
        poller.set_limits(
            0 if zero else decision.charge_da, 0 if zero else decision.discharge_da, now
        )

    def _drive_site(self, now: int) -> None:
        self.release.step(self.closing.armed, now)
        escalated = self.bank.unopened
        for index in range(len(self.openings)):
            escalated = escalated or self.openings[index].escalate
        self._escalated = escalated
        interlocks = self.interlocks
        self.site_outputs.step(
            self.closing.armed and not self.bank.stopped,
            escalated or interlocks.level(rules.ESTOP) > 0,
            interlocks.level(rules.GAS),
            self.release.fire,
        )

    def _is_warm(self, now: int) -> bool:
        """A rack is above 40 degC, or cannot be known not to be."""
        for poller in self.pollers:
            data = poller.data
            if data.quality(now) != GOOD or data.summary[slots.TEMP_MAX_DC] > _WARM_DC:
                return True
        return False

    def _is_rising(self) -> bool:
        """A sensor of some rack warms up faster than level 2 of its rule allows."""
        for protection in self.protections:
            if protection.levels[rules.TEMP_RISE] >= _RISE_LEVEL:
                return True
        return False
