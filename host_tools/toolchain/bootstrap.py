"""First part of the set-up, run by `make` with the machine's own Python: build/venv.

Standard library only. The pinned packages are installed with their hashes checked.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys

from host_tools.toolchain import debian_packages
from host_tools.toolchain.paths import BUILD, ROOT, VENV
from host_tools.toolchain.progress import say, step

REQUIREMENTS = ROOT / "host_tools" / "requirements.txt"
LOG = BUILD / "setup.log"
_PYTHON = VENV / "bin" / "python"
_LAUNCHER = """\
#!/bin/sh
# Written by host_tools/toolchain/bootstrap.py
PYTHONPATH="{root}" exec "{python}" -m host_tools "$@"
"""


def main() -> int:
    """Set up; 0, or 2 after one line that says what is wrong."""
    BUILD.mkdir(exist_ok=True)
    debian_packages.install_missing()
    importlib.invalidate_caches()
    if importlib.util.find_spec("ensurepip") is None:
        package = debian_packages.VENV_PACKAGE
        say(f"set-up: Python lacks venv; run: sudo apt-get install -y {package}")
        return 2
    try:
        with step("Python packages: installing into build/venv"):
            _make_venv()
            _install_requirements()
    except subprocess.CalledProcessError as error:
        say(f"set-up: {_reason(error.stdout)} (all of it: {LOG})")
        return 2
    _write_launcher()
    return 0


def _make_venv() -> None:
    works = _PYTHON.exists() and subprocess.run([_PYTHON, "-c", ""]).returncode == 0
    if not works:
        _run(sys.executable, "-m", "venv", "--clear", str(VENV))


def _install_requirements() -> None:
    pip = (str(_PYTHON), "-m", "pip", "--disable-pip-version-check", "--no-input", "install")
    _run(*pip, "--quiet", "--require-hashes", "-r", str(REQUIREMENTS))


def _run(*command: str) -> None:
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with LOG.open("a") as log:
        log.write(done.stdout)
    done.check_returncode()


def _reason(output: str) -> str:
    if "Retrying" in output:
        return "package index not reachable; see `pip config list`"
    lines = [line for line in output.splitlines() if "ERROR" in line] or output.splitlines()
    return lines[0].strip() if lines else "no message"


def _write_launcher() -> None:
    launcher = VENV / "bin" / "gatewayctl"
    launcher.write_text(_LAUNCHER.format(root=ROOT, python=_PYTHON))
    launcher.chmod(0o755)


if __name__ == "__main__":
    sys.exit(main())
