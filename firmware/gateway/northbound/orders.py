"""What may be ordered from upstream: a table of commands, each a request that may be refused.

No order raises a current above the configuration, takes the place of the service key, begins a
proof test without a push on site, or touches the site's interlocks (gas, smoke, emergency stop):
whoever is far away does not see what stands in front of the racks. A released latch lets a relay
close again with nobody there, so `acknowledge` is refused unless the site's configuration says
otherwise (`commands.acknowledge`).
"""

from __future__ import annotations

from gateway import units
from gateway.errors import GatewayError
from gateway.outputs.proof_tests import CANCEL
from gateway.protection.latches import BY_OPERATOR, NOTHING_TO_RELEASE, RELEASED, RESET_RESULTS
from gateway.telemetry import records
from gateway.uplink.signed_message import is_integer, is_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from gateway.clock import Clock
    from gateway.config import Config
    from gateway.outputs.enforcer import Enforcer
    from gateway.outputs.proof_tests import ProofTests
    from gateway.protection.current_caps import CurrentCaps

    Args = dict[str, Any]
    Answer = dict[str, Any]

ALL = "all"
_PROOF_TEST_MS = 600000  # between two proof tests: while one waits, the next push is for it
_LOG_CHARACTERS = 2500
# Of the whole status, what is told without the name of a rack; of each rack, in this order.
_BRIEF = ("mode", "reason", "version", "boot", "uptime_ms", "armed", "escalated", "clock",
          "interlocks", "telemetry", "uplink")  # fmt: skip
_RACK_BRIEF = ("name", "quality", "level", "rule", "latched", "relay",
               "charge_limit_da", "charge_by", "discharge_limit_da", "discharge_by")  # fmt: skip


class OrderError(GatewayError):
    """An order that cannot be carried out; caught in `_Order`, which answers with the text."""


class Orders:
    """Carries orders out. `status()` and `log()` are the console's; `note(code, rack, text)`
    records an event.
    """

    def __init__(
        self,
        enforcer: Enforcer,
        caps: CurrentCaps,
        proof_tests: ProofTests,
        status: Callable[[], dict[str, Any]],
        log: Callable[[], dict[str, Any]],
        settings: Config,
        clock: Clock,
        note: Callable[[int, int, str], None],
    ) -> None:
        self._enforcer = enforcer
        self._caps = caps
        self._proof_tests = proof_tests
        self._status = status
        self._log = log
        self._names = [rack.name for rack in settings.racks]
        self._ratings = {
            "charge_da": settings.integer("charge_current_da"),
            "discharge_da": settings.integer("discharge_current_da"),
        }
        self._may_acknowledge = settings.integer("commands.acknowledge") == 1
        self._clock = clock
        self._note = note
        self._proof_test_ms: int | None = None  # uptime of the last one ordered here

    def table(self) -> dict[str, tuple[Callable[[Args], Answer], bool]]:
        """Each command by name: its function, and whether it acts or only asks."""
        rows = (
            # name, function, acts, arguments that it takes
            ("status", self._tell_status, False, ("rack",)),
            ("log", self._tell_log, False, ()),
            ("acknowledge", self._acknowledge, True, ("rack",)),
            ("limit", self._limit, True, ("rack", "charge_da", "discharge_da")),
            ("prooftest", self._prooftest, True, ("item",)),
        )
        return {name: (_Order(order, names), acts) for name, order, acts, names in rows}

    def _tell_status(self, args: Args) -> Answer:
        """The site at a glance, or everything about one rack."""
        status = self._status()
        if args.get("rack", ALL) != ALL:
            return {"rack": status["racks"][self._racks(args)[0]]}
        answer = {name: status[name] for name in _BRIEF}
        answer["racks"] = [[rack[name] for name in _RACK_BRIEF] for rack in status["racks"]]
        answer["of_each_rack"] = list(_RACK_BRIEF)
        return answer

    def _tell_log(self, _args: Args) -> Answer:
        """The latest lines of the log, as many as a reply has room for."""
        lines: list[str] = []
        room = _LOG_CHARACTERS
        for line in reversed(self._log()["log"]):
            room -= len(line)
            if room < 0:
                break
            lines.insert(0, line)
        return {"log": lines}

    def _acknowledge(self, args: Args) -> Answer:
        """Release latches of racks that are healthy again, as the operator on site would.

        The closing decision then closes them, as it would after his push. Refused when nothing
        was released; "but" tells what stays latched beside what was.
        """
        if not self._may_acknowledge:
            raise OrderError(
                "push the reset button on site: from upstream this site allows it only with"
                " commands.acknowledge = 1"
            )
        by_result: list[list[str]] = [[] for _ in RESET_RESULTS]
        now = self._clock.ticks()
        for index in self._racks(args):
            result = self._enforcer.protections[index].reset(BY_OPERATOR, now)
            by_result[result].append(self._names[index])
            if result != NOTHING_TO_RELEASE:
                code = records.RESET if result == RELEASED else records.RESET_REFUSED
                self._note(code, index, "from upstream: " + RESET_RESULTS[result])
        answer: Answer = {
            "racks": {
                name: RESET_RESULTS[result]
                for result, names in enumerate(by_result)
                for name in names
            }
        }
        done = by_result[RELEASED]
        still = self._still_latched(by_result, (RELEASED, NOTHING_TO_RELEASE) if done else ())
        if not done:
            answer["refused"] = "nothing released: " + still
        elif still:
            answer["but"] = still
        return answer

    def _still_latched(self, by_result: list[list[str]], without: tuple[int, ...]) -> str:
        """Racks by what became of them, leaving out some results, and latches of the site."""
        found = [
            "%s: %s" % (", ".join(names), RESET_RESULTS[result])
            for result, names in enumerate(by_result)
            if names and result not in without
        ]
        of_site = self._enforcer.interlocks.latches.names()
        if of_site:
            found.append("the site's %s: push the reset button there" % ", ".join(of_site))
        return "; ".join(found)

    def _limit(self, args: Args) -> Answer:
        """Cap currents: a number, null = at what is configured; what is not named stays."""
        wanted = {}
        for name in self._ratings:
            if name in args:
                wanted[name] = self._cap(name, args[name])
        if not wanted:
            raise OrderError("limit: needs charge_da, discharge_da or both")
        answers = []
        for index in self._racks(args):
            charge_da, discharge_da = self._caps.of(index)
            charge_da = wanted.get("charge_da", charge_da)
            discharge_da = wanted.get("discharge_da", discharge_da)
            self._caps.put(index, charge_da, discharge_da)
            answers.append(
                {
                    "rack": self._names[index],
                    "charge_da": charge_da,
                    "discharge_da": discharge_da,
                }
            )
        if self._caps.save():
            return {"racks": answers, "kept": True}
        return {"racks": answers, "kept": False, "note": "not kept yet: tried every second"}

    def _cap(self, name: str, value: object) -> int | None:
        if value is None:
            return None
        highest = self._ratings[name]
        if not is_integer(value) or not 0 <= value <= highest:  # type: ignore[operator]
            raise OrderError(
                "%s: needs 0..%s, the most is what is configured (%s: 0..%d, or null)"
                % (name[: -len("_da")], units.text(highest, "0.1 A"), name, highest)
            )
        return int(value)  # type: ignore[call-overload, no-any-return]

    def _prooftest(self, args: Args) -> Answer:
        """What the console would answer; a push on site still has to confirm the test."""
        item = args.get("item", "")
        if not is_text(item):
            raise OrderError("item: needs rack/NAME, input/NAME, cancel or nothing")
        now_ms = self._clock.uptime_ms()
        orders_test = item not in ("", CANCEL)
        if orders_test and self._proof_test_ms is not None:
            left_ms = self._proof_test_ms + _PROOF_TEST_MS - now_ms
            if left_ms > 0:
                raise OrderError(
                    "one test in %d minutes from upstream: again in %d s, or at the console"
                    % (_PROOF_TEST_MS // 60000, (left_ms + 999) // 1000)
                )
        answer = self._proof_tests.answer(item)
        if orders_test and "ordered" in answer:
            self._proof_test_ms = now_ms
        return answer

    def _racks(self, args: Args) -> list[int]:
        """Numbers of the racks meant; "all" is never meant by leaving the name out."""
        name = args.get("rack")
        if name == ALL:
            return list(range(len(self._names)))
        if name not in self._names:
            raise OrderError("rack: needs %s or %s" % (ALL, ", ".join(self._names)))
        return [self._names.index(name)]


class _Order:
    """Calls one order with arguments of known names; what it refuses is an answer, too."""

    def __init__(self, order: Callable[[Args], Answer], names: tuple[str, ...]) -> None:
        self._order = order
        self._names = names

    def __call__(self, args: Args) -> Answer:
        for name in args:
            if name not in self._names:
                known = ", ".join(self._names) or "none"
                return {"refused": "no such argument: %s; there are: %s" % (name, known)}
        try:
            return self._order(args)
        except OrderError as error:
            return {"refused": str(error)}
