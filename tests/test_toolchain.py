"""Finding MicroPython, and what must be refused: wrong interpreters, wrong files."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import tarfile
from pathlib import Path

import pytest

from host_tools.errors import UserError
from host_tools.toolchain import build, debian_packages, debian_source, interpreter, packages
from host_tools.toolchain.interpreter import Found, Missing, locate, probe
from host_tools.toolchain.quiet_make import make


@pytest.fixture
def script(tmp_path: Path):
    """Makes an executable shell script; returns its path."""

    def make(body: str, name: str = "micropython") -> Path:
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    return make


def answering(name: str, version: str, lacks: str = "") -> str:
    return f'echo \'{{"name": "{name}", "version": [{version}], "lacks": [{lacks}]}}\''


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (answering("micropython", "1, 22, 1"), "is 1.22.1, older than 1.24"),
        (answering("cpython", "3, 11, 2"), "is cpython 3.11.2"),
        (answering("micropython", "1, 26, 0", '"asyncio"'), "is 1.26.0 without asyncio"),
        (answering("micropython", "1, 26, 0", '"vfs.VfsLfs2"'), "is 1.26.0 without vfs.VfsLfs2"),
        ("exit 1", "does not answer like MicroPython"),
        ("echo hello", "does not answer like MicroPython"),
    ],
)
def test_unusable_interpreters_are_named(script, body: str, reason: str) -> None:
    assert probe(script(body), "PATH") == Missing(reason)


def test_an_interpreter_without_tls_is_good_enough(script) -> None:
    found = probe(script(answering("micropython", "1, 24, 0", '"tls", "ffi"')), "PATH")
    assert isinstance(found, Found)
    assert (found.version, found.tls) == ("1.24.0", False)


def test_a_file_that_is_no_program_is_refused(tmp_path: Path) -> None:
    assert probe(tmp_path / "nothing", "built") == Missing(
        "does not start (No such file or directory)"
    )


def test_the_named_interpreter_must_work(script) -> None:
    path = script(answering("micropython", "1, 22, 1"))
    with pytest.raises(UserError, match="MICROPYTHON=.*is 1.22.1, older than 1.24; unset it"):
        locate({"MICROPYTHON": str(path)})


def test_order_is_named_then_path_then_built(script, tmp_path: Path, monkeypatch) -> None:
    named = script(answering("micropython", "1, 24, 0"), "named")
    built = script(answering("micropython", "1, 25, 0"), "built")
    script(answering("micropython", "1, 26, 0"))
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    def version(environment: dict[str, str]) -> str:
        found = locate(environment, built)
        assert isinstance(found, Found)
        return f"{found.version} {found.source}"

    assert version({"MICROPYTHON": str(named)}) == "1.24.0 $MICROPYTHON"
    assert version({}) == "1.26.0 PATH"
    script(answering("micropython", "1, 22, 0"))
    assert version({}) == "1.25.0 built"


def test_missing_says_everything_tried(script, tmp_path: Path, monkeypatch) -> None:
    script(answering("micropython", "1, 22, 0"))
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    missing = locate({}, tmp_path / "nothing")
    assert missing == Missing(
        "$MICROPYTHON: not set; PATH: is 1.22.0, older than 1.24; built: none"
    )


def test_the_real_one_has_what_the_gateway_needs(need) -> None:
    found = probe(need("micropython"), "built")
    assert isinstance(found, Found)
    assert tuple(map(int, found.version.split("."))) >= interpreter.MINIMUM


def test_a_folder_that_is_no_micropython_source_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="MICROPY_DIR=.*no ports/unix/Makefile"):
        build.source_tree({"MICROPY_DIR": str(tmp_path)})


@pytest.fixture
def built_before(tmp_path: Path, monkeypatch) -> Found:
    """A program of ours with the recipe of today."""
    monkeypatch.setattr(build, "_RECIPE_FILE", tmp_path / "recipe")
    (tmp_path / "recipe").write_text(build.recipe())
    found = Found(tmp_path / "micropython", "1.25.0", interpreter.BUILT_HERE, tls=True)
    monkeypatch.setattr(build, "locate", lambda: found)
    return found


def test_the_same_recipe_builds_nothing(built_before: Found, monkeypatch) -> None:
    monkeypatch.setattr(build, "build", lambda: pytest.fail("built again"))
    assert build.ensure_micropython() == built_before


@pytest.mark.parametrize("change", ["manifest", "library", "no note"])
def test_another_recipe_builds_again(
    built_before: Found, tmp_path: Path, monkeypatch, change: str
) -> None:
    if change == "manifest":
        (tmp_path / "manifest.py").write_text("# another one")
        monkeypatch.setattr(build, "_MANIFEST", tmp_path / "manifest.py")
    elif change == "library":
        monkeypatch.setattr(build, "_compiles", lambda source: False)
    else:
        (tmp_path / "recipe").unlink()
    fresh = Found(tmp_path / "micropython", "1.26.0", interpreter.BUILT_HERE, tls=True)
    monkeypatch.setattr(build, "build", lambda: fresh)
    assert not build.is_current(built_before)
    assert build.ensure_micropython() == fresh


def test_a_recipe_that_fails_leaves_the_old_program(
    built_before: Found, tmp_path: Path, monkeypatch, capsys
) -> None:
    def fail() -> Found:
        raise build.BuildError("no gcc")

    (tmp_path / "recipe").unlink()
    monkeypatch.setattr(build, "build", fail)
    assert build.ensure_micropython() == built_before
    assert "the old one stays, the new recipe failed: no gcc" in capsys.readouterr().err


def test_programs_of_others_have_no_recipe(tmp_path: Path) -> None:
    assert build.is_current(Found(tmp_path / "micropython", "1.26.0", "PATH", tls=False))


def test_without_a_compiler_the_command_is_named(monkeypatch) -> None:
    monkeypatch.setattr(build, "find_tool", lambda program: None)
    with pytest.raises(build.BuildError, match=r"no gcc and no make \(.*install .*gcc make"):
        build.build({})


def test_an_outer_make_does_not_leak_into_the_build(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("MAKEFLAGS", "n -- DEBUG=1")
    (tmp_path / "Makefile").write_text("all:\n\t@echo $(WHAT)$(DEBUG)$(MAKEFLAGS) > out\n")
    assert make(tmp_path, ["WHAT=made"], tmp_path / "log") == ""
    made = (tmp_path / "out").read_text()
    assert made.startswith("made") and "DEBUG" not in made


def test_of_a_make_that_fails_the_first_error_is_left(tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text("all:\n\t@echo one.c: error: no such thing; exit 1\n")
    log = tmp_path / "log"
    assert make(tmp_path, [], log) == f"one.c: error: no such thing (all of it: {log})"


def test_debian_files_must_be_the_pinned_ones(tmp_path: Path, monkeypatch) -> None:
    good = hashlib.sha256(b"source").hexdigest()
    monkeypatch.setattr(debian_source, "PINS", {"a.dsc": good})
    with pytest.raises(debian_source.SourceError, match="a.dsc did not arrive"):
        debian_source.verify(tmp_path)
    (tmp_path / "a.dsc").write_bytes(b"source")
    debian_source.verify(tmp_path)
    (tmp_path / "a.dsc").write_bytes(b"other")
    with pytest.raises(debian_source.SourceError, match="a.dsc is not the pinned file"):
        debian_source.verify(tmp_path)
    assert not (tmp_path / "a.dsc").exists(), "a wrong file must not be found again"


def test_ubuntu_learns_of_a_debian_mirror(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(debian_source, "_run", lambda *arguments: "")
    template = tmp_path / "debian.info"
    with pytest.raises(debian_source.SourceError, match="set DEBIAN_MIRROR"):
        debian_source.mirror({}, tmp_path)
    template.write_text("Suite: sid\nBaseURI: http://mirror.example/debian\n")
    assert debian_source.mirror({}, tmp_path) == "http://mirror.example/debian"
    named = {"DEBIAN_MIRROR": "http://near.example/debian"}
    assert debian_source.mirror(named, tmp_path) == "http://near.example/debian"


def test_no_packages_are_asked_for_where_there_is_no_apt(monkeypatch) -> None:
    monkeypatch.setattr(debian_packages, "find_tool", lambda program: None)
    assert debian_packages.missing() == []


def test_without_root_one_line_says_what_would_help(monkeypatch, capsys) -> None:
    monkeypatch.setattr(debian_packages, "missing", lambda: ["mosquitto", "libffi-dev"])
    monkeypatch.setattr(debian_packages.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(debian_packages, "find_tool", lambda program: None)
    debian_packages.install_missing()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].endswith("sudo apt-get install -y mosquitto libffi-dev")


PIN = packages.Pin("micropython-logging", "0.5.2", "0" * 64)


def test_pins_are_read_with_their_hashes() -> None:
    assert packages.read_pins(
        f"# why\n\nmicropython-logging==0.5.2 --hash=sha256:{'0' * 64}\n"
    ) == [PIN]


@pytest.mark.parametrize(
    "line",
    [
        "micropython-logging==0.5.2",
        "micropython-logging --hash=sha256:" + "0" * 64,
        "micropython-unknown==1 --hash=sha256:" + "0" * 64,
    ],
)
def test_a_pin_without_version_or_hash_is_refused(line: str) -> None:
    with pytest.raises(UserError, match=r"firmware/requirements.txt line 2"):
        packages.read_pins(f"\n{line}\n")


def test_the_project_pins_what_it_unpacks() -> None:
    names = {pin.name for pin in packages.read_pins(packages.PINS_FILE.read_text())}
    assert names == packages.FOLDERS.keys()


def archive(path: Path, *members: tuple[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        link = tarfile.TarInfo("p-1/logging/link.py")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    return path


def test_only_plain_files_of_the_package_are_unpacked(tmp_path: Path) -> None:
    source = archive(
        tmp_path / "p.tar.gz",
        ("p-1/logging/__init__.py", b"good = 1\n"),
        ("p-1/logging/../../outside.py", b""),
        ("p-1/setup.py", b""),
        ("/etc/logging/absolute.py", b""),
    )
    target = tmp_path / "upy" / "logging"
    (target / "old").mkdir(parents=True)
    packages.unpack(source, "logging", target)
    files = [path.relative_to(tmp_path) for path in tmp_path.rglob("*") if not path.is_dir()]
    assert sorted(map(str, files)) == ["p.tar.gz", "upy/logging/logging/__init__.py"]


def test_an_archive_without_the_package_is_refused(tmp_path: Path) -> None:
    source = archive(tmp_path / "p.tar.gz", ("p-1/other/__init__.py", b""))
    with pytest.raises(UserError, match="holds no folder umodbus"):
        packages.unpack(source, "umodbus", tmp_path / "target")


def test_an_index_that_serves_another_file_is_refused(package_index, tmp_path: Path) -> None:
    url = package_index(archive(tmp_path / "p.tar.gz", ("p-1/logging/__init__.py", b"")))
    with packages.PyPISimple(url) as index:
        with pytest.raises(UserError, match="micropython-logging 0.5.2: not the pinned file"):
            packages.download(PIN, index, tmp_path / "scratch")
        other = packages.Pin(PIN.name, "9.9", PIN.sha256)
        with pytest.raises(UserError, match="9.9: the package index has no such source archive"):
            packages.download(other, index, tmp_path / "scratch")


def test_an_index_that_is_down_is_one_line(tmp_path: Path) -> None:
    with (
        packages.PyPISimple("http://127.0.0.1:1/simple") as index,
        pytest.raises(UserError, match="package index not reachable .*PIP_INDEX_URL"),
    ):
        packages.download(PIN, index, tmp_path)


def test_the_index_is_the_one_pip_is_configured_for(tmp_path: Path) -> None:
    configuration = tmp_path / "pip.conf"
    configuration.write_text("[global]\nindex-url = https://one.example/simple\n")
    environment = {"PATH": os.environ["PATH"], "PIP_CONFIG_FILE": str(configuration)}
    assert packages.pip_settings(environment)["index-url"] == "https://one.example/simple"
    environment["PIP_INDEX_URL"] = "https://two.example/simple"
    assert packages.pip_settings(environment)["index-url"] == "https://two.example/simple"


@pytest.fixture
def package_index(tmp_path: Path):
    """Serves one archive as micropython-logging 0.5.2 on a free port of this machine."""
    import threading
    from functools import partial
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

    root = tmp_path / "index"
    page = root / "simple" / "micropython-logging"
    page.mkdir(parents=True)

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(root)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()

    def publish(source: Path) -> str:
        content = source.read_bytes()
        name = "micropython-logging-0.5.2.tar.gz"
        (page / name).write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        (page / "index.html").write_text(f'<a href="{name}#sha256={digest}">{name}</a>')
        return f"http://127.0.0.1:{server.server_port}/simple"

    yield publish
    server.shutdown()
    thread.join()
    server.server_close()
