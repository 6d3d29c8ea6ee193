"""Injected patterns are found at the call they should be; what ordinary sessions do is left alone."""

import random
from collections import Counter
from decimal import Decimal

import pytest
from story import MINUTE, SECOND, Story

from sreconsole.sessions.cost import Budget
from sreconsole.sessions.detectors import Limits, Seen, Signal, claims_done, detect
from sreconsole.sessions.prices import PriceList
from sreconsole.sessions.standing import Standing
from sreconsole.sessions.tokens import Tokens

PRICES = PriceList()


def named(story: Story, detector: str, **more: object) -> list[Signal]:
    return [one for one in detect(story.session, story.now, **more) if one.detector == detector]  # type: ignore[arg-type]


def pages_at(detector: str, steps: int, act) -> int | None:  # type: ignore[no-untyped-def]
    """The number of the call at which it pages."""
    story = Story().prompt()
    for number in range(1, steps + 1):
        act(story, number)
        if any(one.level == "page" for one in named(story, detector)):
            return number
    return None


@pytest.mark.parametrize(("period", "call"), [(1, 5), (2, 9), (3, 13)])
def test_a_loop_is_paged_by_call_thirteen(period: int, call: int) -> None:
    assert pages_at("loop", 20, lambda story, n: story.run(f"grep -r x{n % period} .")) == call


def test_the_same_call_with_other_results_is_a_warning_only() -> None:
    story = Story().prompt()
    for number in range(8):
        story.run("grep -r x .", f"result {number}")
    (signal,) = named(story, "loop")
    assert signal.level == "warn" and len(signal.evidence) == 8


@pytest.mark.parametrize(("tool", "command"), [
    ("BashOutput", ""), ("write_stdin", ""), ("Bash", "sleep 5"), ("Bash", "kubectl get pods"), ("Bash", "gh run view 7"), ("Bash", "git status"),
])  # fmt: skip
def test_looking_again_is_waiting_not_a_loop(tool: str, command: str) -> None:
    story = Story().prompt()
    for _ in range(20):
        story.run(command, tool=tool)
    assert named(story, "loop") == []


def test_an_error_streak_counts_neither_refusals_nor_siblings() -> None:
    assert pages_at("error streak", 9, lambda story, n: story.run(f"make {n}", "no", 2)) == 5
    story = Story().prompt()
    for number in range(12):
        story.refuse(f"x {number}", "user" if number % 2 else "sibling")
    assert named(story, "error streak") == []
    story.run("a", exit=1).run("b", exit=1).refuse("c", "sibling").run("d", exit=1)
    (signal,) = named(story, "error streak")
    assert (signal.level, len(signal.evidence)) == ("warn", 3)
    assert named(story.run("e"), "error streak") == []


def test_edit_test_fail_again_and_again() -> None:
    def act(story: Story, number: int) -> None:
        story.edit().run("uv run pytest -q tests", f"{number} failed", 1)

    assert pages_at("test failing", 10, act) == 5
    story = Story().prompt()
    for number in range(6):
        act(story, number)
    story.run("uv run pytest -q tests", "passed", 0)
    assert named(story, "test failing") == []


def test_denials_in_a_row_and_in_all() -> None:
    assert pages_at("denial streak", 14, lambda story, n: story.refuse("rm -rf /srv")) == 3
    story = Story().prompt().refuse("a")
    story.run("", tool="Read").run("", tool="Grep").refuse("b").refuse("c")
    assert [one.level for one in named(story, "denial streak")] == ["page"], "reads do not end the streak"
    assert named(story.run("make"), "denial streak") == []
    for _ in range(17):
        story.refuse("d").run("make")
    assert [one.level for one in named(story, "denials")] == ["page"]


def test_a_persons_no_is_no_denial_by_policy() -> None:
    story = Story().prompt()
    for number in range(9):
        story.refuse(f"x {number}", "user")
    assert named(story, "denial streak") == [] and story.session.facts.denied_by_user == 9


def commit(story: Story, folder: str = "/home/dev/proj") -> None:
    story.run(f"cd {folder} && git add -A && git commit -m 'x'", "[main 1a2b3c4] x\n 1 file changed")


def test_a_commit_storm_by_rate() -> None:
    story = Story().prompt()
    for number in range(1, 9):
        commit(story.edit())
        level = [one.level for one in named(story, "commit storm")]
        assert level == (["page"] if number >= 8 else ["warn"] if number >= 5 else [])
    assert story.session.facts.commits[0].sha == "1a2b3c4"


def test_forty_seven_commits_in_six_repositories_over_eleven_hours() -> None:
    story = Story().prompt()
    for number in range(47):
        commit(story.wait(13 * MINUTE), f"/home/dev/repo{number % 6}")
        story.edit()
    signal = named(story, "commit storm")[0]
    assert signal.level == "page" and "47 commits in 6 repositories" in signal.summary


def test_a_commit_that_failed_is_no_commit() -> None:
    story = Story().prompt()
    for _ in range(9):
        story.run("git commit -m 'x'", "nothing to commit", 1)
        story.run("echo 'git commit -m x'", "[main 1a2b3c4] x")
    assert story.session.facts.commits == []


def test_compaction_within_three_turns_three_times() -> None:
    story = Story()
    levels = []
    for _ in range(4):
        story.prompt().compact()
        levels.append([one.level for one in named(story, "compaction thrash")])
    assert levels == [[], ["warn"], ["page"], ["page"]]
    calm = Story()
    for _ in range(5):
        for _ in range(4):
            calm.prompt()
        calm.compact()
    assert named(calm, "compaction thrash") == []


@pytest.mark.parametrize(("said", "claims"), [
    ("All tests pass now.", True), ("The fix is complete.", True), ("Successfully implemented the parser", True), ("Done: it's now fixed.", True),
    ("Four tests fail, but 12 tests passing", False), ("It is not done yet", False), ("The work is done, one test is still red", False),
    ("I looked at the code.", False),
])  # fmt: skip
def test_what_claims_to_be_done(said: str, claims: bool) -> None:
    assert claims_done(said) is claims


def test_done_is_checked_against_an_exit_code_never_against_prose() -> None:
    story = Story().prompt().edit().run("pytest", "1 failed", 1).answer("The task is complete. All tests pass.").end()
    (signal,) = named(story, "done without evidence")
    assert signal.level == "warn" and "ended with 1" in signal.summary
    story = (
        Story()
        .prompt()
        .edit()
        .run("pytest", "1 failed", 1)
        .run("git push origin main")
        .answer("The task is complete.")
        .end()
    )
    assert [one.level for one in named(story, "done without evidence")] == ["page"]
    story = (
        Story()
        .prompt()
        .edit()
        .run("pytest", "1 failed", 1)
        .run("pytest", "passed")
        .answer("The task is complete.")
        .end()
    )
    assert named(story, "done without evidence") == []
    story = Story().prompt().edit().answer("The task is complete.").end()
    assert [one.level for one in named(story, "done without evidence")] == ["note"]
    story = Story().prompt().run("ls").answer("The report is complete.").end()
    assert named(story, "done without evidence") == [], "nothing was changed, nothing is to be proven"


def test_a_check_somebody_rejected_proves_nothing_either_way() -> None:
    story = Story().prompt().edit().refuse("pytest", "user").answer("The task is complete.").end()
    assert [one.level for one in named(story, "done without evidence")] == ["note"]


def test_burn_rate_at_list_price() -> None:
    story = Story().prompt()
    for _ in range(7):
        story.wait(MINUTE).answer(tokens=Tokens(200_000, 0))  # $1 each
    assert [one.level for one in named(story, "burn rate", prices=PRICES)] == ["warn"]
    for _ in range(7):
        story.answer(tokens=Tokens(200_000, 0))
    (signal,) = named(story, "burn rate", prices=PRICES)
    assert signal.level == "page" and signal.summary.startswith("$84 an hour")
    assert named(story.wait(11 * MINUTE), "burn rate", prices=PRICES) == []


def test_budgets_warn_before_they_are_used_up() -> None:
    story = Story().prompt().answer(tokens=Tokens(160_000, 4_000))  # $0.90
    limits = Limits(budget=Budget(tokens=1_000_000, usd=Decimal(1)))
    (signal,) = named(story, "budget", prices=PRICES, limits=limits)
    assert (signal.level, signal.key) == ("warn", "budget:usd")
    story.answer(tokens=Tokens(900_000, 0))
    assert [one.level for one in named(story, "budget", prices=PRICES, limits=limits)] == ["page", "page"]


def test_a_silent_death() -> None:
    story = Story().prompt()
    story.open("Bash", "make deploy")
    dead = Seen(Standing("ended", "process", "died", story.now))
    (signal,) = named(story, "silent death", seen=dead)
    assert signal.level == "warn" and "make deploy" in signal.evidence[0].text
    assert [one.level for one in named(story.wait(10 * MINUTE), "silent death", seen=dead)] == ["page"]
    assert named(story, "silent death", seen=Seen(Standing("ended", "process", "finished", 1))) == []


def test_blocked_and_nobody_told() -> None:
    story = Story().prompt()
    waits = Standing("waiting for approval", "hooks", "drop table", story.now, question="esc-1", asked_by="a1")
    assert named(story.wait(4 * MINUTE), "blocked and nobody told", seen=Seen(waits, False)) == []
    (signal,) = named(story.wait(MINUTE), "blocked and nobody told", seen=Seen(waits, False))
    assert (signal.level, signal.agent) == ("warn", "a1")
    assert [
        one.level for one in named(story.wait(10 * MINUTE), "blocked and nobody told", seen=Seen(waits, False))
    ] == ["page"]
    assert named(story, "blocked and nobody told", seen=Seen(waits, True)) == []


def test_a_subagents_loop_is_its_own() -> None:
    story = Story().prompt()
    for _ in range(5):
        story.run("grep x", agent="a1").run(f"grep {story.now}")
    (signal,) = named(story, "loop")
    assert (signal.level, signal.agent) == ("page", "a1")


def ordinary(rng: random.Random) -> Story:
    """A session of the measured kind: 5 % of calls fail, failures cluster a little, tests are run after edits."""
    story = Story(began=1_772_000_000_000 + rng.randrange(10**9))
    failing = 0.0
    for turn in range(rng.randint(1, 12)):
        story.prompt()
        for _ in range(rng.randint(2, 14)):
            story.wait(rng.randint(1, 40) * SECOND)
            story.answer(
                tokens=Tokens(
                    rng.randint(3, 2_000), rng.randint(50, 900), rng.randint(5_000, 90_000), rng.randint(0, 4_000)
                )
            )
            broke = rng.random() < 0.04 + failing
            failing = 0.22 if broke else 0.0
            what = rng.random()
            if what < 0.35:
                story.close(
                    story.open("Read", path=f"/home/dev/proj/f{rng.randrange(60)}.py"),
                    f"text {rng.randrange(99)}",
                    broke,
                )
            elif what < 0.55:
                story.edit(f"/home/dev/proj/f{rng.randrange(60)}.py")
            elif what < 0.7:
                story.run(
                    "pytest -q",
                    f"{rng.randrange(400)} passed" if not broke else f"{rng.randrange(9)} failed",
                    int(broke),
                )
            elif what < 0.74:
                story.run("git add -A && git commit -m 'x'", "[main 1a2b3c4] x") if rng.random() < 0.5 else story.run(
                    "git status"
                )
            elif what < 0.76:
                story.refuse(f"curl {rng.randrange(9)}", rng.choice(["user", "user", "sibling", "policy"]))
            else:
                story.run(f"grep -rn w{rng.randrange(40)} src", f"{rng.randrange(99)} lines", int(broke))
        if rng.random() < 0.3:
            story.answer("The task is complete.")
        story.end()
    return story


def test_what_pages_fires_on_at_most_two_percent_of_ordinary_sessions() -> None:
    rng, sessions = random.Random(20261120), 400
    fired: Counter[tuple[str, str]] = Counter()
    for _ in range(sessions):
        story = ordinary(rng)
        for detector, level in {(one.detector, one.level) for one in detect(story.session, story.now, prices=PRICES)}:
            fired[detector, level] += 1
    print({" ".join(key): f"{count / sessions:.1%}" for key, count in sorted(fired.items())})
    assert all(count / sessions <= 0.02 for (_, level), count in fired.items() if level == "page"), fired
    assert all(count / sessions <= 0.05 for (_, level), count in fired.items() if level == "warn"), fired
