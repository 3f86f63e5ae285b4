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
    texts: dict[Path, str] = {}
    ids: dict[int, str] = {}
    for name in map_names():
        source = load(name)
        identity = source.number("id")
        if identity in ids:
            raise UserError(f"{name}.csv: meta id: 0x{identity:04X} is that of {ids[identity]}")
        ids[identity] = name
        try:
            texts[FIRMWARE_MAPS / f"{source.module_name}.py"] = generate.firmware_module(source)
        except ValueError as error:
            raise UserError(f"{name}.csv: {error}") from error
        texts[MAPS / f"{name}.md"] = register_list(source)
    return texts


def orphans(texts: dict[Path, str]) -> list[Path]:
    """Generated modules whose CSV has gone: a device would still carry them."""
    modules = set(FIRMWARE_MAPS.glob("*.py")) - {FIRMWARE_MAPS / "__init__.py"}
    return sorted(modules - set(texts))


def build(check: bool = False) -> None:
    """Write the generated files; with `check` only compare, UserError on a difference."""
    texts = outputs()
    for path in orphans(texts):
        if check:
            raise UserError(f"{path.name}: no CSV belongs to it: run `gatewayctl maps build`")
        path.unlink()
        print(f"removed {path.name}")
    for path, text in texts.items():
        current = path.read_text() if path.exists() else None
        if current == text:
            continue
        if check:
            raise UserError(f"{path.name} is out of date: run `gatewayctl maps build`")
        path.write_text(text)
        print(f"wrote {path.name}")
