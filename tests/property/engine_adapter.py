"""The protection of one rack beside its reference model, fed with the same timeline.

Everything the state machines know about the firmware's interfaces is here and in
`timeline_bench`. After every step both must say the same.
"""

from __future__ import annotations

import json

import sample_site
import timeline_bench
from reference_model import (
    AUTOMATIC,
    WAIT,
    Detector,
    Point,
    Rack,
    Ramp,
    Rule,
    Silence,
    in_the_cold,
    on_curve,
    reset,
)
from timeline_bench import ROLES, STALE_MS, TimelineBench

from gateway import config
from gateway.config.rules import CELLS, RULES, SITE, SUMMARY, TEMPS, TIMER
from gateway.protection.latches import RELEASED
from gateway.protection.rules import NAMES, RACK_RULES
from gateway.rack.data import ABSENT, GOOD, SUMMARY_FIELDS

SCOPES = {row[0]: row[10] for row in RULES}
SITE_STEP_MS = 1000  # one look at the inputs counts no longer
FOREVER = 1 << 60
FRESH_MS = {SUMMARY: STALE_MS, CELLS: 120000, TEMPS: 120000}
SHORTEST_MS = 200  # of a delay of a rule that summaries move


def quick_settings() -> config.Config:
    """The sample site with a tenth of every delay, so that short timelines reach much."""
    entries = sample_site.tree()
    entries["inputs"] = timeline_bench.input_settings()
    entries["derating"] = {"hold_ms": 5000}
    for levels in entries["limits"].values():
        for level in levels.values():
            level["delay_ms"] = shortened(level["delay_ms"])
            level["clear_delay_ms"] //= 10
    for level in entries["limits"]["bad_cells"].values():
        level["clear_delay_ms"] = 3000  # more than one scan
    return config.load(json.dumps(entries))


def shortened(delay_ms: int) -> int:
    return max(delay_ms // 10, min(delay_ms, SHORTEST_MS))


def build_rule(row: tuple, levels: tuple, fresh_ms: int) -> Rule:
    detectors = [
        None
        if limit is None
        else Detector(
            Point(limit.set_point, limit.clear_point, limit.delay_ms, limit.clear_ms, row[1]),
            fresh_ms,
        )
        for limit in levels
    ]
    return Rule(row[0], row[7], row[8], row[9], detectors)


def build_rack(loaded: config.Config, now: int) -> Rack:
    ratings = (loaded.integer("charge_current_da"), loaded.integer("discharge_current_da"))
    rise_pm = loaded.integer("derating.rise_pm_per_s")
    rise_da = loaded.integer("derating.rise_da_per_s")
    return Rack(
        rules=[
            build_rule(row, loaded.limits[row[0]], FRESH_MS.get(row[10], FOREVER)) for row in RULES
        ],
        ratings=ratings,
        derate_pm=loaded.integer("derate_l1_pm"),
        ramps=tuple(
            Ramp(
                loaded.integer("derating.hold_ms"),
                max(1, min(rise_da, rating * rise_pm // 1000)),
                now + 1000,
            )
            for rating in ratings
        ),
    )


class Twin(TimelineBench):
    """A bench whose every step is followed by the model and compared with it."""

    def __init__(self, now: int = 0, loaded: config.Config | None = None) -> None:
        self.model: Rack | None = None
        super().__init__(now, loaded or quick_settings())

    def _build(self) -> None:
        super()._build()
        loaded = self.loaded
        self.model = build_rack(loaded, self.now)
        self.silence = Silence(STALE_MS, loaded.limits["comm_loss"][2].set_point)
        self.acquired = self.stepped = self.now
        self.sequences = (0, 0, 0)
        self.running = False
        self.bms_limits = self.model.ratings

    def fresh(self, after_ms, beat=1, still=False, late_ms=0):
        self.taken = self.now + after_ms - late_ms
        super().fresh(after_ms, beat, still, late_ms)

    def step(self) -> None:
        super().step()
        self._follow()
        self.compare()

    def reset(self, by):
        fresh = self.model.seen and self.model.by_name["comm_loss"].level == 0
        service = by == timeline_bench.SERVICE
        site = [rule for rule in self.model.rules if SCOPES[rule.name] == SITE]
        rack = [rule for rule in self.model.rules if SCOPES[rule.name] != SITE]
        if fresh and service:
            values = self.protection.quantities.values
            for number, name in enumerate(NAMES[: len(values)]):
                if values[number] == ABSENT and self.model.by_name[name].latched:
                    self.model.by_name[name].forget()
        expected = (reset(site, service, True), reset(rack, service, fresh))
        results = super().reset(by)
        assert tuple(result == RELEASED for result in results) == expected
        self.step()
        return results

    def restart(self):
        kept = {rule.name: (rule.latched, rule.trips) for rule in self.model.rules}
        super().restart()
        self.model.restore(kept)
        self.step()

    # The model's side of a step.

    def _follow(self) -> None:
        data, model = self.data, self.model
        before = self.sequences
        self.sequences = (data.sequence, data.cells_sequence, data.temps_sequence)
        if data.sequence != before[0]:
            self._follow_summary()
        if data.cells_sequence != before[1]:
            model.sample(self._told(CELLS), self.now)
        if data.temps_sequence != before[2]:
            model.sample(self._told(TEMPS), self.now)
        values = self._told(TIMER)
        elapsed_ms = self.now - self.stepped
        self.stepped = self.now
        values["comm_loss"] = self.silence.value(self.now - self.acquired, elapsed_ms)
        model.sample(values, self.now, self.now - self.acquired > self.silence.fresh_ms)
        for name, value in self._site_values().items():
            rule = model.by_name[name]
            for detector in rule.detectors:
                if detector is not None:  # a long pause of the loop is no proof of anything
                    detector.last = max(detector.last or 0, self.now - SITE_STEP_MS)
            rule.sample(value, self.now)
        model.decide(self.now, data.quality(self.ticks()) == GOOD)

    def _follow_summary(self) -> None:
        model = self.model
        self.acquired = self.taken
        reading = dict(zip(SUMMARY_FIELDS, self.data.summary, strict=True))
        points = zip(
            model.by_name["cell_undervoltage"].detectors,
            self.loaded.limits["cell_undervoltage"],
            self.loaded.limits["cell_undervoltage_cold"],
            strict=True,
        )
        hottest = reading["temp_max_dc"]
        for detector, warm, cold in points:
            point = detector.point
            point.set_point = in_the_cold(warm.set_point, cold.set_point, hottest)
            point.clear_point = in_the_cold(warm.clear_point, cold.clear_point, hottest)
        self.bms_limits = (reading["charge_limit_da"], reading["discharge_limit_da"])
        values = self._told(SUMMARY)
        values.update(self._judged(reading))
        model.seen = True
        model.sample(values, self.taken)
        self.running = any(
            detector is not None and detector.running
            for rule in model.rules
            if SCOPES[rule.name] == SUMMARY
            for detector in rule.detectors
        )
        curves = self.loaded.curves
        model.curve_pm = tuple(
            min(
                on_curve(curves[f"{direction}_by_cell_{end}_mv"], reading[f"cell_{end}_mv"]),
                on_curve(curves[f"{direction}_by_temp_min_dc"], reading["temp_min_dc"]),
                on_curve(curves[f"{direction}_by_temp_max_dc"], hottest),
            )
            for direction, end in (("charge", "max"), ("discharge", "min"))
        )

    def _told(self, scope: int) -> dict[str, int | None]:
        """What the firmware looks at; other tests prove how it comes to these numbers."""
        values = self.protection.quantities.values
        return {
            name: None if values[number] == ABSENT else values[number]
            for number, name in enumerate(NAMES)
            if SCOPES[name] == scope
        }

    def _judged(self, reading: dict[str, int]) -> dict[str, int | None]:
        """What most rules look at, from the readings."""
        current = reading["rack_current_da"]
        charge, discharge = max(current, 0), max(-current, 0)
        highest, lowest = reading["cell_max_mv"], reading["cell_min_mv"]
        hottest, coldest = reading["temp_max_dc"], reading["temp_min_dc"]
        rack, mean = reading["rack_voltage_dv"], reading["cell_mean_mv"]
        cells = self.loaded.integer("cells_per_rack")
        plateau = 3200 <= mean <= 3340 and abs(current) * 5 < self.loaded.integer("capacity_dah")
        cold_pm = charge * 1000 // self.loaded.integer("charge_current_da") if coldest < 0 else 0
        return {
            "cell_overvoltage": highest,
            "cell_undervoltage": lowest,
            "deep_discharge": lowest,
            "rack_overvoltage": rack,
            "rack_undervoltage": rack,
            "voltage_sum": abs(rack - mean * cells // 100),
            "charge_overcurrent": charge,
            "discharge_overcurrent": discharge,
            "charge_peak_current": charge,
            "discharge_peak_current": discharge,
            "charge_overtemperature": hottest,
            "discharge_overtemperature": hottest,
            "charge_undertemperature": coldest,
            "discharge_undertemperature": coldest,
            "cold_charging": cold_pm,
            "temp_spread": hottest - coldest,
            "voltage_spread": highest - lowest if plateau else None,
            "insulation": reading["insulation_kohm"],
        }

    def _site_values(self) -> dict[str, int]:
        """Gas, smoke and the contacts, as the table of protection functions has them."""
        on = [role for number, role in enumerate(ROLES) if not self.inputs.levels[number]]
        low, smoke, high = on.count("gas_low"), on.count("smoke"), "gas_high" in on
        rising = self.rising
        gas = 3 if high or (low and (smoke or rising)) else min(low, 2)
        return {
            "gas": gas,
            "smoke": 2 if smoke and (low or high) else min(smoke, 2),
            "estop": int("estop" in on),
            "door": int("door" in on),
            "leak": int("leak" in on),
            "coolant": ("coolant" in on) * (2 if self.hot else 1),
        }

    # What both must agree on.

    def compare(self) -> None:
        model, protection, decision = self.model, self.protection, self.protection.decision
        for rule in model.rules:
            number = NAMES.index(rule.name)
            site = SCOPES[rule.name] == SITE
            holder = self.interlocks if site else protection
            level = holder.levels[number - (RACK_RULES if site else 0)]
            assert level == rule.level, (rule.name, level, rule.level)
            if rule.kind != AUTOMATIC:
                assert bool(holder.latches.held(number)) == rule.latched, rule.name
            if rule.kind == WAIT:
                assert holder.latches.trips(number) == rule.trips, rule.name
        assert decision.permit == model.permit
        assert decision.tripped == any(rule.latched for rule in model.rules)
        assert (decision.charge_da, decision.discharge_da) == model.granted
        published = (decision.charge_limit_da, decision.discharge_limit_da)
        assert published == tuple(
            map(min, model.granted, self.bms_limits if model.seen else (0, 0))
        )
        assert decision.level == model.level
        assert protection.running == self.running
