"""Secrets known by the name they are given to: `DB_PASSWORD=…`, `"clientSecret": "…"`, `--token …`, `password: …`.

A name alone proves nothing, so the value is judged too: placeholders, variables, calls, types, paths and plain words
are what source code and manuals put there, and they stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise

from sreconsole.text.credentials import SERVICES


def _words(*lines: str) -> frozenset[str]:
    return frozenset(" ".join(lines).split())


_ENOUGH = 128
_STEMS = ("pass", "pw", "secret", "token", "key", "auth", "cred")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_PASSWORDS = ("password", "passwd", "passphrase", "passcode", "pwd")
_KEYS = _words(
    "api access private secret signing sign encryption decryption account master service auth app application shared",
    "license deploy session storage server admin integration webhook jwt hmac aes consumer ssh",
)
_TOKEN_NOT = _words(
    "next prev previous page paging continuation continue sync stop eos bos pad unk mask sep cls special cancellation",
    "cancel max min num n word start end resume delta pagination design first last bad invalid missing",
)
_TAILS = _words(
    "value prod production dev staging test live base64 b64 plaintext plain raw old new current default base"
)
_NAME = re.compile(r"[A-Za-z0-9_.-]{0,64}")
_NAME_CHARS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")

_OPERATOR = re.compile(
    r"""(?P<close>\\{0,8}["'`]?\]?)(?:
        (?P<arrow>[ \t]{0,40}(?::[ \t]{0,4}[A-Za-z&][\w.\[\]|<> ]{0,40}?[ \t]{0,4})?(?:=>|:=|\?=|=(?![=~>])))
        (?:[ \t]{0,8}\\\n[ \t]{0,40}|[ \t]{0,40})
      | (?P<colon>[ \t]{0,40}:(?![:=]))
        (?:[ \t]{0,8}\\?\n[ \t]{0,40}(?=["'])
          |[ \t]{1,4}(?:[|>][-+]?[ \t]{0,4}\n[ \t]{1,40}|!!str[ \t]{1,4})
          |[ \t]{0,40})
      | (?P<encoded>(?:%22)?%3[dDaA](?:%20|\+)?(?:%22)?)
      | (?P<comma>(?<=["'])[ \t]{0,8},\s{0,8}(?=["']))
      | (?P<element>(?<=[A-Za-z])>)
      | (?P<prose>[ \t]{1,4}(?:is|was|ist|=>)[: \t]{1,4})
      | (?P<blank>[ \t]{1,40})
    )""",
    re.VERBOSE,
)
_BESIDE = re.compile(
    r"""\\{0,8}["']?\s{0,40}+,?\s{0,40}+(?:\\n\s{0,40}+)?-?\s{0,4}+\\{0,8}["']?value"""
    r"""\\{0,8}["']?[ \t]{0,8}[:=][ \t]{0,8}""",
    re.I,
)
_BARE = re.compile(r"""(?:[^\s"'`<>|&;\\]|\\(?![nrtu"'`\\]))++""")
_OPEN = re.compile(r"""[bru$@]{0,2}(\\{0,8}["'`])""")
_CALL = re.compile(r"[A-Za-z_$][\w$.:>-]*[(\[]")
_NEXT_FIELD = re.compile(r",\s*[\"']?[A-Za-z_][\w-]*[\"']?[=:]")

_FILLER = re.compile(
    r"(?:^|[^a-z])(?:your|my)[-_ ]?(?:[a-z]+[-_ ]?)*(?:pass|secret|token|key|auth|cred)|example|placeholder|"
    r"change[-_ ]?(?:me|this|it)|redacted|x{4,}|\*{3,}|\.{3}|…|•{3}|insert|replace[-_ ]?(?:me|with|this)|dummy|"
    r"not[-_ ]?set|_here\b|goes[-_ ]?here",
    re.I,
)
_REFERENCE = re.compile(
    r"\$[\w({]|\$\$|%\(?\w*[)%sdv]|[{<@!*#&?`(\[]|process\.env|os\.|env[.:(\[]|import\.meta|secrets?\.|vars?\.|config\.|self\.|this\.|"
    r"(?:op|vault|ssm|file|https?|keyring|gopass|awskms|gcpkms|s3|sm|aws-sm|gcp-sm|azurekms|kv|ref\+\w+)://|vault:|arn:|projects/|env:|"
    r"ENC\[|!\w|~/|\.{1,2}/|/(?:[\w.@-]+/)+[\w.@-]*$|/dev/|[A-Z]:\\",
    re.I,
)
_STOP = _words(
    "null none nil true false undefined string str text number integer int bool boolean bytes object any secret",
    "password passwd pass pwd token key auth apikey required optional hidden input empty unset default basic bearer",
    "oauth oauth2 jwt ldap saml oidc digest ntlm yes no on off xxx test value username user unknown n/a prompt stdin",
    "disabled enabled secretstr sample",
)
# Commands that name a variable and then its value, by the five characters before the name.
_SETTERS = frozenset({"env ", "\nenv ", "setx ", "arg "})
# What stands after `--password` in a manual.
_PROSE = _words(
    "option options flag flags argument arguments parameter parameters and or is are to in for with from as was on via",
    "instead if can should must will the a an file when not of by at be it",
)
_TYPE = re.compile(
    r"(?:u?int|float|utf-?|base|sha-?|aes-?|md|hs|rs|es|x|v|r|id|arg|param|field|var|str|text|key|pass(?:word|wd)?|pwd|token|secret|"
    r"auth|test|user|oauth|argon|bcrypt|scrypt|pbkdf|ed)_?\d{0,5}(?:[-_](?:cbc|gcm|hmac|rsa|id))?|Uint8Array\w*|argon2\w*|Ed25519\w*",
    re.I,
)
_WORDS = re.compile(r"[A-Za-z]+(?:[-_./: ,][A-Za-z]+)*[.!?:]?")
_NAMELIKE = re.compile(
    r"_*(?:[A-Za-z]{2,}\d{0,4}|[A-Za-z]|v?\d{1,4})(?:[-_./:]+(?:[A-Za-z]{2,}\d{0,4}|[A-Za-z]|v?\d{1,4}))*"
)
_DOTTED = re.compile(r"[A-Za-z_$][\w$]*(?:(?:\?\.|\.|->|::)[A-Za-z_$][\w$]*)+")


@lru_cache(maxsize=4096)
def kind_of_name(name: str) -> str:
    """The kind of secret a name promises (`password`, `api-key`, `railway-token` ...), or "" for an ordinary name."""
    if len(name) > 100 or name in ("PWD", "OLDPWD") or "[REDACTED:" in name:
        return ""
    parts = [part for part in re.split(r"[\W_]+", _CAMEL.sub("_", name).lower()) if part]
    while len(parts) > 1 and (parts[-1] in _TAILS or parts[-1].isdigit()):
        parts.pop()
    if not parts:
        return ""
    noun = _noun(parts[-1], parts[-2] if len(parts) > 1 else "", parts)
    service = next((part for part in parts[:-1] if part in SERVICES), "") if noun else ""
    return f"{service}-{'token' if noun in ('auth', 'secret') else noun}" if service and noun != "password" else noun


def _noun(last: str, before: str, parts: list[str]) -> str:
    last = last.rstrip("0123456789") or last
    if last.endswith(_PASSWORDS) or last in ("pass", "passwords") or (last == "pw" and before):
        return "password"
    if last == "key" or (last == "keys" and before in ("api", "secret")):
        return _key(before, parts)
    if last.endswith(
        ("apikey", "accesskey", "secretkey", "privatekey", "authkey", "accountkey", "signingkey", "masterkey")
    ):
        return _key(last[:-3], parts)
    if (last.endswith("secret") and last != "nonsecret") or last == "secrets":
        return "client-secret" if "client" in parts or last == "clientsecret" else "secret"
    if last.endswith("token") and before not in _TOKEN_NOT and last not in ("nexttoken", "pagetoken"):
        return "token"
    if last in ("auth", "authtoken", "authcode"):
        return "auth"
    return "credential" if last.endswith(("credential", "credentials")) else ""


def _key(before: str, parts: list[str]) -> str:
    if ("aws" in parts and "secret" in parts) or "".join(parts[-3:]) == "secretaccesskey":
        return "aws-secret-key"
    if before.endswith("api"):
        return "api-key"
    if before.endswith("private"):
        return "private-key"
    if before.endswith("access"):
        return "access-key"
    return "secret-key" if before in _KEYS else ""


def flag_kind(item: object) -> str:
    """The kind of the argument that follows `item` in an argument list, "" when it is no secret flag."""
    return kind_of_name(item[2:]) if isinstance(item, str) and item.startswith("--") and "=" not in item else ""


def is_value(kind: str, value: str) -> bool:
    """Whether a whole string under a secret name is a secret: stricter names are believed on their own."""
    if not value.strip() or filler(value):
        return False
    if kind in ("token", "auth", "credential", "secret-key", "access-key"):
        return _plausible(kind, value, quoted=True, spaced=False, shouted=False)
    return not (" " in value and _WORDS.fullmatch(value))


def filler(value: str) -> bool:
    """Whether a value only stands for a secret: a placeholder, a variable, a call or where to find one."""
    bare = value.strip()
    if bare.lower() in _STOP or len(set(bare)) < 3 or _REFERENCE.match(bare) is not None:
        return True
    if len(bare) >= 32 and re.fullmatch(r"[A-Za-z0-9+/=_-]+", bare) and "x" * 4 not in bare.lower():
        return False
    return _FILLER.search(bare) is not None or bare.endswith("}}")


def find(text: str, lower: str) -> Iterator[tuple[int, int, str]]:
    """(start, end, kind) of every value assigned to a secret name. `lower` is `text` lowered, column for column."""
    done = -1
    for at in _stems(lower):
        if at < done:
            continue
        start, end = _name_around(text, at)
        done = end
        kind = kind_of_name(text[start:end].strip("-."))
        if not kind:
            continue
        span = _value_after(text, start, end, kind)
        if span is not None:
            done = max(done, span[1])
            yield (*span, kind)


def _stems(lower: str) -> list[int]:
    found: list[int] = []
    for stem in _STEMS:
        at = lower.find(stem)
        while at >= 0:
            found.append(at)
            at = lower.find(stem, at + len(stem))
    return sorted(found)


def _name_around(text: str, at: int) -> tuple[int, int]:
    start = at
    while start > 0 and at - start < 64 and text[start - 1] in _NAME_CHARS:
        start -= 1
    if text[start - 1 : start] == "\\" and text[start] in "nrt":  # the letter belongs to an escape: \nPASSWORD=
        start += 1
    match = _NAME.match(text, at)
    return start, match.end() if match else at


def _value_after(text: str, start: int, end: int, kind: str) -> tuple[int, int] | None:
    operator = _OPERATOR.match(text, end)
    beside = _BESIDE.match(text, end)
    if beside is not None:
        at, spaced = beside.end(), False
    elif operator is not None and _applies(text, start, operator):
        at = operator.end()
        spaced = text[operator.end() - 1] in " \t" and operator["blank"] is None
    else:
        return None
    flag = text.startswith("--", start) or text[max(0, start - 2) : start] == "--"
    name = text[start:end]
    shouted = not spaced and (flag or (name.isupper() and bool(operator and operator["arrow"])))
    span = _judged(text, at, kind, spaced=spaced, shouted=shouted)
    if span is None or operator is None or beside is not None:
        return span
    value = text[span[0] : span[1]]
    if operator["element"] and not text.startswith("</", span[1]):
        return None
    if operator["prose"] and not any(map(str.isdigit, value)):
        return None
    if operator["comma"] and _WORDS.fullmatch(value):
        return None
    return None if operator["blank"] and value.lower() in _PROSE else span


def _applies(text: str, start: int, operator: re.Match[str]) -> bool:
    if operator["element"]:
        return text[start - 1 : start] == "<"
    if operator["comma"]:
        return text[start - 1 : start] in ("'", '"') and text[max(0, start - 2) : start - 1] in ("(", "[")
    if operator["blank"]:
        if text.startswith("-", start) or text[max(0, start - 5) : start].lower() in _SETTERS:
            return text[operator.end() : operator.end() + 1] != "-"
        sql = text[start : operator.start()].lower() == "password" and not operator["close"]
        return sql and text[operator.end() : operator.end() + 1] == "'"
    return True


def _judged(text: str, at: int, kind: str, *, spaced: bool, shouted: bool) -> tuple[int, int] | None:
    """The value at `at`, if it is a secret. Its first characters decide, so that refusing costs the same everywhere."""
    opened = _OPEN.match(text, at)
    if opened is not None:
        at = opened.end()
        end = _closing(text, at, opened.group(1), min(len(text), at + _ENOUGH))
    else:
        bare = _BARE.match(text, at, at + _ENOUGH)
        if bare is None:
            return None
        end = at + len(bare.group() if shouted or len(bare.group()) == _ENOUGH else _trimmed(bare.group()))
    value = text[at:end]
    if not value or value[0] in " ,);" or not _plausible(kind, value, opened is not None, spaced, shouted):
        return None
    if filler(value):
        return None
    if end - at < _ENOUGH:
        return at, end
    if opened is not None:
        return at, _closing(text, at, opened.group(1), len(text))
    rest = _BARE.match(text, at)
    return at, rest.end() if rest else end


def _closing(text: str, at: int, delimiter: str, reach: int) -> int:
    """Where a quoted value ends before `reach`: at its delimiter, or the line's end when it is cut off."""
    line = text.find("\n", at, reach)
    limit = line if line >= 0 else reach
    end = text.find(delimiter, at, limit)
    while end > at and len(delimiter) == 1 and text[end - 1] == "\\" and text[end - 2 : end - 1] != "\\":
        end = text.find(delimiter, end + 1, limit)
    return end if end >= 0 else limit


def _trimmed(run: str) -> str:
    """A bare value without the punctuation of what surrounds it; empty when it is code that is called."""
    field = _NEXT_FIELD.search(run)
    if field is not None:
        run = run[: field.start()]
    return "" if _CALL.match(run) else run.rstrip(",)]}:")


def _plausible(kind: str, value: str, quoted: bool, spaced: bool, shouted: bool) -> bool:
    if kind == "password":
        return _password(value, quoted, spaced, shouted)
    if len(value) < 8 or " " in value or (value.isdigit() and len(value) < 20) or "://" in value:
        return False
    if not quoted and not shouted and _DOTTED.fullmatch(value):
        return False
    if _WORDS.fullmatch(value):
        return len(value) >= 24 and value.isalpha() and _restless(value)
    if value.isidentifier() and sum(map(str.isdigit, value)) < 4 and any(stem in value.lower() for stem in _STEMS):
        return False
    return _NAMELIKE.fullmatch(value) is None and _TYPE.fullmatch(value) is None


def _password(value: str, quoted: bool, spaced: bool, shouted: bool) -> bool:
    if len(value) < (3 if shouted else 5):
        return False
    if _WORDS.fullmatch(value):
        if " " in value or not value.rstrip(".!?:").isalpha():
            return shouted and " " not in value
        return shouted or (quoted and not value.istitle() and "pass" not in value.lower())
    if " " in value and len(value.split()) > 6:
        return False
    if not quoted and not shouted:
        if _DOTTED.fullmatch(value) or (not any(map(str.isalnum, value))):
            return False
        if value.isidentifier() and ("pass" in value.lower() or not any(map(str.isdigit, value))):
            return False
    return _TYPE.fullmatch(value) is None


def _restless(value: str) -> bool:
    """Letters that change case more often than a name does."""
    changes = sum(a.isupper() != b.isupper() for a, b in pairwise(value))
    return changes * 3 >= len(value)
