"""Whether a unit answers, and when to ask it next when it does not.

A unit that missed several answers in a row is down: none of its reads is sent, only one probe from
time to time, each pause longer than the one before, so that it takes no time from the others on
its bus.
"""

from __future__ import annotations

from micropython import const

from gateway.clock import add, diff, subtract

_MISSES_TO_DOWN = const(3)
_DOUBTS_TO_DOWN = const(
    8
)  # of a unit in doubt: its probes are short, and sent where there is room
_DOUBT_MS = const(250)  # between the probes of a unit in doubt
_STEP_MS = const(2000)  # the pauses of a unit that is down grow by this
_LONGEST_MS = const(300000)
_ALONE_MS = const(500)
_PATIENT = const(4)
_OVERDUE_MS = const(1 << 20)


class UnitHealth:
    """State of one unit, shared by all racks behind it.

    `alone`: it shares its link with nobody, so pauses do not grow. `nameless`: answers on this
    line do not name their question (serial lines). Then, after anything but a good answer, the
    unit is `in_doubt`: what it owes may still come, and no answer may be taken for data before a
    probe has been answered. `doubts` counts these times: each uses the other one of two probe
    lengths, so that a probe left over from one doubt cannot end the next (note 0009). `returns`
    counts how often the unit came back after it had been down.
    """

    def __init__(self, alone: bool, nameless: bool, now: int) -> None:
        self._alone = alone
        self._nameless = nameless
        self._misses = 0  # in a row
        self._pauses = 0  # that passed while down
        self._probe_at = now
        self.down = False
        self.in_doubt = nameless  # something asked before a restart may still come
        self.doubts = 0
        self.returns = 0

    def answered(self) -> None:
        """It gave a good answer."""
        if self.down:
            self.returns = (self.returns + 1) & 0xFFFF
        self._misses = 0
        self.down = False
        self.in_doubt = False

    def refused(self, now: int) -> None:
        """It answered with an exception: it lives, but the answer may be an older one."""
        if self._nameless:
            self._doubt(now)
        else:
            self.answered()

    def missed(self, now: int) -> bool:
        """It gave no usable answer; True when it goes down by that."""
        if self._nameless:
            self._doubt(now)
        self._misses += 1
        if not self.down and self._misses < (
            _DOUBTS_TO_DOWN if self._nameless else _MISSES_TO_DOWN
        ):
            self._probe_at = now if self._misses == 1 else add(now, _DOUBT_MS)
            return False
        went_down = not self.down
        if went_down:
            self.down = True
            self._pauses = 0
        self._pauses += 1
        pause_ms = _ALONE_MS if self._alone else min(_STEP_MS * self._pauses, _LONGEST_MS)
        self._probe_at = add(now, pause_ms)
        return went_down

    @property
    def misses(self) -> int:
        """Answers missed in a row."""
        return self._misses

    def probe_overdue_ms(self, now: int) -> int:
        """Milliseconds since its next probe fell due; negative before."""
        return diff(now, self._probe_at)

    def _doubt(self, now: int) -> None:
        if not self.in_doubt:
            self.in_doubt = True
            self._probe_at = now
            self.doubts = (self.doubts + 1) & 0xFFFF

    @property
    def wants_probe(self) -> bool:
        """Nothing but a probe may be sent to it."""
        return self.down or self.in_doubt

    @property
    def patient(self) -> bool:
        """Whether the next probe waits as long as for any answer: each fourth one does.

        So a unit that is merely slow is found as well.
        """
        return self._misses % _PATIENT == 0

    def keep_comparable(self, now: int) -> None:
        """What has been due for long is due now: ticks more than 6 days apart do not compare."""
        if diff(now, self._probe_at) > _OVERDUE_MS:
            self._probe_at = subtract(now, _OVERDUE_MS)

    def retry_now(self, now: int) -> None:
        """A person asks for it: probe at once, and begin with short pauses again."""
        self._pauses = 0
        self._probe_at = now
