"""Tables of programs that run another program, and the words that remain when one is taken off."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from .shell import Word


class Wrapper(NamedTuple):
    """How to find the inner command: flags that take a value, words to skip, and whether `NAME=value` may precede."""

    values: frozenset[str] = frozenset()
    skip: int = 0
    assigns: bool = False
    stop: frozenset[str] = frozenset()


def wrapper_of(values: str = "", skip: int = 0, assigns: bool = False, stop: str = "") -> Wrapper:
    """A wrapper from texts: flags that take a value, words to skip, flags after which nothing runs."""
    return Wrapper(frozenset(values.split()), skip, assigns, frozenset(stop.split()))


PLAIN: dict[str, Wrapper] = {
    "sudo": wrapper_of(
        "-u -g -h -p -C -D -R -T -U -r -t -a -c --user --group --host --prompt --chdir --chroot --role --type "
        "--close-from --other-user --command-timeout",
        assigns=True,
        stop="-l --list -v --validate -k -K --version -V",
    ),
    "doas": wrapper_of("-u -C -a", stop="-L"),
    "pkexec": wrapper_of("--user"),
    "run0": wrapper_of("-u --user -g --group -D --chdir --nice --unit --property --slice"),
    "nohup": wrapper_of(),
    "setsid": wrapper_of(),
    "stdbuf": wrapper_of("-i -o -e --input --output --error"),
    "timeout": wrapper_of("-s -k --signal --kill-after", skip=1),
    "gtimeout": wrapper_of("-s -k --signal --kill-after", skip=1),
    "nice": wrapper_of("-n --adjustment"),
    "ionice": wrapper_of("-c -n --class --classdata", stop="-p -P -u"),
    "chrt": wrapper_of("-T -P -D", skip=1, stop="-p -m"),
    "taskset": wrapper_of("", skip=1, stop="-p"),
    "time": wrapper_of("-f -o --format --output"),
    "gtime": wrapper_of("-f -o --format --output"),
    "command": wrapper_of("", stop="-v -V"),
    "builtin": wrapper_of(),
    "exec": wrapper_of("-a"),
    "noglob": wrapper_of(),
    "nocorrect": wrapper_of(),
    "strace": wrapper_of("-e -o -p -s -u -E -a -b -I -O -S -P -X", stop=""),
    "ltrace": wrapper_of("-e -o -p -s -u -a -l -n"),
    "caffeinate": wrapper_of("-t -w"),
    "unbuffer": wrapper_of(),
    "rlwrap": wrapper_of("-a -C -f -H -l -p -s"),
    "linux32": wrapper_of(),
    "linux64": wrapper_of(),
    "eatmydata": wrapper_of(),
    "chronic": wrapper_of(),
    "ifne": wrapper_of(),
    "numactl": wrapper_of("-i -N -m -C -p -l --interleave --membind --cpunodebind --physcpubind"),
    "prlimit": wrapper_of(),
    "choom": wrapper_of("-n"),
    "cpulimit": wrapper_of("-l -e"),
    "softlimit": wrapper_of("-m -d -s -t"),
    "systemd-run": wrapper_of(
        "-p --property --unit -u --uid --gid --slice -M --machine -H --host --working-directory -E --setenv"
    ),
    "systemd-inhibit": wrapper_of("--what --who --why --mode"),
    "dbus-run-session": wrapper_of("--config-file"),
    "dbus-launch": wrapper_of(),
    "xvfb-run": wrapper_of("-n -s -e -f -p -w"),
    "fakeroot": wrapper_of("-l -s -i -b --lib --faked"),
    "firejail": wrapper_of(),
    "bwrap": wrapper_of(),
    "tini": wrapper_of("-p -e"),
    "dumb-init": wrapper_of("-r"),
    "gosu": wrapper_of("", skip=1),
    "su-exec": wrapper_of("", skip=1),
    "setpriv": wrapper_of("--reuid --regid --groups --ruid --rgid --euid --egid --inh-caps --bounding-set"),
    "runuser": wrapper_of("-u -g -G -c -s"),
    "chroot": wrapper_of("--userspec --groups", skip=1),
    "proot": wrapper_of("-r -b -w -q -R -S"),
    "nsenter": wrapper_of("-t -S -G -T --target --setuid --setgid"),
    "unshare": wrapper_of("-S -G -R -w --setuid --setgid --root --wd"),
    "torsocks": wrapper_of("-a -P -u -p"),
    "proxychains": wrapper_of("-f"),
    "proxychains4": wrapper_of("-f"),
    "faketime": wrapper_of("", skip=1),
    "perf": wrapper_of("-e -o -F -p -C", skip=1),
    "valgrind": wrapper_of(),
    "cross-env": wrapper_of(assigns=True),
    "cross-env-shell": wrapper_of(assigns=True),
    "dotenv": wrapper_of("-e -f -v -c --file"),
    "sshpass": wrapper_of("-p -f -d -P"),
    "ssh-agent": wrapper_of("-t -a -E", stop="-k -s"),
    "catchsegv": wrapper_of(),
    "winpty": wrapper_of(),
    "entr": wrapper_of(),
    "envdir": wrapper_of("", skip=1),
    "envchain": wrapper_of("", skip=1),
    "with-contenv": wrapper_of(),
    "retry": wrapper_of("-t -d --times --delay"),
    "tsocks": wrapper_of(),
    "daemonize": wrapper_of("-c -e -o -p -l -u -E"),
    "start-stop-daemon": wrapper_of("-p -u -g -c -n -x -a -r -d -N -R"),
    "trickle": wrapper_of("-d -u -w"),
    "pv": wrapper_of(stop="-"),
    "ts": wrapper_of(stop="-"),
}


# Front ends whose sub-command runs a program of the project: `uv run pytest`, `npx jest`.
RUNNERS: dict[str, tuple[frozenset[str], Wrapper]] = {
    "uv": (
        frozenset({"run"}),
        wrapper_of(
            "-p --python --with --with-requirements --extra --group --env-file --directory --project --package -m"
        ),
    ),
    "poetry": (frozenset({"run"}), wrapper_of("-C --directory")),
    "pipenv": (frozenset({"run"}), wrapper_of()),
    "pdm": (frozenset({"run"}), wrapper_of("-p")),
    "hatch": (frozenset({"run"}), wrapper_of()),
    "rye": (frozenset({"run"}), wrapper_of()),
    "pixi": (frozenset({"run", "exec"}), wrapper_of("-e --environment --manifest-path")),
    "conda": (frozenset({"run"}), wrapper_of("-n -p --name --prefix --cwd")),
    "mamba": (frozenset({"run"}), wrapper_of("-n -p --name --prefix --cwd")),
    "micromamba": (frozenset({"run"}), wrapper_of("-n -p --name --prefix --cwd")),
    "bundle": (frozenset({"exec"}), wrapper_of()),
    "npm": (frozenset({"exec", "x"}), wrapper_of("-w --workspace -p --package")),
    "pnpm": (frozenset({"exec", "dlx"}), wrapper_of("-C --filter --package -F")),
    "yarn": (frozenset({"exec", "dlx"}), wrapper_of("-p")),
    "bun": (frozenset({"x"}), wrapper_of()),
    "mise": (frozenset({"exec", "x"}), wrapper_of("-C -c")),
    "asdf": (frozenset({"exec"}), wrapper_of()),
    "rbenv": (frozenset({"exec"}), wrapper_of()),
    "pyenv": (frozenset({"exec"}), wrapper_of()),
    "nvm": (frozenset({"exec", "run"}), wrapper_of("", skip=1)),
    "rustup": (frozenset({"run"}), wrapper_of("", skip=1)),
    "dotenvx": (frozenset({"run"}), wrapper_of("-f -e -fk")),
    "aws-vault": (frozenset({"exec"}), wrapper_of("-d --duration -n -m -t", skip=1)),
    "chamber": (frozenset({"exec"}), wrapper_of("", skip=1)),
    "direnv": (frozenset({"exec"}), wrapper_of("", skip=1)),
    "doppler": (frozenset({"run"}), wrapper_of("-p -c -t --project --config --token")),
    "op": (frozenset({"run"}), wrapper_of("--env-file --account")),
    "infisical": (frozenset({"run"}), wrapper_of("--env --path --projectId")),
    "railway": (frozenset({"run"}), wrapper_of("-s -e --service --environment")),
    "guix": (frozenset({"shell"}), wrapper_of()),
    "docker-compose": (frozenset(), wrapper_of()),
}


ALWAYS_RUN = {
    "npx": wrapper_of("-p --package -c --call"),
    "bunx": wrapper_of("-p --package"),
    "pnpx": wrapper_of(),
    "uvx": wrapper_of("--from --with -p --python"),
    "pipx": wrapper_of("--spec --pip-args --python", skip=1),
}


ASSIGN = re.compile(r"[A-Za-z_]\w*=")


def inner_words(args: Sequence[Word], wrapper: Wrapper) -> tuple[list[Word] | None, dict[str, Word]]:
    """The words after a wrapper's own flags, its skipped words and assignments. None: it runs nothing this time."""
    index, skipped = 0, 0
    assigns: dict[str, Word] = {}
    while index < len(args):
        word = args[index]
        if word in wrapper.stop:
            return None, {}
        if word == "--":
            index += 1
            rest = list(args[index + wrapper.skip - skipped :])
            return rest, assigns
        if word.startswith("-") and len(word) > 1:
            index += 2 if word in wrapper.values else 1
            continue
        if wrapper.assigns and ASSIGN.match(word):
            name, _, value = word.partition("=")
            assigns[name] = word.like(value)
            index += 1
            continue
        if skipped < wrapper.skip:
            skipped += 1
            index += 1
            continue
        break
    rest = list(args[index:])
    # `timeout 30 NAME=value git …` runs nothing a shell would, but the intent is the assignment's.
    while rest and ASSIGN.match(rest[0]) and len(rest) > 1:
        name, _, value = rest[0].partition("=")
        assigns[name] = rest[0].like(value)
        rest = rest[1:]
    return rest, assigns
