"""Programs that run another program: each gives the words or the text it would run in its place.

`steps(call)` is applied until it gives None (a fixpoint, bounded by the walk's depth). Tables list the flags that take
a value, after each program's manual page; a flag not listed is taken to stand alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from . import remote
from .call import Argv, Call, Step, Text
from .shell import Word
from .shells import SHELLS, from_stdin, run_eval, run_shell, run_trap, source_file
from .wrappers import ALWAYS_RUN, ASSIGN, PLAIN, RUNNERS, Wrapper, inner_words, wrapper_of


def steps(call: Call) -> list[Step] | None:
    """What a wrapper would run, or None when the program is no wrapper (or runs nothing this time)."""
    name = call.name
    special = _SPECIAL.get(name)
    if special is not None:
        return special(call)
    wrapper = PLAIN.get(name) or ALWAYS_RUN.get(name)
    if wrapper is not None:
        return _plain(call, wrapper)
    runner = RUNNERS.get(name)
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
        elif ASSIGN.match(word):
            name, _, value = word.partition("=")
            assigns[name] = word.like(value)
            index += 1
        else:
            return [Argv(list(args[index:]), "env", assigns=assigns, stdin=call.stdin)]
    return None


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
    return _joined(call, wrapper_of("-n --interval -q --equexit"))


def _su(call: Call) -> list[Step] | None:
    args = call.args
    for index, word in enumerate(args):
        if word in ("-c", "--command", "--session-command") and index + 1 < len(args):
            return [Text(args[index + 1], "su -c", args[index + 1], where=remote.as_root(call.where))]
        if word.startswith("--command="):
            return [Text(word.partition("=")[2], "su -c", word, where=remote.as_root(call.where))]
    if call.name == "runuser":
        return _plain(call, PLAIN["runuser"])
    call.emit("proc.shell", "a shell as another user", root=True)
    return []


def _flock(call: Call) -> list[Step] | None:
    args = call.args
    words, _ = inner_words(args, wrapper_of("-w -E --timeout --wait --conflict-exit-code", skip=1, stop="-u --unlock"))
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


_XARGS = wrapper_of(
    "-I -n -P -L -s -d -a -E --max-args --max-procs --max-lines --max-chars --delimiter --arg-file -J -R -S"
)


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
    words, _ = inner_words(
        args, wrapper_of("-j --jobs -a -S --sshlogin --delay --timeout --joblog --results -N -n -L -I -k")
    )
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
    words, assigns = inner_words(args, wrapper_of(assigns=True))
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
    return _plain(call, ALWAYS_RUN["npx"])


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
    words, _ = inner_words(call.args, wrapper_of("-S -c -e -h -p -s -t -T", stop="-ls -list -r -x -X"))
    return [Argv(words, "screen")] if words else None


def _at(call: Call) -> list[Step] | None:
    if "-l" in call.args:
        call.emit("fs.read", "scheduled jobs")
        return []
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
    words, _ = inner_words(call.args, wrapper_of())
    if words and re.fullmatch(r"(linux(32|64)|x86_64|i[3-6]86|aarch64|arm\w*|uname26|athlon|ppc\w*|s390x?)", words[0]):
        words, _ = inner_words(words[1:], wrapper_of())
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
    **dict.fromkeys(SHELLS, run_shell),
    "env": _env,
    "eval": run_eval,
    "trap": run_trap,
    "source": source_file,
    ".": source_file,
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
