"""The reset push-button: a request on its rising edge, once per push."""


class ResetInput:
    """Held at start or broken to "on" it requests nothing: only off-to-on counts."""

    def __init__(self) -> None:
        self._was_on = True

    def step(self, on: bool) -> bool:
        """True in the step in which the button was pushed."""
        pushed = on and not self._was_on
        self._was_on = on
        return pushed
