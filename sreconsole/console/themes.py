"""Themes as TOML files: bundled ones, then the user's, later wins by name; and the checks every one is held to."""

from __future__ import annotations

import itertools
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from sreconsole.paths import Home

ROLES = (
    "background",
    "surface",
    "panel",
    "foreground",
    "primary",
    "secondary",
    "accent",
    "success",
    "warning",
    "error",
)
TEXT = ("foreground", "primary", "secondary", "accent", "success", "warning", "error")
GROUNDS = ("background", "surface", "panel")
VISION = ("protan", "deutan", "tritan")
APART = 0.12
"""Least OKLab distance between success, warning and error under a simulated colour vision."""

DEFAULT, COLOURLESS = "night", "mono"
_HEX = re.compile(r"#[0-9A-Fa-f]{6}")
_ANSI = re.compile(r"ansi_(default|(bright_)?(black|red|green|yellow|blue|magenta|cyan|white))")


@dataclass(frozen=True, slots=True)
class Theme:
    """A palette by role: `#rrggbb`, or `ansi_*` names where `ansi` is set. `contrast` and `vision` are its promises."""

    name: str
    dark: bool
    ansi: bool
    colors: Mapping[str, str]
    contrast: float = 4.5
    vision: tuple[str, ...] = ()
    file: Path = field(default=Path())

    @property
    def rich(self) -> dict[str, str]:
        """The colours as Rich names them."""
        return {role: color.removeprefix("ansi_") for role, color in self.colors.items()}


class BadTheme(Exception):
    """A theme file that cannot be used; `problems` are one line each, naming file and field."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(problems[0])
        self.problems = problems


def folders(home: Home | None) -> list[Path]:
    """Where themes are: with the program (a wheel carries them inside, a checkout beside), then the user's."""
    inside = Path(str(files("sreconsole"))) / "themes"
    bundled = inside if inside.is_dir() else Path(__file__).parents[2] / "themes"
    return [bundled, *([home.config / "themes"] if home else [])]


def load(home: Home | None) -> tuple[dict[str, Theme], list[str]]:
    """All usable themes by name, and one line for each problem found on the way."""
    found, problems = dict[str, Theme](), list[str]()
    for folder in folders(home):
        for path in sorted(folder.glob("*.toml")) if folder.is_dir() else []:
            try:
                theme = read(path)
            except BadTheme as error:
                problems += error.problems
                continue
            found[theme.name] = theme
            problems += check(theme)
    return found, problems


def read(path: Path) -> Theme:
    """One theme file. Raises BadTheme with everything that is wrong with its form."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadTheme([f"{path.name}: cannot be read: {error.strerror}"]) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadTheme([f"{path.name}: not TOML: {error}"]) from error
    problems = list(_form(table))
    if problems:
        raise BadTheme([f"{path.name}: {problem}" for problem in problems])
    checks = table.get("checks", {})
    return Theme(
        table["name"], table.get("dark", True), table.get("kind") == "ansi", dict(table["colors"]),
        float(checks.get("contrast", 4.5)), tuple(checks.get("vision", ())), path,
    )  # fmt: skip


def check(theme: Theme) -> list[str]:
    """What a theme promises and does not keep: contrast (WCAG 2) and colours that stay apart; one line each."""
    if theme.ansi:
        return []
    found, colors, want = list[str](), theme.colors, theme.contrast
    for front, back in itertools.product(TEXT, GROUNDS):
        ratio = contrast(colors[front], colors[back])
        if ratio < want:
            found.append(f"{front} on {back} is {ratio:.1f}, wants {want:g}")
    for role in ("primary", "success", "warning", "error"):
        ratio = contrast(colors["background"], colors[role])
        if ratio < want:
            found.append(f"reversed {role} is {ratio:.1f}, wants {want:g}")
    for vision in theme.vision:
        apart, one, other = min(
            (distance(colors[one], colors[other], vision), one, other)
            for one, other in itertools.combinations(("success", "warning", "error"), 2)
        )
        if apart < APART:
            found.append(f"{one} and {other} are {apart:.2f} apart for {vision}, wants {APART:g}")
    return [f"{theme.file.name}: {problem}" for problem in found]


def choose(themes: Mapping[str, Theme], asked: str | None, remembered: str | None, *, no_color: bool) -> Theme:
    """The theme to start with. Without colour never an ANSI one: Textual draws those black on black."""
    for name in (asked, COLOURLESS if no_color else remembered, COLOURLESS if no_color else DEFAULT):
        theme = themes.get(name or "")
        if theme and not (no_color and theme.ansi):
            return theme
    return next((one for one in themes.values() if not one.ansi), FALLBACK)


def remembered(home: Home) -> str | None:
    """The theme chosen last, if any."""
    try:
        return (home.state / "theme").read_text(encoding="utf-8").strip() or None
    except (OSError, UnicodeDecodeError):
        return None


def remember(home: Home, name: str) -> str:
    """Keep the choice for the next start; what went wrong in words, empty when nothing did."""
    try:
        home.state.mkdir(parents=True, exist_ok=True, mode=0o700)
        (home.state / "theme").write_text(name + "\n", encoding="utf-8")
    except OSError as error:
        return f"theme {name} is not remembered: {error.strerror}"
    return ""


def _form(table: Mapping[str, Any]) -> Iterable[str]:
    ansi = table.get("kind") == "ansi"
    for key in table.keys() - {"name", "dark", "kind", "colors", "checks"}:
        yield f"{key} is unknown; a theme has name, dark, kind, colors, checks"
    if not isinstance(table.get("name"), str) or not re.fullmatch(r"[a-z0-9-]{1,32}", table["name"]):
        yield 'name is missing or not plain, wants such as name = "night"'
    if not isinstance(table.get("dark", True), bool):
        yield "dark is not true or false"
    if table.get("kind", "ansi") != "ansi":
        yield 'kind can only be "ansi"'
    colors = table.get("colors")
    if not isinstance(colors, dict):
        yield "colors is missing"
        return
    for role in ROLES:
        value, form = colors.get(role), _ANSI if ansi else _HEX
        if not isinstance(value, str) or not form.fullmatch(value):
            wants = "an ansi_ name" if ansi else "#rrggbb"
            yield f"colors.{role} is {'missing' if role not in colors else repr(value)}, wants {wants}"
    for role in colors.keys() - set(ROLES):
        yield f"colors.{role} is unknown; the roles are {', '.join(ROLES)}"
    yield from _promises(table.get("checks", {}))


def _promises(checks: object) -> Iterable[str]:
    if not isinstance(checks, dict):
        yield "checks is not a table"
        return
    ratio = checks.get("contrast", 4.5)
    if isinstance(ratio, bool) or not isinstance(ratio, int | float) or not 4.5 <= ratio <= 21:
        yield f"checks.contrast is {ratio!r}, wants 4.5 to 21"
    vision = checks.get("vision", [])
    if not isinstance(vision, list) or any(one not in VISION for one in vision):
        yield f"checks.vision is {vision!r}, wants some of {', '.join(VISION)}"
    for key in checks.keys() - {"contrast", "vision"}:
        yield f"checks.{key} is unknown; there are contrast and vision"


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two `#rrggbb` colours, 1 to 21 (WCAG 2.2, relative luminance)."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


Triple = tuple[float, float, float]

SIMULATED: Mapping[str, tuple[Triple, Triple, Triple]] = {
    "protan": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deutan": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritan": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
"""Machado, Oliveira, Fernandes 2009, severity 1.0, on linear RGB."""


def distance(one: str, other: str, vision: str) -> float:
    """Distance of two colours in OKLab (Ottosson 2020) as that colour vision sees them."""
    pairs = zip(_oklab(one, vision), _oklab(other, vision), strict=True)
    return float(sum((a - b) ** 2 for a, b in pairs) ** 0.5)


def _linear(color: str) -> Triple:
    red, green, blue = (int(color[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return _straight(red), _straight(green), _straight(blue)


def _straight(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)


def _luminance(color: str) -> float:
    red, green, blue = _linear(color)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _oklab(color: str, vision: str) -> Triple:
    seen = _linear(color)
    if vision in SIMULATED:
        rows = SIMULATED[vision]
        red, green, blue = (max(0.0, min(1.0, sum(m * c for m, c in zip(row, seen, strict=True)))) for row in rows)
    else:
        red, green, blue = seen
    long = (0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue) ** (1 / 3)
    middle = (0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue) ** (1 / 3)
    short = (0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short,
    )


FALLBACK = Theme(
    "night", True, False,
    {"background": "#101418", "surface": "#161B21", "panel": "#1F262E", "foreground": "#D7DEE6", "primary": "#6CB6FF",
     "secondary": "#9FB1C4", "accent": "#C9A6FF", "success": "#5FD38D", "warning": "#F2C14E", "error": "#FF7B72"},
)  # fmt: skip
"""What is used when no theme file can be found."""
