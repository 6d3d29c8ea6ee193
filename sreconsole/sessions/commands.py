"""What a shell command is for, as far as facts and detectors need it: a check, a commit, a look again.

No verdict rests on this (that is `policy`): it counts. Quoted text has no meaning here.
"""

import posixpath
import re

_QUOTED = re.compile(r"'[^']*'|\"(?:\\.|[^\"\\])*\"|<<-?\s*['\"]?(\w+)['\"]?.*?^\1", re.DOTALL | re.MULTILINE)
_START = (
    r"(?:^|[;&|(\n]|\bthen\b|\bdo\b)\s*(?:\w+=\S*\s+)*"
    r"(?:(?:sudo|env|time|timeout\s+\S+|uv run|poetry run|npx|bunx)\s+)*"
)
_TEST = re.compile(
    _START
    + r"(?:(?:\S*/)?(?:pytest|py\.test|tox|nox|jest|vitest|mocha|rspec|phpunit|ctest|ava|playwright test|cypress run)\b"
    r"|(?:\S*/)?python[\d.]*\s+-m\s+(?:pytest|unittest|nose2|tox)\b|python[\d.]*\s+\S*manage\.py\s+test\b"
    r"|(?:npm|pnpm|yarn|bun|deno)\s+(?:run\s+)?(?:t|test|tests|e2e|check)\b(?::\S+)?"
    r"|(?:go|cargo|dotnet|swift|zig|mix|flutter|dart|sbt|lein)\s+(?:\S+\s+)*?test\b"
    r"|cargo\s+nextest\b|make\s+(?:\S+\s+)*?(?:test|tests|check)\b|(?:\S*/)?(?:mvnw?|gradlew?)\s+(?:\S+\s+)*?(?:\S*:)?(?:test|verify|check)\b"
    r"|bundle exec\s+(?:rspec|rake test)\b|bazel\s+test\b|just\s+test\b)"
)
_OTHER_CHECK = re.compile(
    _START
    + r"(?:(?:\S*/)?(?:ruff check|mypy|pyright|eslint|tsc|shellcheck|golangci-lint|pre-commit run|flake8|pylint|clippy)\b"
    r"|(?:npm|pnpm|yarn|bun)\s+(?:run\s+)?(?:build|lint|typecheck)\b|(?:go|cargo)\s+(?:build|vet|check|clippy)\b|make\b)"
)
_COMMIT = re.compile(_START + r"git\s+(?:-\S+\s+\S+\s+)*commit\b(?!.*--dry-run)")
_PUSH = re.compile(_START + r"git\s+(?:-\S+\s+\S+\s+)*push\b")
_PULL_REQUEST = re.compile(_START + r"gh\s+pr\s+create\b")
_COMMITTED = re.compile(r"^\[(?P<branch>[^\]\n]+?)(?: \(root-commit\))? (?P<sha>[0-9a-f]{7,40})\]", re.MULTILINE)
_POLL = re.compile(
    _START
    + r"(?:sleep|wait|watch|tail|ps|pgrep|jobs|curl\s+-s\S*\s+\S*health|gh\s+(?:run|pr)\s+(?:view|watch|checks|status|list)"
    r"|kubectl\s+(?:get|wait|rollout status)|docker\s+(?:ps|logs|inspect)|git\s+status|squeue|systemctl\s+(?:status|is-active))\b"
)
_POLL_TOOLS = frozenset(
    {
        "BashOutput",
        "TaskOutput",
        "TaskGet",
        "TaskList",
        "Monitor",
        "write_stdin",
        "wait",
        "wait_agent",
        "multi_agent_v1wait_agent",
    }
    | {"update_plan", "TodoRead", "AgentOutputTool", "get_goal"}
)
_WORD = r"'[^']*'|\"[^\"]*\"|[^\s;&|]+"
_FOLDER = re.compile(rf"(?:^|&&|;)\s*cd\s+(?P<cd>{_WORD})|git\s+-C\s+(?P<c>{_WORD})")


def bare(command: str) -> str:
    """The command with every quoted text and here-document emptied."""
    return _QUOTED.sub("''", command)


def is_test(command: str) -> bool:
    """Whether it runs tests."""
    return bool(_TEST.search(bare(command)))


def is_check(command: str) -> bool:
    """Whether it verifies something: tests, a build, a linter, types. Its exit code is evidence."""
    text = bare(command)
    return bool(_TEST.search(text) or _OTHER_CHECK.search(text))


def is_commit(command: str) -> bool:
    return bool(_COMMIT.search(bare(command)))


def is_handover(command: str) -> bool:
    """Whether it gives work away: a push or a pull request."""
    text = bare(command)
    return bool(_PUSH.search(text) or _PULL_REQUEST.search(text))


def is_poll(tool: str, command: str) -> bool:
    """Whether repeating it with the same result is waiting, not going in circles."""
    return tool in _POLL_TOOLS or bool(_POLL.search(bare(command)))


def committed(output: str) -> list[tuple[str, str]]:
    """(branch, abbreviated SHA) of each commit git reports in a command's output."""
    return [(found["branch"], found["sha"]) for found in _COMMITTED.finditer(output)]


def folder(command: str, cwd: str) -> str:
    """The folder a git command works in: `git -C`, the last `cd` before it, else the session's."""
    where = cwd
    for found in _FOLDER.finditer(command):
        named = (found["cd"] or found["c"]).strip("'\"")
        if not named.startswith(("~", "$", "-")):
            where = posixpath.normpath(posixpath.join(where or "/", named))
    return where
