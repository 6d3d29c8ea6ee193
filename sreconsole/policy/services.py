"""Forges, trackers, chat and server programs: GitHub, GitLab, Jira, Slack, nginx, haproxy."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from . import edits, graphql
from .call import Call
from .options import Options
from .secrets import holds_secret
from .shell import Word
from .verbs import kind_of
from .wordlist import wordset

_GH_READ = re.compile(
    r"^(pr (list|ls|view|diff|checks|status|checkout|co)|issue (list|ls|view|status|develop)|repo (list|ls|view|"
    r"clone|gitignore|license|set-default)|run (list|ls|view|watch|download)|workflow (list|ls|view)|"
    r"release (list|ls|view|download|verify\S*)|"
    r"gist (list|ls|view|clone)|search .*|status.*|browse.*|label (list|ls)|cache (list|ls)|"
    r"project (list|view|item-list|field-list)|ruleset .*|org list|auth status|alias list|"
    r"extension (list|search|browse)|config (get|list)|ssh-key list|gpg-key list|"
    r"secret list|variable (list|get)|codespace (list|view|logs|ports)|attestation (verify|"
    r"download).*|version|help.*|completion.*|mr (list|view|diff|checkout|issues|approvers)|"
    r"ci (list|view|status|trace|lint|get|artifact)|pipeline (list|view|status|ci|get)|"
    r"snippet (list|view)|variable (list|get|export)|user events|incident (list|view)|"
    r"schedule list|check-update|job artifact|stack (list|first|last|next|prev)|"
    r"milestone (list|get)|label (list|get)|changelog .*|iteration list|token list|"
    r"deploy-key (list|get)|securefile (list|get)|agent list|ssh-key (list|get)|"
    r"cluster (list|graph).*|runner list)"
)
_GH_OWN = re.compile(
    r"^(pr (create|new|comment|edit|ready|reopen|update-branch|lock|unlock)|issue (create|new|comment|edit|reopen|"
    r"pin|unpin|note|update|subscribe|unsubscribe|board)|gist edit|label (create|edit|clone)|run (rerun|cancel)|"
    r"repo (set-default|fork|sync)|"
    r"mr (create|new|note|update|rebase|reopen|subscribe|todo|for|unsubscribe)|ci (retry)|"
    r"alias (set|delete|import)|extension (install|upgrade|create|exec)|config set|"
    r"project (item-add|item-edit|item-create)|auth (login|logout|setup-git|refresh|switch)|"
    r"codespace (code|ports|jupyter|cp)|stack (create|save|amend|sync|reorder)|duo .*|"
    r"issue (close|develop)|pr close|mr close|auth git-credential)"
)


def _gh(call: Call) -> None:
    args = call.args
    words = _skip_values(args)
    text = " ".join(words[:3])
    verb = words[1] if len(words) > 1 else ""
    word = args[0] if args else None
    name = f"{call.name} {' '.join(words[:4])}".strip()
    facts: dict[str, Any] = {"host": "github.com" if call.name == "gh" else "gitlab.com", "repo": _repo(args, words)}
    if words[:1] == ["api"]:
        _api(call, words, facts)
    elif (
        words[:2] == ["auth", "token"]
        or (words[:2] == ["auth", "status"] and any(w in ("-t", "--show-token") for w in args))
        or (words[:2] == ["config", "get"] and "token" in text)
        or words[:2] in (["variable", "export"], ["securefile", "download"])
    ):
        call.emit("secret.read", name, word, secret="command")
    elif (
        (
            words[:1] in (["secret"], ["ssh-key"], ["gpg-key"], ["token"], ["deploy-key"], ["securefile"])
            and verb not in ("list", "ls", "get")
        )
        or (words[:2] == ["repo", "deploy-key"] and words[2:3] != ["list"])
        or (words[:1] == ["variable"] and verb not in ("list", "ls", "get"))
    ):
        call.emit("secret.write", name, word, **facts)
    elif _GH_READ.match(text) or not words:
        call.emit("infra.read", name, **facts)
    elif _GH_OWN.match(text):
        for index, item in enumerate(args[:-1]):
            if item in ("-F", "--body-file") and holds_secret(call.spot(args[index + 1]), args[index + 1]):
                edits.read(call, args[index + 1])
        call.emit("forge.write", name, word, **facts)
    elif words[:2] in (["repo", "delete"], ["repo", "archive"], ["project", "delete"], ["repo", "transfer"]) or (
        words[:2] == ["repo", "edit"] and "--visibility" in args
    ):
        call.emit("infra.destroy", name, word, **facts)
    elif (
        words[:2] == ["repo", "create"] or words[:1] == ["gist"] or words[:1] == ["snippet"] or words[:1] == ["release"]
    ):
        call.emit("forge.publish", name, word, **facts)
    elif verb in ("delete", "remove", "rm", "archive", "unlink"):
        call.emit("forge.destroy", name, word, **facts)
    elif words[:1] == ["codespace"] and verb == "ssh":
        call.emit("proc.shell", name, word)
    else:
        call.emit("forge.change", name, word, **facts)


_GH_VALUES = wordset(
    """
    -R --repo -t --title -b --body -F --body-file -B --base -H --head -l --label -a --assignee -r --reviewer -m
    --milestone -q --jq -L --limit -s --state -X --method -f --raw-field --field --json --template -e --env -o --org
    -u --user --ref -w --workflow -c --commit --notes -n -p --project --hostname --input --cache --preview --header
    """
)


def _skip_values(args: list[Word]) -> list[str]:
    found: list[str] = []
    index = 0
    while index < len(args):
        word = args[index]
        if word.startswith("-"):
            index += 2 if word in _GH_VALUES and "=" not in word else 1
            continue
        found.append(str(word))
        index += 1
    return found


def _repo(args: list[Word], words: list[str]) -> str:
    for index, word in enumerate(args[:-1]):
        if word in ("-R", "--repo"):
            return str(args[index + 1])
    return next((w for w in words[2:] if re.fullmatch(r"[\w.-]+/[\w.-]+", w)), "")


def _api(call: Call, words: list[str], facts: dict[str, Any]) -> None:
    options = Options(
        call.args,
        wordset(
            """
            X method f raw-field F field H header q jq t template input cache hostname p preview
            """
        ),
    )
    path = words[1] if len(words) > 1 else ""
    fields = [
        str(w) for i, w in enumerate(call.args[1:], 1) if call.args[i - 1] in ("-f", "-F", "--field", "--raw-field")
    ]
    body = (
        " ".join(fields)
        + " "
        + " ".join(str(w) for w in call.args if w.startswith(("-f", "-F", "--field", "--raw-field")))
    )
    methods = [str(options.values[k]).upper() for k in ("X", "method") if k in options.values]
    method = str(
        next((m for m in methods if m not in ("GET", "HEAD")), "")
        or next(iter(methods), "")
        or ("POST" if options.has("f", "F", "field", "raw-field", "input") else "GET")
    ).upper()
    word = call.args[1] if len(call.args) > 1 else None
    if path == "graphql":
        text = " ".join(re.sub(r"^query=", "", f) for f in fields)
        found = graphql.mutations(text)
        destroys = any(re.search(r"(?i)delete|remove|archive|close", m) for m in found)
        kind = "infra.read" if not found and ("@" not in text) else "infra.destroy" if destroys else "forge.change"
        call.emit(kind, f"{call.name} api graphql {' '.join(found[:2])}".strip(), word, mutations=found, **facts)
    elif method in ("GET", "HEAD"):
        call.emit("infra.read", f"{call.name} api {path}", **facts)
    elif re.search(
        r"(?i)/(secrets|keys|deploy_keys|variables|deploy_tokens|access_tokens|personal_access_tokens|"
        r"collaborators|members|protected_branches|branches/[^/]+/protection|hooks|rulesets|"
        r"actions/permissions)(/|$|\?)",
        "/" + path,
    ):
        call.emit("secret.write", f"{call.name} api {method} {path}", word, method=method, **facts)
    elif method == "DELETE":
        call.emit("infra.destroy", f"{call.name} api DELETE {path}", word, method=method, **facts)
    elif re.search(r"(?i)/(comments|reactions|issues|pulls)$", path) and method == "POST":
        call.emit("forge.write", f"{call.name} api {method} {path}", word, method=method, **facts)
    else:
        call.emit("forge.change", f"{call.name} api {method} {path}", word, method=method, body=body[:200], **facts)


def _tracker(call: Call) -> None:
    """jira, linear and their kind: reading is free, a change is one other people see."""
    words = [str(w) for w in call.args if not w.startswith("-")]
    kind, _ = kind_of(words[:3])
    name = f"{call.name} {' '.join(words[:3])}".strip()
    call.emit({"read": "infra.read", "destroy": "forge.destroy", "write": "forge.write"}[kind], name)


def _chat(call: Call) -> None:
    words = [str(w) for w in call.args if not w.startswith("-")]
    if words[:1] in (["version"], ["help"], ["auth"], ["list"], ["login"]):
        call.emit("infra.read", f"{call.name} {' '.join(words[:2])}")
        return
    call.emit("net.mutate", f"{call.name} {' '.join(words[:2])}".strip(), method="MESSAGE", traits={"message"})


_SERVER_SAFE = re.compile(
    r"(^|\s)(-t|-T|-v|-V|-c\s+-f|-c|configtest|-S|-M|-l|validate|version|list-modules|fmt|adapt|environ|--help|"
    r"--version|check-config|check\s|-vv)(\s|$)"
)


def _server(call: Call) -> None:
    """nginx, haproxy, apachectl, caddy: a configuration test is free, anything else touches a live server."""
    text = " ".join(call.args)
    if _SERVER_SAFE.search(text) and not re.search(r"(^|\s)(-s|-sf|-st|-k|stop|reload|restart|graceful)(\s|$)", text):
        call.emit("fs.read", f"{call.name} {text}"[:60])
    elif call.name == "prometheus" and text:
        call.emit("proc.run", f"{call.name} {text}"[:60])
    else:
        call.emit("proc.service", f"{call.name} {text}"[:60])


def _gitlab_server(call: Call) -> None:
    text = " ".join(call.args)
    if re.search(
        r"(?i)(check|status|info|env|list|verify|tail|show-config|help|version)(\s|$|:)", text
    ) and not re.search(r"(?i)destroy|delete|restore|reset|drop|unregister", text):
        call.emit("infra.read", f"{call.name} {text}"[:60])
    elif re.search(r"(?i)destroy|delete|restore|reset|drop|cleanse|unregister|uninstall", text):
        call.emit("infra.destroy", f"{call.name} {text}"[:80], signals=("cloud", text[:60]))
    else:
        call.emit("infra.write", f"{call.name} {text}"[:80], signals=("cloud", text[:60]))


TABLE: dict[str, Callable[[Call], None]] = {
    "gh": _gh,
    "glab": _gh,
    **dict.fromkeys(wordset("jira linear acli trello asana-cli clickup monday"), _tracker),
    **dict.fromkeys(
        wordset(
            """
            slack slack-cli slackcat discord telegram-send notify ntfy apprise signal-cli wall write xmpp
            matrix-commander teams-cli tweet toot twurl
            """
        ),
        _chat,
    ),
    **dict.fromkeys(
        wordset(
            """
            nginx haproxy apachectl apache2ctl httpd caddy traefik varnishd squid envoy named postfix dovecot
            prometheus
            """
        ),
        _server,
    ),
    **dict.fromkeys(
        wordset(
            """
            gitlab-rails gitlab-rake gitlab-ctl gitlab-runner gitlab-backup gitea forgejo jenkins jenkins-cli bk
            buildkite-agent circleci drone tkn gocd teamcity concourse fly-ci
            """
        ),
        _gitlab_server,
    ),
}
