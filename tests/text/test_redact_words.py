"""Short words are not searched for secrets: there is never any evidence in one."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from sreconsole.text import redact

PIECES = st.sampled_from(
    [
        "pass",
        "pw",
        "secret",
        "token",
        "key",
        "auth",
        "cred",
        "login",
        "cookie",
        "bearer",
        "password",
        "ghp_",
        "sk-",
        "AKIA",
        "xoxb-",
        "-p",
        ".netrc",
        "env",
        "5432",
        "_",
    ]
)
WORDS = st.one_of(
    st.from_regex(redact._WORD, fullmatch=True),
    st.lists(PIECES, max_size=5).map("".join).filter(lambda text: redact._WORD.fullmatch(text)),
)


@settings(max_examples=1000)
@given(WORDS)
def test_a_short_word_holds_no_evidence(word: str) -> None:
    assert list(redact._evidence(word)) == []
    assert redact.secrets(word) == []


def test_what_needs_more_than_a_word_is_searched() -> None:
    for text in ("pw=hunter2-x9", "-p Zx81-qq", "a:b@c://d:e2x@f"):
        assert not redact._WORD.fullmatch(text)
    assert redact.redact("PASSWORD=hX9-2k").kinds == ("password",)
