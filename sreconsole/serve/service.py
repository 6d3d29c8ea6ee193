"""`serve` as a systemd service: the units, shown before they are put in place."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import sreconsole
from sreconsole.paths import SYSTEM, Home
from sreconsole.serve import peers
from sreconsole.serve.client import Line, Refused, ServeDown

PATIENCE = 30.0
BOOTED = Path("/run/systemd/system")
"""There while systemd is the init of this machine (sd_booted(3))."""

USER = "sreconsole"
OPEN_INSTALL = "python3 -m venv /opt/sreconsole && /opt/sreconsole/bin/pip install sreconsole"
Run = Callable[[list[str]], "subprocess.CompletedProcess[str]"]

ALWAYS = """\
Restart=always
RestartSec=1
# No WatchdogSec: serve sends no notices, and would be killed for its silence.
KillMode=mixed
TimeoutStopSec=15
# A judging worker that eats its memory dies alone, and not the gate with it.
OOMPolicy=continue
# Every waiting question holds a socket.
LimitNOFILE=65536
UMask=0077
NoNewPrivileges=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
"""

USER_NOTE = """\
# No ProtectSystem, PrivateTmp or the like: in a user's manager they need a user namespace, and inside one the kernel
# no longer says truly who is at the other end of a socket. Who decided comes from exactly that.
"""

SYSTEM_ONLY = """\
CapabilityBoundingSet=
AmbientCapabilities=
ProtectSystem=strict
# Read only, not hidden: what an approval would hit is measured in the agents' folders, and their logs are followed.
ProtectHome=read-only
# Harmless for the sockets, which are in the runtime folder. Agents that work in /tmp are out of sight: take it out then.
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
RestrictNamespaces=yes
RemoveIPC=yes
OOMScoreAdjust=-500
# Left out on purpose: ProtectProc, ProcSubset, PrivatePIDs and PrivateUsers. Which session a hook belongs to, whether an
# agent's process is still that process, and whether somebody who decides descends from an agent is read from /proc of
# processes of other users; a user namespace would turn those users into nobody.
"""


class NoService(Exception):
    """It cannot be done here; says why. `code` is the exit code, `instead` (several lines) what can be done."""

    def __init__(self, words: str, code: int = 3, instead: str = "") -> None:
        super().__init__(words)
        self.code = code
        self.instead = instead


@dataclass(frozen=True, slots=True)
class Service:
    """A service as it would be installed: its unit file, the files it needs beside it, the commands that start it.

    `shell` is the same start as a shell's command line; `files` are written whole, `once` only where there is no such
    file yet; `optional` commands may fail.
    """

    name: str
    unit: Path
    text: str
    system: bool
    shell: str = ""
    files: Mapping[Path, str] = field(default_factory=dict)
    once: Mapping[Path, str] = field(default_factory=dict)
    before: tuple[tuple[str, ...], ...] = ()
    optional: tuple[tuple[str, ...], ...] = ()

    @property
    def systemctl(self) -> tuple[str, ...]:
        """How this service's manager is spoken to."""
        return ("systemctl",) if self.system else ("systemctl", "--user")

    @property
    def commands(self) -> list[list[str]]:
        """What is run to install it, in order."""
        start = [(*self.systemctl, "daemon-reload"), (*self.systemctl, "enable", "--now", self.name)]
        return [list(one) for one in (*self.before, *start)]

    @property
    def installed(self) -> bool:
        """Whether the very unit is in place."""
        return self.unit.is_file() and self.unit.read_text() == self.text


def program(which: str = "") -> list[str]:
    """The command that starts us: the console script beside our interpreter, else the module."""
    script = Path(which) if which else Path(sys.executable).parent / "sreconsole"
    return [str(script)] if script.is_file() else [sys.executable, "-m", "sreconsole"]


def user_service(home: Home, words: list[str], environ: Mapping[str, str]) -> Service:
    """A user's own service. A home that $SRECONSOLE_HOME names gets a unit of its own, so that fleets do not collide."""
    slug = re.sub(r"[^A-Za-z0-9]+", "-", str(home.state)).strip("-") if home.kind == "named" else ""
    name = f"sreconsole-{slug}.service" if slug else "sreconsole.service"
    # The manager's environment is not the shell's: what decides where the home is goes into the unit.
    given = {"SRECONSOLE_HOME": str(home.state)} if home.kind == "named" else {
        key: environ[key] for key in ("XDG_CONFIG_HOME", "XDG_STATE_HOME") if environ.get(key)}  # fmt: skip
    variables = "".join(f"Environment={_word(f'{key}={value}')}\n" for key, value in given.items())
    shown = str(home.state).replace("%", "%%")
    text = (
        f"[Unit]\nDescription=sreconsole: the gate for coding agents ({shown})\nStartLimitIntervalSec=0\n\n"
        f"[Service]\nType=exec\nExecStart={_command([*words, 'serve'])}\n{variables}{ALWAYS}{USER_NOTE}\n"
        "[Install]\nWantedBy=default.target\n"
    )
    folder = Path(environ.get("XDG_CONFIG_HOME") or Path(environ.get("HOME", "~")).expanduser() / ".config")
    # Without lingering the service would end with the last login.
    linger = (("loginctl", "enable-linger"),)
    return Service(name, folder / "systemd" / "user" / name, text, False, _shell(words, given), optional=linger)


def system_service(words: list[str], group: str, root: Path = Path("/")) -> Service:
    """The machine's service: a user of its own, and `group` for the people on call.

    Agents pass through the state folder (0751) to the installed hook, and reach one socket; nothing else is theirs.
    """
    config = root / SYSTEM[0].relative_to("/")
    secret = SYSTEM[0] / "credentials" / "webhook"
    given = (root / secret.relative_to("/")).is_file()
    credential = (
        f"LoadCredential=webhook:{secret}\n" if given
        else f"# The pager's key, if it has one: put it into {secret} (root, 0600) and install again.\n"
    )  # fmt: skip
    text = (
        "[Unit]\nDescription=sreconsole: the gate for coding agents\nStartLimitIntervalSec=0\n"
        "Wants=network-online.target\nAfter=network-online.target\n\n"
        f"[Service]\nType=exec\nExecStart={_command([*words, 'serve'])}\n"
        f"User={USER}\nGroup={group}\n"
        "StateDirectory=sreconsole\nStateDirectoryMode=0751\n"
        "RuntimeDirectory=sreconsole\nRuntimeDirectoryMode=0755\n"
        "ConfigurationDirectory=sreconsole\nConfigurationDirectoryMode=0755\n"
        f"{credential}{ALWAYS}{SYSTEM_ONLY}\n[Install]\nWantedBy=multi-user.target\n"
    )
    sysusers = root / "etc/sysusers.d/sreconsole.conf"
    accounts = f'g {group} -\nu {USER} - "sreconsole serve" {SYSTEM[1]}\nm {USER} {group}\n'
    settings = f'[operators]\ngroups = ["{group}"]\n'
    return Service(
        "sreconsole.service", root / "etc/systemd/system/sreconsole.service", text, True, _shell(words, {}),
        {sysusers: accounts}, {config / "config.toml": settings}, (("systemd-sysusers", str(sysusers)),),
    )  # fmt: skip


def unfit(service: Service, words: list[str], group: str) -> None:
    """Raises NoService when a system service could not work: not root, a program nobody else can read, a bad group."""
    if not service.system:
        return
    if not re.fullmatch(r"[a-z_][a-z0-9_-]{0,30}", group):
        raise NoService(f"--group: `{group}` is no group's name; the people on call, for example: --group oncall", 2)
    for path in (Path(words[0]), Path(sreconsole.__file__)):
        if closed := _closed(path.resolve()):
            why = f"{path} cannot be read by user {USER} ({closed} is closed to others)"
            raise NoService(f"{why}; install sreconsole where everybody can read it: {OPEN_INSTALL}", 2)
    if os.geteuid() != 0:
        raise NoService("a system service is installed by root: sudo sreconsole service install --system", 4)


def booted(service: Service, run: Run) -> None:
    """Raises NoService, with another way to keep `serve` running, where there is no systemd to install into."""
    why = ""
    if not BOOTED.is_dir():
        why = "systemd does not run this machine"
    elif run([*service.systemctl, "show", "--property=Version"]).returncode != 0:
        why = "your user's systemd cannot be reached (no login session?)"
    if why:
        raise NoService(f"{why}; let cron or tmux keep serve running", 3, otherwise(service))


def otherwise(service: Service) -> str:
    """How to keep `serve` running without systemd."""
    # In a crontab a percent sign ends the command unless it is escaped.
    line = shlex.quote(f"@reboot {service.shell}".replace("%", r"\%"))
    return (
        "Let cron start it with the machine:\n"
        f"  (crontab -l 2>/dev/null; echo {line}) | crontab -\n"
        "or keep it in tmux:\n"
        f"  tmux new-session -d -s sreconsole {shlex.quote(service.shell)}"
    )


def install(service: Service, home: Home, run: Run) -> list[str]:
    """Put the files in place, end a `serve` that was started by hand, start the service; what was done, in words."""
    booted(service, run)
    done = []
    for path, text in {**service.files, service.unit: service.text}.items():
        _put(path, text)
        done.append(f"wrote {path}")
    for path, text in service.once.items():
        if not path.exists():
            _put(path, text)
            done.append(f"wrote {path}")
    if ended := end(home, main_pid(service, run)):
        done.append(ended)
    for command in service.commands:
        result = run(command)
        if result.returncode:
            raise NoService(f"{' '.join(command)}: {(result.stderr or result.stdout).strip()}", 1)
        done.append(" ".join(command))
    for command in (list(one) for one in service.optional):
        result = run(command)
        words = " ".join(command)
        done.append(words if result.returncode == 0 else f"{words} failed: the service ends with your last login")
    return done


def uninstall(service: Service, run: Run) -> list[str]:
    """Stop the service and take its unit away. State, configuration and the user stay."""
    if not service.unit.exists():
        return []
    booted(service, run)
    stopped = run([*service.systemctl, "disable", "--now", service.name])
    if stopped.returncode:
        raise NoService(f"{service.name} could not be stopped: {(stopped.stderr or stopped.stdout).strip()}", 1)
    service.unit.unlink()
    run([*service.systemctl, "daemon-reload"])
    return [f"stopped {service.name}", f"removed {service.unit}"]


def status(service: Service, run: Run) -> dict[str, str]:
    """What the manager says of the service."""
    booted(service, run)
    names = "LoadState,ActiveState,SubState,MainPID,UnitFileState,NRestarts"
    said = run([*service.systemctl, "show", service.name, f"--property={names}"])
    return dict(line.split("=", 1) for line in said.stdout.splitlines() if "=" in line)


def main_pid(service: Service, run: Run) -> int:
    """The service's process; 0 when it does not run."""
    said = run([*service.systemctl, "show", service.name, "--property=MainPID", "--value"]).stdout.strip()
    return int(said) if said.isdigit() else 0


def end(home: Home, but: int = 0) -> str:
    """End the `serve` of this home that is not process `but`, by its identity; hooks that wait find the next one."""
    try:
        with Line(home, timeout=2.0) as line:
            pid = int(line.ask("hello")["pid"])
    except (ServeDown, Refused):
        return ""
    found = peers.process(pid)
    if pid == but or found is None:
        return ""
    os.kill(pid, signal.SIGTERM)
    until = time.monotonic() + PATIENCE
    while peers.alive(pid, found.started):
        if time.monotonic() > until:
            raise NoService(f"serve, pid {pid}, does not end; look at {home.log}", 1)
        time.sleep(0.05)
    return f"ended the serve that ran (pid {pid})"


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run one command of systemd's; a missing one fails like any other."""
    if shutil.which(command[0]) is None:
        return subprocess.CompletedProcess(command, 127, "", f"{command[0]}: not found")
    try:
        return subprocess.run(
            command, capture_output=True, text=True, timeout=PATIENCE, check=False, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 124, "", f"no answer within {PATIENCE:.0f} s")


def _put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text)
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise NoService(f"{path}: {error.strerror}", 4) from error


def _closed(path: Path) -> Path | None:
    ways = [
        one for one in (*reversed(path.parents), path) if not one.stat().st_mode & (0o004 if one == path else 0o001)
    ]
    return ways[0] if ways else None


def _shell(words: list[str], variables: Mapping[str, str]) -> str:
    return " ".join(
        [*(f"{name}={shlex.quote(value)}" for name, value in variables.items()), shlex.join([*words, "serve"])]
    )


def _command(words: list[str]) -> str:
    return " ".join(_word(one, dollar=True) for one in words)


def _word(word: str, *, dollar: bool = False) -> str:
    """One word as systemd reads it (systemd.syntax(7), "Quoting"): specifiers, quotes and variables made plain."""
    word = word.replace("%", "%%")
    if dollar:
        word = word.replace("$", "$$")
    if re.fullmatch(r"[A-Za-z0-9_@./:+=,%$-]+", word):
        return word
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
