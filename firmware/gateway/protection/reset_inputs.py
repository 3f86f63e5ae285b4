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
    """All inputs with the roles "reset" and "service_key"; `step` some twenty times a second."""

    def __init__(self, settings: list[InputSettings], inputs: Inputs) -> None:
        self._inputs = inputs
        self._buttons = [
            (each.number, each.on_level, ResetInput()) for each in settings if each.role == "reset"
        ]
        self._keys = [
            (each.number, each.on_level) for each in settings if each.role == "service_key"
        ]

    def step(self) -> int:
        """Who asks for a reset in this step, or NOBODY."""
        by = NOBODY
        for number, on_level, button in self._buttons:
            if button.step(self._inputs.get(number) == (on_level == 1)):
                by = self._who()
        return by

    def _who(self) -> int:
        """Service, when its key is turned while the button is pushed."""
        for number, on_level in self._keys:
            if self._inputs.get(number) == (on_level == 1):
                return BY_SERVICE
        return BY_OPERATOR
