"""Code handed to an interpreter: Python by its syntax tree, other languages by tables of calls."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from . import python
from .call import Argv, Call, Code, Context, Step, Text
from .oneliners import read_table
from .shell import Flow, Source, Word

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
    if module in (
        "pip",
        "twine",
        "alembic",
        "ansible",
        "awscli",
        "pipx",
        "uv",
        "poetry",
        "keyring",
        "flask",
        "celery",
        "black",
        "ruff",
        "mypy",
        "pytest",
    ):
        name = {"awscli": "aws"}.get(str(module), str(module))
        return [Argv([module.like(name), *rest], "python -m")]
    if module in ("json.tool", "py_compile", "compileall"):
        call.emit("fs.read" if module == "json.tool" else "fs.write", f"python -m {module}")
        return []
    if module in known:
        call.emit("proc.run", f"python -m {module}")
        return []
    if module in (
        "platform",
        "site",
        "sysconfig",
        "this",
        "tokenize",
        "ast",
        "dis",
        "timeit",
        "calendar",
        "json.tool",
        "py_compile",
        "compileall",
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
    """Editors, pagers and archivers that run a command when told to."""
    name, args = call.name, call.args
    found: list[Step] = []
    if name in ("vim", "vi", "nvim", "ex", "view", "vimdiff", "gvim"):
        for index, word in enumerate(args):
            text = args[index + 1] if word in ("-c", "--cmd", "-S") and index + 1 < len(args) else word
            match = re.search(r"(?:^\+|^|[|:])\s*:?!\s*(.+)|system\(\s*['\"](.+?)['\"]", text)
            if match and (word in ("-c", "--cmd") or word.startswith("+")):
                found.append(Text(match.group(1) or match.group(2), f"{name} :!", text))
        return found or None
    if name in ("tar", "gtar", "bsdtar"):
        return _tar(call)
    if name == "rsync":
        for index, word in enumerate(args[:-1]):
            if word in ("-e", "--rsh") and not re.match(r"^\S*ssh(\s|$)", args[index + 1]):
                found.append(Text(args[index + 1], "rsync -e", args[index + 1]))
        for word in args:
            if word.startswith(("--rsh=", "--rsync-path=")) and not re.match(
                r"--\w+[-\w]*=(\S*ssh|rsync|sudo rsync)(\s|$)", word
            ):
                found.append(Text(word.partition("=")[2], "rsync --rsh", word))
        return found or None
    if name == "zip":
        for index, word in enumerate(args[:-1]):
            if word in ("-TT", "--unzip-command"):
                found.append(Text(args[index + 1], "zip -TT", args[index + 1]))
        return found or None
    if name in ("gdb", "lldb"):
        for index, word in enumerate(args[:-1]):
            match = re.match(r"(?:!|shell|platform shell)\s*(.+)", args[index + 1])
            if word in ("-ex", "-eval-command", "-o", "--one-line") and match:
                found.append(Text(match.group(1), f"{name} {word}", args[index + 1]))
        return found or None
    if name in ("man", "less", "more") and any(w.startswith("-P") or w == "--pager" for w in args):
        for index, word in enumerate(args):
            value = (
                word[2:]
                if word.startswith("-P") and len(word) > 2
                else args[index + 1]
                if word in ("-P", "--pager") and index + 1 < len(args)
                else ""
            )
            if value and not re.match(r"^(cat|less|more)\b", value):
                found.append(Text(str(value), "man -P", word))
        return found or None
    return None


def _tar(call: Call) -> list[Step] | None:
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
            in (
                "--to-command",
                "--use-compress-program",
                "--info-script",
                "--new-volume-script",
                "--rsh-command",
                "-I",
                "-F",
            )
            and value
        ) and not re.fullmatch(r"(\S*/)?(p?gzip|pigz|zstd|zstdmt|xz|bzip2|lz4|pbzip2|lzma|brotli)(\s.*)?", value):
            found.append(Text(value, f"tar {flag}", word))
    return found or None


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
