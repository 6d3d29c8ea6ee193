"""The hook file outside the environment it came from, and the interpreter that runs it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sreconsole import hook
from sreconsole.gate import settings_file
from sreconsole.gate.wiring import HOOK_FILE

PROTOCOL = hook.PROTOCOL.decode().rpartition("/")[2]
"""The protocol the hook file of this version speaks."""

SOURCE = Path(hook.__file__)
PREFERRED = Path("/usr/bin/python3")
OLDEST = (3, 11)
PATIENCE = 10.0

PROBE = """
import sys, _socket
from posix import _exit, environ, read, write
try:
    from _sha256 import sha256
except ImportError:
    from _sha2 import sha256
print(*sys.version_info[:2])
"""

COMPILE = """
import py_compile, sys
from py_compile import PycInvalidationMode
py_compile.compile(sys.argv[1], sys.argv[2], sys.argv[3], True, 2, PycInvalidationMode.UNCHECKED_HASH)
"""


class NoInterpreter(Exception):
    """No interpreter can run the hook; one line that says which were tried."""


@dataclass(frozen=True, slots=True)
class HookFile:
    """The hook as it will be installed: its source, and the same compiled (empty: it could not be)."""

    source: bytes
    compiled: bytes

    def installed(self, folder: Path) -> Path:
        """What the client's command runs."""
        return folder / f"sreconsole-hook-{PROTOCOL}.{'pyc' if self.compiled else 'py'}"

    def files(self, folder: Path) -> dict[Path, bytes]:
        """Every file to install, with its content."""
        source = folder / f"sreconsole-hook-{PROTOCOL}.py"
        return {source: self.source, **({self.installed(folder): self.compiled} if self.compiled else {})}


def prepared(python: Path) -> HookFile:
    """The hook file, compiled by the very interpreter that will run it: that saves the compiling at every call."""
    with tempfile.TemporaryDirectory(prefix="sreconsole-hook-") as folder:
        out = Path(folder) / "hook.pyc"
        words = [str(python), "-I", "-S", "-c", COMPILE, str(SOURCE), str(out), f"sreconsole-hook-{PROTOCOL}.py"]
        try:
            done = subprocess.run(words, capture_output=True, timeout=PATIENCE, check=False, env={"PATH": os.defpath})
        except (OSError, subprocess.TimeoutExpired):
            done = None
        compiled = out.read_bytes() if done is not None and done.returncode == 0 and out.exists() else b""
    return HookFile(SOURCE.read_bytes(), compiled)


def interpreter(shared: bool) -> Path:
    """The interpreter to bake in: the machine's own if it will do, else the one below our environment.

    Never one inside an environment, which an upgrade removes. `shared`: other users must be able to run it.
    Raises NoInterpreter.
    """
    tried = []
    for path in dict.fromkeys((PREFERRED.resolve(), base())):
        problem = unfit(path, shared)
        if not problem:
            return path
        tried.append(f"{path}: {problem}")
    raise NoInterpreter("no interpreter can run the hook: " + "; ".join(tried))


def base() -> Path:
    """The interpreter under any virtual environment we run in, with no link left in its path."""
    path = Path(getattr(sys, "_base_executable", "") or sys.executable)
    for _ in range(8):
        marks = [folder / "pyvenv.cfg" for folder in (path.parent, path.parent.parent)]
        mark = next((one for one in marks if one.is_file()), None)
        if mark is None:
            break
        home = re.search(r"^home\s*=\s*(.+)$", mark.read_text(), re.MULTILINE)
        if home is None:
            break
        path = next(
            (one for one in (Path(home[1].strip()) / path.name, Path(home[1].strip()) / "python3") if one.exists()),
            path,
        )
    return path.resolve()


def unfit(python: Path, shared: bool) -> str:
    """Why an interpreter cannot run the hook ("" if it can)."""
    if shared and (closed := barrier(python)):
        return f"agents cannot reach it ({closed} is closed to others)"
    try:
        done = subprocess.run([str(python), "-I", "-S", "-c", PROBE], capture_output=True, text=True, timeout=PATIENCE,
                              check=False, env={"PATH": os.defpath})  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(getattr(error, "strerror", "") or "it hangs")
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["it fails"])[-1]
    version = tuple(int(word) for word in done.stdout.split())
    return "" if version >= OLDEST else f"Python {done.stdout.strip().replace(' ', '.')} is older than 3.11"


def barrier(path: Path) -> Path | None:
    """The first folder on the way to a file, or the file, that other users may not pass; None if they get there."""
    for one in (*reversed(path.parents), path):
        try:
            mode = one.stat().st_mode
        except OSError:
            return one
        if not mode & (0o001 if one != path else 0o004):
            return one
    return None


def publish(file: HookFile, folder: Path, shared: bool, owner: int) -> list[Path]:
    """Put the files in place, each whole; the ones that were written. Raises OSError.

    0755 and 0644 where agents are other users, 0700 and 0600 where they are this one.
    """
    open_up(folder, shared, owner)
    written = []
    for path, content in file.files(folder).items():
        if (
            not path.is_symlink()
            and path.is_file()
            and path.read_bytes() == content
            and path.stat().st_mode & 0o777 == mode(shared)
        ):
            continue
        put(path, content, shared, owner)
        written.append(path)
    return written


def open_up(folder: Path, shared: bool, owner: int) -> None:
    """Make the folder of hook files. Agents that are other users may pass through to it, and look nowhere else."""
    settings_file.make(folder, 0o700)
    folder.chmod(0o755 if shared else 0o700)
    _own(folder, shared, owner)
    if shared and not folder.parent.stat().st_mode & 0o001:
        folder.parent.chmod(folder.parent.stat().st_mode & 0o7777 | 0o001)


def put(path: Path, content: bytes, shared: bool, owner: int) -> None:
    """Write one file of ours, whole, over what was there. Raises OSError."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    try:
        settings_file.write(temporary, content, mode(shared))
        _own(temporary, shared, owner)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    settings_file.sync(path.parent)


def mode(shared: bool) -> int:
    """The mode of an installed file."""
    return 0o644 if shared else 0o600


def sweep(folder: Path, wanted: Iterable[Path]) -> list[Path]:
    """Remove hook files of other protocols that no settings refer to; the ones removed."""
    keep = {path.with_suffix("").name for path in wanted} | {f"sreconsole-hook-{PROTOCOL}"}
    old = [
        path for path in folder.iterdir() if HOOK_FILE.fullmatch(path.name) and path.with_suffix("").name not in keep
    ]
    for path in old:
        path.unlink(missing_ok=True)
    return old


def _own(path: Path, shared: bool, owner: int) -> None:
    """Files of a private home belong to its user, also when root installs; those of a system home stay root's."""
    if not shared and os.geteuid() == 0 and owner != 0:
        os.chown(path, owner, -1)
