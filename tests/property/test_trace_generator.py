"""The committed traces hold the timelines of the generator, and nothing else."""

from __future__ import annotations

from trace_generator import FOLDER, timelines
from trace_player import MARK


def test_every_timeline_has_its_trace_with_its_commands() -> None:
    made = timelines()
    assert sorted(path.stem for path in FOLDER.glob("*.txt")) == sorted(made)
    for name, commands in made.items():
        lines = (FOLDER / f"{name}.txt").read_text().splitlines()
        assert [line for line in lines if not line.startswith(MARK)] == commands, name
