"""Which environment an effect hits, and how that was found. Unknown infrastructure counts as production."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .action import Effect
from .paths import words_glob
from .wordlist import wordset

_LOCAL_HOST = re.compile(
    r"(?i)^(localhost|127\.\d+\.\d+\.\d+|0\.0\.0\.0|\[?::1\]?|host\.docker\.internal|.*\.localhost|.*\.test)$"
)
_LOCAL_WORD = re.compile(
    r"(?i)^(kind-.*|k3d-.*|minikube|docker-desktop|docker-for-desktop|rancher-desktop|colima.*|orbstack|microk8s|"
    r"local(host)?|localstack)$"
)
_PROD = re.compile(r"(?i)(^|[^a-z])(prod|prd|production|live)([^a-z]|$)")
_STAGING = re.compile(r"(?i)(^|[^a-z])(stag(e|ing)?|stg|uat|preprod|pre-prod|preview)([^a-z]|$)")
_TEST = re.compile(r"(?i)(^|[^a-z])(test|tests|testing|ci)([^a-z]|$)")
_DEV = re.compile(r"(?i)(^|[^a-z])(dev|develop|development|test|testing|ci|sandbox|local|demo)([^a-z]|$)")
_NEEDS = ("infra.", "db.", "net.", "proc.", "exec.", "secret.", "unknown", "fs.", "pkg.")
_ASSUMED = ("infra.", "db.")


def place(effect: Effect, environments: Mapping[str, Mapping[str, Any]]) -> Effect:
    """The effect with its environment and the reason for it."""
    if not effect.kind.startswith(_NEEDS):
        return effect
    facts = effect.facts
    signals = [str(signal) for signal in facts.get("signals", ()) if signal]
    if not signals and not effect.host and not facts.get("env_vars") and not effect.kind.startswith(_ASSUMED):
        return effect
    found = _declared(effect, signals, environments) or _guessed(effect, signals)
    if not found:
        return effect
    resolved = f"{effect.resolved}; {found[1]}" if effect.resolved else found[1]
    return replace(effect, environment=found[0], resolved=resolved)


def _declared(
    effect: Effect, signals: list[str], environments: Mapping[str, Mapping[str, Any]]
) -> tuple[str, str] | None:
    facts = effect.facts
    hosts = [host for host in (effect.host, *signals) if host]
    variables = facts.get("env_vars") or {}
    for name, spec in environments.items():
        for host in hosts:
            for pattern in (
                *spec.get("hosts", ()),
                *spec.get("kube_context", ()),
                *spec.get("profiles", ()),
                *spec.get("names", ()),
            ):
                if words_glob(pattern).match(host):
                    return name, f"{host} matches {pattern} of {name}"
        for key, wanted in (spec.get("env") or {}).items():
            if str(variables.get(key, "")) == str(wanted):
                return name, f"{key}={wanted} means {name}"
        for variable in facts.get("dsn_vars", ()):
            if variable in spec.get("dsn_vars", ()):
                return name, f"${variable} is {name}"
    return None


_NAMING = wordset(
    """
    RAILS_ENV NODE_ENV APP_ENV ENV ENVIRONMENT RACK_ENV DJANGO_ENV FLASK_ENV STAGE MIX_ENV DATABASE_URL
    DJANGO_SETTINGS_MODULE PGHOST AWS_PROFILE KUBECONFIG WORKSPACE TF_WORKSPACE APP_SETTINGS DEPLOY_ENV
    """
)


def _guessed(effect: Effect, signals: list[str]) -> tuple[str, str] | None:
    facts = effect.facts
    variables = facts.get("env_vars") or {}
    words = [effect.host, *signals, *facts.get("dsn_vars", ())]
    words += [str(value) for key, value in variables.items() if key in _NAMING]
    words = [word for word in words if word]
    data = effect.kind.startswith("db.")
    local = next((word for word in words if _LOCAL_HOST.match(word) or _LOCAL_WORD.match(word)), "")
    # A database called prod on this machine may stand at the end of a tunnel.
    if local and not (data and any(_PROD.search(word) for word in words)):
        return _here(words, f"{local} is this machine", data)
    for pattern, name in ((_PROD, "prod"), (_STAGING, "staging")):
        for word in words:
            if pattern.search(word):
                return name, f"{word} reads as {name}"
    if facts.get("local"):
        return _here(words, str(facts.get("local_why") or "no other host is named"), data)
    for word in words:
        if _DEV.search(word):
            return "dev", f"{word} reads as dev"
    if facts.get("remote") == "container":
        return "local", "a container of this machine"
    if effect.kind.startswith(_ASSUMED) or facts.get("remote"):
        return "prod", "unknown infrastructure counts as production"
    return None


def _here(words: list[str], why: str, data: bool) -> tuple[str, str]:
    """This machine; of its databases those that are called test are nobody's loss."""
    tested = next((word for word in words if _TEST.search(word)), "") if data else ""
    return ("test", f"{why}, and {tested} is a test database") if tested else ("local", why)
