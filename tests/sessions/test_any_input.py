"""Whatever a log holds: nothing raises, and the order of lines and files makes no difference to what was used."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from logs import assistant, progress, put, usage

from sreconsole.sessions.cost import burn, cost
from sreconsole.sessions.detectors import detect
from sreconsole.sessions.follow import parse, reader
from sreconsole.sessions.prices import PriceList
from sreconsole.sessions.session import Session, fold
from sreconsole.sessions.standing import standing, thread_standing
from sreconsole.sessions.usage import measure

CAPTURED = Path(__file__).parent / "captured"
CLIENTS = {"claude-main.jsonl": "claude-code", "rollout-codex.jsonl": "codex", "gemini.jsonl": "gemini"}
SLOW = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))

odd: Any = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 2**70), st.floats(), st.text(max_size=8), st.just([]), st.just({}), st.just([{}]), st.just([None, "x", 3])
)  # fmt: skip


def twisted(value: Any, rng: random.Random, strange: list[Any]) -> Any:
    """The same document with some of its parts replaced by strange ones."""
    if rng.random() < 0.04 and strange:
        return rng.choice(strange)
    if isinstance(value, dict):
        return {key: twisted(one, rng, strange) for key, one in value.items() if rng.random() > 0.03}
    if isinstance(value, list):
        return [twisted(one, rng, strange) for one in value]
    return value


@pytest.mark.parametrize("name", CLIENTS)
@SLOW
@given(seed=st.integers(0, 2**32), strange=st.lists(odd, min_size=1, max_size=6))
def test_lines_with_strange_parts_never_raise(name: str, seed: int, strange: list[Any]) -> None:
    rng, read, state = random.Random(seed), reader(CLIENTS[name]), Session()
    for line in (CAPTURED / name).read_bytes().splitlines():
        raw = json.dumps(twisted(json.loads(line), rng, strange)).encode()
        for record in parse(raw, read):
            state = fold(state, record, 5)
    prices = PriceList()
    assert standing(state, state.heard + 1).word
    assert cost(state, prices).usd >= 0 and burn(state, prices, state.heard) >= 0
    assert isinstance(detect(state, state.heard, prices=prices), list)
    assert all(thread_standing(state, thread, state.heard).word for thread in state.threads.values())


@SLOW
@given(seed=st.integers(0, 2**32), strange=st.lists(odd, min_size=1, max_size=6))
def test_usage_of_strange_and_torn_files_never_raises(
    tmp_path_factory: pytest.TempPathFactory, seed: int, strange: list[Any]
) -> None:
    rng, folder = random.Random(seed), tmp_path_factory.mktemp("odd")
    for name in CLIENTS:
        lines = [
            json.dumps(twisted(json.loads(line), rng, strange)) for line in (CAPTURED / name).read_text().splitlines()
        ]
        raw = bytearray("\n".join(lines).encode())
        for _ in range(rng.randrange(6)):
            raw[rng.randrange(len(raw))] = rng.randrange(256)
        (folder / name).write_bytes(raw[: rng.randrange(len(raw) // 2, len(raw) + 1)])
    document = measure([folder], PriceList()).as_json()
    assert json.loads(json.dumps(document)) == document
    assert all(value >= 0 for entry in document["models"].values() for value in entry.values() if value is not None)


@SLOW
@given(st.binary(max_size=300))
def test_any_bytes_are_a_line(raw: bytes) -> None:
    for client in CLIENTS.values():
        state = Session()
        for record in parse(raw, reader(client)):
            state = fold(state, record, 1)
        assert state.told in (0, 1)


made = st.lists(
    st.tuples(
        st.integers(0, 900),
        st.lists(st.integers(0, 900), min_size=1, max_size=4),
        st.booleans(),
        st.booleans(),
        st.integers(0, 3),
    ),
    min_size=1,
    max_size=12,
)


@SLOW
@given(made, st.integers(0, 2**32))
def test_the_order_of_lines_and_files_makes_no_difference(
    tmp_path_factory: pytest.TempPathFactory, calls: list[Any], seed: int
) -> None:
    rng, root = random.Random(seed), tmp_path_factory.mktemp("order")
    files: list[list[Any]] = [[] for _ in range(4)]
    expected = 0
    for number, (sent, outputs, embedded, nameless, home) in enumerate(calls):
        expected += max(outputs)
        for at, output in enumerate(outputs):
            request = None if nameless and at % 2 else f"r{number}"
            files[home].append(assistant(f"m{number}", usage(sent, output), request))
            if embedded:
                files[(home + 1) % 4].append(progress(f"m{number}", usage(sent, output + 5000), f"r{number}"))
    for at, lines in enumerate(files):
        rng.shuffle(lines)
        put(root / f"{at}.jsonl", *lines)
    use = measure([root], PriceList()).models["claude-opus-4-6"]
    assert (use.tokens.input, use.tokens.output, use.calls) == (sum(one[0] for one in calls), expected, len(calls))
