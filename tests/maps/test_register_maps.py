"""Register maps: what the lint refuses, and that generated files match their source."""

from __future__ import annotations

from pathlib import Path

import pytest

from host_tools.errors import UserError
from host_tools.maps import command, register_map

GOOD = (register_map.MAPS / "generic-416s.csv").read_text()


def test_generated_files_are_up_to_date() -> None:
    command.build(check=True)


def test_a_changed_map_is_noticed_by_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    outputs = command.outputs()
    path = next(iter(outputs))
    monkeypatch.setattr(command, "outputs", lambda: {path: outputs[path] + "# changed\n"})
    with pytest.raises(UserError, match=path.name):
        command.build(check=True)


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("summary,0x0007,", "summary,0x0006,", "overlaps"),
        ("0x0007,rack_current_da,1,s16", "0x0007,rack_current_da,1,int", "sign"),
        ("rack_current_da,1,s16", "rack_current_da,1,u16", "impossible"),
        ("0x0008,soc_pm,1,u16,0.1 %", "0x0008,soc_pm,1,u16,percent", "unit"),
        ("summary,0x0018", "summary,0x0019", "holes"),
        ("summary,0x0000", "sumary,0x0000", "block"),
        ("summary,0x0000", "summary,zero", "line 4"),
        ("temps,0x2000,", "cells,0x2000,", "exactly one line"),
    ],
)  # fmt: skip
def test_lint_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str, named: str
) -> None:
    assert old in GOOD
    (tmp_path / "generic-416s.csv").write_text(GOOD.replace(old, new, 1))
    monkeypatch.setattr(register_map, "MAPS", tmp_path)
    with pytest.raises(UserError, match=r"generic-416s\.csv") as caught:
        register_map.load("generic-416s")
    assert named in str(caught.value)


def test_unknown_map_names_the_known_ones() -> None:
    with pytest.raises(UserError, match="generic-416s"):
        register_map.load("no-such-map")
