"""What one call to a model used, in the five kinds that are priced differently; and how each client writes it."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple


class Tokens(NamedTuple):
    """Tokens of one call or of many. `input` is what was read neither from nor into a cache."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0

    @property
    def context(self) -> int:
        """Everything the model was sent: what the long-context price steps are measured against."""
        return self.input + self.cache_read + self.cache_write_5m + self.cache_write_1h

    @property
    def all(self) -> int:
        return self.context + self.output

    def plus(self, other: "Tokens") -> "Tokens":
        return Tokens(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


NO_TOKENS = Tokens()
MOST = 10**15
"""More tokens than anything uses: a larger number in a log is not believed beyond it."""


def count(value: Any) -> int:
    """A token count out of a log: whole, never negative; anything that is no number is 0."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0
    return min(max(0, int(value)), MOST) if math.isfinite(value) else 0


def of_anthropic(usage: Mapping[str, Any]) -> Tokens:
    """`message.usage` of the Messages API. `iterations` repeats the same numbers and is not read.

    The split of cache writes by lifetime came later than their sum: what the split does not name lived 5 minutes.
    """
    split = usage.get("cache_creation")
    split = split if isinstance(split, Mapping) else {}
    return anthropic(
        count(usage.get("input_tokens")),
        count(usage.get("output_tokens")),
        count(usage.get("cache_read_input_tokens")),
        count(usage.get("cache_creation_input_tokens")),
        count(split.get("ephemeral_5m_input_tokens")),
        count(split.get("ephemeral_1h_input_tokens")),
    )


def anthropic(read_in: int, output: int, cache_read: int, written: int, five: int, hour: int) -> Tokens:
    """Cache writes are `written` in all, of which `hour` live an hour; `five` counts only where the sum is missing."""
    return Tokens._make((read_in, output, cache_read, max(written, five + hour) - hour, hour))


def openai(sent: int, cached: int, written: int, output: int) -> Tokens:
    """A usage object of Codex: cached and cache-written tokens are inside `sent`, reasoning inside
    `output`: adding either again is an error of 11 % and more."""
    cached = min(cached, sent)
    written = min(written, sent - cached)
    return Tokens._make((sent - cached - written, output, cached, written, 0))


def of_gemini(tokens: Mapping[str, Any]) -> Tokens:
    """`tokens` of a Gemini CLI message. Thoughts are billed as output and stand beside it; what tools put into the
    prompt stands beside input; cached is inside input. Where `total` says otherwise, `total` is believed."""
    sent, output = count(tokens.get("input")), count(tokens.get("output"))
    cached, thoughts = count(tokens.get("cached")), count(tokens.get("thoughts"))
    tool, total = count(tokens.get("tool")), count(tokens.get("total"))
    beside = sent + output + thoughts + tool
    if total and total == beside + cached:
        return Tokens(sent + tool, output + thoughts, cached)
    if total and total != beside:
        if total == sent + output + tool:
            thoughts = 0
        elif total == sent + output + thoughts:
            tool = 0
        elif total == sent + output:
            thoughts = tool = 0
    cached = min(cached, sent)
    return Tokens(sent - cached + tool, output + thoughts, cached)
