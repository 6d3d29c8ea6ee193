"""What an agent's hook runs: hand the client's bytes to `serve`, print the answer. Standard library only.

    python3 -I -S hook.py SOCKET SERVE_UID CLIENT EVENT DEADLINE_SECONDS

Protocol 1, over a unix socket. Sent: one line `sre/1 CLIENT EVENT LENGTH ATTENDED`, then the raw bytes of standard
input. Received: one line `sre/1 SHA256 EXIT OUT ERR`, then OUT bytes for standard output and ERR bytes for standard
error. SHA256 is of the bytes `serve` received; an answer to anything else is no answer.

Every path that is not an explicit answer refuses (exit 2, the one code all clients block on). Imports are few and
low on purpose: `json`, `socket` or `hashlib` would each double the time this takes.
"""

import _socket
import sys
import time
from posix import _exit, environ, read, write

try:
    from _sha256 import sha256  # type: ignore[import-not-found,unused-ignore]
except ImportError:  # Python 3.12 renamed it
    from _sha2 import sha256  # type: ignore[import-not-found,unused-ignore]

PROTOCOL = b"sre/1"
GATES = ("PreToolUse", "PermissionRequest", "ConfigChange", "Elicitation")
"""Events whose silence would let something happen: without `serve` they are refused. All others are news."""

PRESENT_AGAIN = 60.0
"""Seconds to look for a `serve` that was there and went away (a restart, an upgrade)."""

FIND = 3.0
"""Seconds to look for a `serve` that was never there."""

LIMIT = 64 * 1024 * 1024
PEERCRED = 17


class Unanswered(Exception):
    """There is no answer from `serve`; the message says why."""


def stdin() -> bytes:
    """All of standard input. Raises Unanswered beyond LIMIT."""
    parts, size = [], 0
    while part := read(0, 1 << 16):
        parts.append(part)
        size += len(part)
        if size > LIMIT:
            raise Unanswered("the tool call is larger than 64 MiB")
    return b"".join(parts)


def say(descriptor: int, data: bytes) -> None:
    """Write all of it."""
    while data:
        data = data[write(descriptor, data) :]


def connect(path: str, uid: int) -> _socket.socket:
    """A connection to the `serve` of that user, whom the kernel vouches for. Raises OSError or Unanswered."""
    line = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    line.settimeout(5.0)
    line.connect(path)
    peer = line.getsockopt(_socket.SOL_SOCKET, PEERCRED, 12)
    found = int.from_bytes(peer[4:8], sys.byteorder)
    if found != uid:
        raise Unanswered(f"the gate's socket belongs to user {found}, not to {uid}")
    return line


def exchange(line: _socket.socket, header: bytes, payload: bytes, until: float) -> tuple[int, bytes, bytes]:
    """Send one call, wait for its answer: (exit code, stdout, stderr). Raises OSError (lost) or Unanswered."""
    line.settimeout(30.0)
    line.sendall(header + payload)
    data = b""
    while b"\n" not in data:
        data += receive(line, until)
        if len(data) > 4096 and b"\n" not in data:
            raise Unanswered("the gate's answer could not be read")
    head, _, rest = data.partition(b"\n")
    words = head.split(b" ")
    if len(words) != 5 or words[0] != PROTOCOL:
        raise Unanswered("the gate speaks another protocol; run: sreconsole hooks install")
    if words[1].decode() != sha256(payload).hexdigest():
        raise Unanswered("the gate answered something else than was asked")
    code, out, err = int(words[2]), int(words[3]), int(words[4])
    while len(rest) < out + err:
        rest += receive(line, until)
    return code, rest[:out], rest[out : out + err]


def receive(line: _socket.socket, until: float) -> bytes:
    """The next bytes, or OSError when the other side is gone, or Unanswered when time is up."""
    left = until - time.monotonic()
    if left <= 0:
        raise Unanswered("nobody answered before the deadline")
    line.settimeout(left)
    try:
        data = line.recv(1 << 16)
    except TimeoutError:
        raise Unanswered("nobody answered before the deadline") from None
    if not data:
        raise OSError("lost")
    return data


def ask(path: str, uid: int, header: bytes, payload: bytes, until: float, patience: float) -> tuple[int, bytes, bytes]:
    """The gate's answer. Presents itself again for `patience` seconds while `serve` is away."""
    give_up = time.monotonic() + min(FIND, patience)
    while True:
        line = None
        try:
            line = connect(path, uid)
            give_up = time.monotonic() + patience
            return exchange(line, header, payload, until)
        except OSError as error:
            now = time.monotonic()
            if now > give_up or now > until:
                raise Unanswered(f"sreconsole serve cannot be reached ({error.strerror or error})") from None
            time.sleep(0.05)
        finally:
            if line is not None:
                line.close()


def harmless(payload: bytes) -> bool:
    """Whether this is a read that may pass while there is no gate: a plain file of the project, nothing secret."""
    import json
    import os.path

    try:
        call = json.loads(payload)
        tool, cwd = call["tool_name"], os.path.realpath(call["cwd"])
        if tool not in ("Read", "LS", "Glob"):
            return False
        wanted = call["tool_input"].get("file_path" if tool == "Read" else "path", cwd)
        if tool == "Glob" and (
            call["tool_input"]["pattern"].startswith(("/", "~")) or ".." in call["tool_input"]["pattern"]
        ):
            return False
        path = os.path.realpath(os.path.join(cwd, wanted))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return False
    # The folder counts too: an agent may have gone into one that is hidden, or no project at all.
    if not (path == cwd or path.startswith(cwd + "/")) or cwd.count("/") < 2 or "/." in path:
        return False
    if path.startswith(("/proc/", "/sys/", "/dev/", "/etc/", "/run/", "/var/run/")):
        return False
    return not any(
        word in path.lower() for word in ("secret", "credential", "passw", "token", "key", ".pem", ".p12", "auth")
    )


def answer(arguments: list[str]) -> int:
    """Run one hook; the exit code."""
    path, uid, client, event, seconds = arguments
    gate = event in GATES
    try:
        payload = stdin()
        if gate and event == "PreToolUse" and not payload.strip():
            raise Unanswered("the client sent nothing")
        attended = environ.get(b"CLAUDE_CODE_SESSION_ATTENDED", b"?")[:1]
        header = b" ".join((PROTOCOL, client.encode(), event.encode(), str(len(payload)).encode(), attended or b"?"))
        until = time.monotonic() + float(seconds)
        code, out, err = ask(path, int(uid), header + b"\n", payload, until, PRESENT_AGAIN if gate else 2.0)
    except Unanswered as problem:
        if not gate or (event == "PreToolUse" and harmless(payload)):
            return 0
        say(2, f"Refused: {problem}. Nothing ran. A human has to look at the gate (sreconsole doctor).\n".encode())
        return 2
    say(1, out)
    say(2, err)
    return code


def main() -> None:
    """Answer, and leave by no other door."""
    code = 2
    try:
        code = answer(sys.argv[1:])
    except BaseException as error:  # noqa: BLE001 - a traceback would exit 1, which clients read as "go on"
        say(2, f"Refused: the gate's hook failed ({type(error).__name__}: {error}).\n".encode())
    finally:
        # Also where nobody can be told why: a closed or full standard error must not turn a refusal into a crash.
        _exit(code)


if __name__ == "__main__":
    main()
