# The little of `typing` that device code names; on MicroPython's path only. Annotations are never
# evaluated there, so nothing else is needed.

TYPE_CHECKING = False
