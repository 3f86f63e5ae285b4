"""Plays a recorded timeline through the protection of one rack and writes down what it decides.

A trace is text: commands, each followed by the decisions that changed while it ran.

    s 500 x12 cell_max_mv=3650   12 summaries, 500 ms apart; a reading stays until changed
    h 500 x12                    the same of a rack that is well again in everything
    f 500 x12                    the same, but nothing in them moves, nor does the heartbeat
    j 500 x3                     3 answers that cannot be believed
    w 3000 50                    no answer for 3000 ms, a step of protection every 50 ms
    c 0=3600 3=65535             a whole scan of the cells, those that differ
    t 1=450                      a whole scan of the temperatures
    i 4 1                        input 4 goes to its alarm level (1) or back (0)
    o 1                          opening was ordered (1), or no longer is (0)
    n                            every input at rest, nothing ordered, no limits sent
    l 1                          the granted currents reach the BMS (1) or not (0)
    r operator                   a reset is asked for, by operator or service
    b                            restart: everything new, latches as they were kept
    = 1500 permit=1 ...          the decision from 1500 ms after the start on
    = crc 1f9a0c34               of the time and decision of every step so far, currents included

A current on its way along the ramp makes no line of its own. A trace is right when it comes out
of `play` as it went in.
"""

import binascii

from timeline_bench import HEALTHY, OPERATOR, SERVICE, TimelineBench

from gateway.protection import rules

MARK = "= "


def pairs(words):
    """Words like name=12 as (name, number)."""
    found = []
    for word in words:
        name, _, value = word.partition("=")
        found.append((name, int(value)))
    return found


class TracePlayer:
    """Does one command after the other on a bench; `lines` is what came of them."""

    def __init__(self, bench):
        self.bench = bench
        self.lines = []
        self._start = bench.now
        self._last = ""
        self._crc = 0
        self._watched = bench.watch
        bench.watch = self._note

    def do(self, line):
        """Run one command and note the decisions that it changed."""
        self.lines.append(line)
        words = line.split()
        getattr(self, "_" + words[0])(words[1:])
        self.lines.append("%scrc %08x" % (MARK, self._crc))

    def decision(self):
        """What was decided, but for the currents."""
        bench = self.bench
        decision = bench.decision
        levels = []
        for rule in range(rules.RULE_COUNT):
            site = rule >= rules.RACK_RULES
            holder = bench.interlocks if site else bench.protection
            level = holder.levels[rule - rules.RACK_RULES if site else rule]
            held = holder.latches.held(rule)
            trips = holder.latches.trips(rule)
            if level or held or trips:
                mark = "!" if held else ""
                levels.append("%s:%d%s%s" % (rules.NAMES[rule], level, mark, "*" * trips))
        return "permit=%d at_once=%d tripped=%d level=%d rule=%s limited_by=%d,%d %s" % (
            decision.permit,
            decision.at_once,
            decision.tripped,
            decision.level,
            rules.name(decision.rule) or "-",
            decision.charge_by,
            decision.discharge_by,
            " ".join(levels),
        )

    def currents(self):
        """The currents granted, and those with the limits of the BMS."""
        decision = self.bench.decision
        return "charge=%d,%d discharge=%d,%d" % (
            decision.charge_da,
            decision.charge_limit_da,
            decision.discharge_da,
            decision.discharge_limit_da,
        )

    def _note(self):
        if self._watched is not None:
            self._watched()
        text = self.decision()
        line = "%d %s %s" % (self.bench.now - self._start, self.currents(), text)
        self._crc = binascii.crc32(line.encode(), self._crc)
        if text != self._last:
            self._last = text
            self.lines.append(MARK + line.rstrip())

    # Commands.

    def _s(self, words):
        pause_ms, times = _paced(words)
        self.bench.put(dict(pairs(words[2:])))
        for _ in range(times):
            self.bench.fresh(pause_ms)

    def _h(self, words):
        pause_ms, times = _paced(words)
        self.bench.put(dict(HEALTHY))
        for _ in range(times):
            self.bench.fresh(pause_ms)

    def _f(self, words):
        pause_ms, times = _paced(words)
        for _ in range(times):
            self.bench.fresh(pause_ms, 0, True)

    def _j(self, words):
        pause_ms, times = _paced(words)
        for _ in range(times):
            self.bench.reject(pause_ms)

    def _w(self, words):
        self.bench.wait(int(words[0]), int(words[1]))

    def _c(self, words):
        self.bench.scan_cells(_numbered(words))

    def _t(self, words):
        self.bench.scan_temps(_numbered(words))

    def _i(self, words):
        self.bench.signal(int(words[0]), words[1] == "1")
        self.bench.wait(10, 10)

    def _o(self, words):
        self.bench.order_open(words[0] == "1")

    def _n(self, words):
        for number in range(self.bench.inputs.count):
            self.bench.signal(number, False)
        self.bench.order_open(False)
        self.bench.protection.limits_sent = False
        self.bench.wait(10, 10)

    def _l(self, words):
        self.bench.protection.limits_sent = words[0] == "1"

    def _r(self, words):
        results = self.bench.reset(SERVICE if words[0] == "service" else OPERATOR)
        self.lines.append("%sreset site=%d rack=%d" % ((MARK,) + results))
        self._note()

    def _b(self, words):
        self.bench.restart()
        self.bench.step()


def _paced(words):
    """Pause in ms and how often, of `500 x12`."""
    return int(words[0]), int(words[1][1:])


def _numbered(words):
    return {int(name): value for name, value in pairs(words)}


def play(lines, now=0, loaded=None):
    """All lines of a trace once more, its decisions as they are made now."""
    player = TracePlayer(TimelineBench(now, loaded))
    for line in lines:
        if not line.startswith(MARK):
            player.do(line)
    return player.lines
