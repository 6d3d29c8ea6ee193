"""Every theme keeps what it promises, a bad one is told in one line, and colour is never alone."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sreconsole import paths
from sreconsole.cli.themes import app
from sreconsole.console import themes

FOLDER = Path(__file__).parents[2] / "themes"
FILES = sorted(FOLDER.glob("*.toml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_theme_keeps_what_it_promises(path: Path) -> None:
    theme = themes.read(path)
    assert theme.name == path.stem
    assert themes.check(theme) == []


def test_all_are_found_and_documented(tmp_path: Path) -> None:
    known, problems = themes.load(paths.at(tmp_path))
    assert set(known) == {path.stem for path in FILES} and problems == []
    page = (Path(__file__).parents[2] / "docs/themes.md").read_text()
    assert all(f"`{name}`" in page for name in known)


def test_the_page_shows_a_theme_that_works(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs/themes.md").read_text()
    block = re.search(r"```toml\n(.*?)```", page, re.S)
    assert block
    path = tmp_path / "ember.toml"
    path.write_text(block.group(1))
    assert themes.read(path).name == "ember"
    assert all(one.startswith("ember.toml: ") for one in themes.check(themes.read(path)))


GOOD = (FOLDER / "night.toml").read_text()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (GOOD.replace('"#D7DEE6"', '"white"'), "x.toml: colors.foreground is 'white', wants #rrggbb"),
        (GOOD.replace("error =", "erorr ="), "x.toml: colors.error is missing, wants #rrggbb"),
        (GOOD.replace("error =", "erorr ="), "x.toml: colors.erorr is unknown; the roles are"),
        ("name = 'x'", "x.toml: colors is missing"),
        ("name = ", "x.toml: not TOML:"),
        ("kolors = 1\n" + GOOD, "x.toml: kolors is unknown"),
        (GOOD.replace("contrast = 4.5", "contrast = 2"), "x.toml: checks.contrast is 2, wants 4.5 to 21"),
        (GOOD.replace("vision = []", 'vision = ["red"]'), "x.toml: checks.vision is ['red']"),
        (GOOD.replace('"night"', '"Night Time"'), "x.toml: name is missing or not plain"),
        (GOOD.replace("dark = true", 'dark = "yes"'), "x.toml: dark is not true or false"),
        ('kind = "neon"\n' + GOOD, 'x.toml: kind can only be "ansi"'),
    ],
)
def test_a_bad_form_is_one_line_each(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "x.toml"
    path.write_text(text)
    with pytest.raises(themes.BadTheme) as error:
        themes.read(path)
    assert any(one.startswith(says) for one in error.value.problems), error.value.problems
    assert all("\n" not in one for one in error.value.problems if "not TOML" not in one)


def test_a_missed_promise_is_told_with_its_number(tmp_path: Path) -> None:
    path = tmp_path / "cvd.toml"
    path.write_text(GOOD.replace("vision = []", 'vision = ["deutan"]').replace('"#F2C14E"', '"#555555"'))
    found = themes.check(themes.read(path))
    assert any(re.fullmatch(r"cvd\.toml: warning on panel is \d\.\d, wants 4\.5", one) for one in found)
    assert any(re.fullmatch(r"cvd\.toml: \w+ and \w+ are 0\.\d\d apart for deutan, wants 0\.12", one) for one in found)


def test_the_users_own_wins_and_a_broken_one_is_named(tmp_path: Path) -> None:
    home = paths.at(tmp_path)
    (home.config / "themes").mkdir()
    (home.config / "themes/night.toml").write_text(GOOD.replace("#101418", "#000000"))
    (home.config / "themes/bad.toml").write_text("name = 1")
    known, problems = themes.load(home)
    assert known["night"].colors["background"] == "#000000"
    assert any(one.startswith("bad.toml: ") for one in problems)


@pytest.mark.parametrize(
    ("asked", "remembered", "no_color", "gets"),
    [(None, None, False, "night"), (None, "day", False, "day"), ("mono", "day", False, "mono"), (None, "gone", False, "night"),
     (None, "day", True, "mono"), (None, "terminal", True, "mono"), ("terminal", None, True, "mono"), ("day", None, True, "day"),
     ("terminal", None, False, "terminal")],
)  # fmt: skip
def test_without_colour_mono_is_chosen_and_never_an_ansi_theme(
    tmp_path: Path, asked: str | None, remembered: str | None, no_color: bool, gets: str
) -> None:
    known, _ = themes.load(paths.at(tmp_path))
    assert themes.choose(known, asked, remembered, no_color=no_color).name == gets
    assert themes.choose({}, asked, remembered, no_color=no_color).name == "night"


def test_contrast_is_that_of_wcag() -> None:
    assert themes.contrast("#000000", "#FFFFFF") == pytest.approx(21.0)
    assert themes.contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)
    assert themes.distance("#FF0000", "#00FF00", "none") == pytest.approx(0.5197, abs=0.001)


def run(tmp_path: Path, *words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(words), env={"SRECONSOLE_HOME": str(tmp_path)})
    return result.exit_code, result.output


def test_themes_list(tmp_path: Path) -> None:
    themes.remember(paths.at(tmp_path), "day")
    code, out = run(tmp_path, "list", "--json")
    found = json.loads(out)
    assert code == 0 and [one["name"] for one in found["themes"] if one["used"]] == ["day"]
    code, out = run(tmp_path, "list")
    assert code == 0 and "* day" in out and "contrast 4.5, protan deutan" in out


def test_themes_check(tmp_path: Path) -> None:
    assert run(tmp_path, "check")[0] == 0
    bad = tmp_path / "bad.toml"
    bad.write_text(GOOD.replace("#F2C14E", "#333333"))
    code, out = run(tmp_path, "check", str(bad))
    assert code == 1 and "bad.toml: warning on panel is" in out
    code, out = run(tmp_path, "check", "--json", str(bad), str(tmp_path / "none.toml"))
    assert code == 2 and json.loads(out[: out.rindex("}") + 1])["ok"] is False
