"""The reset push-button: a request on its rising edge, once per push."""

from micropython import const

_HELD_STEPS = const(3)  # contact bounce and coupled noise are shorter


class ResetInput:
    """Held at start or broken to "on" it requests nothing: only off, then on 3 steps, counts."""

    def __init__(self) -> None:
        self._steps_on = _HELD_STEPS + 1  # until it was seen off

    def step(self, on: bool) -> bool:
        """True in the step in which the button counts as pushed."""
        self._steps_on = min(self._steps_on + 1, _HELD_STEPS + 1) if on else 0
        return self._steps_on == _HELD_STEPS
