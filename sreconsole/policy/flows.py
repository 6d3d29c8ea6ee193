"""What a command prints, when that is known without running it: literal text, path patterns, or where it came from."""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Callable, Sequence

from .call import Call
from .shell import Flow, ansi_c
from .unwrap import find_items
from .wordlist import wordset

_FILTERS = wordset(
    """
    cat tee tac nl sort uniq head tail pv buffer tr cut sed grep egrep awk xargs fmt fold strings iconv
    """
)
_DECODERS = wordset(
    """
    base64 base32 openssl xxd gunzip gzip zcat bzcat bunzip2 xz xzcat zstd rev uudecode gpg unzip basenc rot13
    """
)
_FETCHERS = wordset(
    """
    curl wget aria2c http https xh fetch lynx links w3m nc ncat netcat socat ftp telnet
    """
)
_SETUP = wordset(
    """
    ssh-agent direnv pyenv rbenv nodenv nvm fnm mise asdf starship zoxide brew conda mamba opam thefuck atuin
    dircolors keychain luarocks tox resize lesspipe poetry register-python-argcomplete kubectl helm minikube
    docker-machine docker rustup deno gh pip npm jump fzf goenv swiftenv jenv sdk devbox volta pdm hatch uv
    """
)
_LISTS = wordset("ls git rg grep fd find eza")
_SILENT = wordset("true : cd export set test [ sleep mkdir rm touch")
_MOST = 65_536


def produce(call: Call, out: Flow) -> None:
    """Add a command's known output to `out`; where it is unknown, mark what it came from."""
    name = call.name
    maker = _MAKERS.get(name)
    if maker is not None and maker(call, out):
        return
    if name in _FETCHERS:
        _unknown(out, "network")
    elif (name in _DECODERS and _decoded(call, out)) or name in _SILENT:
        return
    elif call.stdin is not None and name in _FILTERS:
        _filtered(call, out)
    else:
        _unknown(out, "setup" if name in _SETUP else "unknown")


def _told(call: Call, out: Flow) -> bool:
    """`pwd`, `mktemp`, `which`, `git rev-parse --show-toplevel`: what the surroundings already say."""
    place = call.walk.place
    text = ""
    if call.name == "pwd":
        text = call.walk.state.cwd or ""
    elif call.name == "mktemp":
        text = "/tmp/tmp.mktemp"
    elif call.name in ("which", "command", "type", "hash"):
        text = str(call.args[-1]) if call.args else ""
    elif call.args[:2] == ["rev-parse", "--show-toplevel"]:
        text = place.project
    if text:
        out.add(text + "\n")
    return bool(text)


def _found(call: Call, out: Flow) -> bool:
    out.items += find_items(call.args)
    return True


def _unknown(out: Flow, mark: str) -> None:
    out.marks.add(mark)


def _printed(call: Call, out: Flow) -> bool:
    args = call.args
    escapes = call.name == "printf"
    while args and args[0][:1] == "-" and call.name == "echo" and re.fullmatch(r"-[neE]+", args[0]):
        escapes = escapes or "e" in args[0]
        args = args[1:]
    if call.name == "printf" and args and args[0] == "--":
        args = args[1:]
    text = _formatted(args) if call.name == "printf" else " ".join(args) + "\n"
    out.add(ansi_c(text) if escapes else text)
    if any(word.dynamic for word in args):
        out.marks.add("unknown")
    if len(args) == 1 and args[0].inner >= 0 and not escapes:
        out.base, out.span = args[0].inner, (args[0].start, args[0].end)
    return True


def _formatted(args: Sequence[str]) -> str:
    words = [str(word) for word in args]
    if not words:
        return ""
    pattern, values = words[0], words[1:]
    if "%" not in pattern:
        return pattern
    slots = len(re.findall(r"%[-0-9.]*[sbqdic]", pattern)) or 1
    text = ""
    for start in range(0, max(1, len(values)), slots):
        turn = iter(values[start : start + slots])
        text += re.sub(r"%[-0-9.]*[sbqdic]", lambda m, turn=turn: next(turn, ""), pattern)  # type: ignore[misc]
        if len(text) > _MOST:
            break
    return text.replace("%%", "%")


def _catenated(call: Call, out: Flow) -> bool:
    files = [w for w in call.args if not w.startswith("-")]
    if not files:
        if call.stdin is None:
            return False
        _copy(call.stdin, out)
        return True
    for word in files:
        if word.flow is not None:
            _copy(word.flow, out)
            continue
        path = call.spot(word).path
        text = call.walk.state.written.get(path) or call.walk.place.remembered.get(path)
        if text is None and call.where.kind == "local":
            text = call.walk.place.files.read(path)
        if text is None:
            _unknown(out, "file")
        else:
            out.add(text)
    return True


def _copy(source: Flow, out: Flow) -> None:
    if source.text is not None:
        out.add(source.text)
        out.base, out.span = source.base, source.span
    out.items += source.items
    out.marks |= source.marks


def _decoded(call: Call, out: Flow) -> bool:
    """Decoders of text we know; anything else that decodes is marked so."""
    flow = call.stdin
    args = call.args
    text = flow.text if flow is not None else None
    if call.name in ("gzip", "bzip2", "xz", "zstd", "openssl") and not any(
        w in ("-d", "-dc", "-cd", "--decompress", "base64") for w in args
    ):
        return False
    if call.name in ("base64", "base32") and not any(re.match(r"-\w*[dD]|--decode", w) for w in args):
        return False
    if text is None:
        for word in args:
            if not word.startswith("-"):
                path = call.spot(word).path
                text = call.walk.state.written.get(path, text)
    plain = _decode(call.name, text) if text is not None else None
    if plain is not None:
        out.add(plain)
    else:
        out.marks |= {"decoded"} | (flow.marks if flow is not None else set())
    return True


def _decode(name: str, text: str) -> str | None:
    try:
        if name in ("base64", "openssl", "basenc"):
            return base64.b64decode(text.strip(), validate=False).decode("utf-8", "replace")
        if name == "base32":
            return base64.b32decode(text.strip()).decode("utf-8", "replace")
        if name == "rev":
            return "\n".join(line[::-1] for line in text.split("\n"))
        if name == "xxd":
            return bytes.fromhex(re.sub(r"[^0-9A-Fa-f]", "", text)).decode("utf-8", "replace")
        if name in ("gunzip", "zcat", "gzip"):
            return zlib.decompress(text.encode("latin-1", "replace"), 31).decode("utf-8", "replace")
    except (ValueError, binascii.Error, zlib.error):
        return None
    return None


def _pathname(call: Call, out: Flow) -> bool:
    if not call.args or call.args[-1].dynamic:
        return False
    word = str(call.args[-1])
    if call.name == "dirname":
        out.add((word.rsplit("/", 1)[0] if "/" in word else ".") + "\n")
    elif call.name == "basename":
        out.add(word.rstrip("/").rsplit("/", 1)[-1] + "\n")
    else:
        out.add(call.spot(word).path + "\n")
    return True


def _listing(call: Call, out: Flow) -> bool:
    args = [w for w in call.args if not w.startswith("-")]
    if call.name == "ls":
        out.items += [str(w) if "*" in w else f"{w.rstrip('/')}/*" for w in args[:8]] or ["./*"]
        return True
    if call.name == "git":
        if args[:1] in (["ls-files"], ["diff"], ["status"], ["grep"]) or (
            args[:1] == ["show"] and "--name-only" in call.args
        ):
            out.items.append("./<listed>")
            return True
        return False
    flags = {w for w in call.args if w.startswith("-")}
    listing = any(re.match(r"-[a-zA-Z]*[lL]|--files", w) for w in flags) or call.name == "fd"
    if listing:
        roots = [str(word) for word in args[1:]] or ["."]
        out.items += [f"{w.rstrip('/')}/<listed>" for w in roots[:8]]
        return True
    if call.stdin is not None:
        _filtered(call, out)
        return True
    return False


def _filtered(call: Call, out: Flow) -> None:
    """A filter keeps where its input came from. Of its text only `tr` on sets and deletions is followed."""
    flow = call.stdin
    if flow is None:
        return
    out.marks |= flow.marks
    out.items += flow.items
    if flow.text is None:
        return
    if call.name in ("cat", "tee", "pv", "buffer"):
        out.add(flow.text)
    elif call.name == "tr":
        plain = _translate(flow.text, [str(w) for w in call.args])
        if plain is None:
            _unknown(out, "decoded")
        else:
            out.add(plain)
    elif call.name in ("tac", "sort", "uniq", "head", "tail", "nl", "grep", "egrep", "cut"):
        out.add(flow.text)
    elif call.name == "sed" and len(call.args) == 1:
        match = re.fullmatch(r"s(.)(.*?)\1(.*?)\1(g?)", call.args[0])
        plain = None
        if match and not re.search(r"[\\^$.*\[\]&+?(){}|]", match.group(2)):
            plain = flow.text.replace(match.group(2), match.group(3))
        out.add(plain if plain is not None else flow.text)
        if plain is None:
            _unknown(out, "decoded")
    else:
        _unknown(out, "decoded")


def _translate(text: str, args: list[str]) -> str | None:
    if len(args) == 2 and args[0] in ("-d", "--delete"):
        drop = set(_set(args[1]))
        return "".join(c for c in text if c not in drop)
    if len(args) == 2 and not args[0].startswith("-"):
        first, second = _set(args[0]), _set(args[1])
        if not first or not second:
            return None
        second += second[-1] * (len(first) - len(second))
        return text.translate({ord(a): b for a, b in zip(first, second, strict=False)})
    return None


def _set(text: str) -> str:
    named = {"[:upper:]": "A-Z", "[:lower:]": "a-z", "[:digit:]": "0-9", "[:space:]": " \t\n"}
    for name, plain in named.items():
        text = text.replace(name, plain)

    def span(match: re.Match[str]) -> str:
        low, high = ord(match.group(1)), ord(match.group(2))
        return "".join(chr(n) for n in range(low, min(high, low + 300) + 1))

    return re.sub(r"(.)-(.)", span, ansi_c(text))


def _git(call: Call, out: Flow) -> bool:
    return _told(call, out) or _listing(call, out)


_MAKERS: dict[str, Callable[[Call, Flow], bool]] = {
    **dict.fromkeys(("echo", "printf", "print"), _printed),
    **dict.fromkeys(("pwd", "mktemp", "which", "command", "type", "hash"), _told),
    **dict.fromkeys(("dirname", "basename", "realpath", "readlink"), _pathname),
    **dict.fromkeys(("find", "gfind"), _found),
    **dict.fromkeys(("ls", "rg", "grep", "fd"), _listing),
    "git": _git,
    "cat": _catenated,
}
