# In the place of umodbus' own file, whose classes would take 4 KB of a board's heap. Annotations
# are never evaluated there, so names alone are enough. Never on CPython's path.

List = Optional = Union = None
