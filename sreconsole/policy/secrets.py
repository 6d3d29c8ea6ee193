"""Which files, variables and commands hold credentials."""

from __future__ import annotations

import re

from .paths import Spot

_EXAMPLE = re.compile(
    r"(?i)(example|sample|template|dist|defaults?|tmpl|schema|\.d\.ts|\.md|\.py|\.js|\.ts|\.go|\.rs|\.rb|\.html)$"
)
_NAMES = re.compile(
    r"""(?ix)(?:^|/)(?:
      \.env(?:rc)?(?:\.[\w.*?-]+)?|[\w-]+\.env|\.env[?*][^/]*|\.[?*]env|\.e(?:nv|n\?|\*|\?v)\*?
    | \.netrc|_netrc|\.pgpass|\.my\.cnf|\.mylogin\.cnf|\.pypirc|\.boto|\.s3cfg|\.git-credentials|\.gitcookies
    | \.htpasswd|\.dockercfg|\.vault-token|\.terraformrc|\.yarnrc\.yml~|\.gem/credentials|\.npmrc~
    | id_(?:rsa|dsa|ecdsa|ed25519)(?:_sk)?|[\w.-]+\.(?:pem|p12|pfx|jks|keystore|kdbx|ppk|p8|asc\.key|gpg\.key)
    | [\w.-]*(?:private|secret|server|client|tls|ssl|api|deploy|signing)[\w.-]*\.key
    | credentials(?:\.(?:json|ya?ml|toml|ini|csv|db|xml|enc))?|(?:client_secret|service[-_]?account)[\w.-]*\.json
    | secrets?\.(?:json|ya?ml|toml|ini|env|txt|properties|tfvars)|[\w.-]*\.tfstate(?:\.backup)?
    | master\.key|shadow|gshadow|sudoers|application_default_credentials\.json|access_tokens\.db|credentials\.db
    | logins\.json|key[34]\.db|login\ data|cookies(?:\.sqlite)?|login\.keychain(?:-db)?|[\w.-]+\.keychain(?:-db)?
    | (?:bash|zsh|fish|psql|mysql|python|node_repl|sh)_history|\.(?:bash|zsh|psql|mysql|python|node_repl|sh)_history
    )$"""
)
_HOME = re.compile(
    r"""(?x)(?:^|/)(?:
      \.ssh/(?!.*\.pub$|known_hosts|config$|authorized_keys)[^/]+ | \.ssh/?$ | \.ssh/\*
    | \.aws/(?:credentials|config|sso/.*|cli/cache/.*|\*) | \.kube/(?:config|cache/.*|\*) | \.docker/config\.json
    | \.(?:aws|kube|gnupg|azure|oci|password-store)/?$
    | \.gnupg/.* | \.config/gcloud/.* | \.config/gh/hosts\.yml | \.config/(?:railway|doctl|hcloud|heroku|netlify
      |vercel
      |fly|supabase|stripe|op|sops|rclone|hub|glab-cli|linode-cli|configstore|helm|git/credentials|1Password|Bitwarden
      |Code/User/globalStorage|google-chrome|chromium|BraveSoftware)(?:/.*|$)
    | \.railway(?:/.*)? | \.fly(?:/.*)? | \.azure(?:/.*)? | \.oci(?:/.*)? | \.vercel/auth\.json | \.netlify/.*
    | \.cargo/credentials(?:\.toml)? | \.gem/credentials | \.npmrc | \.yarnrc\.yml | \.m2/settings(?:-security)?\.xml
    | \.gradle/gradle\.properties | \.composer/auth\.json | \.terraform\.d/credentials\.tfrc\.json
      | \.pulumi/credentials\.json
    | \.password-store(?:/.*)? | \.local/share/keyrings(?:/.*)? | Library/Keychains(?:/.*)? | \.databrickscfg
    | \.claude/\.credentials\.json | \.claude\.json | \.codex/auth\.json | \.gemini/oauth_creds\.json
      | \.config/anthropic/.*
    | \.snowflake/.* | \.snowsql/config | \.dbt/profiles\.yml | \.mozilla/firefox/.* | \.thunderbird/.* | \.ngrok2/.*
    )$"""
)
_SYSTEM = re.compile(
    r"^(?:/proc/(?:self|\d+|\*|[^/]+)/(?:environ|mem)|/etc/(?:shadow|gshadow|sudoers|master\.passwd|"
    r"krb5\.keytab|ssl/private/.*"
    r"|ssh/ssh_host_.*_key|kubernetes/.*\.conf|rancher/.*|letsencrypt/(?:live|archive)/.*privkey.*|"
    r"openvpn/.*\.key|security/opasswd|ipsec\.secrets|wpa_supplicant/.*)|/run/secrets(?:/.*)?"
    r"|/var/run/secrets(?:/.*)?|/var/lib/kubelet/.*|/root/\.ssh/.*|/root/\.aws/.*)$"
)
VARIABLE = re.compile(
    r"(?i)(?:^|_)(?:TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|PWD|API_?KEY|ACCESS_?KEY(?:_ID)?|PRIVATE_?KEY|CREDENTIALS?|"
    r"AUTH|COOKIE|SESSION|SIGNING_?KEY|ENCRYPTION_?KEY|SECRET_KEY\w*|DATABASE_URL|DSN|WEBHOOK_URL|PAT|KEY_BASE)(?:$|_)"
)
_NOT = frozenset({"PWD", "OLDPWD", "SSH_AUTH_SOCK", "XDG_SESSION_TYPE", "XDG_SESSION_ID", "DESKTOP_SESSION"})
# Words a search is for when it hunts credentials.
HUNT = re.compile(
    r"(?i)token|secret|passw|api[_-]?key|access[_-]?key|private[_-]?key|credential|BEGIN [A-Z ]*PRIVATE|AKIA|"
    r"ghp_|sk_live|xox[bp]-"
)


def holds_secret(target: Spot, text: str) -> bool:
    """Whether reading this path shows a credential. `text` is the path as written (it may hold a glob)."""
    path = target.path
    if path.endswith(".pub") or _EXAMPLE.search(path):
        return False
    if _NAMES.search(path):
        return not path.endswith(("/cookies", "/Cookies")) or target.outside
    if target.zone == "project" and not path.startswith("/"):
        return False
    return bool(_HOME.search(path) or _SYSTEM.match(path)) or (text != path and bool(_SYSTEM.match(text)))


def env_file(path: str) -> bool:
    """Whether a path is an environment file with values (not its example)."""
    name = path.rsplit("/", 1)[-1]
    return (name.startswith(".env") or name.endswith(".env")) and not example(name)


def example(path: str) -> bool:
    """Whether a name says it is a template without values."""
    return bool(re.search(r"(?i)(example|sample|template|dist|tmpl)", path.rsplit("/", 1)[-1]))


def secret_variable(name: str) -> bool:
    """Whether an environment variable's name says it holds a credential."""
    return name not in _NOT and not name.startswith("PUBLIC_") and bool(VARIABLE.search(name))
