"""Python code read by `ast`: names are resolved through imports and literal assignments, nothing is run."""

from __future__ import annotations

import ast
import re
from typing import Any

from .call import Call, Text
from .shell import Word
from .wordlist import wordset

_DELETES = {
    "shutil.rmtree": True,
    "os.removedirs": True,
    "os.remove": False,
    "os.unlink": False,
    "os.rmdir": False,
    "os.truncate": False,
    "send2trash.send2trash": True,
    "distutils.dir_util.remove_tree": True,
}
_RUNS = wordset(
    """
    os.system os.popen subprocess.run subprocess.call subprocess.check_call subprocess.check_output subprocess.Popen
    subprocess.getoutput subprocess.getstatusoutput commands.getoutput pty.spawn asyncio.create_subprocess_shell
    asyncio.create_subprocess_exec os.posix_spawn os.execv os.execl os.execvp os.execlp os.execve os.execvpe
    os.execle os.execlpe os.spawnl os.spawnv os.spawnlp os.spawnvp sh.bash plumbum.local pexpect.spawn pexpect.run
    fabric.Connection.run invoke.run
    """
)
_HTTP = re.compile(
    r"^(?:requests|httpx|urllib3|aiohttp)(?:\.(?:Session|Client|AsyncClient|ClientSession)\(\))?\.(get|post|put|"
    r"patch|delete|request|head|options)$"
)
_MOVES = wordset("shutil.move os.rename os.replace os.renames")
_COPIES = wordset("shutil.copy shutil.copy2 shutil.copyfile shutil.copytree os.link os.symlink")
_WRITES = wordset("os.makedirs os.mkdir os.chmod os.chown os.utime")
_HIDES = wordset(
    """
    base64.b64decode binascii.unhexlify codecs.decode zlib.decompress marshal.loads bytes.fromhex base64.b32decode
    base64.b85decode
    """
)
_MOST = 4_000
_LONGEST = 32_768


def read(call: Call, text: str, base: int) -> None:
    """Emit the effects of Python code. Code that does not parse is `exec.unknown`."""
    if len(text) > _LONGEST:
        call.emit("exec.unknown", "python code too long to read")
        return
    try:
        tree = ast.parse(text.strip("\n") if "\n" not in text.strip() else text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        if "${" in text or "$(" in text:
            _suspicious(call, text)
            return
        _suspicious(call, text)
        return
    reader = _Reader(call, text, base)
    try:
        reader.module(tree)
    except RecursionError:
        call.emit("exec.unknown", "python code nested too deep")


def _suspicious(call: Call, text: str) -> None:
    """Code we cannot parse (a shell value inside, another version): judged by the calls it names."""
    risky = re.search(
        r"\b(rmtree|os\.(system|remove|unlink|popen|exec\w*|rmdir)|subprocess|unlink|b64decode|exec\(|eval\(|"
        r"socket|requests|urlopen|shutil)",
        text,
    )
    call.emit("exec.unknown" if risky else "proc.run", "python code that does not parse", traits={"unparsed"})


class _Reader:
    def __init__(self, call: Call, text: str, base: int) -> None:
        self.environ: ast.expr | None = None
        self.call, self.text, self.base = call, text, base
        self.names: dict[str, str] = {}
        self.values: dict[str, Any] = {}
        self.lines = [0]
        for line in text.split("\n"):
            self.lines.append(self.lines[-1] + len(line.encode()) + 1)

    def module(self, tree: ast.Module) -> None:
        for count, node in enumerate(ast.walk(tree)):
            if count > _MOST:
                self.call.emit("exec.unknown", "python code too long to read")
                return
            if isinstance(node, ast.Import):
                for name in node.names:
                    self.names[name.asname or name.name.split(".")[0]] = (
                        name.name if name.asname else name.name.split(".")[0]
                    )
            elif isinstance(node, ast.ImportFrom) and node.module:
                for name in node.names:
                    self.names[name.asname or name.name] = f"{node.module}.{name.name}"
            elif isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                self._assigned(node.targets[0].id, node.value)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                self._call(node)
            elif isinstance(node, ast.Attribute) and self.dotted(node) == "os.environ":
                self.environ = node

    def _assigned(self, name: str, node: ast.expr) -> None:
        value = self.literal(node)
        if value is not None:
            self.values[name] = value
        elif isinstance(node, ast.Call):
            dotted = self.dotted(node.func)
            if dotted in ("__import__", "importlib.import_module") and node.args:
                module = self.literal(node.args[0])
                if isinstance(module, str):
                    self.names[name] = module
            elif dotted in ("pathlib.Path", "Path"):
                path = self.path(node)
                if path:
                    self.values[name] = path
        else:
            dotted = self.dotted(node)
            if dotted and "." in dotted:
                self.names[name] = dotted

    def dotted(self, node: ast.expr) -> str:
        """`shutil.rmtree` for any spelling that reaches it, or an empty string."""
        parts: list[str] = []
        current: ast.expr = node
        while True:
            if isinstance(current, ast.Attribute):
                parts.append(current.attr)
                current = current.value
            elif isinstance(current, ast.Name):
                parts.append(self.names.get(current.id, current.id))
                break
            elif isinstance(current, ast.Call):
                inner = self.dotted(current.func)
                if inner in ("__import__", "importlib.import_module") and current.args:
                    module = self.literal(current.args[0])
                    parts.append(module if isinstance(module, str) else "?")
                    break
                if inner in ("getattr",) and len(current.args) > 1:
                    attribute = self.literal(current.args[1])
                    parts.append(f"{self.dotted(current.args[0])}.{attribute if isinstance(attribute, str) else '?'}")
                    break
                parts.append(inner + "()")
                break
            else:
                return ".".join(["?", *reversed(parts)]) if parts else ""
        return ".".join(reversed(parts))

    def literal(self, node: ast.expr) -> Any:
        """A constant value (text, number, list of them), joined and concatenated text included, or None."""
        if isinstance(node, ast.Constant):
            return node.value.decode("utf-8", "replace") if isinstance(node.value, bytes) else node.value
        if isinstance(node, ast.Name):
            return self.values.get(node.id)
        if isinstance(node, (ast.List, ast.Tuple)):
            items = [self.literal(item) for item in node.elts]
            return [str(item) if item is not None else "${code}" for item in items]
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            left, right = self.literal(node.left), self.literal(node.right)
            return left + right if isinstance(left, str) and isinstance(right, str) else None
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            left, right = self.literal(node.left), self.literal(node.right)
            if isinstance(left, str) and isinstance(right, int) and len(left) * right < 10_000:
                return left * right
        if isinstance(node, ast.JoinedStr):
            return "".join(
                str(part.value) if isinstance(part, ast.Constant) else str(self.literal(part.value) or "${code}")
                for part in node.values
                if isinstance(part, (ast.Constant, ast.FormattedValue))
            )
        if isinstance(node, ast.Call):
            return self._literal_call(node)
        return None

    def _literal_call(self, node: ast.Call) -> Any:
        dotted = self.dotted(node.func)
        first = self.literal(node.args[0]) if node.args else None
        if dotted in ("os.path.expanduser", "str", "os.fspath", "os.path.abspath", "os.path.realpath") and isinstance(
            first, str
        ):
            return first
        if dotted == "os.path.join" and node.args:
            parts = [self.literal(arg) for arg in node.args]
            return "/".join(str(part) if part is not None else "${code}" for part in parts)
        if dotted in ("os.getenv", "os.environ.get") and isinstance(first, str):
            return "${" + first + "}"
        if dotted in ("Path.home", "pathlib.Path.home"):
            return "~"
        if dotted.endswith(".join") and isinstance(node.func, ast.Attribute):
            glue = self.literal(node.func.value)
            return glue.join(first) if isinstance(glue, str) and isinstance(first, list) else None
        if dotted in ("chr",) and isinstance(first, int) and 0 <= first < 0x110000:
            return chr(first)
        return None

    def path(self, node: ast.expr | None) -> str:
        """The path an expression names; `${code}` stands for what is not known."""
        if node is None:
            return "${code}"
        value = self.literal(node)
        if isinstance(value, str):
            return value
        if isinstance(node, ast.Call):
            dotted = self.dotted(node.func)
            if dotted in ("pathlib.Path", "Path", "pathlib.PurePath", "open"):
                return "/".join(self.path(arg) for arg in node.args) or "."
            if dotted.endswith((".home",)):
                return "~"
            if isinstance(node.func, ast.Attribute) and node.func.attr in ("expanduser", "resolve", "absolute"):
                return self.path(node.func.value)
            if isinstance(node.func, ast.Attribute) and node.func.attr in ("glob", "rglob", "iterdir", "joinpath"):
                return f"{self.path(node.func.value)}/{self.path(node.args[0]) if node.args else '*'}"
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            return f"{self.path(node.left)}/{self.path(node.right)}"
        return "${code}"

    def word(self, node: ast.expr, text: str) -> Word:
        """A word at the node's place in the outermost text."""
        if self.base >= 0:
            start = self.base + self.lines[node.lineno - 1] + node.col_offset
            end = self.base + self.lines[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
            return Word(text, start, end)
        return Word(text, *self.call.span)

    def _call(self, node: ast.Call) -> None:
        from . import edits, filesystem

        dotted = self.dotted(node.func)
        method = node.func.attr if isinstance(node.func, ast.Attribute) else dotted
        first = node.args[0] if node.args else next((k.value for k in node.keywords), None)
        if dotted in _DELETES:
            edits.delete(self.call, self.word(node, self.path(first)), recursive=_DELETES[dotted])
        elif dotted in _RUNS:
            self._shell(node, first, dotted)
        elif dotted in ("eval", "exec", "builtins.exec", "compile"):
            self._eval(node, first)
        elif method in ("unlink", "rmdir", "rmtree") and isinstance(node.func, ast.Attribute):
            edits.delete(self.call, self.word(node, self.path(node.func.value)), recursive=method == "rmtree")
        elif method in ("write_text", "write_bytes", "touch", "mkdir") and isinstance(node.func, ast.Attribute):
            edits.write(self.call, self.word(node, self.path(node.func.value)))
        elif method in ("read_text", "read_bytes") and isinstance(node.func, ast.Attribute):
            edits.read(self.call, self.word(node, self.path(node.func.value)))
        elif dotted in ("open", "io.open", "os.open") or (method == "open" and "Path" in dotted):
            self._open(node, first)
        elif dotted in _MOVES and len(node.args) > 1:
            filesystem._mv(self._as("mv", node, [self.path(a) for a in node.args[:2]]))
        elif dotted in _COPIES and len(node.args) > 1:
            filesystem._cp(self._as("cp", node, [self.path(a) for a in node.args[:2]]))
        elif dotted in _WRITES:
            edits.write(self.call, self.word(node, self.path(first)))
        else:
            self._other(node, dotted, method, first)

    def _as(self, name: str, node: ast.expr, words: list[str]) -> Call:
        argv = [self.word(node, name), *(self.word(node, w) for w in words)]
        return Call(self.call.walk, argv, self.call.context, span=self.call.span)

    def _open(self, node: ast.Call, first: ast.expr | None) -> None:
        from . import edits

        if (
            isinstance(node.func, ast.Attribute)
            and node.func.attr == "open"
            and self.dotted(node.func.value) not in ("io", "os")
        ):
            first, mode_node = node.func.value, node.args[0] if node.args else None
        else:
            mode_node = node.args[1] if len(node.args) > 1 else None
        mode_node = next((k.value for k in node.keywords if k.arg == "mode"), mode_node)
        mode = self.literal(mode_node) if mode_node is not None else "r"
        target = self.word(node, self.path(first))
        if isinstance(mode, str) and any(c in mode for c in "wax+"):
            edits.write(self.call, target)
        else:
            edits.read(self.call, target)

    def _shell(self, node: ast.Call, first: ast.expr | None, dotted: str) -> None:
        from .effects import follow

        value = self.literal(first) if first is not None else None
        if dotted.startswith(("os.exec", "os.spawn", "asyncio.create_subprocess_exec")) and len(node.args) > 1:
            words = [self.literal(arg) for arg in node.args]
            flat = [str(w) for w in words if isinstance(w, str)] or ["${code}"]
            nested = [str(w) for group in words if isinstance(group, list) for w in group]
            value = nested if nested else flat
        if isinstance(value, list) and value:
            from .call import Argv

            follow(self.call, [Argv([self.word(node, str(w)) for w in value], dotted)])
        elif isinstance(value, str):
            follow(self.call, [Text(value, dotted, self.word(node, value))])
        else:
            self.call.emit("proc.run", f"{dotted}(…)", self.word(node, dotted), traits={"unknown-command"})

    def _eval(self, node: ast.Call, first: ast.expr | None) -> None:
        value = self.literal(first) if first is not None else None
        if isinstance(value, str):
            _Reader(self.call, value, -1).module(_safe_parse(value))
            return
        if first is not None and any(
            isinstance(inner, ast.Call)
            and (
                self.dotted(inner.func) in _HIDES
                or "urlopen" in self.dotted(inner.func)
                or "requests" in self.dotted(inner.func)
            )
            for inner in ast.walk(first)
        ):
            self.call.emit("exec.remote", "code that is decoded or fetched", self.word(node, "exec"), origin="decoded")
        elif first is not None and any(
            isinstance(n, ast.Call) and self.dotted(n.func) == "open" for n in ast.walk(first)
        ):
            self.call.emit("proc.run", "python file")
        else:
            self.call.emit("exec.unknown", "exec of a value", self.word(node, "exec"))

    def _other(self, node: ast.Call, dotted: str, method: str, first: ast.expr | None) -> None:
        from . import databases, network

        match = _HTTP.match(dotted)
        url = self.literal(first) if first is not None else None
        if match:
            verb = match.group(1).upper()
            if verb == "REQUEST":
                verb = str(url or "GET").upper()
                url = self.literal(node.args[1]) if len(node.args) > 1 else ""
            network.request(self.call, url if isinstance(url, str) else "", verb, ast.unparse(node)[:4000])
        elif dotted in ("urllib.request.urlopen", "urllib.request.Request", "urllib.request.urlretrieve"):
            verb = next((self.literal(k.value) for k in node.keywords if k.arg == "method"), None)
            data = (len(node.args) > 1 and dotted != "urllib.request.urlretrieve") or any(
                k.arg == "data" for k in node.keywords
            )
            network.request(
                self.call, url if isinstance(url, str) else "", str(verb or ("POST" if data else "GET")), ""
            )
        elif dotted in ("smtplib.SMTP", "smtplib.SMTP_SSL"):
            self.call.emit("net.mutate", "mail", self.word(node, "mail"), method="MAIL", traits={"message"})
        elif method in ("execute", "executescript", "executemany", "text", "raw") and isinstance(url, str):
            databases.statement(self.call, url, self.word(node, url), _connection(self.text))
        elif dotted in ("os.kill", "os.killpg"):
            self.call.emit("proc.signal", "a process", self.word(node, dotted), traits={"literal"})
        elif dotted in ("socket.socket", "socket.create_connection"):
            self.call.emit("net.mutate", "a socket", self.word(node, dotted), method="SOCKET", traits={"socket"})
        elif re.match(
            r"^boto3\.(client|resource|Session)\(\)\.(delete|terminate|destroy|put|create|update|remove|purge|"
            r"stop|empty)",
            dotted + "." + method,
        ):
            kind = (
                "infra.destroy" if re.match(r"delete|terminate|destroy|remove|purge|empty", method) else "infra.write"
            )
            self.call.emit(kind, f"aws {method}", self.word(node, method), cloud="aws")
        elif method in wordset(
            """
            delete_bucket terminate_instances delete_db_instance delete_object delete_objects delete_table
            delete_stack drop_database drop_all
            """
        ):
            self.call.emit("infra.destroy" if "drop" not in method else "db.destroy", method, self.word(node, method))
        elif dotted == "print" and first is not None and "os.environ" in ast.unparse(first):
            self._prints_environment(node, first)

    def _prints_environment(self, node: ast.Call, first: ast.expr) -> None:
        from .secrets import secret_variable

        text = ast.unparse(first)
        names = re.findall(r"os\.environ(?:\.get)?[\[(]['\"](\w+)", text)
        if not names or any(secret_variable(name) for name in names):
            self.call.emit(
                "secret.read", names[0] if names else "environment", self.word(node, text), secret="environment"
            )


def _connection(text: str) -> str:
    match = re.search(
        r"(?:postgres(?:ql)?|mysql|mongodb|redis)(?:\+\w+)?://[^\"'\s]+|os\.environ\W+\w+|connect\(([^)]*)\)", text
    )
    return match.group(0) if match else ""


def _safe_parse(text: str) -> ast.Module:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.Module(body=[], type_ignores=[])
