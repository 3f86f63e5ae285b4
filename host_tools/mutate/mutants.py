"""Small wrong changes of a module, one at a time, by the operators of mutmut.

Its operators only: mutmut itself copies the project and puts its changes behind a switch inside
each function, so it cannot change what matters most here, constants, tables and properties.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.mutators import mutation_operators

_FOR_TYPES = "TYPE_CHECKING"
_NOT_MUTATED = (cst.Annotation, cst.Import, cst.ImportFrom, cst.Decorator)


@dataclass(frozen=True)
class Mutant:
    """`source` is the whole changed module; `before` and `after` are the lines that differ."""

    module: str
    line: int
    before: str
    after: str
    source: str

    @property
    def key(self) -> str:
        """Stays the same while the module does."""
        text = f"{self.line}\n{self.before}\n{self.after}"
        return f"{self.module}:{self.line}:{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def mutants_of(module: str, source: str) -> list[Mutant]:
    """Every different mutant of `source` that still compiles, in the order of its lines."""
    wrapper = MetadataWrapper(cst.parse_module(source))
    places = _Places()
    wrapper.visit(places)
    found: dict[str, Mutant] = {}
    for line, original, changed in places.found:
        if _is_none_for_false(original, changed):
            continue
        code = _replaced(wrapper.module, original, changed)
        if code is not None and code != source and code not in found:
            before, after = _difference(source, code)
            found[code] = Mutant(module, line, before, after, code)
    return sorted(found.values(), key=lambda mutant: mutant.line)


class _Places(cst.CSTVisitor):
    """Collects (line, node, changed node)."""

    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[int, cst.CSTNode, cst.CSTNode]] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        if _is_for_types(node) or _is_guard(node) or isinstance(node, _NOT_MUTATED):
            return False
        position = self.get_metadata(PositionProvider, node, None)
        if position is not None:
            for changed in _changes(node):
                self.found.append((position.start.line, node, changed))
        return True


def _changes(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    for kind, operator in mutation_operators:
        if isinstance(node, kind):
            yield from operator(node)


def _is_for_types(node: cst.CSTNode) -> bool:
    """`if TYPE_CHECKING:`, its switch, and lists of public names: no interpreter cares."""
    if isinstance(node, cst.If):
        return isinstance(node.test, cst.Name) and node.test.value == _FOR_TYPES
    if isinstance(node, cst.Assign):
        target = node.targets[0].target
        return isinstance(target, cst.Name) and target.value in (_FOR_TYPES, "__all__")
    return False


def _is_guard(node: cst.CSTNode) -> bool:
    """`raise ImportError`, when tables do not fit each other: while they do, nobody gets there."""
    if not isinstance(node, cst.Raise) or not isinstance(node.exc, cst.Call):
        return False
    return isinstance(node.exc.func, cst.Name) and node.exc.func.value == "ImportError"


def _is_none_for_false(original: cst.CSTNode, changed: cst.CSTNode) -> bool:
    """Whoever asks `if not x` cannot tell them apart; nothing here asks anything else."""
    if isinstance(original, cst.Assign | cst.AnnAssign) and isinstance(changed, type(original)):
        return _is_name(original.value, "False") and _is_name(changed.value, "None")
    if isinstance(original, cst.Call) and isinstance(changed, cst.Call):
        pairs = zip(original.args, changed.args, strict=False)
        differ = [(old, new) for old, new in pairs if old is not new]
        return len(original.args) == len(changed.args) and all(
            _is_name(old.value, "False") and _is_name(new.value, "None") for old, new in differ
        )
    return False


def _is_name(node: cst.CSTNode | None, name: str) -> bool:
    return isinstance(node, cst.Name) and node.value == name


def _replaced(module: cst.Module, original: cst.CSTNode, changed: cst.CSTNode) -> str | None:
    """None for what is no Python, such as `return` outside of a function."""
    try:
        tree = module.deep_replace(original, changed)
        assert isinstance(tree, cst.Module)
        compile(tree.code, "mutant", "exec", dont_inherit=True)
    except (SyntaxError, cst.CSTValidationError):
        return None
    return tree.code


def _difference(source: str, code: str) -> tuple[str, str]:
    lines = difflib.unified_diff(source.splitlines(), code.splitlines(), n=0, lineterm="")
    sides: dict[str, list[str]] = {"-": [], "+": []}
    for line in list(lines)[2:]:
        if line[:1] in sides:
            sides[line[0]].append(line[1:].strip())
    return " ".join(sides["-"]), " ".join(sides["+"])
