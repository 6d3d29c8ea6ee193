"""Places that only carry secrets: private-key blocks, addresses, headers, password files and clients' flags."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator

from sreconsole.text.assignments import filler
from sreconsole.text.credentials import SERVICES, compiled

Found = Iterator[tuple[int, int, str]]


def find(text: str, lower: str) -> Found:
    """(start, end, kind) of every carried secret. `lower` is `text` lowered, column for column."""
    for needles, search in _CARRIERS:
        for needle in needles:  # any() over a generator would take most of the time of a text without secrets
            if needle in lower:
                yield from search(text, lower)
                break


# --- private keys -----------------------------------------------------------------------------------------------------

_PEM_HEAD = re.compile(r"-----BEGIN (?:[A-Z0-9]{1,16} ){0,3}PRIVATE KEY(?: BLOCK)?-----")
_PEM_END = re.compile(r"-----END [A-Z0-9 ]{1,60}-----")
_PEM_BODY = re.compile(
    r"(?:(?:\s|\\{1,8}[nrt]|[\"'+,>|:]|Proc-Type[^\n\\]{0,80}|DEK-Info[^\n\\]{0,80}|Version[^\n\\]{0,80})*+[A-Za-z0-9+/=]{16,}+)*+"
)
_PEM_LAST = re.compile(r"(?:\s|\\{1,8}[nrt])*+[A-Za-z0-9+/]{1,15}={0,2}(?![A-Za-z0-9 ])")
_PEM_CHUNK = re.compile(r"[A-Za-z0-9+/]{16}")


def _private_keys(text: str, _lower: str) -> Found:
    at, seen = 0, 0
    end: re.Match[str] | None = None
    while (head := _PEM_HEAD.search(text, at)) is not None:
        at = head.end()
        if seen <= at:
            end = _PEM_END.search(text, at)
            seen = end.start() if end else len(text)
        whole = end is not None and text.find("-----BEGIN", at, end.start()) < 0
        stop = end.start() if end is not None and whole else _open_key(text, at)
        if _PEM_CHUNK.search(text, at, stop):
            yield at, stop, "private-key"
            at = stop


def _open_key(text: str, at: int) -> int:
    """Where the body of a block without an END line stops."""
    body = _PEM_BODY.match(text, at)
    stop = body.end() if body else at
    last = _PEM_LAST.match(text, stop)
    return last.end() if last and stop > at else stop


# --- addresses --------------------------------------------------------------------------------------------------------

_USERINFO = re.compile(r"://([^\s/?#:@\"'<>\\|]{0,128}):([^\s/?#\"'<>\\|]{1,256})@(?=[\w\[$%{<.-])")
_USER_ONLY = re.compile(r"://([A-Za-z0-9_-]{20,255})(?::x-oauth-basic)?@(?=[\w.-]+)")
_SIGNATURE = re.compile(
    r"[?&](?:sig|x-amz-signature|x-goog-signature|x-amz-security-token)=([A-Za-z0-9%+/=_-]{20,})", re.I
)
_COMMON = frozenset({"pass", "passwd", "password", "pw", "pwd", "secret", "user", "username"})


def _addresses(text: str, _lower: str) -> Found:
    at = text.find("://")
    while at >= 0:
        match = _USERINFO.match(text, at)
        if match is not None:
            if match[2].lower() not in _COMMON and not filler(match[2]) and not match[2].isdigit():
                yield match.start(2), match.end(2), "url-password"
        elif (alone := _USER_ONLY.match(text, at)) is not None and any(map(str.isdigit, alone[1])):
            yield alone.start(1), alone.end(1), "url-token"
        at = text.find("://", at + 3)


def _signatures(text: str, _lower: str) -> Found:
    for match in _SIGNATURE.finditer(text):
        yield match.start(1), match.end(1), "signed-url"


# --- headers ----------------------------------------------------------------------------------------------------------

_AUTHORIZATION = re.compile(
    r"(?:proxy-)?authorization[\"'\\]{0,8}\]?\s{0,4}[:=,]\s{0,4}[\"'`\\]{0,8}(?:(bearer|basic|token|bot|apikey|digest|negotiate|key|splunk|sso-key)\s{1,4})?"
    r"([A-Za-z0-9._~+/=:-]{6,}+)(?![(\[])",
    re.I,
)
_BEARER = re.compile(r"bearer(?:\s{1,4}|%20|\+)([A-Za-z0-9._~+/-]{8,}+=*+)(?![(\[])", re.I)
_BASIC = re.compile(r"basic\s{1,4}([A-Za-z0-9+/_-]{8,}={0,2})", re.I)
_COOKIE = re.compile(r"cookie[\"']?\s{0,4}[:=]\s{0,4}[\"']?([^\n\"'\\]{1,4096})", re.I)
_COOKIE_VALUE = re.compile(r"[\w.-]{1,64}=([A-Za-z0-9%._~+/:|=-]{16,})")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-", re.I)


def _authorizations(text: str, lower: str) -> Found:
    for match in _AUTHORIZATION.finditer(text):
        scheme = (match[1] or "").lower()
        named = scheme or sum(map(str.isdigit, match[2])) >= 2
        if (named and _tokenlike(match[2])) or (scheme == "basic" and _is_basic(match[2])):
            yield (
                match.start(2),
                match.end(2),
                _whose(lower, match.start(2), "basic-auth" if scheme == "basic" else "bearer-token"),
            )


def _bearers(text: str, lower: str) -> Found:
    for match in _BEARER.finditer(text):
        if _tokenlike(match[1]):
            yield match.start(1), match.end(1), _whose(lower, match.start(1), "bearer-token")


def _basics(text: str, _lower: str) -> Found:
    for match in _BASIC.finditer(text):
        if _is_basic(match[1]):
            yield match.start(1), match.end(1), "basic-auth"


def _cookies(text: str, _lower: str) -> Found:
    for header in _COOKIE.finditer(text):
        for match in _COOKIE_VALUE.finditer(text, header.start(1), header.end(1)):
            if _tokenlike(match[1]):
                yield match.start(1), match.end(1), "cookie"


def _tokenlike(value: str) -> bool:
    if filler(value) or len(set(value)) < 5:
        return False
    digits = sum(map(str.isdigit, value))
    return digits >= 2 or (len(value) >= 20 and value.isalpha() and not value.islower() and not value.isupper())


def _is_basic(value: str) -> bool:
    """RFC 7617: base64 of `user:password`."""
    try:
        plain = base64.b64decode(value + "=" * (-len(value) % 4), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return False
    return ":" in plain and plain.isprintable()


def _whose(lower: str, at: int, kind: str) -> str:
    """The issuer named within the same command, for tokens without a form of their own."""
    around = lower[max(0, at - 400) : at + 400]
    for service in SERVICES:
        if (
            f"{service}.app" in around
            or f"{service}.com" in around
            or f"{service}.io" in around
            or f"{service}_" in around
        ):
            return f"{service}-token"
    return kind


# --- files and connection strings -------------------------------------------------------------------------------------

_NETRC = re.compile(r"\blogin\s{1,8}\S{1,200}\s{1,8}(?:account\s\S{1,200}\s)?password\s{1,8}([^\s\"'\\]{1,256})")
_PGPASS = re.compile(
    r"(?:^|(?<=[\n\"'])|(?<=\\n))[\w.*-]{1,128}:(?:\d{4,5}|\*):[\w*-]{1,64}:[\w*-]{1,64}:([^\s:\"'\\]{3,256})(?=[\s\"'\\]|$)"
)
_CONNECTION = re.compile(r"(?:account|sharedaccess|access|shared)key=([A-Za-z0-9+/]{20,}={0,2})", re.I)
_NPMRC = re.compile(r":_(?:authtoken|password|auth)\s{0,4}=\s{0,4}[\"']?([^\s\"'\\$]{8,})", re.I)


def _group(pattern: re.Pattern[str], kind: str) -> Callable[[str, str], Found]:
    def search(text: str, _lower: str) -> Found:
        for match in pattern.finditer(text):
            if not filler(match[1]):
                yield match.start(1), match.end(1), kind

    return search


# --- clients' flags ---------------------------------------------------------------------------------------------------

_VALUE = r"(?:\"(?P<d>[^\"\n]{1,256})\"|'(?P<s>[^'\n]{1,256})'|(?P<b>[^\s\"'\\]{1,256}))"
_USER = r"[^:\s\"']{0,128}:"
_PAIR = (
    rf"(?:\"{_USER}(?P<d>[^\"\n]{{1,256}})\"|'{_USER}(?P<s>[^'\n]{{1,256}})'|[\"']?(?P<alone>[A-Za-z0-9_-]{{16,128}}):(?=[\s\"']|$)"
    rf"|{_USER}(?P<b>[^\s\"'\\]{{1,256}}))"
)
# The rest of a client's name and its arguments, up to where the shell begins another command.
_INVOCATION = re.compile(r"[\w-]{0,20}+(\s[^\n|;&]{0,2000}+)")
_CLIENTS: tuple[tuple[str, str, str], ...] = (
    ("mysql", "-p", _VALUE),
    ("mariadb", "-p", _VALUE),
    ("mycli", "-p", _VALUE),
    ("sshpass", r"-p\s{0,4}", _VALUE),
    ("redis-cli", r"(?:-a|--pass)\s{1,4}", _VALUE),
    ("valkey-cli", r"(?:-a|--pass)\s{1,4}", _VALUE),
    ("curl", r"(?:-[a-zA-Z]{0,8}[uU]\s{0,4}|--user[= ]|--proxy-user[= ])", _PAIR),
    ("mongo", r"-p\s{1,4}", _VALUE),
    ("cqlsh", r"-p\s{1,4}", _VALUE),
    ("login", r"-p\s{1,4}", _VALUE),
    ("secret set", r"(?:-b|--body)[= ]", _VALUE),
    ("sqlcmd", r"-P\s{0,4}", _VALUE),
    ("mosquitto_", r"-P\s{1,4}", _VALUE),
    ("zip", r"-P\s{0,4}", _VALUE),
    ("ldap", r"-w\s{1,4}", _VALUE),
    ("smbclient", r"-U\s{0,4}[^\s%]{1,64}%", _VALUE),
    ("openssl", r"(?:-(?:passin|passout|pass)\s{1,4}pass:|-k\s{1,4})", _VALUE),
    ("7z", "-p", _VALUE),
    ("keytool", r"-(?:storepass|keypass|srcstorepass|deststorepass)\s{1,4}", _VALUE),
    ("jarsigner", r"-(?:storepass|keypass)\s{1,4}", _VALUE),
    ("htpasswd", r"-[a-zA-Z]{0,4}b[a-zA-Z]{0,4}\s{1,4}\S{1,128}\s{1,4}\S{1,64}\s{1,4}", _VALUE),
)
"""Clients whose short flags carry a password: the word a client's name begins with, its flags, the argument's form.
Long flags such as `--password` are read by name, whoever's they are (`assignments`)."""
_IDENTIFIED = re.compile(
    r"identified\s{1,4}(?:with\s{1,4}\S{1,64}\s{1,4})?by\s{1,4}(?:password\s{1,4})?'([^'\n]{1,256})'", re.I
)
_PIPED = re.compile(
    r"(?:echo|printf)\s{1,4}(?:-n\s{1,4})?[\"']?([^\s\"'|]{3,256})[\"']?\s{0,4}\|[^|\n]{0,100}--password-stdin"
)
_CHPASSWD = re.compile(
    r"echo\s{1,4}(?:-n\s{1,4})?[\"']?[\w.-]{1,32}:([^\s\"'|]{3,128})[\"']?\s{0,4}\|\s{0,4}(?:sudo\s{1,4})?chpasswd"
)


def _accounts(text: str, lower: str) -> Found:
    for match in _IDENTIFIED.finditer(text):
        statement = lower[max(0, match.start() - 300) : match.start()]
        if any(word in statement for word in ("user ", "grant ", "role ")) and not filler(match[1]):
            yield match.start(1), match.end(1), "sql-password"


def _flags(text: str, lower: str) -> Found:
    for client, flags, argument in _CLIENTS:
        at = lower.find(client)
        while at >= 0:
            match = _INVOCATION.match(text, at + len(client))
            if match is not None and not (at and (text[at - 1].isalnum() or text[at - 1] in "-_.")):
                for given in compiled(rf"(?<=\s)(?:{flags}){argument}").finditer(text, match.start(1), match.end()):
                    yield from _argument(given, client)
                at = lower.find(client, match.end())
            else:
                at = lower.find(client, at + 1)


def _argument(given: re.Match[str], client: str) -> Found:
    for name, value in given.groupdict().items():
        if name in ("d", "s", "b", "alone") and value and not filler(value) and not value.startswith("-"):
            yield given.start(name), given.end(name), f"{client.strip('_').replace(' ', '-')}-password"


_CARRIERS: tuple[tuple[tuple[str, ...], Callable[[str, str], Found]], ...] = (
    (("private key",), _private_keys),
    (("://",), _addresses),
    (("sig=", "signature=", "security-token="), _signatures),
    (("authorization",), _authorizations),
    (("bearer",), _bearers),
    (("basic ",), _basics),
    (("cookie",), _cookies),
    (("login",), _group(_NETRC, "netrc-password")),
    ((":*:", ":5432:", ":5433:", ":6432:", ":543", ":5439:"), _group(_PGPASS, "pgpass-password")),
    (("key=",), _group(_CONNECTION, "azure-account-key")),
    ((":_auth", ":_password"), _group(_NPMRC, "npm-token")),
    (("identified",), _accounts),
    (("--password-stdin",), _group(_PIPED, "login-password")),
    (("chpasswd",), _group(_CHPASSWD, "password")),
    ((" -",), _flags),
)
