"""What the slaves of a site answer, with the faults of the wire; the same for TCP and RTU."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

from host_tools.simulate.exchange import Exchange
from host_tools.simulate.rack_slave import RackSlave, address_of
from host_tools.simulate.wire_faults import WireFault


class Responder:
    """Knows the slave of every rack of the site; the transports only carry frames.

    The same seed and the same order of requests give the same chances. `happened` counts by kind
    how often a fault has acted, `answered` every frame that was handed to a transport.
    """

    def __init__(self, slaves: Sequence[RackSlave], seed: int) -> None:
        self.slaves = slaves
        self.happened: Counter[str] = Counter()
        self.answered = 0
        self._active: list[list[WireFault]] = [[] for _ in slaves]
        self._rngs = [random.Random(f"{seed} {index}") for index in range(len(slaves))]

    def begin(self, fault: WireFault, rack: int) -> None:
        """Let a fault act on the answers of `rack`."""
        self._active[rack].append(fault)

    def end(self, fault: WireFault, rack: int) -> None:
        """Take it back; nothing happens when it is not there."""
        if fault in self._active[rack]:
            self._active[rack].remove(fault)

    def respond(self, exchange: Exchange, racks: Sequence[int]) -> bool:
        """Fill in the frame; False when nothing comes back. `racks` are those of the unit."""
        rack = self._addressed(exchange, racks)
        slave, rng = self.slaves[rack], self._rngs[rack]
        acting = [
            fault
            for fault in self._active[rack]
            if fault.applies(exchange) and rng.random() < fault.probability
        ]
        self.happened.update(fault.kind for fault in acting)
        for fault in acting:
            fault.before(exchange, rng)
        if exchange.reset:
            return True
        if slave.rack.silent or not exchange.heard:
            return False  # nor does a dead BMS take writes
        exchange.pdu = exchange.pdu or slave.answer(exchange.request)
        for fault in acting:
            fault.after(exchange, rng)
        exchange.build()
        for fault in acting:
            fault.on_frame(exchange, rng)
        self.answered += bool(exchange.frame)
        return bool(exchange.frame)

    def _addressed(self, exchange: Exchange, racks: Sequence[int]) -> int:
        """The rack whose register is asked for; the unit's first one answers for the rest."""
        function, address = exchange.request[0], address_of(exchange.request)
        return next(
            (r for r in racks if self.slaves[r].rack.registers.owns(function, address)), racks[0]
        )
