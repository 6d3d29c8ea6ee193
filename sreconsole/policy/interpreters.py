"""Code handed to an interpreter: Python by its syntax tree, other languages by tables of calls."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from . import python
from .call import Argv, Call, Code, Context, Step, Text
from .oneliners import read_table
from .shell import Flow, Source, Word
from .wordlist import wordset

_LANGUAGES: dict[str, tuple[str, frozenset[str], frozenset[str]]] = {
    # program: language, flags that take code, other flags that take a value
    "python": ("python", frozenset({"-c"}), frozenset({"-W", "-X", "-m"})),
    "node": (
        "node",
        frozenset({"-e", "--eval", "-p", "--print", "-pe"}),
        frozenset({"-r", "--require", "--import", "--loader"}),
    ),
    "bun": ("node", frozenset({"-e", "--eval", "-p", "--print"}), frozenset()),
    "deno": ("node", frozenset({"-e"}), frozenset()),
    "tsx": ("node", frozenset({"-e", "--eval"}), frozenset()),
    "ts-node": ("node", frozenset({"-e", "--eval", "-p"}), frozenset({"-P", "-r"})),
    "ruby": ("ruby", frozenset({"-e"}), frozenset({"-r", "-I"})),
    "perl": ("perl", frozenset({"-e", "-E"}), frozenset({"-M", "-I"})),
    "php": ("php", frozenset({"-r"}), frozenset({"-d", "-c"})),
    "lua": ("lua", frozenset({"-e"}), frozenset({"-l"})),
    "Rscript": ("r", frozenset({"-e"}), frozenset()),
    "julia": ("julia", frozenset({"-e", "-E", "--eval"}), frozenset()),
    "osascript": ("applescript", frozenset({"-e"}), frozenset({"-l"})),
    "pwsh": ("powershell", frozenset({"-c", "-Command", "-command", "-EncodedCommand"}), frozenset()),
    "powershell": ("powershell", frozenset({"-c", "-Command", "-command"}), frozenset()),
    "elixir": ("elixir", frozenset({"-e"}), frozenset({"-r"})),
    "groovy": ("groovy", frozenset({"-e"}), frozenset()),
    "scala": ("scala", frozenset({"-e"}), frozenset()),
    "tclsh": ("tcl", frozenset(), frozenset()),
}
_PYTHON = re.compile(r"^(?:python|pypy)(?:[23](?:\.\d+)?)?t?(?:\.exe)?$|^ipython3?$")
_EXTENSIONS = {
    ".py": "python",
    ".js": "node",
    ".mjs": "node",
    ".cjs": "node",
    ".ts": "node",
    ".rb": "ruby",
    ".pl": "perl",
    ".php": "php",
}


def steps(call: Call) -> list[Step] | None:
    """What code an interpreter would run; None when the program is no interpreter or only runs a project's file."""
    name = call.name
    if _PYTHON.match(name):
        return _interpreter(call, _LANGUAGES["python"])
    if name in ("awk", "gawk", "mawk", "nawk"):
        return _awk(call)
    if name == "deno" and call.args[:1] == ["eval"]:
        return [Code("node", call.args[1], "deno eval", call.args[1])] if len(call.args) > 1 else None
    found = _LANGUAGES.get(name)
    return _interpreter(call, found) if found is not None else _escapes(call)


def _interpreter(call: Call, spec: tuple[str, frozenset[str], frozenset[str]]) -> list[Step] | None:
    language, code_flags, valued = spec
    args, index = call.args, 0
    found: list[Step] = []
    while index < len(args):
        word = args[index]
        if word == "-":
            break
        if not word.startswith("-") and language == "python" and word.endswith("manage.py"):
            return [Argv([word.like("django-admin"), *args[index + 1 :]], str(word))]
        if not word.startswith("-") and language == "php" and word.endswith("artisan"):
            return [Argv([word.like("artisan"), *args[index + 1 :]], str(word))]
        if not word.startswith("-"):
            return found or _file(call, language, word, args[index + 1 :])
        if language == "python" and word == "-m" and index + 1 < len(args):
            return _module(call, args[index + 1], args[index + 2 :])
        code, used = _code_of(args, index, code_flags, language)
        if code is not None:
            found.append(Code(language, str(code), f"{call.name} {word}", code))
            if language == "python":
                return found
            index += used
            continue
        index += 2 if word in valued else 1
    if found:
        return found
    return _stdin(call, language)


def _code_of(args: Sequence[Word], index: int, flags: frozenset[str], language: str) -> tuple[Word | None, int]:
    word = args[index]
    following = args[index + 1] if index + 1 < len(args) else None
    if word in flags:
        return following, 2
    for flag in flags:
        if flag.startswith("--") and word.startswith(flag + "="):
            return word.like(word.partition("=")[2]), 1
        if (
            len(flag) == 2
            and not word.startswith("--")
            and re.match(r"-[A-Za-z0-9]*$", word)
            and word[-1] == flag[1]
            and len(word) > 2
        ) and language in ("python", "perl", "ruby", "node", "php"):
            return following, 2
        if len(flag) == 2 and language == "python" and word.startswith(flag) and len(word) > 2:
            return word.like(word[2:]), 1
    return None, 1


def _stdin(call: Call, language: str) -> list[Step] | None:
    from .shells import script_content

    for redirect in call.redirects:
        if redirect.operator == "<":
            text, _ = script_content(call, redirect.target)
            return [Code(language, text, f"{call.name} <", redirect.target)] if text is not None else None
    flow = call.stdin
    if flow is None or "--version" in call.args or "-V" in call.args:
        return None
    if flow.text is not None:
        return [Code(language, flow.text, f"| {call.name}", flow=flow)]
    origin = next((m for m in ("network", "decoded") if m in flow.marks), "")
    if origin:
        call.emit("exec.remote" if origin == "network" else "exec.unknown", f"{language} from a pipe", origin=origin)
        return []
    return None


def _file(call: Call, language: str, word: Word, rest: Sequence[Word]) -> list[Step] | None:
    from .shells import script_content

    if word.flow is not None:
        if word.flow.text is not None:
            return [Code(language, word.flow.text, call.name, word)]
        if "network" in word.flow.marks:
            call.emit("exec.remote", "code from the network", word, origin="network")
            return []
    if word == "/dev/stdin":
        return _stdin(call, language)
    if re.match(r"https?://", word):
        call.emit("exec.remote", str(word), word, origin="network")
        return []
    text, fresh = script_content(call, word)
    if text is None or (not fresh and len(text) > 20_000):
        return None
    if not fresh:
        # A program of the repository: what its code would do is for review and tests. Only a session's own is read.
        return None
    return [Code(language, text, str(word), word)]


def script(call: Call, text: str, fresh: bool) -> bool:
    """Read a script that is run by its path, when its first line or suffix names an interpreter we read."""
    from .effects import follow

    first = text.split("\n", 1)[0]
    word = call.argv[0]
    if (
        re.match(r"#!.*\b(ba|z|da|k|a)?sh\b", first)
        or word.endswith((".sh", ".bash"))
        or (fresh and not first.startswith("#!"))
    ):
        follow(call, [Text(text, str(word), word, arguments=[str(w) for w in call.args])])
        call.emit("proc.run", str(word))
        return True
    language = next((v for k, v in _EXTENSIONS.items() if word.endswith(k)), "")
    for name, (spoken, _, _) in _LANGUAGES.items():
        if first.startswith("#!") and re.search(rf"\b{re.escape(name)}[\d.]*\b", first):
            language = spoken
    if language and fresh:
        follow(call, [Code(language, text, str(word), word)])
        call.emit("proc.run", str(word))
        return True
    return False


def _module(call: Call, module: Word, rest: Sequence[Word]) -> list[Step] | None:
    """`python -m pip …` is pip; other modules are programs of the same name."""
    known = {
        "pip",
        "pytest",
        "venv",
        "unittest",
        "http.server",
        "json.tool",
        "twine",
        "alembic",
        "build",
        "black",
        "ruff",
        "mypy",
        "awscli",
        "django",
    }
    if module in wordset(
        """
        pip twine alembic ansible awscli pipx uv poetry keyring flask celery black ruff mypy pytest
        """
    ):
        name = {"awscli": "aws"}.get(str(module), str(module))
        return [Argv([module.like(name), *rest], "python -m")]
    if module in ("json.tool", "py_compile", "compileall"):
        call.emit("fs.read" if module == "json.tool" else "fs.write", f"python -m {module}")
        return []
    if module in known:
        call.emit("proc.run", f"python -m {module}")
        return []
    if module in wordset(
        """
        platform site sysconfig this tokenize ast dis timeit calendar json.tool py_compile compileall
        """
    ):
        return []
    call.emit("proc.run", f"python -m {module}")
    return []


def _awk(call: Call) -> list[Step] | None:
    args, index = call.args, 0
    while index < len(args) and args[index].startswith("-") and len(args[index]) > 1:
        if args[index] in ("-f", "--file"):
            return None
        index += 2 if args[index] in ("-F", "-v", "--assign", "--field-separator") else 1
    if index >= len(args):
        return None
    from . import edits

    for word in args[index + 1 :]:
        if "=" not in word:
            edits.read(call, word)
    for match in re.finditer(r'>>?\s{0,4}"([^"|]{1,200})"', args[index]):
        edits.write(call, match.group(1))
    return [Code("awk", args[index], "awk", args[index])]


def _escapes(call: Call) -> list[Step] | None:
    """Editors, pagers, debuggers and archivers that run a command when told to."""
    reader = _ESCAPES.get(call.name)
    return reader(call) or None if reader is not None else None


def _after(call: Call, flags: Sequence[str]) -> list[tuple[Word, Word]]:
    """Each of these flags with the word behind it."""
    return [(word, call.args[i + 1]) for i, word in enumerate(call.args[:-1]) if word in flags]


def _vim(call: Call) -> list[Step]:
    found: list[Step] = []
    given = _after(call, ("-c", "--cmd")) + [(word, word) for word in call.args if word.startswith("+")]
    for _, text in given:
        match = re.search(r"(?:^\+|^|[|:])\s*:?!\s*(.+)|system\(\s*['\"](.+?)['\"]", text[:4_000])
        if match:
            found.append(Text(match.group(1) or match.group(2), f"{call.name} :!", text))
    return found


def _rsync(call: Call) -> list[Step]:
    given = [text for _, text in _after(call, ("-e", "--rsh"))]
    given += [w.like(w.partition("=")[2]) for w in call.args if w.startswith(("--rsh=", "--rsync-path="))]
    known = re.compile(r"(\S*ssh|rsync|sudo rsync)(\s|$)")
    return [Text(str(text), "rsync -e", text) for text in given if not known.match(text)]


def _zip(call: Call) -> list[Step]:
    return [Text(str(text), "zip -TT", text) for _, text in _after(call, ("-TT", "--unzip-command"))]


def _debugger(call: Call) -> list[Step]:
    found: list[Step] = []
    for flag, text in _after(call, ("-ex", "-eval-command", "-o", "--one-line")):
        match = re.match(r"(?:!|shell|platform shell)\s*(.+)", text)
        if match:
            found.append(Text(match.group(1), f"{call.name} {flag}", text))
    return found


def _pager(call: Call) -> list[Step]:
    given = [text for _, text in _after(call, ("-P", "--pager"))]
    given += [w.like(w[2:]) for w in call.args if w.startswith("-P") and len(w) > 2]
    return [Text(str(text), "man -P", text) for text in given if not re.match(r"^(cat|less|more)\b", text)]


def _tar(call: Call) -> list[Step]:
    found: list[Step] = []
    args = call.args
    for index, word in enumerate(args):
        flag, equals, value = word.partition("=")
        if not equals and index + 1 < len(args):
            value = str(args[index + 1])
        if flag == "--checkpoint-action" and value.startswith("exec="):
            found.append(Text(value[5:], "tar --checkpoint-action", word))
        elif (
            flag
            in wordset(
                """
                --to-command --use-compress-program --info-script --new-volume-script --rsh-command -I -F
                """
            )
            and value
        ) and not re.fullmatch(r"(\S*/)?(p?gzip|pigz|zstd|zstdmt|xz|bzip2|lz4|pbzip2|lzma|brotli)(\s.*)?", value):
            found.append(Text(value, f"tar {flag}", word))
    return found


_ESCAPES: dict[str, Callable[[Call], list[Step]]] = {
    **dict.fromkeys(("vim", "vi", "nvim", "ex", "view", "vimdiff", "gvim"), _vim),
    **dict.fromkeys(("tar", "gtar", "bsdtar"), _tar),
    **dict.fromkeys(("gdb", "lldb"), _debugger),
    "rsync": _rsync,
    "zip": _zip,
    "man": _pager,
}


# -- reading code -----------------------------------------------------------------------------------------------


def read_code(call: Call, step: Code, context: Context) -> None:
    """Effects of code in a language; commands it hands to a shell are queued as text."""
    inner = Call(call.walk, call.argv, context, call.assigns, stdin=None, span=call.span)
    if step.word is not None and step.word.end:
        inner.span = (step.word.start, step.word.end)
    elif step.flow is not None and step.flow.span:
        inner.span = step.flow.span
    if step.word is not None and step.word.flow is not None and step.word.flow.text is None:
        origin = next((m for m in ("network", "decoded") if m in step.word.flow.marks), "")
        inner.emit("exec.remote" if origin == "network" else "exec.unknown", f"{step.language} code", origin=origin)
        return
    before = len(call.walk.effects)
    if step.language == "python":
        base = step.word.inner if step.word is not None else step.flow.base if step.flow is not None else -1
        python.read(inner, step.text, base)
    else:
        read_table(inner, step.language, step.text)
    if len(call.walk.effects) == before and step.language != "awk":
        inner.emit("proc.run", f"{step.language} code")


def _run(call: Call) -> None:
    """An interpreter that runs a file of the project, or opens a prompt."""
    if any(w in ("--version", "-V", "--help", "-h", "-v") for w in call.args[:1]):
        return
    call.emit("proc.run", f"{call.name} {' '.join(call.args[:1])}".strip())


def _flow_text(flow: Flow | None) -> str | None:
    return flow.text if flow is not None else None


def _nothing(call: Call) -> None:
    return


def _editor(call: Call) -> None:
    from . import edits

    for word in call.args:
        if not word.startswith(("-", "+")):
            edits.write(call, word)


TABLE: dict[str, Callable[[Call], None]] = {
    **dict.fromkeys(_LANGUAGES, _run),
    **dict.fromkeys(("python3", "python2", "pypy", "pypy3", "ipython", *(f"python3.{n}" for n in range(6, 16))), _run),
    **dict.fromkeys(
        (
            "java",
            "javac",
            "kotlin",
            "dotnet-script",
            "swift",
            "irb",
            "pry",
            "ghci",
            "erl",
            "iex",
            "racket",
            "guile",
            "sbcl",
            "clojure",
            "clj",
            "octave",
            "matlab",
            "tclsh",
            "ocaml",
        ),
        _run,
    ),
    **dict.fromkeys(("awk", "gawk", "mawk", "nawk"), _nothing),
    **dict.fromkeys(("vim", "vi", "nvim", "nano", "emacs", "ed", "ex", "pico", "micro", "gvim"), _editor),
}
__all__ = ["TABLE", "Source", "read_code", "script", "steps"]
