"""What SQL text does: read, write, destroy, grant, or run something else. Comments and quoted text have no effect."""

from __future__ import annotations

import re

_NOISE = re.compile(r"--[^\n]*|/\*(?!!).*?(?:\*/|\Z)|'(?:[^'\\]|''|\\.)*+(?:'|\Z)|\$(\w*)\$.*?(?:\$\1\$|\Z)", re.DOTALL)
_LEADING = re.compile(
    r"^\s*(?:with\b.*?\)\s*(?=select|insert|update|delete|merge)|explain\s+(?:analyze\s+|\([^)]*\)\s*)?|"
    r"begin\s*;?|/\*!\d*)*",
    re.IGNORECASE | re.DOTALL,
)
_READS = re.compile(
    r"(?i)^(select|show|describe|desc|explain|values|table|use|set\s|pragma|begin|commit|rollback|"
    r"start\s+transaction|declare|fetch|help|analyze|list|print|go|end|savepoint|release|\\[a-z?])"
)
_GRANTS = re.compile(
    r"(?i)^(grant|revoke|(create|alter|drop)\s+(user|role|login|policy)|set\s+password|alter\s+system|"
    r"rename\s+user)\b"
)
_EXECUTES = re.compile(
    r"(?i)\b(xp_cmdshell|copy\b.*\bprogram\b|into\s+(out|dump)file|load_file|pg_read_file|lo_export|"
    r"pg_terminate_backend|sys_exec|load\s+extension|load_extension|dblink_exec|pg_execute_server_program)\b|"
    r"^\s*\\!"
)
_MOST = 65_536
_WHERE = re.compile(r"(?i)\bwhere\b")
_ALWAYS = re.compile(r"(?i)\bwhere\s+(1\s*=\s*1|true|''=''|1)\s*;?\s*$")


def classify(text: str) -> list[tuple[str, str]]:
    """Each statement's (kind, what it does): kind is read, write, destroy, grant, execute or schema."""
    found = []
    for raw in split(text)[:200]:
        kind = statement(raw)
        if kind is not None:
            found.append(kind)
    return found


def split(text: str) -> list[str]:
    """Statements between semicolons, without comments; quoted text becomes ''."""
    plain = _NOISE.sub(lambda m: "''" if m.group(0)[:1] in "'$" else " ", text[:_MOST])
    return [part for part in re.split(r";|\n(?=\\)|\\g|\bGO\b\n", plain) if part.strip()]


_RULES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), kind)
    for pattern, kind in (
        (r"drop\s+(index|view|trigger|function|procedure|sequence|constraint)\b", "schema"),
        (r"(drop|truncate|detach\s+database|purge)\b", "destroy"),
        (r"alter\s+table\b.*\bdrop\b", "destroy"),
        (r"select\b.*\binto\s+(table\s+)?[\w.]+\s+from\b", "write"),
        (r"pragma\s+\w+\s*=", "write"),
        (r"analyze\s+(delete|update|insert)", "write"),
        (_READS.pattern.removeprefix("(?i)^"), "read"),
        (r"(alter|create|reindex|rename|comment|refresh|cluster|vacuum|lock)\b", "schema"),
        (r"(shutdown|kill)\b", "destroy"),
        (r"[a-z]{3,}\b", "write"),
    )
)


def statement(raw: str) -> tuple[str, str] | None:
    """Kind and words of one statement."""
    text = _LEADING.sub("", raw.strip()[:4_000], count=1).strip().lstrip("(").strip()
    if not text:
        return None
    if _EXECUTES.search(text):
        return "execute", _what(text)
    if _GRANTS.match(text):
        return "grant", _what(text)
    changes = re.match(r"(?i)(delete|update)\b", text)
    if changes:
        bounded = _WHERE.search(text) and not _ALWAYS.search(text)
        whole = {"delete": "destroy", "update": "mass-write"}[changes.group(1).lower()]
        return ("write" if bounded else whole), _what(text)
    return next((kind for pattern, kind in _RULES if pattern.match(text)), "read"), _what(text)


def _what(text: str) -> str:
    words = re.sub(r"\s+", " ", text).split(" ")
    return " ".join(words[:5])
