"""The reset push-buttons and the service key: a request on a rising edge, once per push."""

from __future__ import annotations

from gateway.protection.latches import BY_OPERATOR, BY_SERVICE
from gateway.protection.reset_input import ResetInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.config.inputs import InputSettings
    from gateway.contracts import Inputs

NOBODY = -1


class ResetInputs:
    """All inputs with the roles "reset" and "service_key", which are on at level 1; `step` some
    twenty times a second.
    """

    def __init__(self, settings: list[InputSettings], inputs: Inputs) -> None:
        self._inputs = inputs
        self._buttons = [(each.number, ResetInput()) for each in settings if each.role == "reset"]
        self._keys = [each.number for each in settings if each.role == "service_key"]

    def step(self) -> int:
        """Who asks for a reset in this step, or NOBODY."""
        by = NOBODY
        for number, button in self._buttons:
            if button.step(self._inputs.get(number)):
                by = self._who()
        return by

    def _who(self) -> int:
        """Service, when its key is turned while the button is pushed."""
        for number in self._keys:
            if self._inputs.get(number):
                return BY_SERVICE
        return BY_OPERATOR
