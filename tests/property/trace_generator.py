"""Makes the committed traces: timelines from here, decisions as protection makes them now.

`python tests/property/trace_generator.py --write` after a change of decisions that is wanted; read
the difference before it is committed, it is what the change does to a site. Without `--write` it
says which traces differ.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    for folder in ("firmware", "tests/shared/support"):
        sys.path.insert(0, str(ROOT / folder))

from sample_site import LIMITS  # noqa: E402
from timeline_bench import ROLES  # noqa: E402
from timelines import walk  # noqa: E402
from trace_player import play  # noqa: E402

FOLDER = ROOT / "tests" / "shared" / "protection" / "traces"
WALKS = 6
WALK_LINES = 48

WELL = ["n", "h 500 x160"]
# rule: (reading, factor on a set point, other readings that it needs)
READ = {
    "cell_overvoltage": ("cell_max_mv", 1, ""),
    "cell_undervoltage": ("cell_min_mv", 1, ""),
    "cell_undervoltage_cold": ("cell_min_mv", 1, "temp_max_dc=-50 temp_min_dc=-60"),
    "deep_discharge": ("cell_min_mv", 1, ""),
    "rack_overvoltage": ("rack_voltage_dv", 1, ""),
    "rack_undervoltage": ("rack_voltage_dv", 1, ""),
    "charge_overcurrent": ("rack_current_da", 1, ""),
    "discharge_overcurrent": ("rack_current_da", -1, ""),
    "charge_peak_current": ("rack_current_da", 1, ""),
    "discharge_peak_current": ("rack_current_da", -1, ""),
    "charge_overtemperature": ("temp_max_dc", 1, ""),
    "charge_undertemperature": ("temp_min_dc", 1, ""),
    "discharge_undertemperature": ("temp_min_dc", 1, ""),
    "insulation": ("insulation_kohm", 1, ""),
}


def points(rule: str) -> list[str]:
    """One step short of each level, at it, back within the clear point."""
    reading, factor, others = READ[rule]
    lines = []
    for limit in LIMITS[rule]:
        if limit is None:
            continue
        set_point, clear_point, delay_ms, clear_ms = limit
        inward = 1 if clear_point > set_point else -1
        times = delay_ms // 500 + 2
        lines += ["h 500 x4"]
        lines += [f"s 500 x{times} {reading}={(set_point + inward) * factor} {others}".rstrip()]
        lines += [f"s 500 x{times} {reading}={set_point * factor}", "r operator"]
        lines += [f"s 500 x{clear_ms // 500 + 2} {reading}={clear_point * factor}", "r service"]
    return lines + WELL + ["r service"]


def derived() -> list[str]:
    """Rules on what is worked out from several readings."""
    lines = []
    for value in (6864 + 24, 6864 + 25, 6864 + 50):
        lines.append(f"s 500 x12 rack_voltage_dv={value}")
    lines += ["h 500 x12", "s 250 x240 rack_current_da=4710 soc_pm=500", *WELL, "r service"]
    lines += ["s 500 x4 rack_current_da=-1700 soc_pm=200", *WELL]
    lines += ["s 250 x240 rack_current_da=-4710", *WELL, "r service"]
    lines += ["s 500 x30 temp_min_dc=-1 rack_current_da=100", *WELL, "r service"]
    lines += ["s 500 x125 temp_max_dc=310", "s 500 x25 temp_max_dc=390", *WELL]
    for highest in (3340, 3440, 3790):
        lines.append(f"s 500 x125 cell_max_mv={highest}")
    lines += [*WELL, "r service"]
    lines += [f"s 500 x1 cell_max_mv={3310 + 30 * step}" for step in range(1, 8)]
    lines += [f"s 500 x1 cell_max_mv={3310 + 60 * step}" for step in range(1, 8)]
    lines += [*WELL, "r service", "s 500 x70 cell_max_mv=3600 rack_current_da=200"]
    lines += [*WELL, "r service", "h 500 x240", "l 1"]
    for current in (1650, 1728, 1965):
        lines.append(f"s 500 x24 rack_current_da={current}")
    return [*lines, *WELL, "r service"]


def scans() -> list[str]:
    """Temperatures and cells of whole scans, and what is no cell."""
    lines = ["h 500 x8", "t 0=240", "c 0=3300"]
    for rate_dc in (1, 3, 8, 12):
        for step in range(1, 24):
            lines += ["h 500 x8", f"t 2={242 + rate_dc * step}"]
        lines += [*WELL, "t 2=242", *["h 500 x8", "t 1=241"] * 12, "r service"]
    lines += ["s 500 x8 temp_max_dc=451"]
    for step in range(1, 12):
        lines += ["s 500 x8 temp_max_dc=460", f"t 3={243 + 5 * step}"]
    lines += [*WELL, *["h 500 x8", "t 1=241"] * 12, "r service"]
    for cells in ("0=65535", "0=65535 3=900", "0=3300 3=3303"):
        lines += ["h 500 x8", f"c {cells}"] * 3
    return [*lines, "r operator", "r service"]


def ages() -> list[str]:
    """Silence, answers now and then, frozen and implausible answers, days without any."""
    lines = ["h 500 x20"]
    for silent_ms in (1400, 1600, 3100, 10500):
        lines += [f"w {silent_ms} 50", "h 500 x4"]
    lines += ["h 500 x200"]
    lines += ["w 2500 50", "h 500 x1"] * 12
    lines += [*WELL, "f 500 x140", *WELL, "r service"]
    lines += ["j 500 x2", "h 500 x20", "j 500 x5", "h 500 x20", "j 500 x25", *WELL, "r operator"]
    lines += ["r service", "w 259200000 900000", *WELL, "r service"]
    return lines


def contactor() -> list[str]:
    """Orders that are obeyed, late, or not at all; precharges that fail."""
    lines = ["h 500 x8", "o 1", "s 500 x1 contactor_state=1", "s 500 x4 contactor_state=0", "o 0"]
    lines += [*WELL, "s 500 x2 rack_current_da=500", "o 1", "s 500 x10 rack_current_da=500"]
    lines += ["r service", "s 500 x12 rack_current_da=0 contactor_state=0", "r operator"]
    lines += ["r service", *WELL, "s 500 x12 contactor_state=0 rack_current_da=200"]
    for _ in range(4):
        lines += ["s 500 x3 contactor_state=2 rack_current_da=0", "s 500 x3 contactor_state=0"]
    return [*lines, *WELL, "r operator", "r service"]


def site() -> list[str]:
    """Each input alone, then gas and smoke in every combination that counts."""
    lines = ["h 500 x8"]
    for number in range(len(ROLES)):
        lines += [f"i {number} 1", "h 500 x30", "r service", *WELL, "r operator", "r service"]
    for pair in ((0, 1), (0, 3), (3, 4), (2, 3)):
        lines += [*[f"i {number} 1" for number in pair], "h 500 x4", *WELL, "r service"]
    lines += ["s 500 x130 temp_max_dc=410", "i 8 1", "s 500 x130 temp_max_dc=410", *WELL]
    return lines


def waiting() -> list[str]:
    """Over-current that releases itself five times, with restarts in between."""
    lines = ["h 500 x8"]
    for number in range(7):
        lines += ["s 500 x23 rack_current_da=1962", "h 500 x60"]
        lines += ["b"] if number % 2 else ["r operator"] * (number == 4)
        lines += ["h 500 x70"]
    return [*lines, "b", "h 500 x4", "r operator", "h 500 x130", "r operator", "h 500 x8"]


def wandering(seed: int) -> list[str]:
    """A random walk that is well again every now and then."""
    moves = walk(seed, WALK_LINES)
    lines: list[str] = []
    for begin in range(0, len(moves), 8):
        lines += [*moves[begin : begin + 8], *WELL, "r service"]
    return lines


def timelines() -> dict[str, list[str]]:
    """Name and commands of every trace."""
    made = {rule: points(rule) for rule in READ}
    for maker in (derived, scans, ages, contactor, site, waiting):
        made[maker.__name__] = maker()
    for seed in range(WALKS):
        made[f"walk{seed}"] = wandering(seed)
    return made


def text(commands: list[str]) -> str:
    return "\n".join(play(commands)) + "\n"


def main(arguments: list[str]) -> int:
    FOLDER.mkdir(exist_ok=True)
    made = timelines()
    differing = 0
    for name, commands in sorted(made.items()):
        path = FOLDER / f"{name}.txt"
        content = text(commands)
        if path.exists() and path.read_text() == content:
            continue
        differing += 1
        print(("written " if arguments == ["--write"] else "differs ") + name)
        if arguments == ["--write"]:
            path.write_text(content)
    for path in sorted(FOLDER.glob("*.txt")):
        if path.stem not in made:
            print("no such timeline any more:", path.name)
            differing += 1
    return 0 if arguments == ["--write"] else min(differing, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
