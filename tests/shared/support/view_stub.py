"""What the outputs see of a rack, set by hand."""


class ViewStub:
    """A closed rack at `voltage_dv` without current, its data asked for at `acquired`."""

    def __init__(self, voltage_dv=13312, acquired=0):
        self.fresh = True
        self.known = True
        self.at_rest = True
        self.reads_open = False
        self.reads_closed = True
        self.cold = False
        self.acquired = acquired
        self.voltage_dv = voltage_dv

    def show(self, now, at_rest, reads_open):
        """A sample asked for at `now`."""
        self.fresh = True
        self.known = True
        self.acquired = now
        self.at_rest = at_rest
        self.reads_open = reads_open
        self.reads_closed = not reads_open

    def lose(self):
        """No fresh data any more."""
        self.fresh = False
        self.known = False
        self.at_rest = False
        self.reads_open = False
        self.reads_closed = False
