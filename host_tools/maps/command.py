"""`gatewayctl maps build [--check]`: write what is generated from the CSV maps, or compare it."""

from __future__ import annotations

from pathlib import Path

from host_tools.errors import UserError
from host_tools.maps import generate
from host_tools.maps.register_list import register_list
from host_tools.maps.register_map import MAPS, load, map_names

FIRMWARE_MAPS = MAPS.parents[1] / "firmware" / "gateway" / "rack" / "maps"


def outputs() -> dict[Path, str]:
    """Every generated file and the text it must hold."""
    texts = {}
    for name in map_names():
        source = load(name)
        texts[FIRMWARE_MAPS / f"{source.module_name}.py"] = generate.firmware_module(source)
        texts[MAPS / f"{name}.md"] = register_list(source)
    return texts


def build(check: bool = False) -> None:
    """Write the generated files; with `check` only compare, UserError on a difference."""
    for path, text in outputs().items():
        current = path.read_text() if path.exists() else None
        if current == text:
            continue
        if check:
            raise UserError(f"{path.name} is out of date: run `gatewayctl maps build`")
        path.write_text(text)
        print(f"wrote {path.name}")
