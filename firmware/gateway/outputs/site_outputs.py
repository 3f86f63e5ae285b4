"""Outputs of the site as a whole: ventilation, fire suppression, and the site relay.

What is handed in are plain levels; which rules they come from is decided elsewhere.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.outputs.relay_bank import RelayBank

# Places in the bank, behind those of the racks.
SITE = 0
VENTILATION = 1
SUPPRESSION = 2
OUTPUTS = 3
OUTPUT_NAMES = ("site", "ventilation", "suppression")

_VENTILATE_LEVEL = 1


class SiteOutputs:
    """Drives `bank` from place `first` on.

    Ventilation and suppression are energised to act. The site relay is energised to run: it drops
    when a rack or a relay did not open, at an emergency stop, at a stop of the gateway, and with
    its supply; it picks up when the site is armed. An output without a relay is never on.
    """

    def __init__(self, bank: RelayBank, first: int) -> None:
        self._bank = bank
        self._first = first

    def step(self, run: bool, open_site: bool, gas_level: int, fire: bool) -> None:
        """After the racks, in the same pass; `gas_level` 0 to 3. Allocates nothing.

        `run`: the site is armed. `open_site`: a rack or a relay did not open, or somebody
        pushed the emergency stop. `fire`: release the suppression; the fans stop, not to blow it
        out. Without a relay for the suppression nothing is released, and fans go on as long as
        there is gas.
        """
        self._put(SITE, 1 if run and not open_site else 0)
        self._put(SUPPRESSION, 1 if fire else 0)
        released = self.is_on(SUPPRESSION)
        self._put(VENTILATION, 1 if gas_level >= _VENTILATE_LEVEL and not released else 0)

    def open_site(self) -> None:
        """Drop the site relay now; the next step decides anew."""
        self._put(SITE, 0)

    def is_on(self, output: int) -> bool:
        """Whether SITE, VENTILATION or SUPPRESSION is energised."""
        return self._bank.energised[self._first + output] == 1

    def _put(self, output: int, energised: int) -> None:
        place = self._first + output
        if self._bank.energised[place] != energised and self._bank.wired(place):
            self._bank.set(place, energised)
