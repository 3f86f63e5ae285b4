"""The staged opening against a model written from what an opening has to do.

Any mixture of orders, lost data, currents and contactors. The model knows only the text: no
current is asked for first; the wait for it is bounded; the register, then the relay a bounded time
later, whatever the register did; both at once when the current is known to be at rest, and in the
same step when it must be at once; then a proof from data younger than the relay, or the site
opens; an opening once begun is carried through, and nothing in it closes a relay.
"""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from view_stub import ViewStub

from gateway.clock import TICKS_MASK, add
from gateway.outputs.opening import (
    AT_ONCE,
    ESCALATED,
    IDLE,
    NONE,
    STAGED,
    Opening,
    OpeningTimes,
)


@dataclass
class Rack:
    """The truth that the view shows while data come."""

    flowing: bool = True
    contactor_open: bool = False
    answers: bool = True


@dataclass
class Model:
    """One rack's opening in whole milliseconds that never wrap."""

    zero_wait_ms: int
    check_ms: int
    escalate_ms: int
    energised: bool = True
    began_ms: int | None = None  # None: no opening
    register: bool = False  # may be used
    commanded_ms: int | None = None
    dropped_ms: int | None = None
    heard_at_the_beginning: bool = False
    proven: bool = False
    against_ms: int | None = None  # since when the proof is missing
    escalated: bool = False
    loaded: int = 0

    def step(self, order: int, register: bool, rack: Rack, ms: int) -> None:
        at_rest = rack.answers and not rack.flowing
        if self.began_ms is None:
            if order == NONE or not (self.energised or register):
                return
            self.began_ms = ms
            self.heard_at_the_beginning = rack.answers and self.energised
        if order != NONE:
            self.register = self.register or register
        if self.dropped_ms is None:
            self._wait_for_rest(order, at_rest, ms)
        if self.dropped_ms is not None:
            self._prove(rack, at_rest, ms)
            if order == NONE and self.proven:
                self._forget()

    def _wait_for_rest(self, order: int, at_rest: bool, ms: int) -> None:
        assert self.began_ms is not None
        if order == AT_ONCE or at_rest or not self.energised:
            self._drop(at_rest, ms)
            return
        waited_ms = ms - self.began_ms
        if waited_ms >= self.zero_wait_ms + (self.check_ms if self.register else 0):
            self._drop(at_rest, ms)
        elif waited_ms >= self.zero_wait_ms:
            self.commanded_ms = ms

    def _drop(self, at_rest: bool, ms: int) -> None:
        self.loaded += self.energised and not at_rest
        self.dropped_ms = ms
        self.energised = False
        self.against_ms = ms if self.heard_at_the_beginning else None

    def _prove(self, rack: Rack, at_rest: bool, ms: int) -> None:
        assert self.dropped_ms is not None
        younger = rack.answers and ms > self.dropped_ms
        if younger and at_rest and rack.contactor_open:
            self.proven = True
            self.heard_at_the_beginning = False
            self.against_ms = None
            return
        if younger:
            self.proven = False
        if self.proven or self.escalated:
            return
        if self.against_ms is None:
            if not younger:
                return
            self.against_ms = ms
        if ms - self.against_ms >= self.escalate_ms:
            self.escalated = younger or self.heard_at_the_beginning

    def _forget(self) -> None:
        self.began_ms = self.commanded_ms = self.dropped_ms = self.against_ms = None
        self.register = self.proven = self.escalated = False


class OpeningMachine(RuleBasedStateMachine):
    """Random times, orders and data; the relay follows the opening as the enforcing step does."""

    @initialize(
        zero_wait_ms=st.sampled_from([0, 100, 2000, 7000]),
        check_ms=st.sampled_from([100, 1000]),
        escalate_ms=st.sampled_from([500, 3000]),
        start=st.sampled_from([0, TICKS_MASK - 2500, TICKS_MASK]),
    )
    def begin(self, zero_wait_ms: int, check_ms: int, escalate_ms: int, start: int) -> None:
        self.longest_ms = zero_wait_ms + check_ms
        self.opening = Opening(OpeningTimes(zero_wait_ms, check_ms, escalate_ms))
        self.model = Model(zero_wait_ms, check_ms, escalate_ms)
        self.rack = Rack()
        self.view = ViewStub()
        self.energised = True
        self.order, self.register = NONE, False
        self.ticks, self.ms = start, 0
        self.standing_ms = -1  # since the first step that saw the order; -1 = there is none
        self._take_data()

    def _take_data(self) -> None:
        if self.rack.answers:
            self.view.show(self.ticks, not self.rack.flowing, self.rack.contactor_open)
        else:
            self.view.lose()

    @rule(delta_ms=st.sampled_from([1, 10, 50, 50, 50, 99, 500, 1000]), steps=st.integers(1, 40))
    def pass_time(self, delta_ms: int, steps: int) -> None:
        for _ in range(steps):
            self.ticks = add(self.ticks, delta_ms)
            self.ms += delta_ms
            self._step(delta_ms)

    def _step(self, delta_ms: int) -> None:
        self._take_data()
        was_energised, before = self.energised, self.opening.relay_open
        self.opening.step(self.order, self.register, self.energised, self.view, self.ticks)
        self.model.step(self.order, self.register, self.rack, self.ms)
        if self.opening.relay_open:
            self.energised = False
        self._check_against_the_model()
        # told once more without the model
        if self.order == NONE:
            self.standing_ms = -1
        else:
            self.standing_ms = 0 if self.standing_ms < 0 else self.standing_ms + delta_ms
        if self.standing_ms >= self.longest_ms:
            assert not self.energised
        if self.order == AT_ONCE:
            assert not self.energised
        if before and not self.opening.relay_open:
            assert self.order == NONE
        assert was_energised or not self.energised

    def _check_against_the_model(self) -> None:
        opening, model = self.opening, self.model
        assert self.energised == model.energised
        assert opening.zero_current == (model.began_ms is not None)
        assert opening.relay_open == (model.dropped_ms is not None)
        assert opening.command_open == (
            model.register and (model.commanded_ms is not None or model.dropped_ms is not None)
        )
        assert opening.escalate == model.escalated
        assert opening.proven == model.proven
        assert opening.loaded == model.loaded

    @rule(order=st.sampled_from([NONE, STAGED, AT_ONCE]), register=st.booleans())
    def give_order(self, order: int, register: bool) -> None:
        self.order, self.register = order, register

    @rule(flowing=st.booleans(), contactor_open=st.booleans())
    def change_rack(self, flowing: bool, contactor_open: bool) -> None:
        self.rack.flowing, self.rack.contactor_open = flowing, contactor_open

    @rule(answers=st.booleans())
    def change_answers(self, answers: bool) -> None:
        self.rack.answers = answers

    @rule()
    def close_again(self) -> None:
        """What the closing decision may do, and only then."""
        if self.opening.state == IDLE and self.order == NONE:
            self.energised = self.model.energised = True

    @invariant()
    def outputs_agree_with_the_state(self) -> None:
        if not hasattr(self, "opening"):
            return
        opening = self.opening
        assert opening.zero_current == (opening.state != IDLE)
        assert opening.escalate == (opening.state == ESCALATED)
        assert not (opening.relay_open and self.energised)


OpeningMachine.TestCase.settings = settings(
    max_examples=200, stateful_step_count=40, deadline=None
)
TestOpening = OpeningMachine.TestCase
