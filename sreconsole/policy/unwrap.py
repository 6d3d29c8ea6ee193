"""Programs that run another program: each gives the words or the text it would run in its place.

`steps(call)` is applied until it gives None (a fixpoint, bounded by the walk's depth). Tables list the flags that take
a value, after each program's manual page; a flag not listed is taken to stand alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from . import remote
from .call import Argv, Call, Step, Text
from .shell import Word
from .wordlist import wordset


class Wrapper(NamedTuple):
    """How to find the inner command: flags that take a value, words to skip, and whether `NAME=value` may precede."""

    values: frozenset[str] = frozenset()
    skip: int = 0
    assigns: bool = False
    stop: frozenset[str] = frozenset()


def _w(values: str = "", skip: int = 0, assigns: bool = False, stop: str = "") -> Wrapper:
    return Wrapper(frozenset(values.split()), skip, assigns, frozenset(stop.split()))


_PLAIN: dict[str, Wrapper] = {
    "sudo": _w(
        "-u -g -h -p -C -D -R -T -U -r -t -a -c --user --group --host --prompt --chdir --chroot --role --type "
        "--close-from --other-user --command-timeout",
        assigns=True,
        stop="-l --list -v --validate -k -K --version -V",
    ),
    "doas": _w("-u -C -a", stop="-L"),
    "pkexec": _w("--user"),
    "run0": _w("-u --user -g --group -D --chdir --nice --unit --property --slice"),
    "nohup": _w(),
    "setsid": _w(),
    "stdbuf": _w("-i -o -e --input --output --error"),
    "timeout": _w("-s -k --signal --kill-after", skip=1),
    "gtimeout": _w("-s -k --signal --kill-after", skip=1),
    "nice": _w("-n --adjustment"),
    "ionice": _w("-c -n --class --classdata", stop="-p -P -u"),
    "chrt": _w("-T -P -D", skip=1, stop="-p -m"),
    "taskset": _w("", skip=1, stop="-p"),
    "time": _w("-f -o --format --output"),
    "gtime": _w("-f -o --format --output"),
    "command": _w("", stop="-v -V"),
    "builtin": _w(),
    "exec": _w("-a"),
    "noglob": _w(),
    "nocorrect": _w(),
    "strace": _w("-e -o -p -s -u -E -a -b -I -O -S -P -X", stop=""),
    "ltrace": _w("-e -o -p -s -u -a -l -n"),
    "caffeinate": _w("-t -w"),
    "unbuffer": _w(),
    "rlwrap": _w("-a -C -f -H -l -p -s"),
    "linux32": _w(),
    "linux64": _w(),
    "eatmydata": _w(),
    "chronic": _w(),
    "ifne": _w(),
    "numactl": _w("-i -N -m -C -p -l --interleave --membind --cpunodebind --physcpubind"),
    "prlimit": _w(),
    "choom": _w("-n"),
    "cpulimit": _w("-l -e"),
    "softlimit": _w("-m -d -s -t"),
    "systemd-run": _w(
        "-p --property --unit -u --uid --gid --slice -M --machine -H --host --working-directory -E --setenv"
    ),
    "systemd-inhibit": _w("--what --who --why --mode"),
    "dbus-run-session": _w("--config-file"),
    "dbus-launch": _w(),
    "xvfb-run": _w("-n -s -e -f -p -w"),
    "fakeroot": _w("-l -s -i -b --lib --faked"),
    "firejail": _w(),
    "bwrap": _w(),
    "tini": _w("-p -e"),
    "dumb-init": _w("-r"),
    "gosu": _w("", skip=1),
    "su-exec": _w("", skip=1),
    "setpriv": _w("--reuid --regid --groups --ruid --rgid --euid --egid --inh-caps --bounding-set"),
    "runuser": _w("-u -g -G -c -s"),
    "chroot": _w("--userspec --groups", skip=1),
    "proot": _w("-r -b -w -q -R -S"),
    "nsenter": _w("-t -S -G -T --target --setuid --setgid"),
    "unshare": _w("-S -G -R -w --setuid --setgid --root --wd"),
    "torsocks": _w("-a -P -u -p"),
    "proxychains": _w("-f"),
    "proxychains4": _w("-f"),
    "faketime": _w("", skip=1),
    "perf": _w("-e -o -F -p -C", skip=1),
    "valgrind": _w(),
    "cross-env": _w(assigns=True),
    "cross-env-shell": _w(assigns=True),
    "dotenv": _w("-e -f -v -c --file"),
    "sshpass": _w("-p -f -d -P"),
    "ssh-agent": _w("-t -a -E", stop="-k -s"),
    "catchsegv": _w(),
    "winpty": _w(),
    "entr": _w(),
    "envdir": _w("", skip=1),
    "envchain": _w("", skip=1),
    "with-contenv": _w(),
    "retry": _w("-t -d --times --delay"),
    "tsocks": _w(),
    "daemonize": _w("-c -e -o -p -l -u -E"),
    "start-stop-daemon": _w("-p -u -g -c -n -x -a -r -d -N -R"),
    "trickle": _w("-d -u -w"),
    "pv": _w(stop="-"),
    "ts": _w(stop="-"),
}
# Front ends whose sub-command runs a program of the project: `uv run pytest`, `npx jest`.
_RUNNERS: dict[str, tuple[frozenset[str], Wrapper]] = {
    "uv": (
        frozenset({"run"}),
        _w("-p --python --with --with-requirements --extra --group --env-file --directory --project --package -m"),
    ),
    "poetry": (frozenset({"run"}), _w("-C --directory")),
    "pipenv": (frozenset({"run"}), _w()),
    "pdm": (frozenset({"run"}), _w("-p")),
    "hatch": (frozenset({"run"}), _w()),
    "rye": (frozenset({"run"}), _w()),
    "pixi": (frozenset({"run", "exec"}), _w("-e --environment --manifest-path")),
    "conda": (frozenset({"run"}), _w("-n -p --name --prefix --cwd")),
    "mamba": (frozenset({"run"}), _w("-n -p --name --prefix --cwd")),
    "micromamba": (frozenset({"run"}), _w("-n -p --name --prefix --cwd")),
    "bundle": (frozenset({"exec"}), _w()),
    "npm": (frozenset({"exec", "x"}), _w("-w --workspace -p --package")),
    "pnpm": (frozenset({"exec", "dlx"}), _w("-C --filter --package -F")),
    "yarn": (frozenset({"exec", "dlx"}), _w("-p")),
    "bun": (frozenset({"x"}), _w()),
    "mise": (frozenset({"exec", "x"}), _w("-C -c")),
    "asdf": (frozenset({"exec"}), _w()),
    "rbenv": (frozenset({"exec"}), _w()),
    "pyenv": (frozenset({"exec"}), _w()),
    "nvm": (frozenset({"exec", "run"}), _w("", skip=1)),
    "rustup": (frozenset({"run"}), _w("", skip=1)),
    "dotenvx": (frozenset({"run"}), _w("-f -e -fk")),
    "aws-vault": (frozenset({"exec"}), _w("-d --duration -n -m -t", skip=1)),
    "chamber": (frozenset({"exec"}), _w("", skip=1)),
    "direnv": (frozenset({"exec"}), _w("", skip=1)),
    "doppler": (frozenset({"run"}), _w("-p -c -t --project --config --token")),
    "op": (frozenset({"run"}), _w("--env-file --account")),
    "infisical": (frozenset({"run"}), _w("--env --path --projectId")),
    "railway": (frozenset({"run"}), _w("-s -e --service --environment")),
    "guix": (frozenset({"shell"}), _w()),
    "docker-compose": (frozenset(), _w()),
}
_ALWAYS_RUN = {
    "npx": _w("-p --package -c --call"),
    "bunx": _w("-p --package"),
    "pnpx": _w(),
    "uvx": _w("--from --with -p --python"),
    "pipx": _w("--spec --pip-args --python", skip=1),
}
SHELLS = wordset("sh bash zsh dash ash ksh mksh fish rbash busybox-sh")
_SHELL_VALUES = wordset("-o +o -O +O --rcfile --init-file")
_ASSIGN = re.compile(r"[A-Za-z_]\w*=")


def steps(call: Call) -> list[Step] | None:
    """What a wrapper would run, or None when the program is no wrapper (or runs nothing this time)."""
    name = call.name
    special = _SPECIAL.get(name)
    if special is not None:
        return special(call)
    wrapper = _PLAIN.get(name) or _ALWAYS_RUN.get(name)
    if wrapper is not None:
        return _plain(call, wrapper)
    runner = _RUNNERS.get(name)
    if runner is not None:
        for index, word in enumerate(call.args):
            if not word.startswith("-"):
                if word in runner[0]:
                    inner = call.argv[index + 1 :]
                    return _plain(Call(call.walk, inner, call.context, call.assigns), runner[1], f"{name} {word}")
                return None
    return None


def _plain(call: Call, wrapper: Wrapper, label: str = "") -> list[Step] | None:
    words, assigns = inner_words(call.args, wrapper)
    if words is None:
        return None
    if not words and not assigns:
        return _bare(call)
    where = None
    if call.name in ("sudo", "doas", "pkexec", "run0", "gosu", "su-exec"):
        where = remote.as_root(call.where)
    return [Argv(words, label or call.name, assigns=assigns, where=where, stdin=call.stdin)]


def _bare(call: Call) -> list[Step] | None:
    """A privilege wrapper without a command opens a shell; the others do nothing."""
    if call.name == "sudo" and any(w in ("-i", "-s", "--login", "--shell") for w in call.args):
        call.emit("proc.shell", "root shell", root=True)
        return []
    return None


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
        if wrapper.assigns and _ASSIGN.match(word):
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
    while rest and _ASSIGN.match(rest[0]) and len(rest) > 1:
        name, _, value = rest[0].partition("=")
        assigns[name] = rest[0].like(value)
        rest = rest[1:]
    return rest, assigns


def _env(call: Call) -> list[Step] | None:
    args, index = call.args, 0
    assigns: dict[str, Word] = {}
    while index < len(args):
        word = args[index]
        if word in ("-S", "--split-string") and index + 1 < len(args):
            rest = " ".join(args[index + 1 :])
            return [Text(rest, "env -S", args[index + 1])]
        if word.startswith("-S") and len(word) > 2:
            return [Text(" ".join([word[2:], *args[index + 1 :]]), "env -S", word)]
        if word.startswith("--split-string="):
            return [Text(" ".join([word.partition("=")[2], *args[index + 1 :]]), "env -S", word)]
        if word in ("-u", "-C", "--unset", "--chdir", "-a", "--argv0"):
            index += 2
        elif re.match(r"-[iv0]*S", word):
            return [Text(" ".join([word.partition("S")[2], *args[index + 1 :]]).strip(), "env -S", word)]
        elif word.startswith("-"):
            index += 1
        elif _ASSIGN.match(word):
            name, _, value = word.partition("=")
            assigns[name] = word.like(value)
            index += 1
        else:
            return [Argv(list(args[index:]), "env", assigns=assigns, stdin=call.stdin)]
    return None


def _shell(call: Call) -> list[Step] | None:
    """`sh -c TEXT`, `sh FILE`, `… | sh`, `sh <<EOF`: the text itself, when it is known."""
    args, index, takes_text = call.args, 0, False
    if "-n" in args[:2] or any(re.match(r"-[a-z]*n[a-z]*$", w) for w in args[:1]):
        call.emit("fs.read", "syntax check")
        return []
    while index < len(args) and args[index][:1] in "-+" and args[index] not in ("-", "--"):
        word = args[index]
        if word.startswith("--"):
            if word in ("--version", "--help"):
                return None
            index += 2 if word in _SHELL_VALUES else 1
            continue
        takes_text = takes_text or "c" in word[1:]
        index += 2 if word in _SHELL_VALUES else 1
    if index < len(args) and args[index] in ("-", "--"):
        index += 1
    if takes_text:
        if index >= len(args):
            return []
        return [_script_text(call, args[index], args[index + 1 :], f"{call.name} -c")]
    if index < len(args) and not (len(args) == index + 1 and args[index] == "/dev/stdin"):
        return script_file(call, args[index], args[index + 1 :])
    return from_stdin(call)


def _script_text(call: Call, word: Word, rest: Sequence[Word], label: str) -> Step:
    if word.flow is not None and word.flow.text is None:
        _opaque(call, word)
    elif word.dynamic:
        _dynamic_text(call, word)
    return Text(word, label, word, arguments=[str(w) for w in rest[1:]])


def _dynamic_text(call: Call, word: Word) -> None:
    """Text that is partly unknown: what is known is still read; only a wholly unknown command is a finding."""
    if re.match(r"\s*(\$\{|\$\()", word):
        call.emit("exec.unknown", str(word)[:80], word, resolved="the command is not known before it runs")


def _opaque(call: Call, word: Word) -> None:
    marks = word.flow.marks if word.flow else set()
    source = next((m for m in ("network", "decoded", "secret") if m in marks), "")
    call.emit("exec.remote" if source == "network" else "exec.unknown", str(word)[:80], word, origin=source)


def from_stdin(call: Call) -> list[Step]:
    """A shell that reads its commands from a pipe, a heredoc or a file."""
    for redirect in call.redirects:
        if redirect.operator == "<":
            return script_file(call, redirect.target, ()) or []
    flow = call.stdin
    if flow is None:
        if call.where.kind == "local" and not call.where.root:
            return []
        call.emit("proc.shell", call.where.host or "shell")
        return []
    if flow.text is not None:
        return [Text(flow.text, f"| {call.name}", flow=flow)]
    source = next((m for m in ("network", "decoded", "secret") if m in flow.marks), "")
    call.emit("exec.remote" if source == "network" else "exec.unknown", "a script from a pipe", origin=source)
    return []


def script_file(call: Call, word: Word, rest: Sequence[Word]) -> list[Step] | None:
    """A script run by its path: its content when this session wrote it or the disk shows it."""
    if word.flow is not None:
        if word.flow.text is not None:
            return [Text(word.flow.text, f"{call.name} <(…)", word)]
        _opaque(call, word)
        return []
    text, fresh = script_content(call, word)
    if text is None:
        return None
    return [Text(text, str(word), word if fresh else None, arguments=[str(w) for w in rest])]


def script_content(call: Call, word: str) -> tuple[str | None, bool]:
    """Content of a script on this machine, and whether it was written by this session."""
    if call.where.kind != "local":
        return None, False
    path = call.spot(word).path
    written = call.walk.state.written.get(path)
    if written is not None:
        return written, True
    remembered = call.walk.place.remembered.get(path)
    if remembered is not None:
        return remembered, True
    return call.walk.place.files.read(path), False


def _joined(call: Call, wrapper: Wrapper) -> list[Step] | None:
    words, assigns = inner_words(call.args, wrapper)
    if not words:
        return None
    if len(words) == 1:
        return [Text(words[0], call.name, words[0])]
    if any(" " in w or ";" in w for w in words):
        # The words are joined and read again by a shell; what was meant is the words as they stand.
        return [Argv(words, call.name, assigns=assigns), Text(" ".join(words), call.name, words[0])]
    return [Argv(words, call.name, assigns=assigns)]


def _watch(call: Call) -> list[Step] | None:
    return _joined(call, _w("-n --interval -q --equexit"))


def _eval(call: Call) -> list[Step] | None:
    args = [w for w in call.args if w != "--"]
    if not args:
        return None
    if any(w.flow is not None and w.flow.text is None for w in args):
        word = next(w for w in args if w.flow is not None)
        if re.match(r"^\$\(…\)$", str(word)) and _known_env_setup(call, word):
            return []
        _opaque(call, word)
        return []
    if len(args) == 1:
        return [_script_text(call, args[0], (), "eval")]
    return [Text(" ".join(args), "eval", args[0])]


def _known_env_setup(call: Call, word: Word) -> bool:
    """`eval "$(ssh-agent -s)"`, `eval "$(direnv hook bash)"`: shell set-up that tools print."""
    return bool(word.flow and "setup" in word.flow.marks)


def _trap(call: Call) -> list[Step] | None:
    args = [w for w in call.args if w != "--"]
    if len(args) < 2 or args[0] in ("-", "", "-p", "-l"):
        return None
    return [Text(args[0], "trap", args[0], here=True)]


def _source(call: Call) -> list[Step] | None:
    if not call.args:
        return None
    found = script_file(call, call.args[0], call.args[1:])
    for step in found or ():
        if isinstance(step, Text):
            step.here = True
    return found


def _su(call: Call) -> list[Step] | None:
    args = call.args
    for index, word in enumerate(args):
        if word in ("-c", "--command", "--session-command") and index + 1 < len(args):
            return [Text(args[index + 1], "su -c", args[index + 1], where=remote.as_root(call.where))]
        if word.startswith("--command="):
            return [Text(word.partition("=")[2], "su -c", word, where=remote.as_root(call.where))]
    if call.name == "runuser":
        return _plain(call, _PLAIN["runuser"])
    call.emit("proc.shell", "a shell as another user", root=True)
    return []


def _flock(call: Call) -> list[Step] | None:
    args = call.args
    words, _ = inner_words(args, _w("-w -E --timeout --wait --conflict-exit-code", skip=1, stop="-u --unlock"))
    if words and words[0] in ("-c", "--command"):
        return [Text(words[1], "flock -c", words[1])] if len(words) > 1 else None
    return [Argv(words, "flock")] if words else None


def _script(call: Call) -> list[Step] | None:
    args = call.args
    for index, word in enumerate(args):
        if word.startswith("--command="):
            return [Text(word.partition("=")[2], "script -c", word)]
        if (word == "--command" or re.fullmatch(r"-[a-zA-Z]*c", word)) and index + 1 < len(args):
            return [Text(args[index + 1], "script -c", args[index + 1])]
    rest = [w for w in args if not w.startswith("-")]
    return [Argv(rest[1:], "script")] if len(rest) > 1 else None


_XARGS = _w("-I -n -P -L -s -d -a -E --max-args --max-procs --max-lines --max-chars --delimiter --arg-file -J -R -S")


def _xargs(call: Call) -> list[Step] | None:
    words, _ = inner_words(call.args, _XARGS)
    if not words:
        return None
    items = incoming(call)
    holder = _placeholder(call.args)
    if holder:
        inner = [
            w.like(w.replace(holder, i)) if holder in w else w for w in words for i in (items if holder in w else [w])
        ]
    else:
        base = words[-1]
        inner = [*words, *(base.like(item, dynamic=item.startswith("${")) for item in items)]
    return [Argv(inner, "xargs", stdin=None)]


def _placeholder(args: Sequence[Word]) -> str:
    for index, word in enumerate(args):
        if word in ("-I", "-J", "--replace") and index + 1 < len(args):
            return str(args[index + 1])
        if word.startswith("-I") and len(word) > 2:
            return str(word[2:])
        if word in ("-i", "--replace"):
            return "{}"
        if not word.startswith("-"):
            break
    return ""


def incoming(call: Call) -> list[str]:
    """What comes through the pipe as separate words: literal text, path patterns, or one unknown word."""
    flow = call.stdin
    if flow is not None and flow.items:
        return flow.items[:16]
    if flow is not None and flow.text is not None:
        return flow.text.replace("\0", "\n").split()[:32]
    return ["${piped}"]


def _parallel(call: Call) -> list[Step] | None:
    args = list(call.args)
    values: list[str] = []
    for marker in (":::", "::::", ":::+"):
        if marker in args:
            at = args.index(Word(marker))
            values, args = [str(w) for w in args[at + 1 :] if not w.startswith(":::")], args[:at]
            break
    words, _ = inner_words(args, _w("-j --jobs -a -S --sshlogin --delay --timeout --joblog --results -N -n -L -I -k"))
    values = values or incoming(call)
    if not words:
        return [Text(value, "parallel", args[-1] if args else None) for value in values]
    text = " ".join(words)
    script = "\n".join(text.replace("{}", v) if "{" in text else f"{text} {v}" for v in values[:16])
    return [Text(script, "parallel", words[0])]


def _find(call: Call) -> list[Step] | None:
    """`find … -exec CMD {} ;`: the command, with what find would put in place of `{}`. The rest is in `effects`."""
    args = call.args
    found: list[Step] = []
    for index, word in enumerate(args):
        if word not in ("-exec", "-execdir", "-ok", "-okdir"):
            continue
        if len(found) >= 16:
            call.walk.problem(call.span, "more than 16 commands in one find")
            break
        stop = next((i for i in range(index + 1, len(args)) if args[i] in (";", "+")), len(args))
        inner = list(args[index + 1 : stop])
        roots = find_items(args)
        words = [
            w.like(w.replace("{}", root)) if "{}" in w else w for w in inner for root in (roots if "{}" in w else [""])
        ]
        found.append(Argv(words, f"find {word}"))
    return found or None


def find_items(args: Sequence[Word]) -> list[str]:
    """Patterns for what `find` names: `find src -name '*.pyc'` gives `src/*.pyc`."""
    roots = []
    for word in args:
        if word.startswith(("-", "(", "!")) and word not in ("-L", "-H", "-P"):
            break
        if word not in ("-L", "-H", "-P"):
            roots.append(str(word))
    name = next((args[i + 1] for i, w in enumerate(args[:-1]) if w in ("-name", "-iname")), Word("*"))
    return [f"{root.rstrip('/') or ''}/{name}" for root in (roots or ["."])][:16]


def _busybox(call: Call) -> list[Step] | None:
    args = list(call.args)
    return [Argv(args, call.name, stdin=call.stdin)] if args and not args[0].startswith("-") else None


def _coproc(call: Call) -> list[Step] | None:
    args = list(call.args)
    if len(args) > 1 and args[1] in ("{", "("):
        args = args[1:]
    if args and args[0] in ("{", "("):
        args = args[1:]
    words, assigns = inner_words(args, _w(assigns=True))
    return [Argv(words, "coproc", assigns=assigns)] if words else None


def _text_flag(*flags: str) -> Callable[[Call], list[Step] | None]:
    """A program that hands the value of one of its flags to a shell."""

    def read(call: Call) -> list[Step] | None:
        args = call.args
        for index, word in enumerate(args):
            if word in flags and index + 1 < len(args):
                return [Text(args[index + 1], f"{call.name} {word}", args[index + 1])]
            for flag in flags:
                if flag.startswith("--") and word.startswith(flag + "="):
                    return [Text(word.partition("=")[2], f"{call.name} {flag}", word)]
        return None

    return read


def _each_word(call: Call) -> list[Step] | None:
    """`concurrently "a" "b"`, `hyperfine "a"`: every quoted word is a command line."""
    found: list[Step] = [Text(w, call.name, w) for w in call.args if not w.startswith("-") and " " in w]
    return found or None


def _npx(call: Call) -> list[Step] | None:
    for index, word in enumerate(call.args):
        if word in ("-c", "--call") and index + 1 < len(call.args):
            return [Text(call.args[index + 1], "npx -c", call.args[index + 1])]
        if not word.startswith("-"):
            break
    return _plain(call, _ALWAYS_RUN["npx"])


def _tmux(call: Call) -> list[Step] | None:
    args = call.args
    if "send-keys" in args or "send" in args:
        keys = [w for w in args[1:] if not w.startswith("-") and w not in ("Enter", "C-m", "C-c", "send-keys")]
        found: list[Step] = [Text(w, "tmux send-keys", w) for w in keys if " " in w]
        return found or None
    if any(
        w in ("new", "new-session", "new-window", "neww", "split-window", "run-shell", "respawn-pane") for w in args
    ):
        words = [w for w in args if " " in w]
        return [Text(words[-1], "tmux", words[-1])] if words else None
    return None


def _screen(call: Call) -> list[Step] | None:
    words, _ = inner_words(call.args, _w("-S -c -e -h -p -s -t -T", stop="-ls -list -r -x -X"))
    return [Argv(words, "screen")] if words else None


def _at(call: Call) -> list[Step] | None:
    call.emit("proc.schedule", call.name)
    return from_stdin(call) if call.stdin is not None else []


def _separated(call: Call) -> list[Step] | None:
    """Programs that take their inner command after `--`."""
    if "--" in call.args:
        at = call.args.index(Word("--"))
        return [Argv(call.args[at + 1 :], call.name)]
    return None


def _nix(call: Call) -> list[Step] | None:
    args = call.args
    for index, word in enumerate(args):
        if word in ("--run", "--command") and index + 1 < len(args) and call.name == "nix-shell":
            return [Text(args[index + 1], "nix-shell --run", args[index + 1])]
        if word in ("-c", "--command") and index + 1 < len(args):
            return [Argv(args[index + 1 :], "nix develop -c")]
    return None


def _setarch(call: Call) -> list[Step] | None:
    words, _ = inner_words(call.args, _w())
    if words and re.fullmatch(r"(linux(32|64)|x86_64|i[3-6]86|aarch64|arm\w*|uname26|athlon|ppc\w*|s390x?)", words[0]):
        words, _ = inner_words(words[1:], _w())
    return [Argv(words, call.name)] if words else None


def _group(call: Call) -> list[Step] | None:
    """`sg GROUP -c TEXT` runs the text as a member of another group."""
    words = [w for w in call.args[1:] if w not in ("-c", "-")]
    return [Text(words[0], "sg -c", words[0])] if words else None


def _fd(call: Call) -> list[Step] | None:
    args = call.args
    for index, word in enumerate(args):
        if word in ("-x", "--exec", "-X", "--exec-batch") and index + 1 < len(args):
            rest = [w for w in args[:index] if not w.startswith("-")]
            root = str(rest[1]) if len(rest) > 1 else "."
            words = [w.like(w.replace("{}", f"{root}/*")) for w in args[index + 1 :] if w != ";"]
            if not any("{" in w for w in args[index + 1 :]):
                words.append(words[-1].like(f"{root}/*"))
            return [Argv(words, f"fd {word}")]
    return None


_SPECIAL: dict[str, Callable[[Call], list[Step] | None]] = {
    **dict.fromkeys(SHELLS, _shell),
    "env": _env,
    "eval": _eval,
    "trap": _trap,
    "source": _source,
    ".": _source,
    "su": _su,
    "runuser": _su,
    "flock": _flock,
    "script": _script,
    "xargs": _xargs,
    "gxargs": _xargs,
    "parallel": _parallel,
    "find": _find,
    "gfind": _find,
    "fd": _fd,
    "fdfind": _fd,
    "busybox": _busybox,
    "toybox": _busybox,
    "coproc": _coproc,
    "watch": _watch,
    "viddy": _watch,
    "npx": _npx,
    "tmux": _tmux,
    "screen": _screen,
    "at": _at,
    "batch": _at,
    "hyperfine": _each_word,
    "concurrently": _each_word,
    "nodemon": _text_flag("--exec", "-x"),
    "watchexec": _separated,
    "wsl": _separated,
    "nix-shell": _nix,
    "nix": _nix,
    "vagrant": _text_flag("-c", "--command"),
    "expect": _text_flag("-c"),
    "ssh": remote.ssh,
    "mosh": remote.ssh,
    "docker": remote.container,
    "podman": remote.container,
    "nerdctl": remote.container,
    "docker-compose": remote.compose,
    "podman-compose": remote.compose,
    "kubectl": remote.pod,
    "oc": remote.pod,
    "lvm": _busybox,
    "sg": _group,
    "setarch": _setarch,
    "arch": _setarch,
    "k3s": _busybox,
    "microk8s": _busybox,
    "minikube": remote.minikube,
    "lxc": remote.lxc,
    "incus": remote.lxc,
    "heroku": remote.heroku,
    "fly": remote.fly,
    "flyctl": remote.fly,
    "gcloud": remote.gcloud,
}
