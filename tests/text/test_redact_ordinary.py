"""Ordinary payloads stay as they are; hostile ones end in bounded time."""

import base64
import hashlib
import json
import os
import random
import string
import time
import uuid
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sreconsole.text.redact import redact, redact_value, secrets

WORDS: list[str] = [
    *("build", "deploy", "review", "worker", "queue", "index", "cache", "user", "session", "token", "secret", "key"),
    *("password", "auth", "config", "module", "test", "data", "node", "list", "table", "event", "handler", "parser"),
    *("buffer", "stream", "socket", "file", "path", "name", "value", "type", "result", "error", "status", "report"),
]
Payload = Callable[[random.Random], str]


def words(rng: random.Random, count: int, joint: str = " ") -> str:
    return joint.join(rng.choices(WORDS, k=count))


def digest(rng: random.Random, name: str = "sha256") -> str:
    return hashlib.new(name, rng.randbytes(8)).hexdigest()


def shell(rng: random.Random) -> str:
    name = words(rng, 2, "-")
    return rng.choice(
        [
            f"git checkout -b {name} && git cherry-pick {digest(rng, 'sha1')}",
            f"docker run --rm -p {rng.randrange(1024, 9999)}:80 -v $PWD:/app -e NODE_ENV=production {name}@sha256:{digest(rng)}",
            f"kubectl -n {name} rollout restart deploy/{name} --timeout={rng.randrange(30, 300)}s",
            f"curl -fsSL https://dl.example.com/{name}/v{rng.randrange(9)}.{rng.randrange(99)}.tar.gz | tar xz",
            f"npm install {name}@^{rng.randrange(20)}.{rng.randrange(20)}.0 --save-dev && npx {name} --init",
            f"psql -h db -U app -c 'select * from {words(rng, 2, '_')} where id = {rng.randrange(10**6)}'",
            f"ssh -p 22{rng.randrange(10, 99)} deploy@{name}.example.com 'systemctl restart {name}'",
            f"grep -rn '{words(rng, 1)}' src/ | sed -e 's/{words(rng, 1)}/{words(rng, 1)}/g' | head -{rng.randrange(99)}",
            f"aws s3 cp s3://{name}/{uuid.UUID(bytes=rng.randbytes(16))}.json . --region eu-west-1",
            f"pytest tests/{words(rng, 2, '/')} -k '{words(rng, 2, ' and ')}' -p no:cacheprovider",
        ]
    )


def python(rng: random.Random) -> str:
    a, b, c = rng.choices(WORDS, k=3)
    return "\n".join(
        [
            f"def {a}_{b}({c}: str, {b}: int = {rng.randrange(99)}) -> {a.title()}{b.title()}:",
            f'    """{words(rng, 9).capitalize()}."""',
            f"    {a} = self.{b}_{c}.get({c})",
            f"    {b}_{a} = {a}.{c}[{rng.randrange(9)}]",
            f"    return {a.title()}({a}={a}, {b}={b}_{a}, {c}={c}.{a}())",
        ]
    )


def script(rng: random.Random) -> str:
    a, b, c = rng.choices(WORDS, k=3)
    return (
        f"!function(e,t){{var {a}=e.{b}||{{}};{a}.{c}=function(n){{return n.{a}&&n.{b}!=={c}?t(n.{a}):null}};"
        f'e.{a}="{b}-{c}",t.count={rng.randrange(10**6)};const {{{a}:r,{b}:i}}=e;}}(window,{{{a}:!0,kind:"{c}"}});'
    )


def lock(rng: random.Random) -> str:
    sri = base64.b64encode(rng.randbytes(64)).decode()
    return f'"node_modules/{words(rng, 2, "-")}": {{"version": "{rng.randrange(9)}.0.1", "integrity": "sha512-{sri}"}}'


def image(rng: random.Random) -> str:
    return f'<img src="data:image/png;base64,{base64.b64encode(rng.randbytes(rng.randrange(200, 1500))).decode()}">'


def style(rng: random.Random) -> str:
    return f".{words(rng, 2, '-')}__{words(rng, 1)} {{ color: #{rng.randrange(16**6):06x}; margin: {rng.randrange(99)}px }}"


def record(rng: random.Random) -> str:
    return json.dumps(
        {
            "session_id": str(uuid.UUID(bytes=rng.randbytes(16))),
            "tool_use_id": "toolu_01" + "".join(rng.choices(string.ascii_letters + string.digits, k=22)),
            "tool_name": rng.choice(["Bash", "Edit", "Write"]),
            "tool_input": {"command": shell(rng), "description": words(rng, 6)},
            "usage": {"input_tokens": rng.randrange(10**5), "cache_key": digest(rng, "md5")},
        }
    )


def manifest(rng: random.Random) -> str:
    name = words(rng, 2, "-")
    return (
        f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: {name}\n  uid: {uuid.UUID(bytes=rng.randbytes(16))}\nspec:\n"
        f"  secretName: {name}-tls\n  env:\n  - name: DB_PASSWORD\n    valueFrom:\n      secretKeyRef: {{name: {name}, key: password}}\n"
    )


def log(rng: random.Random) -> str:
    return (
        f'2026-11-20T02:{rng.randrange(60):02}:01Z level=info trace_id={digest(rng, "md5")} msg="{words(rng, 5)}" '
        f'path=/api/{words(rng, 2, "/")} took={rng.randrange(999)}ms etag=W/"{digest(rng, "sha1")}"'
    )


def patch(rng: random.Random) -> str:
    return f"index {digest(rng, 'sha1')[:10]}..{digest(rng, 'sha1')[:10]} 100644\n-  {python(rng)}\n+  {python(rng)}\n"


ORDINARY: list[Payload] = [shell, python, script, lock, image, style, record, manifest, log, patch]


def test_at_most_one_false_alarm_in_a_thousand_ordinary_payloads() -> None:
    rng = random.Random(5)
    payloads = [make(rng) for make in ORDINARY for _ in range(400)]
    alarms = [payload for payload in payloads if redact(payload).kinds]
    assert len(payloads) == 4000
    assert len(alarms) <= 4, alarms


def test_ordinary_values_come_back_equal() -> None:
    rng = random.Random(6)
    for _ in range(300):
        value = json.loads(record(rng))
        assert redact_value(value) == (value, ())


CORPUS = Path(os.environ.get("SRECONSOLE_POLICY_CORPUS", "policy-corpus.jsonl"))


@pytest.mark.skipif(not CORPUS.exists(), reason="SRECONSOLE_POLICY_CORPUS names no file of recorded commands")
def test_the_policy_corpus_raises_no_more_than_its_share() -> None:
    commands = [json.loads(line)["command"] for line in CORPUS.read_text().splitlines()]
    assert sum(bool(redact(command).kinds) for command in commands) <= len(commands) / 1000


MEGABYTE = 1_000_000
HOSTILE = [
    *(
        "eyJ",
        "-eyJ",
        ".eyJaaaaaaaaaa",
        "-----BEGIN PRIVATE" + " KEY-----",
        "-----END ",
        "://",
        "://a:b",
        "password=",
        "password:",
    ),
    *(
        "password ",
        'password="',
        "authorization: bearer ",
        "mysql -p ",
        "curl -u ",
        "cookie: a=b; ",
        "login a password ",
        "a:5432:",
    ),
    *(
        "\\",
        "\"'",
        "key",
        "_",
        "secret_",
        "token\\\n   ",
        "[REDACTED:",
        "[REDACTED:x]",
        "LS0tLS1CRUdJTi",
        "identified by '",
        "-us",
        "sk-",
    ),
    *(
        "MTMT.",
        ".atlasv1.",
        " ",
        "\n",
        "%3D",
        "value:",
        "name: TOKEN\n",
        "aA",
        "1/",
        ":AA",
        "8Q~",
        "dp.pt.",
        "s.",
        "é",
        "İ",
    ),
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_repetition_ends_in_bounded_time(piece: str) -> None:
    text = (piece * (MEGABYTE // 4 // len(piece)))[: MEGABYTE // 4]
    began = time.process_time()
    redact(text)
    redact("password" + text)
    redact('"token": "' + text)
    # A hundred times what is needed: this is here to catch quadratic growth, which would take minutes.
    assert time.process_time() - began < 20


TEXTS = st.text(alphabet=st.sampled_from("aB3 =:\"'\\\n{}[],.-_/@%<>$&|;é\u202e\ud800"), max_size=60)
PIECES = st.sampled_from(
    [
        *(
            "password",
            "token",
            "API_KEY",
            "=",
            ": ",
            '"',
            "'",
            "\\n",
            "\n",
            "--password ",
            "Bearer ",
            "Authorization: ",
            "://",
            "@",
            ":",
        ),
        *(
            "hunter2hunter2",
            "[REDACTED:x]",
            "[REDACTED:",
            "]",
            "mysql -p",
            "curl -u a:",
            "eyJ",
            ".",
            "-----BEGIN PRIVATE" + " KEY-----",
        ),
        *(
            "MIIabcdefghijklmnopqrs1234",
            "-----END PRIVATE" + " KEY-----",
            "gh" + "p_" + "a1B2c3D4" * 5,
            "AK" + "IA" + "A1B2C3D4E5F6G7H8",
            "İ",
            " ",
        ),
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.one_of(PIECES, TEXTS), max_size=14).map("".join))
def test_any_text_is_redacted_once_and_for_all(text: str) -> None:
    done = redact(text)
    assert redact(done.text) == type(done)(done.text, ())
    spans = secrets(text)
    assert all(0 <= start < end <= len(text) for _, start, end in spans)
    assert all(first[2] <= second[1] for first, second in pairwise(spans))


@settings(max_examples=150, deadline=None)
@given(TEXTS, TEXTS, st.integers(0, 2**32))
def test_a_token_never_survives_between_other_text(before: str, after: str, seed: int) -> None:
    token = "gh" + "p_" + "".join(random.Random(seed).choices(string.ascii_letters + string.digits, k=36))
    done = redact(f"{before}{token}{after}")
    assert token[:20] not in done.text
    assert token[-20:] not in done.text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12) | PIECES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6) | PIECES, inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=200, deadline=None)
@given(JSON)
def test_any_value_keeps_its_shape(value: object) -> None:
    done, _ = redact_value(value)
    assert type(done) is type(value)
    assert redact_value(done) == (done, ())
