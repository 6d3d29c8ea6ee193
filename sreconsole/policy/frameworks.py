"""Frameworks' and migration tools' database tasks: rails, manage.py, alembic, prisma."""

from __future__ import annotations

import re
from typing import Any

from .call import Call
from .wordlist import wordset

_DESTROY_TASK = re.compile(
    r"(?i)(^|\s)(db:(drop|reset|purge|wipe|truncate\w*|schema:load|seed:replant|migrate:reset|structure:load|"
    r"drop:\S+|drop:_unsafe)|migrate:(fresh|reset|refresh)|"
    r"migrate reset|db push --(force-reset|accept-data-loss)|db drop|db:wipe|database:drop|schema:drop|"
    r"schema:update --force|doctrine:(database:drop|schema:drop)|flush|reset_db|"
    r"db reset|queue:flush|clean|dropall|drop-all|drop|downgrade base|ecto\.(drop|reset)|database drop|"
    r"destroy|reset|obliterate|db:migrate:undo:all)(\s|$|:)"
)


_MIGRATE_TASK = re.compile(
    r"(?i)(^|\s)(db:(migrate(:\w+)?|rollback|setup|seed|prepare|schema:load|migrate:redo)|migrate(:install|"
    r":rollback|:deploy)?|migrate (deploy|dev|resolve|up|down|latest|rollback|run|to|redo|undo|apply|force)|"
    r"upgrade|downgrade|stamp|db (push|seed|upgrade|downgrade|migrate|stamp|execute)|migration:(run|revert|up|"
    r"down)|ecto\.(migrate|rollback)|update|rollback\w*|deploy|revert|run|up|down|redo|undo|"
    r"loaddata|database update|db:seed|repair|baseline|undo|migrations:migrate|push|schema apply|apply|"
    r"migrate apply|rebase)(\s|$|:)"
)


_READ_TASK = re.compile(
    r"(?i)(^|\s)(status|history|current|show|heads|branches|check|list|showmigrations|sqlmigrate|inspectdb|"
    r"info|validate|generate|format|studio|version|routes|stats|about|notes|"
    r"migrate:status|migrate (status|diff|list)|db:(version|abort_if_pending_migrations|migrate:status|"
    r"schema:dump)|makemigrations|revision|migrate create|create|init|diff|test|"
    r"collectstatic|runserver|startapp|startproject|compilemessages|makemessages|check --deploy|diffsettings|"
    r"findstatic|sqlflush|db pull|db (version|status|create))(\s|$)"
)


def framework(call: Call) -> None:
    """rails, manage.py, alembic, prisma …: a task by name. Without a named environment it is this machine's."""
    words = [str(w) for w in call.args]
    text = " ".join(words)
    name = call.name
    variables = {**call.walk.state.exported, **call.assigns}
    facts: dict[str, Any] = {
        "local": _develops(name, variables, text),
        "local_why": "the framework's default environment is development",
    }
    environment = re.search(
        r"(?:RAILS_ENV|APP_ENV|NODE_ENV|MIX_ENV)=(\w+)|--env[= ](\w+)|-e (\w+)|--environment[= ](\w+)|"
        r"--database[= ](\w+)|--settings[= ](\S+)|-x (\S+)",
        text,
    )
    if environment:
        facts["signals"] = tuple(g for g in environment.groups() if g)
        facts["local"] = facts["local"] and not re.search(r"(?i)prod|stag|live", facts["signals"][0])
    if any(w in ("--help", "-h", "--dry-run", "--sql", "--pretend", "--plan", "--check", "--version") for w in words):
        call.emit("proc.run", f"{name} {text}"[:60])
        return
    if name in ("rails", "flask", "artisan", "django-admin", "rake", "mix", "console"):
        _application(call, text, facts)
        return
    if _DESTROY_TASK.search(text):
        call.emit("db.destroy", f"{name} {text}"[:60], sql="destroy", **facts)
    elif _READ_TASK.search(text) and not re.search(r"(?i)migrate (dev|deploy|reset|up|down|resolve)", text):
        call.emit("proc.run", f"{name} {text}"[:60])
    elif _MIGRATE_TASK.search(text):
        call.emit("db.migrate", f"{name} {text}"[:60], sql="schema", **facts)
    else:
        call.emit("proc.run", f"{name} {text}"[:60])


def _develops(name: str, variables: Any, text: str) -> bool:
    """Whether a task without a named database only reaches this machine. What follows DATABASE_URL cannot say."""
    follows = name in wordset(
        """
        alembic prisma flyway liquibase sqlx dbmate goose diesel drizzle-kit atlas migrate phinx
        """
    )
    if follows:
        url = variables.get("DATABASE_URL")
        return bool(url and re.search(r"localhost|127\.0\.0\.1|sqlite|file:", url)) or bool(
            re.search(r"localhost|127\.0\.0\.1|sqlite|file:|\bmigrate dev\b", text)
        )
    return True


def _application(call: Call, text: str, facts: dict[str, Any]) -> None:
    name = call.name
    if re.search(
        r"(?i)(^|\s)(db:(drop|reset|purge|wipe|truncate_all|seed:replant|migrate:reset|drop:_unsafe|"
        r"structure:load|schema:load)|migrate:(fresh|reset|refresh)|db:wipe|flush|reset_db|ecto\.(drop|reset)|"
        r"queue:flush|db drop|delete_\w+|drop_\w+|wipe\w*|purge\w*|destroy_\w+|remove_stale_contenttypes)(\s|$|:)",
        text,
    ):
        call.emit("db.destroy", f"{name} {text}"[:60], sql="destroy", **facts)
    elif (
        re.search(
            r"(?i)(^|\s)(db:(migrate|rollback|setup|seed|prepare|migrate:\w+|forward)(:\w+)?|migrate(:rollback|"
            r":install)?|ecto\.(migrate|rollback)|db (upgrade|downgrade|migrate|stamp)|loaddata|db:seed)(\s|$)",
            text,
        )
        and "makemigrations" not in text
    ):
        call.emit("db.migrate", f"{name} {text}"[:60], sql="schema", **facts)
    elif re.search(
        r"(?i)(^|\s)(changepassword|createsuperuser|credentials:edit|secrets:edit|key:generate|"
        r"drf_create_token)(\s|$)",
        text,
    ):
        call.emit(
            "secret.write" if "superuser" in text or "password" in text or "token" in text else "fs.write",
            f"{name} {text}"[:60],
        )
    elif re.search(r"(?i)(^|\s)(credentials:show|secrets:show|print_settings|diffsettings)(\s|$)", text):
        call.emit("secret.read", f"{name} {text}"[:60], secret="command")
    elif re.search(r"(?i)(^|\s)(runner|r|tinker|shell|shell_plus|dbshell|console|c|dbconsole)(\s|$)", text):
        destroys = re.search(
            r"(?i)(destroy_all|delete_all|drop|truncate|\.delete\(|\.destroy|objects\.all\(\)\.delete|rmtree|"
            r"rm -rf)",
            text,
        )
        call.emit(
            "db.destroy" if destroys else "db.write",
            f"{name} {text}"[:60],
            sql="destroy" if destroys else "write",
            traits={"console"},
            **facts,
        )
    elif re.search(r"(?i)(^|\s)(sendtestemail|send_\w*mail\w*)(\s|$)", text):
        call.emit("net.mutate", f"{name} {text}"[:60], method="MAIL", traits={"message"})
    elif re.search(r"(?i)(^|\s)(publish|deploy|release)(\s|$|:)", text) and name != "rails":
        call.emit("unknown.change", f"{name} {text}"[:60])
    else:
        call.emit("proc.run", f"{name} {text}"[:60])
