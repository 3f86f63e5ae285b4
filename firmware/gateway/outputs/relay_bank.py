"""Commands to the relays, each kept twice: a bit that flips in memory must close no contactor."""

from __future__ import annotations

from gateway.outputs.relay_faults import (
    NO_ANSWER,
    RELAYS,
    SUPPLY_LOST,
    UNOPENED,
    SettledFaults,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.contracts import Relays

NO_RELAY = -1
_OPEN_COPY = 0xFF


class RelayBank:
    """Outputs by index; `numbers` are the board's, NO_RELAY for an output that is not wired. The
    last `helpers` of them switch no power: ventilation, suppression.

    `energised` are the commands, 1 = energised, for everybody to read and nobody else to write.
    The complement of each is kept apart. `fault` is set when the two disagree. After that, and
    after `stop`, every relay is open until a restart. `errors` counts relays whose driver failed
    while everything was being opened.

    `faults` is what a driver that reads its relays back found wrong for 0.5 s, until it was gone
    for 10 s (see relay_faults). `unopened`, settled alike: a relay that shall be open may be
    closed. A driver that has lost its supply stops the bank, at once. Such a driver with more
    relays than `faults` has bits is refused (ValueError).
    """

    def __init__(self, relays: Relays, numbers: list[int], helpers: int) -> None:
        self.energised = bytearray(len(numbers))
        self._copies = bytearray([_OPEN_COPY] * len(numbers))
        self._relays = relays
        self._numbers = numbers
        self._power = len(numbers) - helpers
        self.stopped = False
        self.fault = False
        self.errors = 0
        self.faults = 0
        self.unopened = False
        self._driver_faults = getattr(relays, "fault", _none)
        if self._driver_faults is not _none and relays.count > RELAYS:
            raise ValueError("a driver with fault() has %d relays at most" % RELAYS)
        self._answered = 0  # what the driver found when it last had an answer
        self._settled = SettledFaults()

    def set(self, index: int, energised: int) -> None:
        """Energise (1) or drop (0) an output; allocates nothing."""
        if self.stopped and index < self._power:
            energised = 0
        self.energised[index] = energised
        self._copies[index] = energised ^ _OPEN_COPY
        self._drive(index, energised)

    def wired(self, index: int) -> bool:
        """The board has a relay for this output."""
        return self._numbers[index] != NO_RELAY

    def check(self) -> bool:
        """Compare the copies and drive every output again, in every pass; allocates nothing.

        False while there is a fault. Driving again sets a disturbed output stage right, and opens
        what a stop did not.
        """
        if self.stopped:
            self._open()
            self._look()
            return not self.fault
        for index in range(len(self._numbers)):
            if not self.agrees(index):
                self.fault = True
                self.stop()
                return False
        for index in range(len(self._numbers)):
            self._drive(index, self.energised[index])
        self._look()
        return True

    def agrees(self, index: int) -> bool:
        """Both copies of one command say the same; allocates nothing."""
        energised = self.energised[index]
        return energised <= 1 and energised ^ self._copies[index] == _OPEN_COPY

    def stop(self) -> None:
        """Open every relay for good; helpers stay as they are: fans go on, nothing is released.

        A driver that fails for one relay keeps none of the others closed.
        """
        self.stopped = True
        self._open()

    def _look(self) -> None:
        """What the driver found when it drove everything, once that has settled."""
        faults = self._driver_faults()
        if faults & NO_ANSWER:
            faults |= self._answered  # what was stuck when it was last seen has not come free
        else:
            self._answered = faults
        if self._any_unopened(faults):
            faults |= UNOPENED
        settled = self._settled
        settled.step(faults)
        self.faults = settled.value & ~UNOPENED
        self.unopened = settled.value & UNOPENED != 0
        if faults & SUPPLY_LOST and not self.stopped:
            self.stop()

    def _any_unopened(self, faults: int) -> bool:
        if not faults:
            return False
        if faults & NO_ANSWER:
            return True  # what shall be closed could not be opened either
        for index in range(self._power):
            number = self._numbers[index]
            if number != NO_RELAY and not self.energised[index] and faults >> number & 1:
                return True
        return False

    def _open(self) -> None:
        for index in range(self._power):
            self.energised[index] = 0
            self._copies[index] = _OPEN_COPY
            try:
                self._drive(index, 0)
            except Exception:  # noqa: BLE001 - whatever a driver does, go on with the next relay
                self.errors += 1

    def _drive(self, index: int, energised: int) -> None:
        number = self._numbers[index]
        if number != NO_RELAY:
            self._relays.set(number, energised)


def _none() -> int:
    return 0
