"""Database clients, migration tools and frameworks' database tasks."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from . import edits, sql
from .call import Call
from .options import Options
from .shell import Word
from .wordlist import wordset

_KINDS = {
    "read": "db.read",
    "write": "db.write",
    "mass-write": "db.write",
    "destroy": "db.destroy",
    "schema": "db.migrate",
    "grant": "secret.write",
    "execute": "exec.unknown",
}
_LOCAL = re.compile(r"(?i)^(localhost|127\.|::1|0\.0\.0\.0|/var/run|/tmp|host\.docker\.internal)|^$")


def statement(call: Call, text: str, word: Word | None, connection: str, **facts: Any) -> None:
    """Effects of SQL text sent to a connection (a URL, a host, a variable's name, or empty: this machine)."""
    where = {**where_of(connection), **facts}
    found = sql.classify(text)
    for kind, what in found:
        traits = {"mass"} if kind == "mass-write" else set()
        call.emit(_KINDS[kind], what, word, sql=kind, traits=traits, **where)
    if not found:
        call.emit("db.read", "nothing", word, **where)


def where_of(connection: str) -> dict[str, Any]:
    """Facts about the place a connection string names."""
    variables = re.findall(r"\$\{(\w+)\}|environ\W+(\w+)", connection)
    names = [a or b for a, b in variables]
    if names:
        return {"dsn_vars": names, "signals": tuple(names), "resolved": f"${names[0]}"}
    match = re.search(r"://(?:[^@/\s]*@)?([^:/?\s\"']*)(?::\d+)?/?([\w-]*)", connection)
    if match:
        host, database = match.group(1), match.group(2)
        local = bool(_LOCAL.match(host))
        return {
            "host": host,
            "signals": tuple(w for w in (host, database) if w),
            "local": local,
            "local_why": f"{host or 'no host'} is this machine",
        }
    if connection and not _LOCAL.match(connection):
        return {"host": connection, "signals": (connection,)}
    return {"local": True, "local_why": "no other host is named"}


def _psql(call: Call) -> None:
    options = Options(
        call.args,
        wordset(
            """
            c f d h p U v o L F P R T command file dbname host port username set output log-file
            """
        ),
    )
    words = options.rest
    connection = str(options.value("h", "host")) or next(
        (str(w) for w in [options.value("d", "dbname"), *words] if "://" in w or "${" in w or "host=" in w), ""
    )
    match = re.search(r"host=(\S+)", connection)
    connection = match.group(1) if match else connection or str(_variable(call, "PGHOST"))
    names = tuple(str(w) for w in [options.value("d", "dbname"), *words[:1]] if w and "://" not in w and "${" not in w)
    _client(call, options, (("c", "command"), ("f", "file")), connection, _named(connection, names))


def _variable(call: Call, name: str) -> str:
    word = call.assigns.get(name) or call.walk.state.exported.get(name)
    return str(word) if word is not None else ""


def _mysql(call: Call) -> None:
    options = Options(
        call.args,
        wordset(
            """
            e h P u D S execute host port user database socket default-character-set defaults-file login-path
            """
        ),
    )
    connection = (
        str(options.value("h", "host"))
        or next((str(w) for w in options.rest if "${" in w), "")
        or (str(options.value("login-path")))
    )
    names = tuple(str(w) for w in [options.value("D", "database"), *options.rest[:1]] if w)
    if call.name in ("mysqladmin", "mariadb-admin"):
        verb = next((str(w) for w in options.rest), "")
        destroys = verb in ("drop", "shutdown", "kill")
        call.emit(
            "db.destroy"
            if destroys
            else "secret.write"
            if verb in ("password",)
            else "db.write"
            if verb in ("create",)
            else "db.read",
            f"mysqladmin {verb}",
            **_named(connection, names),
        )
        return
    _client(call, options, (("e", "execute"), ()), connection, _named(connection, names))


def _named(connection: str, names: tuple[str, ...]) -> dict[str, Any]:
    facts = where_of(connection)
    facts["signals"] = (*facts.get("signals", ()), *names)
    return facts


def _client(
    call: Call, options: Options, flags: tuple[tuple[str, ...], tuple[str, ...]], connection: str, facts: dict[str, Any]
) -> None:
    """Statements of a client: from the flags that take text, the flags that name a file, a redirection, or a pipe."""
    text, files = flags
    given = list(_every(call, text))
    for word in given:
        statement(call, word, word, connection, signals=facts["signals"])
        if word.dynamic and re.match(r"\s*\$", word):
            call.emit("db.write", "statements not known before they run", word, **facts)
    paths = [options.value(name) for name in files if options.value(name)]
    paths += [redirect.target for redirect in call.redirects if redirect.operator == "<"]
    for path in paths:
        _file(call, path, connection, facts)
    given += paths
    flow = call.stdin
    if flow is not None and flow.text is not None:
        word = Word(flow.text, *(flow.span or call.span))
        statement(call, flow.text, word, connection, signals=facts["signals"])
    elif flow is not None and not given:
        call.emit("db.write", "statements from a pipe", **facts)
    elif not given and options.has("l", "list", "version", "V", "help"):
        call.emit("db.read", "list", **facts)
    elif not given:
        call.emit("db.write", "an open session", traits={"session"}, **facts)


def _every(call: Call, names: tuple[str, ...]) -> list[Word]:
    """Every value of an option that may be given more than once."""
    found = []
    args = call.args
    for index, word in enumerate(args):
        for name in names:
            flag = f"--{name}" if len(name) > 1 else f"-{name}"
            if word == flag and index + 1 < len(args):
                found.append(args[index + 1])
            elif len(name) > 1 and word.startswith(flag + "="):
                found.append(word.like(word.partition("=")[2]))
            elif (
                len(name) == 1
                and re.match(rf"-[A-Za-z]*{name}$", word)
                and word != flag
                and not word.startswith("--")
                and index + 1 < len(args)
            ):
                found.append(args[index + 1])
            elif len(name) == 1 and word.startswith(flag) and len(word) > 2 and not word.startswith("--"):
                found.append(word.like(word[2:]))
    return found


def _file(call: Call, path: Word, connection: str, facts: dict[str, Any]) -> None:
    from .shells import script_content

    text, _ = script_content(call, path)
    if text is not None:
        statement(call, text, path, connection, signals=facts["signals"])
    elif path.flow is None or path.flow.text is None:
        call.emit("db.write", f"statements of {path}", path, traits={"unread"}, **facts)
    else:
        statement(call, path.flow.text, path, connection, signals=facts["signals"])


def _sqlite(call: Call) -> None:
    words = [w for w in call.args if not w.startswith("-")]
    name = str(words[0]) if words else ":memory:"
    facts: dict[str, Any] = {"local": True, "local_why": "a file of this machine"}
    for word in words[1:]:
        statement(call, re.sub(r"(?m)^\s*\.(\w+).*$", "", word), word, "")
        if re.match(r"\s*\.(shell|system)\b", word):
            call.emit("exec.unknown", str(word), word)
    if call.stdin is not None and call.stdin.text is not None:
        statement(call, call.stdin.text, None, "")
    elif len(words) < 2 and not any(r.operator == "<" for r in call.redirects):
        call.emit("db.write", name, **facts)
    for redirect in call.redirects:
        if redirect.operator == "<":
            _file(call, redirect.target, "", {**facts, "signals": ()})


_MONGO = re.compile(
    r"(?i)\.?(dropDatabase|drop|deleteMany|remove|dropIndexes|dropIndex|dropUser|dropRole|shutdownServer|"
    r"renameCollection)\s*\("
)
_MONGO_WRITE = re.compile(
    r"(?i)\.(insert\w*|update\w*|replace\w*|deleteOne|findOneAnd\w*|bulkWrite|create\w*|save|setFeature\w*|"
    r"grant\w*|adminCommand)\s*\("
)


def _mongo(call: Call) -> None:
    options = Options(
        call.args, wordset("eval host port u p username password file f authenticationDatabase"), clusters=False
    )
    words = [w for w in options.rest if not w.endswith(".js")]
    connection = str(options.value("host")) or (
        str(words[0]) if words and ("://" in words[0] or "${" in words[0] or "." in words[0]) else ""
    )
    names = tuple(str(w) for w in words[:1])
    facts: dict[str, Any] = _named(connection, names)
    text = str(options.value("eval")) or (call.stdin.text or "" if call.stdin is not None else "")
    found = _MONGO.search(text)
    if found:
        call.emit("db.destroy", found.group(1), options.value("eval") or None, sql="destroy", **facts)
    elif _MONGO_WRITE.search(text) or not text:
        call.emit("db.write", text[:40] or "an open session", **facts)
    else:
        call.emit("db.read", text[:40], **facts)


_REDIS_READ = wordset(
    """
    get mget keys scan ping info ttl pttl type exists hget hgetall hkeys hvals hlen hmget lrange llen lindex
    smembers scard sismember zrange zcard zscore strlen dbsize time monitor memory object client slowlog latency
    config-get echo randomkey xlen xrange xinfo sscan hscan zscan getrange bitcount
    """
)
_REDIS_DESTROY = wordset("flushall flushdb shutdown swapdb debug failover replicaof slaveof")


def _redis(call: Call) -> None:
    options = Options(call.args, wordset("h p a n u s user pass i r"), clusters=False)
    words = [str(w).lower() for w in options.rest]
    connection = str(options.value("h", "u"))
    facts: dict[str, Any] = _named(connection, ())
    if not words and call.stdin is not None and call.stdin.text:
        words = call.stdin.text.lower().split()
    verb = words[0] if words else ""
    if verb in _REDIS_DESTROY or "flushall" in words or "flushdb" in words:
        call.emit("db.destroy", verb.upper(), next((w for w in options.rest), None), sql="destroy", **facts)
    elif (
        verb == "eval"
        or (verb == "config" and "set" in words)
        or (verb == "script" and "flush" in words)
        or verb == "acl"
    ):
        call.emit("db.write", " ".join(words[:3]), sql="write", **facts)
    elif (
        verb in _REDIS_READ
        or (verb == "config" and "get" in words)
        or (not verb and not call.stdin)
        or options.has("scan", "bigkeys", "stat", "latency", "memkeys", "hotkeys")
    ):
        call.emit("db.read", verb or "redis", **facts)
    else:
        call.emit("db.write", " ".join(words[:2]), sql="write", **facts)


def _postgres_tool(call: Call) -> None:
    options = Options(call.args, wordset("h p U d f F j n t T host port username dbname file maintenance-db"))
    connection = str(options.value("h", "host")) or next(
        (str(w) for w in [options.value("d", "dbname"), *options.rest] if "://" in w or "${" in w), ""
    )
    facts: dict[str, Any] = _named(connection, tuple(str(w) for w in options.rest[:1]))
    name = call.name
    if name in ("dropdb", "dropuser"):
        call.emit(
            "db.destroy" if name == "dropdb" else "secret.write",
            f"{name} {' '.join(options.rest[:1])}",
            options.rest[0] if options.rest else None,
            sql="destroy",
            **facts,
        )
    elif name in ("pg_restore", "mysqlimport", "mongorestore", "mongoimport"):
        clean = options.has("c", "clean", "drop", "C", "create")
        call.emit(
            "db.destroy" if clean else "db.write",
            f"restores into {options.value('d', 'dbname') or 'a database'}",
            sql="write",
            **facts,
        )
    elif name in ("createdb", "createuser"):
        call.emit("db.write" if name == "createdb" else "secret.write", f"{name} {' '.join(options.rest[:1])}", **facts)
    elif name in wordset(
        """
        pg_resetwal pg_ctl pg_ctlcluster pg_upgrade initdb pg_rewind pg_dropcluster mysqld postgres
        """
    ):
        read = any(w in ("status", "--version") for w in call.args)
        call.emit(
            "proc.run" if name in ("postgres", "mysqld", "initdb") else "fs.read" if read else "proc.service",
            f"{name} {' '.join(options.rest[:1])}",
        )
    else:
        target = options.value("f", "file")
        call.emit("db.read", f"{name} dump", **facts)
        if target:
            edits.write(call, target)


# -- frameworks ---------------------------------------------------------------------------------------------------


_CLIENTS = {
    "cqlsh": ("e", "execute"),
    "sqlcmd": ("Q", "q"),
    "bcp": (),
    "snowsql": ("q",),
    "snow": ("q",),
    "clickhouse-client": ("q", "query"),
    "clickhouse": ("q", "query"),
    "duckdb": ("c",),
    "usql": ("c",),
    "bq": (),
    "influx": ("execute",),
    "sqlplus": (),
    "isql": (),
    "trino": ("execute",),
    "presto": ("execute",),
    "beeline": ("e",),
    "hive": ("e",),
    "impala-shell": ("q",),
    "cockroach": ("e", "execute"),
    "dolt": ("q",),
    "turso": (),
    "mycli": ("e", "execute"),
    "pgcli": (),
}


def _generic(call: Call) -> None:
    names = _CLIENTS[call.name]
    options = Options(
        call.args,
        frozenset(
            (
                *names,
                "h",
                "host",
                "S",
                "d",
                "u",
                "U",
                "P",
                "p",
                "i",
                "f",
                "file",
                "url",
                "database",
                "account",
                "c" if call.name != "duckdb" else "C",
            )
        ),
    )
    given = _every(call, names)
    host = str(options.value("h", "host", "S", "url", "account")) or ("" if call.name in ("duckdb",) else "unknown")
    text = " ".join(call.args)
    if call.name == "bq":
        verb = next((str(w) for w in call.args if not w.startswith("-")), "")
        given = [w for w in call.args if " " in w]
        if verb in ("rm", "remove"):
            call.emit("infra.destroy", text[:60], cloud="gcp")
            return
        if verb in ("ls", "show", "head", "version", "help"):
            call.emit("infra.read", text[:60])
            return
    if call.name == "cockroach" and not given:
        verb = next((str(w) for w in call.args if not w.startswith("-")), "")
        call.emit("db.read" if verb in ("version", "demo") else "db.write", text[:60], signals=("unknown",))
        return
    if not given and call.name == "turso":
        call.emit(
            "infra.destroy"
            if "destroy" in text
            else "infra.write"
            if re.search("create|tokens|shell", text)
            else "infra.read",
            text[:60],
        )
        return
    facts: dict[str, Any] = {"signals": (host,)} if host else {"local": True}
    for word in given:
        statement(call, word, word, host if host else "", **facts)
    if not given and call.stdin is not None and call.stdin.text is not None:
        statement(call, call.stdin.text, None, host if host else "", **facts)
    elif not given:
        call.emit("db.write", text[:40] or "an open session", traits={"session"}, **facts)


TABLE: dict[str, Callable[[Call], None]] = {
    "psql": _psql,
    **dict.fromkeys(wordset("mysql mariadb mysqladmin mariadb-admin"), _mysql),
    **dict.fromkeys(wordset("sqlite3 sqlite"), _sqlite),
    **dict.fromkeys(wordset("mongosh mongo"), _mongo),
    **dict.fromkeys(wordset("redis-cli valkey-cli keydb-cli"), _redis),
    **dict.fromkeys(
        wordset(
            """
            dropdb dropuser createdb createuser pg_dump pg_dumpall pg_restore mysqldump mariadb-dump mongodump
            mongorestore mongoimport mongoexport mysqlimport pg_resetwal pg_ctl pg_ctlcluster pg_upgrade initdb
            pg_rewind pg_dropcluster
            """
        ),
        _postgres_tool,
    ),
    **dict.fromkeys(_CLIENTS, _generic),
}
