"""Code that only the start needs: it comes from flash, does its work and leaves its memory."""

from __future__ import annotations

import sys


def let_go(*names: str) -> None:
    """Forget these modules; a name that ends with a dot means all below that package.

    What somebody holds of them, an object or a table, stays. Who imports one again gets it anew
    from flash, so it may have no state of its own.
    """
    for name in list(sys.modules):
        if name in names or name[: name.rfind(".") + 1] in names:
            del sys.modules[name]
            package, _, module = name.rpartition(".")
            delattr(sys.modules[package], module)
