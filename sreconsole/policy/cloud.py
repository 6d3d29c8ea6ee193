"""Cloud and platform command lines: the verb says read, change or destroy; credentials stand apart."""

from __future__ import annotations

import re
from collections.abc import Callable

from . import filesystem
from .call import Call
from .options import Options
from .shell import Word
from .verbs import kind_of
from .wordlist import wordset

_SIGNAL_FLAGS = wordset(
    """
    profile project account subscription resource-group g context cluster env environment stage app a namespace n
    workspace w target target-org o org region zone stack s cluster-name db-instance-identifier host e c
    """
)
_CREDENTIAL_READ = re.compile(
    r"(?i)^(secretsmanager (get-secret-value|batch-get-secret-value)|ssm get-parameters?(-by-path)?|"
    r"sts (get-session-token|assume-role\S*|get-federation-token)|ecr get-(login-password|authorization-token|"
    r"login)|"
    r"rds generate-db-auth-token|configure (get|export-credentials)|kms decrypt|eks get-token|"
    r"codeartifact get-authorization-token|cognito-idp admin-initiate-auth|lightsail get-\S*keys?\S*|"
    r"redshift get-cluster-credentials|"
    r"secrets versions access|auth (print-access-token|print-identity-token|"
    r"application-default print-access-token)|config config-helper|kms decrypt|"
    r"keyvault (secret show|secret download|key download|certificate download)|account get-access-token|"
    r"acr (credential show|login)|storage account keys list|storage account show-connection-string|"
    r"(cosmosdb|redis|eventhubs\S*|servicebus\S*|functionapp|webapp|iot\S*|signalr|search|batch|maps|"
    r"cognitiveservices|appconfig|ad sp|ad app) .*(list-keys|keys list|list-connection-strings|"
    r"connection-strings? list|keys show|credential(s)? (list|show|reset)|list-publishing-(profiles|"
    r"credentials)|show-connection-string)|aks get-credentials|"
    r"auth token|auth:token|config:get|config get|variables?( get| list| --kv)?$|vars?( get)?$|env pull|"
    r"env:pull|secrets? (get|view|show|reveal|download|decrypt|export|print|dump|value)|variable get|kv get|"
    r"read |print token|token (generate|print)$|tokens? list$)"
)
_CREDENTIAL_WRITE = re.compile(
    r"(?i)(iam (create|delete|put|attach|detach|add|remove|update|upload|set|deactivate|enable|reset|change|"
    r"tag|untag)-\S*|iam (service-accounts|roles|keys) \S*\s?(create|delete|update|disable|enable|undelete|"
    r"upload)?|"
    r"(add|remove|set)-iam-policy(-binding)?|secretsmanager (create|put|update|delete|rotate|restore|"
    r"replicate|tag|stop|remove|untag)-\S*|ssm (put|delete)-parameters?|kms (create|schedule|disable|delete|"
    r"put|cancel|import|update|retire|revoke)-\S*|"
    r"secrets? (set|create|delete|remove|rm|import|put|add|update|unset|upload|rotate|destroy|bulk|"
    r"versions (add|destroy|disable|enable))|secret:(set|delete)|keyvault (create|delete|purge|set-policy|"
    r"delete-policy|secret (set|delete|purge)|key (create|delete|purge|import)|certificate (create|delete|"
    r"import|purge))|"
    r"role (assignment|definition) (create|delete|update)|ad (sp|app|user|group) (create|delete|update|"
    r"credential)|service-principal|access-?keys?|api-?keys?|ssh-?keys? (create|add|delete|import|remove)|"
    r"authorize-security-group|"
    r"organizations (leave|delete|remove|close)\S*|cognito-idp (admin-|delete-)\S*|kms keys|set-password|"
    r"reset-password|user (create|delete|add|remove)|users? (create|delete|add|remove)|policy (write|delete|"
    r"create|apply|remove|unset|set|detach|attach)|policies (create|delete)|"
    r"token (create|revoke|renew|delete|new)|tokens? (create|revoke|delete)|auth (enable|disable|tune)|"
    r"operator (init|unseal|seal|rekey|generate-root|rotate|step-down|raft)|write auth/|write sys/|"
    r"audit (enable|disable)|lease revoke|secrets (enable|disable|tune|move)|kv (put|delete|destroy|patch|"
    r"undelete|rollback|metadata (delete|put))|"
    r"acl (token|policy|role|bootstrap)\S* ?(create|delete|update|apply|bootstrap)?|add-permission|"
    r"remove-permission|put-\S*policy|delete-\S*policy|set-repository-policy|put-bucket-acl|put-object-acl|"
    r"put-public-access-block|delete-public-access-block)"
)
_DATA = re.compile(r"(?i)^(s3 (cp|mv|sync)|storage (cp|mv|rsync)|storage blob (upload|download|copy))")
_NOT_WORDS = re.compile(r"^[\d./:]|^arn:|://|=|^i-|^vol-")


def _signals(call: Call) -> tuple[str, ...]:
    found: list[str] = []
    args = call.args
    for index, word in enumerate(args):
        flag, equals, value = word.partition("=")
        if word.startswith("-") and flag.lstrip("-") in _SIGNAL_FLAGS:
            found.append(value if equals else str(args[index + 1]) if index + 1 < len(args) else "")
        elif not word.startswith("-"):
            found.append(str(word))
    return tuple(w for w in found if w and len(w) < 200)[:12]


def _cli(call: Call) -> None:
    """A cloud's command line: nouns and a verb, flags after."""
    words = _words(call)
    text = " ".join(words[:5])
    word = call.args[0] if call.args else None
    facts = {"signals": ("cloud", *_signals(call)), "cloud": call.name}
    endpoint = next(
        (
            str(w).partition("=")[2] or str(call.args[i + 1])
            for i, w in enumerate(call.args[:-1] if call.args else [])
            if w.startswith("--endpoint-url")
        ),
        "",
    )
    if re.search(r"localhost|127\.0\.0\.1|localstack|minio:", endpoint):
        facts = {"local": True, "local_why": f"{endpoint} is this machine", "signals": ()}
    dry = any(w in ("--dry-run", "--dryrun", "--dry_run", "--noop", "--what-if", "--check") for w in call.args)
    if not words or dry:
        call.emit("infra.read", f"{call.name} {text}".strip(), **facts)
    elif _CREDENTIAL_READ.search(text):
        decrypts = "ssm" not in text or any("--with-decryption" in w for w in call.args)
        call.emit("secret.read" if decrypts else "infra.read", f"{call.name} {text}", word, secret="command", **facts)
    elif _CREDENTIAL_WRITE.search(text) and kind_of(words[:5])[0] != "read":
        call.emit("secret.write", f"{call.name} {text}", word, **facts)
    elif words[0] in (
        "configure",
        "config",
        "login",
        "auth",
        "sso",
        "init",
        "logout",
        "completion",
        "components",
        "extension",
        "cloud-shell",
        "context",
        "contexts",
    ):
        changes = kind_of(words[1:3])[0] != "read" and words[0] not in ("completion",)
        call.emit(
            "fs.write" if changes else "infra.read",
            f"{call.name} {text}",
            **{k: v for k, v in facts.items() if k != "cloud"},
        )
    else:
        _by_verb(call, words, word, facts)


def _words(call: Call) -> list[str]:
    """Words of the sub-command, without the values of flags that come before it."""
    found: list[str] = []
    args, index = call.args, 0
    while index < len(args):
        word = args[index]
        if word.startswith("-"):
            known = word.lstrip("-") in _SIGNAL_FLAGS | {
                "output",
                "query",
                "log-level",
                "format",
                "config",
                "kubeconfig",
                "access-token",
                "token",
                "url",
                "server",
                "v",
                "verbosity",
                "scope",
                "t",
            }
            index += (
                2 if known and "=" not in word and index + 1 < len(args) and not args[index + 1].startswith("-") else 1
            )
            continue
        found.append(str(word))
        index += 1
    return found


def _by_verb(call: Call, words: list[str], word: Word | None, facts: dict[str, object]) -> None:
    depth = {
        "az": 5,
        "gcloud": 5,
        "aws": 2,
        "oci": 4,
        "ibmcloud": 3,
        "doctl": 4,
        "gsutil": 1,
        "rclone": 1,
        "mc": 2,
    }.get(call.name, 3)
    head = [w for w in words[:depth] if not _NOT_WORDS.match(w)] or words[:1]
    text = " ".join(words[:4])
    if _DATA.match(text) or call.name in (
        "gsutil",
        "rclone",
        "mc",
        "s3cmd",
        "s5cmd",
        "azcopy",
        "b2",
        "restic",
        "borg",
        "duplicity",
        "kopia",
    ):
        _copying(call, words, word, facts)
        return
    kind, _ = kind_of(head)
    if call.name == "aws" and len(words) > 1:
        kind = _aws(words, kind)
    call.emit(f"infra.{kind}", f"{call.name} {text}", word, **facts)


def _aws(words: list[str], kind: str) -> str:
    verb = words[1]
    if re.match(
        r"(get|list|describe|head|batch-get|search|lookup|scan|query|select|check|validate|estimate|preview|"
        r"simulate|ls|wait|tail|filter|help|view|test|detect|resolve|export|download|receive|poll|verify|"
        r"start-query|presign|synthesize|translate|decode)(-|$)",
        verb,
    ):
        return "read"
    if re.match(
        r"(stop|reboot|start|run|create|put|update|modify|enable|tag|untag|publish|send|invoke|copy|restore|"
        r"register|attach|associate|set|add|import|upload|deploy|execute|promote|failover|scale|rotate|change)-",
        verb,
    ):
        return "write"
    return kind if verb not in ("rb", "rm") else "destroy"


def _copying(call: Call, words: list[str], word: Word | None, facts: dict[str, object]) -> None:
    """Object stores and backups: a copy down writes here, a copy up writes there, a sync that deletes destroys."""
    verb = next(
        (
            w
            for w in words
            if re.match(
                r"(cp|mv|sync|copy|move|moveto|copyto|rsync|rb|rm|remove|delete|deletefile|purge|rmdir|rmdirs|cleanup|"
                r"dedupe|mirror|ls|cat|du|stat|mb|mount|serve|bisync|find|tree|diff|pipe|share|admin|alias|ilm|event|"
                r"policy|anonymous|version|retention|legalhold|replicate|tag|encrypt|undo|backup|restore|forget|prune|"
                r"check|list|snapshots|put|get|del|upload|download|config|bucket|file|info|init|create|acl|iam|setacl|"
                r"lifecycle|web|signurl|hash|compose|rewrite|defacl|cors|label|retention|versioning|lsd|lsf|lsl|size|"
                r"about|link|md5sum|jobs|delete-file-version|hide-file|cryptcheck|obscure|ncdu|unlock|recover|"
                r"rebuild-index|compact|snapshot|repository|head|quota)$",
                w,
            )
        ),
        "",
    )
    flags = {w.lstrip("-").split("=")[0] for w in call.args if w.startswith("-")}
    name = f"{call.name} {' '.join(words[:4])}"[:100]
    destination = words[-1] if words else ""
    deletes = flags & {
        "delete",
        "remove",
        "delete-before",
        "delete-during",
        "delete-after",
        "delete-excluded",
        "d",
        "delete-removed",
        "delete-destination",
        "force-delete",
    }
    nested = {"del", "rm", "remove", "delete", "purge", "disable", "unset"} & set(words[1:4])
    if verb in (
        "rb",
        "rm",
        "remove",
        "delete",
        "deletefile",
        "purge",
        "rmdir",
        "rmdirs",
        "cleanup",
        "dedupe",
        "del",
        "forget",
        "prune",
        "delete-file-version",
        "hide-file",
        "undo",
    ) or (
        verb
        in (
            "admin",
            "ilm",
            "event",
            "policy",
            "anonymous",
            "bucket",
            "file",
            "alias",
            "tag",
            "replicate",
            "retention",
            "snapshot",
            "lifecycle",
            "repository",
            "web",
        )
        and nested
    ):
        call.emit("infra.destroy", name, word, **facts)
    elif (
        (verb in ("sync", "rsync", "mirror", "bisync") and (deletes or call.name in ("rclone",)))
        or (verb in ("mirror", "cp") and deletes)
        or (verb in ("move", "moveto", "mv") and call.name in ("rclone", "gsutil", "mc"))
    ):
        call.emit("infra.destroy", name, word, traits={"mirror"}, **facts)
    elif (
        verb
        in (
            "ls",
            "cat",
            "du",
            "stat",
            "find",
            "tree",
            "diff",
            "check",
            "list",
            "snapshots",
            "info",
            "lsd",
            "lsf",
            "lsl",
            "size",
            "about",
            "version",
            "head",
            "hash",
            "md5sum",
            "cryptcheck",
            "ncdu",
            "get",
            "download",
            "jobs",
            "share",
            "signurl",
            "quota",
            "link",
            "config",
            "obscure",
        )
        and not nested
    ):
        call.emit("infra.read", name, **facts)
        if verb in ("get", "download"):
            filesystem.write(call, destination if "/" in destination and "://" not in destination else ".")
    elif verb in ("cp", "mv", "sync", "copy", "copyto", "rsync", "restore") and not re.match(
        r"\w[\w.-]*:|s3://|gs://|https?://", destination
    ):
        call.emit("infra.read" if verb not in ("mv", "move") else "infra.write", name, **facts)
        filesystem.write(call, destination or ".")
    else:
        for item in words[1:]:
            if "://" not in item and ("/" in item or item.startswith(".")):
                filesystem.read(call, item)
        call.emit("infra.write", name, word, **facts)


# -- infrastructure as code ---------------------------------------------------------------------------------------


def _terraform(call: Call) -> None:
    options = Options(call.args, wordset("chdir var var-file state target out backend-config"), clusters=False)
    words = [str(w) for w in options.rest]
    verb = words[0] if words else ""
    if call.name == "terragrunt" and verb in ("run-all", "run", "stack"):
        words = [w for w in words[1:] if w not in ("--", "run")]
        verb = words[0] if words else ""
    destroys = verb == "destroy" or (
        verb == "apply" and (options.has("destroy") or any("destroy" in w for w in words[1:]))
    )
    name = f"{call.name} {' '.join(words[:3])}".strip()
    facts = {
        "signals": ("cloud", *words[1:3], *(str(options.value(k)) for k in ("chdir", "var-file") if options.value(k))),
        "cloud": "terraform",
    }
    word = options.rest[0] if options.rest else None
    if destroys:
        call.emit("infra.destroy", name, word, **facts)
    elif verb == "plan" or verb in (
        "show",
        "output",
        "validate",
        "fmt",
        "graph",
        "version",
        "providers",
        "console",
        "get",
        "test",
        "metadata",
        "modules",
        "help",
        "hclfmt",
        "graph-dependencies",
        "render-json",
        "",
    ):
        if (
            verb == "output"
            and options.has("raw", "json")
            and any(re.search(r"(?i)pass|secret|token|key", w) for w in words[1:])
        ):
            call.emit("secret.read", name, word, secret="command", **facts)
        else:
            call.emit("infra.read", name, **facts)
    elif verb == "init":
        call.emit("pkg.install" if not options.has("migrate-state", "force-copy") else "infra.write", name)
    elif verb == "workspace" and words[1:2] and words[1] in ("list", "show", "select", "new"):
        call.emit("infra.read" if words[1] in ("list", "show") else "fs.write", name)
    elif verb == "state" and words[1:2] and words[1] in ("list", "show", "pull"):
        call.emit("infra.read" if words[1] != "pull" else "secret.read", name, secret="command", **facts)
    elif (
        verb in ("state", "workspace", "force-unlock", "taint", "untaint")
        and words[1:2]
        and words[1] in ("rm", "push", "delete", "replace-provider", "mv")
    ):
        call.emit("infra.destroy" if words[1] in ("rm", "push", "delete") else "infra.write", name, word, **facts)
    else:
        call.emit("infra.write", name, word, **facts)


def _pulumi(call: Call) -> None:
    words = [str(w) for w in call.args if not w.startswith("-")]
    verb = words[0] if words else ""
    name = f"{call.name} {' '.join(words[:2])}".strip()
    facts = {"signals": ("cloud", *_signals(call)), "cloud": call.name}
    word = call.args[0] if call.args else None
    if (
        verb in ("destroy", "remove", "teardown", "delete", "nuke", "cancel", "undeploy", "terminate")
        or (verb in ("stack", "state") and words[1:2] in (["rm"], ["delete"]))
        or (call.name in ("serverless", "sls", "sst") and "remove" in words[:3])
    ):
        call.emit("infra.destroy", name, word, **facts)
    elif (verb in ("config",) and any(w == "--secret" for w in call.args)) or words[:2] == ["config", "get"]:
        call.emit("secret.write" if words[:2] != ["config", "get"] else "secret.read", name, word, secret="command")
    elif verb in (
        "preview",
        "pre",
        "synth",
        "synthesize",
        "diff",
        "ls",
        "list",
        "stack",
        "logs",
        "about",
        "whoami",
        "version",
        "doctor",
        "validate",
        "metadata",
        "info",
        "print",
        "package",
        "build",
        "local",
        "offline",
        "status",
        "context",
        "docs",
        "acknowledge",
        "help",
        "init",
        "new",
        "generate",
        "",
    ):
        if any(w in ("--show-secrets",) for w in call.args):
            call.emit("secret.read", name, word, secret="command")
        else:
            call.emit(
                "infra.read" if verb not in ("build", "package", "local", "offline", "init", "new") else "proc.run",
                name,
                **{k: v for k, v in facts.items() if k == "signals"},
            )
    else:
        call.emit("infra.write", name, word, **facts)


def _ansible(call: Call) -> None:
    args = call.args
    options = Options(
        args,
        wordset(
            """
        i inventory l limit t tags e extra-vars m module-name a args u user f forks vault-password-file become-user
        """
        ),
    )
    if any(
        w in ("--check", "-C", "--syntax-check", "--list-hosts", "--list-tasks", "--list-tags", "--version")
        for w in args
    ):
        call.emit("infra.read", f"{call.name} --check")
        return
    signals = (
        "cloud",
        str(options.value("i", "inventory")),
        str(options.value("l", "limit")),
        *(str(w) for w in options.rest[:1]),
    )
    if call.name == "ansible":
        module, arguments = str(options.value("m", "module-name")) or "command", options.value("a", "args")
        if module in ("ping", "setup", "debug", "gather_facts"):
            call.emit("infra.read", f"ansible {module}", signals=signals)
            return
        if module in ("shell", "command", "raw") and arguments:
            from .call import Text, Where
            from .effects import follow

            host = str(options.rest[0]) if options.rest else "all"
            follow(
                call,
                [
                    Text(
                        str(arguments),
                        f"ansible {host}",
                        arguments,
                        where=Where("ssh", host, (host, str(options.value("i")))),
                    )
                ],
            )
            call.emit("infra.read", f"ansible {host}", signals=signals)
            return
        destroys = "absent" in arguments
        call.emit(
            "infra.destroy" if destroys else "infra.write", f"ansible {module}", arguments or None, signals=signals
        )
        return
    if call.name in (
        "ansible-galaxy",
        "ansible-doc",
        "ansible-inventory",
        "ansible-config",
        "ansible-lint",
        "ansible-console",
    ):
        words = [str(w) for w in options.rest]
        call.emit("pkg.install" if "install" in words else "infra.read", f"{call.name} {' '.join(words[:2])}")
        return
    call.emit(
        "infra.write",
        f"{call.name} {' '.join(options.rest[:1])}",
        options.rest[0] if options.rest else None,
        signals=signals,
    )


def _packer(call: Call) -> None:
    words = [str(w) for w in call.args if not w.startswith("-")]
    verb = words[0] if words else ""
    read = verb in ("validate", "inspect", "version", "help", "console", "") or words[1:2] in (
        ["installed"],
        ["required"],
    )
    facts = {"signals": ("cloud", *words[1:3])}
    if verb in ("fmt", "init", "plugins", "hcl2_upgrade", "fix") and not read:
        call.emit("fs.write", f"packer {verb}")
        return
    call.emit("infra.read" if read else "infra.write", f"packer {verb}", **facts)


_DEPLOY = wordset(
    """
    deploy up promote rollback publish prod push release launch redeploy scale restart ship sync
    """
)


def _platform(call: Call) -> None:
    """vercel, fly, railway, netlify, heroku …: a platform that runs the product."""
    args = call.args
    words = [str(w) for w in args if not w.startswith("-")]
    flat = [part for w in words[:3] for part in w.split(":")]
    text = " ".join(words[:4])
    name = f"{call.name} {text}".strip()
    word = args[0] if args else None
    facts = {"signals": ("cloud", *_signals(call)), "cloud": call.name}
    kind, _ = kind_of([w for w in flat if not _NOT_WORDS.match(w)])
    if (
        call.name in ("vercel", "now")
        and (not words or "--prod" in args or "--production" in args)
        and kind != "destroy"
        and not any(w in ("--version", "--help", "-v", "-h") for w in args)
    ):
        call.emit("infra.write", name, word, traits={"deploy"}, **facts)
    elif any(
        re.match(r"(?i)^(secrets?|env|vars?|variables?|config|tokens?|auth|keys?|credentials?|certs?)$", w)
        for w in flat[:2]
    ):
        _settings(call, flat, name, word, facts)
    elif (
        call.name == "heroku"
        and flat[:1] == ["pg"]
        and flat[1:2] in (["reset"], ["psql"], ["copy"], ["push"], ["killall"])
    ):
        call.emit(
            "db.destroy" if flat[1] in ("reset", "copy", "push") else "db.write", name, word, signals=facts["signals"]
        )
    elif any(re.match(r"(?i)^(db|database|migration)$", w) for w in flat[:1]) and set(flat) & {"reset", "push", "drop"}:
        linked = any(w in ("--linked", "--db-url", "--remote") for w in args) or "push" in flat
        call.emit(
            "db.destroy" if "reset" in flat or "drop" in flat else "db.migrate",
            name,
            word,
            local=not linked,
            local_why="the platform's local stack",
        )
    elif kind == "destroy":
        call.emit("infra.destroy", name, word, **facts)
    elif flat[:1] and flat[0] in (
        "dev",
        "start",
        "build",
        "serve",
        "emulators:start",
        "emulators",
        "local",
        "run",
        "preview",
        "functions:serve",
        "link",
        "init",
        "login",
        "logout",
        "switch",
        "types",
        "gen",
        "generate",
        "docs",
        "open",
        "stop",
        "unlink",
        "checkpoint",
        "test",
        "pages-dev",
    ):
        call.emit("proc.run", name)
    elif kind == "read" and not set(flat) & _DEPLOY:
        call.emit("infra.read", name, **facts)
    elif not words:
        call.emit("infra.read", name)
    else:
        call.emit("infra.write", name, word, traits={"deploy"} if set(flat) & _DEPLOY else set(), **facts)


def _settings(call: Call, flat: list[str], name: str, word: Word | None, facts: dict[str, object]) -> None:
    verbs = set(flat)
    if (
        verbs
        & {
            "set",
            "add",
            "rm",
            "remove",
            "unset",
            "delete",
            "import",
            "create",
            "put",
            "bulk",
            "deploy",
            "revoke",
            "rotate",
            "update",
            "edit",
        }
        or any("=" in w for w in call.args if not w.startswith("-"))
        or any(w.startswith("--set") for w in call.args)
    ):
        call.emit("secret.write", name, word, **facts)
    elif flat[:1] == ["auth"] and verbs & {"login", "logout", "status", "whoami", "switch", "list"}:
        call.emit("infra.read" if verbs & {"status", "whoami", "list"} else "fs.write", name)
    elif verbs & {"list", "ls"} and (
        flat[0] in ("secrets", "secret", "tokens", "token", "env", "certs") and call.name not in ("railway", "doppler")
    ):
        call.emit("infra.read", name, **facts)
    else:
        call.emit("secret.read", name, word, secret="command", **facts)


TABLE: dict[str, Callable[[Call], None]] = {
    **dict.fromkeys(
        wordset(
            """
            aws awslocal gcloud gsutil az oci ibmcloud aliyun doctl linode-cli hcloud vultr-cli scw ovh exo civo
            openstack nova yc tccli upctl metal eksctl eb ecs-cli copilot aws-nuke cloud-nuke steampipe s3cmd s5cmd
            rclone mc azcopy b2 restic borg kopia duplicity govc esxcli virsh prlctl vboxmanage VBoxManage qm pct
            proxmox vault consul nomad boundary waypoint etcdctl nats rabbitmqctl rabbitmqadmin kafka-topics
            kafka-topics.sh kafka-configs kafka-configs.sh kafka-delete-records.sh kcat rpk confluent pulsar-admin
            argocd argo flux kops kubeadm rke rancher talosctl clusterctl istioctl linkerd cilium velero kustomize
            skaffold tanka kapp werf deck kong flagsmith flipt datadog-ci datadog newrelic pagerduty pd opsgenie
            sentry-cli grafana-cli grafana promtool amtool logcli elasticsearch-keystore curator splunk okta auth0
            stripe-cli cf bosh tanzu juju maas salt salt-call salt-key puppet chef knife bolt mcollective cdktf
            crossplane spacectl env0 atlantis infracost snowsql-admin databricks dbt-cloud temporal tctl airflow
            prefect dagster launchdarkly ldcli configcat unleash split optimizely ceph rbd rados gluster glustercli
            zfs-send drbdadm pcs crm corosync-cfgtool keepalived-ctl haproxyctl mailgun sendgrid twilio ses-cli
            postmark square braintree paypal shopify contentful sanity algolia meilisearch typesense
            """
        ),
        _cli,
    ),
    **dict.fromkeys(wordset("terraform tofu opentofu terragrunt terramate tf"), _terraform),
    **dict.fromkeys(
        wordset(
            """
        pulumi cdk cdklocal sam samlocal serverless sls sst chalice zappa amplify encore architect arc claudia up
        """
        ),
        _pulumi,
    ),
    **dict.fromkeys(
        wordset(
            """
        ansible ansible-playbook ansible-pull ansible-galaxy ansible-doc ansible-inventory ansible-config
        ansible-console
        """
        ),
        _ansible,
    ),
    "packer": _packer,
    **dict.fromkeys(
        wordset(
            """
            vercel now fly flyctl railway render netlify heroku wrangler supabase firebase neonctl neon planetscale
            pscale upstash xata convex appwrite nhost hasura fauna deployctl kamal dokku cap capistrano mina modal
            beam replit koyeb northflank porter qovery platform upsun clever scalingo gigalixir stripe cloudflare
            eas-cli expo-cli doppler infisical porkbun namecheap flarectl dnscontrol octodns fastly
            """
        ),
        _platform,
    ),
}
