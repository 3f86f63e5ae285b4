"""`gatewayctl matrix`: the document of the proof, and its runs."""

from __future__ import annotations

from host_tools.errors import UserError
from host_tools.protection_matrix import document, record, runs


def build(check: bool = False) -> None:
    """Write the document; with `check` only compare, UserError on a difference."""
    text = document.text()
    current = document.PATH.read_text() if document.PATH.exists() else None
    if current == text:
        return
    if check:
        raise UserError(f"{document.PATH.name} is out of date: run `gatewayctl matrix build`")
    document.PATH.write_text(text)
    print(f"wrote {document.PATH.name}")


def run(name: str, interpreter: str) -> int:
    """Do one run: 0 when its own verdict is good, 1 when not; UserError for an unknown one."""
    known = {each.name: each for each in runs.RUNS}
    if name not in known:
        raise UserError(f"no run {name!r}; there are: {', '.join(known)}")
    path, failures = record.record(known[name], interpreter)
    for failure in failures:
        print(f"failed: {failure}")
    print(path)
    return 1 if failures else 0
