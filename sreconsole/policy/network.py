"""Programs that talk to other machines: HTTP clients, sockets, mail, chat."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from . import edits, graphql
from .call import Call
from .options import Options
from .secrets import holds_secret
from .shell import Word
from .wordlist import wordset

_CURL_VALUES = wordset(
    """
    A b c C d D e E F H h K m o P Q r T t u U w x X y Y z request data data-raw data-binary data-ascii
    data-urlencode json form form-string header user output url upload-file user-agent referer cookie cookie-jar
    connect-timeout max-time proxy config cacert cert key write-out retry retry-delay resolve range proxy-user
    output-dir interface dump-header oauth2-bearer aws-sigv4 unix-socket variable expand-data limit-rate
    max-filesize netrc-file proto proto-default tls-max ciphers capath connect-to dns-servers doh-url engine
    hostpubmd5 keepalive-time
    """
)
_BODY = (
    "d",
    "data",
    "data-raw",
    "data-binary",
    "data-ascii",
    "data-urlencode",
    "json",
    "F",
    "form",
    "form-string",
    "T",
    "upload-file",
    "expand-data",
)
_ADMIN = re.compile(
    r":(8001|8444|7700|9200|9300|9090|9093|15672|8500|8200|4646|6333|2379|5984|8983|4242|2019|8086|8474|10250|"
    r"6443|2375|2376|7474|8529|8161|3100|8428)(/|$)"
)
_DESTRUCTIVE_PATH = re.compile(
    r"(?i)/[\w-]*(delete|destroy|purge|drop|truncate|wipe|remove|flush|shutdown|reset|terminate|revoke|clear|"
    r"erase|teardown|delete_series|delete-batch|_delete_by_query|clean_tombstones)[\w-]*(/|$|\?)"
)
_SECRET_QUERY = re.compile(r"\$\{(\w*(?:TOKEN|SECRET|KEY|PASSWORD|PASS)\w*)\}|\$\(…\)", re.IGNORECASE)
MESSAGES = re.compile(
    r"(?i)(hooks\.slack\.com|slack\.com/api/chat|discord(app)?\.com/api/webhooks|api\.telegram\.org|"
    r"outlook\.office\.com/webhook|webhook\.office\.com|chat\.googleapis\.com|api\.twilio\.com|api\.mailgun\.net|"
    r"api\.sendgrid\.com|api\.postmarkapp\.com|api\.resend\.com|ntfy\.sh|api\.pushover\.net|api\.twitter\.com|"
    r"api\.x\.com|graph\.facebook\.com)"
)
MONEY = re.compile(
    r"(?i)(api\.stripe\.com|api(-m)?\.(sandbox\.)?paypal\.com|connect\.squareup(sandbox)?\.com|api\.squareup\.com|"
    r"api\.adyen\.com|checkout\.com|api\.braintreegateway\.com|api\.plaid\.com|api\.coinbase\.com|api\.wise\.com|"
    r"api\.razorpay\.com)"
)


def host_of(url: str) -> str:
    """Host (without port) of a URL or of a bare `host/path`; `:3000/x` is localhost."""
    text = url if "://" in url else "http://" + ("localhost" + url if url.startswith((":", "/")) else url)
    try:
        return (urlsplit(text).hostname or "").lower()
    except ValueError:
        return ""


def request(
    call: Call, url: str, method: str, body: str, word: Word | None = None, *, traits: set[str] | None = None
) -> None:
    """One HTTP request as an effect: read or mutate, with its GraphQL mutations and what it means at known hosts."""
    host = host_of(url)
    method = method.upper() or "GET"
    traits = set(traits or ())
    mutations: list[str] = []
    if graphql.is_graphql(body) or "graphql" in url.lower():
        mutations = graphql.mutations(body)
        traits.add("graphql")
    local = not host or bool(re.match(r"(?i)^(localhost|127\.|0\.0\.0\.0|\[?::1|host\.docker\.internal)", host))
    admin = bool(_ADMIN.search(url.rsplit("://", maxsplit=1)[-1]))
    path = url.rsplit("://", maxsplit=1)[-1].partition("/")
    if _DESTRUCTIVE_PATH.search("/" + path[2]) and method != "GET":
        traits.add("destroys")
    if method == "DELETE":
        traits.add("destroys")
    if any(re.search(r"(?i)delete|destroy|remove|reset|wipe|purge|drop|terminate|revoke", name) for name in mutations):
        traits.add("destroys")
    if MESSAGES.search(url):
        traits.add("message")
    if MONEY.search(url):
        traits.add("money")
    kind = "net.mutate" if method not in ("GET", "HEAD", "OPTIONS", "TRACE") or mutations else "net.read"
    call.emit(
        kind,
        url or host or "a host not known before it runs",
        word,
        host=host,
        method=method,
        mutations=mutations,
        subject=graphql.subject(body) if mutations else "",
        traits=traits,
        shared=admin and "destroys" in traits,
        local=local and bool(host),
        url=url,
    )


class _Curl:
    """What one curl command line asks for."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.method = self.body = ""
        self.gets = False
        self.urls: list[Word] = []
        self.uploads: list[Word] = []
        self.outputs: list[Word] = []
        index = 0
        while index < len(call.args):
            word = call.args[index]
            index += 1
            if not word.startswith("-") or word == "-":
                self.urls.append(word)
                continue
            following = call.args[index] if index < len(call.args) else Word("")
            name, value, used = _curl_flag(word, following)
            index += used
            self._flag(name, value)
        self._finish()

    def _flag(self, name: str, value: Word) -> None:
        if name in ("X", "request"):
            self.method = str(value)
        elif name in _BODY:
            self._data(name, value)
        elif name in ("o", "output"):
            self.outputs.append(value)
        elif name in ("O", "remote-name", "remote-name-all", "J", "OJ"):
            self.outputs.append(Word("."))
        elif name == "url":
            self.urls.append(value)
        elif name in ("G", "get"):
            self.gets = True
        elif name in ("I", "head"):
            self.method = self.method or "HEAD"
        elif name in ("K", "config"):
            edits.read(self.call, value)
            self.call.emit("net.mutate", "what a settings file says", value, method="UNKNOWN")
        elif name in ("Q", "quote") and _FTP_CHANGES.match(value):
            self.method = "DELETE" if re.match(r"(?i)\W*(DELE|RM)", value) else self.method or "PUT"

    def _data(self, name: str, value: Word) -> None:
        uploaded = name in ("T", "upload-file")
        self.body += "&" + value if self.body else value
        self.method = self.method or ("PUT" if uploaded else "POST")
        match = re.match(r"^(?:[\w.-]+=)?[@<](.+?)(;.*)?$", value)
        if uploaded and value not in ("-", "."):
            self.uploads.append(value)
        elif match and match.group(1) != "-" and name not in ("data-raw", "form-string"):
            self.uploads.append(value.like(match.group(1)))

    def _finish(self) -> None:
        if self.gets and self.method == "POST":
            self.method = "GET"
        self.method = self.method or "GET"
        stdin = self.call.stdin
        if "@-" in self.body and stdin is not None and stdin.text is not None:
            self.body += stdin.text
        place = self.call.walk
        for path in self.uploads:
            target = self.call.spot(path).path
            self.body += place.state.written.get(target) or place.place.files.read(target) or ""


_FTP_CHANGES = re.compile(r"(?i)\W*(DELE|RMD|MKD|RNFR|RNTO|SITE|STOR|APPE|CHMOD|RM|RENAME|MKDIR|RMDIR|LN|SYMLINK)\b")


def _curl(call: Call) -> None:
    if "-h" in call.args[:1] or "--version" in call.args or "--manual" in call.args:
        return
    asked = _Curl(call)
    for path in asked.uploads:
        edits.read(call, path)
    marks = call.stdin.marks if call.stdin is not None else set()
    carries = (
        any(holds_secret(call.spot(path), path) for path in asked.uploads)
        or bool(re.search(r"\$\{?(SECRET|PRIVATE_KEY)\b", asked.body))
        or ("@-" in asked.body and bool(marks & {"secret", "environment"}))
        or _from_secret(call, call.args)
    )
    traits = {"carries-secret"} if carries else set()
    for path in asked.outputs:
        edits.write(call, path)
    for url in asked.urls or [Word("")]:
        if url.startswith("file:"):
            edits.read(call, url)
            continue
        posts = re.match(r"(?i)(ftp|sftp|scp|smtp|smtps|telnet|ldap|dict|gopher|tftp)s?://", url)
        method = "UPLOAD" if posts and (asked.uploads or url.lower().startswith("smtp")) else asked.method
        request(call, url, method, asked.body, url, traits=traits)


def _from_secret(call: Call, args: list[Word]) -> bool:
    """Whether a word holds the output of a command that read a credential (`-d "$(cat .env)"`)."""
    if any(word.flow is not None and "secret" in word.flow.marks for word in args):
        return True
    return any(
        variable in call.walk.state.variables
        and call.walk.state.variables[variable] == ["$(…)"]
        and "secret" in str(call.walk.effects[-1:])
        for word in args
        for variable in re.findall(r"\$\{?(\w+)", word)
    )


def _curl_flag(word: Word, following: Word) -> tuple[str, Word, int]:
    if word.startswith("--"):
        name, equals, value = word[2:].partition("=")
        if equals:
            return name, word.like(value), 0
        return name, following, int(name in _CURL_VALUES)
    for at in range(1, len(word)):
        letter = word[at]
        if letter in _CURL_VALUES:
            if at + 1 < len(word):
                return letter, word.like(word[at + 1 :].removeprefix("=")), 0
            return letter, following, 1
    return ("I" if "I" in word else "G" if "G" in word else "O" if "O" in word else word[1:]), Word(""), 0


def _wget(call: Call) -> None:
    options = Options(
        call.args,
        wordset(
            """
            O o a P U t T e Q i B D X A R output-document post-data post-file body-data body-file method header user
            password directory-prefix output-file execute
            """
        ),
    )
    method = str(options.value("method")) or (
        "POST" if options.has("post-data", "post-file", "body-data", "body-file") else "GET"
    )
    body = str(options.value("post-data", "body-data"))
    upload = options.value("post-file", "body-file")
    traits = set()
    if upload:
        edits.read(call, upload)
        if holds_secret(call.spot(upload), upload):
            traits.add("carries-secret")
    if _from_secret(call, list(call.args)):
        traits.add("carries-secret")
    if options.value("e", "execute"):
        call.emit("exec.config", "wget --execute", options.value("e", "execute"))
    if options.has("use-askpass"):
        call.emit("exec.config", "wget --use-askpass")
    for url in options.rest:
        request(call, url, method, body, url, traits=traits)
    output = options.value("O", "output-document")
    if output != "-" and not options.has("spider"):
        edits.write(call, output or options.value("P", "directory-prefix") or Word("."))


def _httpie(call: Call) -> None:
    words = [w for w in call.args if not w.startswith("-")]
    method = "GET"
    if words and re.fullmatch(r"[A-Z]+", words[0]):
        method, words = str(words[0]), words[1:]
    elif len(words) > 1 and any(re.search(r"(?<![:=])(:=|=|@)(?!=)", w) for w in words[1:]):
        method = "POST"
    if words:
        body = " ".join(re.sub(r"^[^=]*=", "", w) for w in words[1:] if "=" in w)
        request(call, words[0], method, body, words[0])


def _socket(call: Call) -> None:
    args = call.args
    text = " ".join(args)
    listens = bool(re.search(r"(^|\s)-\w*l|LISTEN", text))
    runs = re.search(r"(?i)(?:EXEC|SYSTEM):([^,\s]+)", text) or (
        re.search(r"(?:^|\s)-\w*[ec]\s*(\S+)", text) if call.name != "socat" else None
    )
    opened = re.search(r"OPEN:([^,\s]+)", text)
    if opened:
        edits.read(call, opened.group(1))
    if runs:
        call.emit("exec.remote", f"{call.name} gives {runs.group(1)} to the network", origin="socket")
        return
    if call.name in ("nc", "ncat", "netcat") and re.search(r"(^|\s)-\w*z", text):
        call.emit("net.read", text)
        return
    unix = re.search(r"(/[\w./-]+\.sock(et)?)|UNIX(?:-CONNECT)?:([^,\s]+)", text)
    if unix:
        call.emit("proc.service", unix.group(0), traits={"socket"})
        return
    secret = opened is not None or bool(call.stdin is not None and call.stdin.marks & {"secret", "environment"})
    host = next((w for w in args if not w.startswith("-") and not w.isdigit()), Word(""))
    traits = {"carries-secret"} if secret else set()
    if listens:
        call.emit("net.listen", text)
        return
    call.emit(
        "net.mutate", str(host), host, host=host_of(re.sub(r"(?i)^\w+:", "", host)), method="SOCKET", traits=traits
    )


def _mail(call: Call) -> None:
    call.emit("net.mutate", f"mail by {call.name}", method="MAIL", traits={"message"})


def _transfer(call: Call) -> None:
    host = next((w for w in call.args if not w.startswith("-")), Word(""))
    call.emit(
        "net.mutate", str(host), host if host else None, host=host_of(str(host).rpartition("@")[2]), method="TRANSFER"
    )


def _fetcher(call: Call) -> None:
    for word in call.args:
        if re.match(r"https?://|ftp://", word):
            request(call, word, "GET", "", word)


def _serve(call: Call) -> None:
    call.emit("net.listen", call.name)


def _tunnel(call: Call) -> None:
    verb = next((w for w in call.args if not w.startswith("-")), "")
    if verb in ("version", "help", "config", "update", "status", "list"):
        call.emit("infra.read", f"{call.name} {verb}")
        return
    call.emit("net.mutate", f"{call.name} opens this machine to the internet", method="TUNNEL", traits={"tunnel"})


def _grpc(call: Call) -> None:
    words = [w for w in call.args if not w.startswith("-")]
    if words and words[-1] in ("list", "describe"):
        call.emit("net.read", " ".join(words), host=host_of(words[0]))
        return
    call.emit("net.mutate", " ".join(words[-2:]), host=host_of(words[0]) if words else "", method="RPC")


TABLE: dict[str, Callable[[Call], None]] = {
    "curl": _curl,
    "curlie": _curl,
    "wget": _wget,
    "wget2": _wget,
    "aria2c": _fetcher,
    "http": _httpie,
    "https": _httpie,
    "xh": _httpie,
    "xhs": _httpie,
    "httpie": _httpie,
    "nc": _socket,
    "ncat": _socket,
    "netcat": _socket,
    "socat": _socket,
    "telnet": _socket,
    "websocat": _socket,
    "wscat": _socket,
    "mail": _mail,
    "mailx": _mail,
    "sendmail": _mail,
    "mutt": _mail,
    "msmtp": _mail,
    "swaks": _mail,
    "ssmtp": _mail,
    "ftp": _transfer,
    "sftp": _transfer,
    "lftp": _transfer,
    "tftp": _transfer,
    "ssh-copy-id": _transfer,
    "croc": _transfer,
    "wormhole": _transfer,
    "lynx": _fetcher,
    "links": _fetcher,
    "w3m": _fetcher,
    "yt-dlp": _fetcher,
    "ngrok": _tunnel,
    "cloudflared": _tunnel,
    "localtunnel": _tunnel,
    "lt": _tunnel,
    "bore": _tunnel,
    "grpcurl": _grpc,
    "serve": _serve,
    "http-server": _serve,
}
