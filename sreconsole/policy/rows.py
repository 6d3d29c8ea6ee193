"""How many rows a statement would hit, asked of the database itself over a read-only connection of the operator's.

Nothing of the agent's is run: a statement with a condition is only planned (EXPLAIN without ANALYZE, the planner's
estimate), and only a whole table is counted, by a query of our own. PostgreSQL, through its own `psql`.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import time
from collections.abc import Mapping
from typing import Any

from .sql import split

LIMITS = "-c default_transaction_read_only=on -c statement_timeout=900 -c lock_timeout=200 -c search_path=public"
LONGEST = 20_000
_NAME = r'(?:"[^"]+"|[a-zA-Z_][\w$]*)(?:\.(?:"[^"]+"|[a-zA-Z_][\w$]*))?'
_TABLE = re.compile(
    rf"(?is)^\s*(delete\s+from|update|truncate(?:\s+table)?|drop\s+table(?:\s+if\s+exists)?)\s+(?:only\s+)?({_NAME})"
)
_WHERE = re.compile(r"(?is)\b(where|using|from|returning)\b")


class Uncountable(Exception):
    """The rows cannot be told; the message says why."""


def count(effect: Mapping[str, Any], command: str, databases: Mapping[str, str], until: float) -> tuple[int, bool]:
    """(rows, whether that is an estimate) of one `db.write` or `db.destroy` effect.

    `databases` maps a host, an environment or a variable's name to a libpq connection string; `until` is a moment of
    `time.monotonic()`. Raises Uncountable.
    """
    connection = next((databases[name] for name in _names(effect) if name in databases), "")
    if not connection:
        raise Uncountable("no connection is configured")
    query, estimated = _query(_statement(effect, command))
    answer = _ask(connection, query, until)
    try:
        return (_planned(json.loads(answer)), True) if estimated else (int(answer.strip()), False)
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise Uncountable("the database answered something else") from error


def _names(effect: Mapping[str, Any]) -> list[str]:
    """What the connection may be listed under, the most exact first."""
    facts = effect.get("facts") or {}
    variables = [str(one) for one in facts.get("dsn_vars") or ()] + re.findall(
        r"\$(\w+)", str(effect.get("resolved", ""))
    )
    return [*variables, str(effect.get("host", "")), str(effect.get("environment", ""))]


def _statement(effect: Mapping[str, Any], command: str) -> str:
    """The one statement that stands at the effect's place in the command line. Raises Uncountable."""
    span = effect.get("span")
    if not span:
        raise Uncountable("its statement is not on the command line")
    try:
        words = shlex.split(command[int(span[0]) : int(span[1])])
    except ValueError as error:
        raise Uncountable("its statement could not be read") from error
    text = " ".join(words)
    if "[REDACTED:" in text or "$" in text or len(text) > LONGEST:
        raise Uncountable("its statement is not known before it runs")
    if len(split(text)) != 1:
        raise Uncountable("it is more than one statement")
    return text.strip().rstrip(";")


def _query(statement: str) -> tuple[str, bool]:
    found = _TABLE.match(statement)
    if found is None:
        raise Uncountable("it is no plain DELETE, UPDATE, TRUNCATE or DROP TABLE")
    act, table = found.groups()
    rest = statement[found.end() :]
    if act.lower().startswith(("delete", "update")) and _WHERE.search(rest):
        return f"EXPLAIN (FORMAT JSON) {statement}", True
    return f"SELECT count(*) FROM {table}", False


def _planned(plan: Any) -> int:
    """The rows the scan under a ModifyTable node is expected to bring."""
    top = plan[0]["Plan"]
    return max(int(one["Plan Rows"]) for one in top.get("Plans") or [top])


def _ask(connection: str, query: str, until: float) -> str:
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    environment |= {"PGOPTIONS": LIMITS, "PGCONNECT_TIMEOUT": "1", "PGAPPNAME": "sreconsole"}
    words = ["psql", "-X", "-A", "-t", "-q", "-w", "-v", "ON_ERROR_STOP=1", "-d", connection, "-c", query]
    try:
        done = subprocess.run(words, capture_output=True, text=True, env=environment, check=False, stdin=subprocess.DEVNULL,
                              timeout=max(0.05, until - time.monotonic()))  # fmt: skip
    except FileNotFoundError as error:
        raise Uncountable("psql is not installed here") from error
    except subprocess.TimeoutExpired as error:
        raise Uncountable("the database took too long") from error
    if done.returncode:
        raise Uncountable(
            "the database would not say: " + (done.stderr.strip().splitlines() or ["no reason given"])[0][:200]
        )
    return done.stdout
