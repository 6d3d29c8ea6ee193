"""systemd units: what they say, that systemd reads them, and what happens where there is no systemd."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from house import House
from hypothesis import given
from hypothesis import strategies as st

from sreconsole import paths
from sreconsole.paths import SYSTEM, Home
from sreconsole.serve import service
from sreconsole.serve.client import running
from sreconsole.serve.service import NoService, Service

WORDS = ["/opt/sreconsole/bin/sreconsole"]
PRIVATE = Home(
    "private", Path("/h/.config/sreconsole"), Path("/h/.local/state/sreconsole"), Path("/run/user/7/sreconsole")
)
COMMAND = [sys.executable, "-m", "sreconsole", "service"]
needs_analyze = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")


class Systemd:
    """Plays systemctl and friends, and remembers what it was told."""

    def __init__(self, fails: Mapping[str, str] | None = None, pid: int = 0) -> None:
        self.said: list[str] = []
        self.fails, self.pid = dict(fails or {}), pid

    def __call__(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        words = " ".join(command)
        self.said.append(words)
        problem = next((text for part, text in self.fails.items() if part in words), "")
        out = str(self.pid) if "MainPID" in words else "Version=252"
        return subprocess.CompletedProcess(command, 1 if problem else 0, out, problem)


@pytest.fixture
def booted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "BOOTED", tmp_path)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return paths.at(Path(f"/tmp/sc-svc-{os.getpid()}"))


def settings(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if "=" in line and not line.startswith("#"):
            found.setdefault(line.split("=", 1)[0], []).append(line.split("=", 1)[1])
    return found


@pytest.mark.parametrize(
    "made", [service.user_service(PRIVATE, WORDS, {"HOME": "/h"}), service.system_service(WORDS, "oncall")]
)
def test_every_unit_is_hardened_and_always_comes_back(made: Service) -> None:
    said = settings(made.text)
    for name, value in {
        "Restart": "always", "StartLimitIntervalSec": "0", "NoNewPrivileges": "yes", "MemoryDenyWriteExecute": "yes",
        "SystemCallFilter": "@system-service", "RestrictAddressFamilies": "AF_UNIX AF_INET AF_INET6", "OOMPolicy": "continue",
        "ExecStart": "/opt/sreconsole/bin/sreconsole serve",
    }.items():  # fmt: skip
        assert said[name] == [value], name
    assert "WatchdogSec" not in said, "serve sends no notices"


@pytest.mark.parametrize(
    "made", [service.user_service(PRIVATE, WORDS, {"HOME": "/h"}), service.system_service(WORDS, "oncall")]
)
def test_no_unit_hides_agents_or_their_users_from_serve(made: Service) -> None:
    said = settings(made.text)
    assert not {"ProtectProc", "ProcSubset", "PrivatePIDs", "PrivateUsers", "PrivateNetwork"} & said.keys()


def test_the_machines_unit_has_its_own_user_and_folders() -> None:
    made = service.system_service(WORDS, "oncall")
    said = settings(made.text)
    assert said["User"] == ["sreconsole"] and said["Group"] == ["oncall"]
    assert said["StateDirectory"] == said["RuntimeDirectory"] == said["ConfigurationDirectory"] == ["sreconsole"]
    assert said["StateDirectoryMode"] == ["0751"], "agents pass through to the hook"
    assert (
        said["ProtectSystem"] == ["strict"] and said["PrivateTmp"] == ["yes"] and said["ProtectHome"] == ["read-only"]
    )
    assert said["CapabilityBoundingSet"] == [""]
    assert made.unit == Path("/etc/systemd/system/sreconsole.service")
    assert (
        'u sreconsole - "sreconsole serve" /var/lib/sreconsole' in made.files[Path("/etc/sysusers.d/sreconsole.conf")]
    )
    assert made.once[Path("/etc/sreconsole/config.toml")] == '[operators]\ngroups = ["oncall"]\n'


def test_the_configuration_that_comes_with_it_is_one_serve_reads(tmp_path: Path) -> None:
    from sreconsole import config

    made = service.system_service(WORDS, "oncall", tmp_path)
    path = tmp_path / "config.toml"
    path.write_text(next(iter(made.once.values())))
    assert config.load(path)["operators.groups"] == ["oncall"]


def test_a_secret_of_the_pager_is_given_only_if_there_is_one(tmp_path: Path) -> None:
    assert "LoadCredential" not in settings(service.system_service(WORDS, "oncall", tmp_path).text)
    path = tmp_path / "etc/sreconsole/credentials/webhook"
    path.parent.mkdir(parents=True)
    path.write_text("key")
    said = settings(service.system_service(WORDS, "oncall", tmp_path).text)
    assert said["LoadCredential"] == [f"webhook:{SYSTEM[0]}/credentials/webhook"], "a missing one would stop the unit"


def test_a_named_home_has_a_unit_of_its_own() -> None:
    made = service.user_service(paths.at(Path("/srv/fleet one")), WORDS, {"HOME": "/h"})
    assert made.name == "sreconsole-srv-fleet-one.service"
    assert made.unit == Path("/h/.config/systemd/user") / made.name
    assert 'Environment="SRECONSOLE_HOME=/srv/fleet one"' in made.text


def test_what_decides_where_the_home_is_goes_into_the_unit() -> None:
    made = service.user_service(
        PRIVATE, WORDS, {"HOME": "/h", "XDG_STATE_HOME": "/data/state", "XDG_RUNTIME_DIR": "/run/user/7"}
    )
    assert settings(made.text)["Environment"] == ["XDG_STATE_HOME=/data/state"]


@needs_analyze
@pytest.mark.e2e
@pytest.mark.parametrize(
    "name", ["/tmp/x", "/tmp/with space", '/tmp/quote"and\\slash', "/tmp/100%done", "/tmp/$HOME;x"]
)
def test_systemd_reads_the_user_unit(tmp_path: Path, name: str) -> None:
    made = service.user_service(paths.at(Path(name)), [sys.executable, "-m", "sreconsole"], {"HOME": "/h"})
    done = verify(tmp_path, made, "--user")
    assert (done.returncode, done.stderr) == (0, "")


@needs_analyze
@pytest.mark.e2e
def test_systemd_reads_the_machines_unit_and_finds_it_tight(tmp_path: Path) -> None:
    made = service.system_service([sys.executable, "-m", "sreconsole"], "root")
    done = verify(tmp_path, made)
    assert (done.returncode, done.stderr) == (0, "")
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=25", str(tmp_path / made.name)],
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stdout[-200:]


def verify(folder: Path, made: Service, *flags: str) -> subprocess.CompletedProcess[str]:
    path = folder / made.name
    path.write_text(made.text)
    done = subprocess.run(["systemd-analyze", *flags, "verify", str(path)], capture_output=True, text=True,
                          env={"PATH": os.environ["PATH"], "XDG_RUNTIME_DIR": str(folder), "HOME": str(folder)}, check=False)  # fmt: skip
    if "Failed to initialize manager" in done.stderr:
        pytest.skip(f"systemd-analyze cannot work here: {done.stderr.strip()}")
    return done


@given(
    st.text(
        alphabet=st.characters(exclude_characters="\0\n\r", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20
    )
)
def test_a_word_in_a_unit_is_one_word_and_itself(word: str) -> None:
    written = service._word(word, dollar=True)
    plain = written[1:-1].replace('\\"', '"').replace("\\\\", "\\") if written.startswith('"') else written
    assert plain.replace("%%", "%").replace("$$", "$") == word
    assert written.startswith('"') or " " not in written


def test_without_systemd_it_says_what_to_do_instead(
    home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(service, "BOOTED", tmp_path / "nowhere")
    made = service.user_service(home, WORDS, {"HOME": str(tmp_path)})
    with pytest.raises(NoService) as no:
        service.install(made, home, Systemd())
    assert no.value.code == 3 and "systemd does not run this machine" in str(no.value)
    assert f"@reboot SRECONSOLE_HOME={home.state} {WORDS[0]} serve" in no.value.instead
    assert "tmux new-session" in no.value.instead
    assert not made.unit.exists()


@pytest.mark.parametrize("folder", ["/tmp/x", "/tmp/it's mine", "/tmp/a b", "/tmp/100%", "/tmp/$HOME"])
def test_the_lines_given_instead_survive_a_shell(folder: str, tmp_path: Path) -> None:
    made = service.user_service(paths.at(Path(folder)), WORDS, {"HOME": str(tmp_path)})
    crontab, tmux = (line.strip() for line in service.otherwise(made).splitlines() if line.startswith("  "))
    put = crontab.replace("crontab -l 2>/dev/null; ", "").replace("| crontab -", "")
    written = subprocess.run(["/bin/sh", "-c", put], capture_output=True, text=True, check=True).stdout
    for line in (written.strip().removeprefix("@reboot ").replace("\\%", "%"), shlex.split(tmux)[-1]):
        show = line.replace(f"{WORDS[0]} serve", "sh -c 'printf %s \"$SRECONSOLE_HOME\"'")
        assert subprocess.run(["/bin/sh", "-c", show], capture_output=True, text=True, check=True).stdout == folder


@pytest.mark.usefixtures("booted")
def test_without_a_users_manager_too(home: Home, tmp_path: Path) -> None:
    made = service.user_service(home, WORDS, {"HOME": str(tmp_path)})
    with pytest.raises(NoService, match="your user's systemd cannot be reached"):
        service.install(made, home, Systemd({"--property=Version": "no bus"}))
    assert not made.unit.exists()


@pytest.mark.usefixtures("booted")
def test_install_and_uninstall_for_a_user(home: Home, tmp_path: Path) -> None:
    made, systemd = service.user_service(home, WORDS, {"HOME": str(tmp_path)}), Systemd()
    done = service.install(made, home, systemd)
    assert made.installed and made.unit.stat().st_mode & 0o777 == 0o644
    assert systemd.said[-3:] == ["systemctl --user daemon-reload", f"systemctl --user enable --now {made.name}",
                                 "loginctl enable-linger"]  # fmt: skip
    assert done[0] == f"wrote {made.unit}"
    assert service.uninstall(made, systemd) == [f"stopped {made.name}", f"removed {made.unit}"]
    assert not made.unit.exists() and service.uninstall(made, systemd) == []


@pytest.mark.usefixtures("booted")
def test_no_lingering_is_said_and_is_no_failure(home: Home, tmp_path: Path) -> None:
    made = service.user_service(home, WORDS, {"HOME": str(tmp_path)})
    assert "ends with your last login" in service.install(made, home, Systemd({"linger": "denied"}))[-1]


@pytest.mark.usefixtures("booted")
def test_install_for_the_machine_keeps_a_configuration_that_is_there(tmp_path: Path, home: Home) -> None:
    made, systemd = service.system_service(WORDS, "oncall", tmp_path), Systemd()
    settings_ = tmp_path / "etc/sreconsole/config.toml"
    settings_.parent.mkdir(parents=True)
    settings_.write_text("# mine\n")
    service.install(made, home, systemd)
    assert settings_.read_text() == "# mine\n"
    assert systemd.said.index(f"systemd-sysusers {tmp_path}/etc/sysusers.d/sreconsole.conf") < systemd.said.index(
        "systemctl enable --now sreconsole.service"
    )


@pytest.mark.usefixtures("booted")
def test_a_command_that_fails_is_one_line(home: Home, tmp_path: Path) -> None:
    made = service.user_service(home, WORDS, {"HOME": str(tmp_path)})
    with pytest.raises(NoService, match=r"enable --now .*: no such unit"):
        service.install(made, home, Systemd({"enable --now": "no such unit"}))
    with pytest.raises(NoService, match="could not be stopped"):
        service.uninstall(made, Systemd({"disable": "busy"}))
    assert made.unit.exists(), "what still runs keeps its unit"


@pytest.mark.usefixtures("booted")
def test_a_serve_started_by_hand_is_ended_first(house: House, tmp_path: Path) -> None:
    assert house.serve is not None
    made = service.user_service(house.home, WORDS, {"HOME": str(tmp_path)})
    done = service.install(made, house.home, Systemd())
    assert f"ended the serve that ran (pid {house.serve.pid})" in done
    assert house.serve.wait(10) == 0 and not running(house.home)


def test_the_services_own_serve_is_not_ended(house: House) -> None:
    assert house.serve is not None
    assert service.end(house.home, but=house.serve.pid) == ""
    assert running(house.home)


@pytest.mark.parametrize(("group", "code"), [("", 2), ("On Call", 2), ("-x", 2)])
def test_a_group_that_is_none(group: str, code: int) -> None:
    with pytest.raises(NoService) as no:
        service.unfit(service.system_service(WORDS, group), ["/usr/bin/python3"], group)
    assert no.value.code == code


def test_a_program_others_cannot_read_is_refused_for_the_machine(tmp_path: Path) -> None:
    script = tmp_path / "sreconsole"
    script.write_text("")
    tmp_path.chmod(0o700)
    with pytest.raises(NoService, match="cannot be read by user sreconsole"):
        service.unfit(service.system_service([str(script)], "oncall"), [str(script)], "oncall")


def test_the_program_is_the_script_beside_the_interpreter_or_the_module(tmp_path: Path) -> None:
    script = tmp_path / "sreconsole"
    assert service.program(str(script)) == [sys.executable, "-m", "sreconsole"]
    script.write_text("")
    assert service.program(str(script)) == [str(script)]


def test_a_missing_systemctl_is_a_failed_command() -> None:
    assert service.run(["no-such-systemctl"]).returncode == 127


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["install", "--print"], 0, "[Service]"),
        (["install", "--system", "--group", "oncall", "--print"], 0, "User=sreconsole"),
        (["install", "--system"], 2, "--system needs --group"),
        (["uninstall", "--yes"], 0, "not installed"),
    ],
)
def test_the_command(home: Home, tmp_path: Path, words: list[str], code: int, says: str) -> None:
    environment = {
        **os.environ,
        "SRECONSOLE_HOME": str(home.state),
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path),
    }
    done = subprocess.run(
        [*COMMAND, *words], capture_output=True, text=True, env=environment, stdin=subprocess.DEVNULL, check=False
    )
    assert done.returncode == code and says in done.stdout + done.stderr


@pytest.mark.skipif(Path("/run/systemd/system").is_dir(), reason="systemd runs here")
@pytest.mark.parametrize("words", [["install", "--yes"], ["status"], ["status", "--json"]])
def test_the_command_where_no_systemd_runs(home: Home, tmp_path: Path, words: list[str]) -> None:
    environment = {
        **os.environ,
        "SRECONSOLE_HOME": str(home.state),
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path),
    }
    done = subprocess.run(
        [*COMMAND, *words], capture_output=True, text=True, env=environment, stdin=subprocess.DEVNULL, check=False
    )
    assert done.returncode == 3 and done.stderr.count("\n") == 1
    assert ("crontab" in done.stdout and "tmux" in done.stdout) == ("--json" not in words)
