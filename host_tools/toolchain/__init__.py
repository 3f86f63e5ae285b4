"""What this machine needs before anything runs: Debian packages, Python packages, MicroPython.

`make` calls `bootstrap` (any Python >= 3.11, standard library only), then `packages` and
`setup_micropython` (inside build/venv). Everybody else asks `locate` and `find_tool`.
"""
