"""Integers that notice when a device would have to allocate for them."""

from __future__ import annotations

from array import array
from typing import Any

LARGEST = (1 << 30) - 1


class SmallInt(int):
    """An int whose sums and products must stay within what a 32-bit MicroPython port holds.

    What is calculated with one is one again, so the check goes on behind the first operation.
    """

    def __new__(cls, value: int) -> SmallInt:
        if not -LARGEST - 1 <= value <= LARGEST:
            raise OverflowError(f"{value} is no small integer")
        return super().__new__(cls, value)


def _checked(name: str) -> Any:
    plain = getattr(int, name)

    def operator(self: SmallInt, *others: int) -> Any:
        result = plain(self, *others)
        return result if result is NotImplemented else SmallInt(result)

    return operator


for _name in ("add", "sub", "mul", "floordiv", "mod", "lshift", "rshift", "and", "or", "xor"):
    setattr(SmallInt, f"__{_name}__", _checked(f"__{_name}__"))
    setattr(SmallInt, f"__r{_name}__", _checked(f"__r{_name}__"))
for _name in ("neg", "abs", "invert", "pos"):
    setattr(SmallInt, f"__{_name}__", _checked(f"__{_name}__"))


class SmallArray(array):  # type: ignore[type-arg]
    """An array that gives such integers."""

    def __getitem__(self, index: Any) -> Any:
        return SmallInt(super().__getitem__(index))
