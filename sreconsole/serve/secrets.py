"""Where our own secrets come from: systemd credentials, a 0600 file, or a keyring that is really one."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

from sreconsole.config import Config

TRUSTED = (
    "keyring.backends.SecretService",
    "keyring.backends.kwallet",
    "keyring.backends.libsecret",
    "keyring.backends.macOS",
)
"""Keyring backends that keep secrets; `keyrings.alt` silently writes plain text and is never used."""

PATIENCE = 3.0


class SecretMissing(Exception):
    """A secret cannot be had; the message says where it was looked for."""


def secret(config: Config, name: str, file: str = "") -> str:
    """The secret of that name. Order: $CREDENTIALS_DIRECTORY (systemd), the named file, a trusted keyring."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if folder and (path := Path(folder) / name).is_file():
        return path.read_text().strip()
    if file:
        return _file(config, Path(file).expanduser())
    if found := _keyring(name):
        return found
    raise SecretMissing(f"no secret `{name}`: name a 0600 file in {config.path} (pager.{name}.secret_file), "
                        "give a systemd credential, or store it with: keyring set sreconsole " + name)  # fmt: skip


def backend() -> str:
    """The keyring in use, in words; looked at in a process of its own, because a dead D-Bus can hang for minutes."""
    script = "import keyring; print(type(keyring.get_keyring()).__module__)"
    try:
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        return "hangs"
    return done.stdout.strip() or "none"


def _file(config: Config, path: Path) -> str:
    try:
        mode = path.stat()
        if mode.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise SecretMissing(f"{path} can be read by others; run: chmod 600 {path}")
        return path.read_text().strip()
    except OSError as error:
        raise SecretMissing(f"{path}, named in {config.path}: {error.strerror}") from error


def _keyring(name: str) -> str:
    if not backend().startswith(TRUSTED):
        return ""
    script = "import keyring, sys; print(keyring.get_password('sreconsole', sys.argv[1]) or '', end='')"
    try:
        done = subprocess.run([sys.executable, "-c", script, name], capture_output=True, text=True, timeout=PATIENCE,
                              check=False)  # fmt: skip
    except subprocess.TimeoutExpired:
        return ""
    return done.stdout
