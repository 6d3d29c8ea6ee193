"""Whatever an agent wrote, what reaches the screen is harmless and shows what was hidden."""

import copy
import pickle
import subprocess
import sys
import time
import unicodedata
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sreconsole.text.safe import BLANKS, STACK, Safe, look, safe

ANY_TEXT = st.text(alphabet=st.characters(codec=None, exclude_categories=()), max_size=80)
NASTY = st.text(
    alphabet=st.sampled_from("ab\u0301\u0338\u20dd\u1161\u11a8\u202e\u200b\x1b\x9b\n\r\t\ufe0f\u2800日 \ud800⟨⟩é"),
    max_size=40,
)


def every_character() -> Iterator[str]:
    return map(chr, range(sys.maxunicode + 1))


def test_no_character_of_a_hidden_category_passes() -> None:
    hidden = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"}
    for char in every_character():
        if unicodedata.category(char) in hidden and char not in " \n":
            shown = safe(f"a{char}b", newline="\n")
            assert char not in shown, hex(ord(char))
            assert shown.isprintable()


def test_every_printable_blank_is_known_by_its_name() -> None:
    names = ("VARIATION SELECTOR", "FILLER", "GRAPHEME JOINER", "VOWEL INHERENT", "PATTERN BLANK", "NULL NOTEHEAD")
    for char in every_character():
        name = unicodedata.name(char, "")
        if (
            char.isprintable()
            and any(part in name for part in names)
            and "GAP FILLER" not in name
            and "LINE FILLER" not in name
        ):
            assert char not in safe(f"a{char}b"), name
    assert "\u2800" in BLANKS


def test_every_combining_mark_without_a_base_is_shown_by_number() -> None:
    for char in every_character():
        if unicodedata.category(char) in ("Mn", "Me") and char.isprintable():
            assert safe(char) == f"⟨U+{ord(char):04X}⟩"
            assert safe(f"a\n{char}", newline="\n") == f"a\n⟨U+{ord(char):04X}⟩"


def test_a_stack_on_any_plane_is_lowered() -> None:
    for char in every_character():
        if unicodedata.category(char) in ("Mn", "Me") and char.isprintable() and safe(f"a{char}") == f"a{char}":
            assert safe("a" + char * (STACK + 3)) == f"a{char * STACK}⟨+3 marks⟩"


def test_ordinary_writing_of_the_world_is_left_alone() -> None:
    for text in (
        "naïve café",
        "日本語のテキスト",
        "Привет",
        "हिन्दी",
        "ภาษาไทย",
        "שָׁלוֹם",
        "العربية",
        "한국어",
        "│ ─ ✓ → “q” — …",
        "🚀 ✅",
    ):
        assert safe(text) == text
        assert look(text).hidden == 0
        assert look(text).warning == ""


@pytest.mark.parametrize(
    ("given_", "shown"),
    [
        ("a\u202eb", "a⟨U+202E⟩b"),
        ("a\nb", "a⏎b"),
        ("a\r\nb", "a␍⏎b"),
        ("a\tb", "a⇥b"),
        ("\x1b[2J", "␛[2J"),
        ("\x1b]52;c;aGk=\x07", "␛]52;c;aGk=⟨U+0007⟩"),
        ("\x9b31m", "⟨U+009B⟩31m"),
        ("\x00", "␀"),
        ("\x7f\x08", "⟨U+007F⟩⟨U+0008⟩"),
        ("a\u00a0b\u2003c", "a⟨U+00A0⟩b⟨U+2003⟩c"),
        ("soft\u00adhyphen", "soft⟨U+00AD⟩hyphen"),
        ("\u3164\uffa0\u115f\u1160\u2800\u034f", "⟨U+3164⟩⟨U+FFA0⟩⟨U+115F⟩⟨U+1160⟩⟨U+2800⟩⟨U+034F⟩"),
        ("\U000e0072\U000e006d", "⟨U+E0072⟩⟨U+E006D⟩"),
        ("x\ufe0f\U000e0100", "x⟨U+FE0F⟩⟨U+E0100⟩"),
        ("\ud800\udfff", "⟨U+D800⟩⟨U+DFFF⟩"),
        ("\ue000\U0010ffff", "⟨U+E000⟩⟨U+10FFFF⟩"),
        ("\u2028\u2029\x85", "⟨U+2028⟩⟨U+2029⟩⟨U+0085⟩"),
        ("e" + "\u0301" * 30, "e" + "\u0301" * 4 + "⟨+26 marks⟩"),
        ("\u0301" * 9, "⟨9 marks⟩"),
        (b"ok \xff\xfe", "ok ⟨U+DCFF⟩⟨U+DCFE⟩"),
        (bytearray(b"x\x00"), "x␀"),
        (None, ""),
        (12, "12"),
        (True, "True"),
        ({"a": 1}, "{'a': 1}"),
        (ValueError("no\x1b"), "no␛"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        ("[@click=app.quit]approve[/]", "[@click=app.quit]approve[/]"),
    ],
)
def test_marks(given_: object, shown: str) -> None:
    assert safe(given_) == shown


def test_lines_are_kept_when_asked() -> None:
    assert safe("a\n\tb\r\n", newline="\n") == "a\n⇥   b␍\n"
    assert safe("a\nb", newline=" ") == "a b"
    assert safe("a\nb", newline="\x1b") == "a␛b"
    assert safe(safe("a\nb", newline="\n")) == "a⏎b"


class Rude(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no")


Liar = type("Liar", (), {"__str__": lambda self: 7})


class Trick(str):
    def __str__(self) -> str:
        return "\x1b[31m"

    def isprintable(self) -> bool:
        return True

    def isascii(self) -> bool:
        return True


def deep() -> list[object]:
    value: list[object] = []
    for _ in range(100_000):
        value = [value]
    return value


def test_values_that_fail_to_speak_are_named() -> None:
    assert safe(Rude()) == "⟨unprintable Rude⟩"
    assert safe(Liar()) == "⟨unprintable Liar⟩"
    assert safe(10**5000) == "⟨unprintable int⟩"
    assert safe(deep()) == "⟨unprintable list⟩"
    assert safe(type("E\x1b", (Rude,), {})()) == "⟨unprintable E␛⟩"


class Impostor:
    @property
    def __class__(self) -> type:  # type: ignore[override]
        return str

    def __str__(self) -> str:
        return "not a string\x07"


def test_an_object_that_claims_to_be_text_is_asked_for_its_text() -> None:
    assert safe(Impostor()) == "not a string⟨U+0007⟩"


def test_a_string_that_lies_about_itself_is_read_for_what_it_holds() -> None:
    assert safe(Trick("a\x1bb")) == "a␛b"
    assert type(safe(Trick("plain"))) is Safe


def test_only_this_module_makes_safe_text() -> None:
    with pytest.raises(TypeError, match="made by"):
        Safe("x")
    with pytest.raises(TypeError, match="made by"):
        Safe("x", object())


def test_copies_and_pickles_stay_safe() -> None:
    text = safe("a\n\x1b", newline="\n")
    for again in (copy.copy(text), copy.deepcopy(text), *(pickle.loads(pickle.dumps(text, n)) for n in range(6))):
        assert again == text
        assert type(again) is Safe


def test_a_forged_pickle_is_made_safe_when_read() -> None:
    data = pickle.dumps(safe("abc"), 4).replace(b"abc", b"a\x1bc")
    assert pickle.loads(data) == "a␛c"


def test_parts_are_plain_and_joins_are_safe() -> None:
    assert type(safe("abc")[1:]) is str
    assert type(safe("abc") + "d") is str
    joined = safe(" · ").join([safe("a"), "b\x1b", safe("c")])
    assert joined == "a · b␛ · c"
    assert type(joined) is Safe


@pytest.mark.parametrize(
    ("text", "width", "cut"),
    [
        ("abcdef", 6, "abcdef"),
        ("abcdef", 5, "abcd…"),
        ("abcdef", 1, "…"),
        ("abcdef", 0, ""),
        ("abcdef", -3, ""),
        ("", 0, ""),
        ("日本語", 6, "日本語"),
        ("日本語", 5, "日本…"),
        ("日本語", 4, "日…"),
        ("日本語", 2, "…"),
        ("e\u0301e\u0301e\u0301", 3, "e\u0301e\u0301e\u0301"),
        ("e\u0301e\u0301e\u0301", 2, "e\u0301…"),
        ("ＡＢ", 3, "Ａ…"),
    ],
)
def test_cut_counts_cells(text: str, width: int, cut: str) -> None:
    done = safe(text).cut(width)
    assert done == cut
    assert type(done) is Safe


@settings(max_examples=300, deadline=None)
@given(st.one_of(ANY_TEXT, NASTY), st.sampled_from(["⏎", "\n", " ", ""]))
def test_safe_is_safe_and_stays_the_same(text: str, newline: str) -> None:
    shown = safe(text, newline=newline)
    assert safe(str(shown), newline=newline) == shown
    assert shown.replace("\n", "").isprintable()
    assert newline == "\n" or "\n" not in shown
    assert look(text, newline=newline).text == shown


@settings(max_examples=300, deadline=None)
@given(st.one_of(ANY_TEXT, NASTY), st.integers(-1, 30))
def test_cut_never_exceeds_its_width(text: str, width: int) -> None:
    assert safe(text).cut(width).cells <= max(0, width)


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(ANY_TEXT, st.binary(max_size=40), st.integers(), st.floats(), st.lists(st.binary(max_size=4), max_size=4))
)
def test_anything_becomes_text(value: object) -> None:
    assert type(safe(value)) is Safe


def test_no_character_is_narrower_than_the_widget_library_says() -> None:
    cells = pytest.importorskip("rich.cells")
    for char in every_character():
        shown = safe(f"a{char}")
        if len(shown) == 2:
            assert shown.cells >= cells.cell_len(str(shown)), hex(ord(char))


def test_widths_agree_with_the_widget_library() -> None:
    cells = pytest.importorskip("rich.cells")
    for text in ("abc", "日本語", "café", "e\u0301", "ＡＢＣ", "한국어", "→ ✓ │", "ไทย", "🚀"):
        assert safe(text).cells == cells.cell_len(text), text


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("plain", 0),
        ("a\n\tb", 0),
        ("é\n\tb", 0),
        ("a\x1bb\u202ec", 2),
        ("\u200b\u200b\u200b", 3),
        ("rm\u00a0-rf", 1),
        ("x" + "\u0301" * 10, 6),
        ("\u0301x", 1),
        ("a\rb", 1),
        (b"\xff", 1),
    ],
)
def test_hidden_characters_are_counted(text: object, hidden: int) -> None:
    assert look(text).hidden == hidden


@pytest.mark.parametrize(
    ("text", "scripts", "warning"),
    [
        ("pay p\u0430ypal now", ("Latin", "Cyrillic"), "mixed scripts in “p\u0430ypal”: Latin, Cyrillic"),
        ("g\u03bfogle.com", ("Latin", "Greek"), "mixed scripts in “g\u03bfogle”: Latin, Greek"),
        ("\u0561dmin", ("Armenian", "Latin"), "mixed scripts in “\u0561dmin”: Armenian, Latin"),
        ("\u13a0dmin", ("Cherokee", "Latin"), "mixed scripts in “\u13a0dmin”: Cherokee, Latin"),
        ("r\uff4d -rf", ("Latin", "Fullwidth Latin"), "mixed scripts in “r\uff4d”: Latin, Fullwidth Latin"),
        ("\U0001d42b\U0001d426", ("Mathematical letters",), None),
        ("\u0430\u0440\u0440\u04cf\u0435.com", ("Cyrillic",), None),
        (
            "p\u0430y p\u03bfp",
            ("Latin", "Cyrillic", "Greek"),
            "mixed scripts in “p\u0430y”: Latin, Cyrillic (and 1 more)",
        ),
        ("日本語abc テスト hello", (), ""),
        ("Δt = 3µs, λx, Ωm", (), ""),
        ("Привет, мир. Это она.", (), ""),
        ("naïve Straße ﬁne", (), ""),
        ("T\u2081 x² ½ №5", (), ""),
    ],
)
def test_words_that_imitate_are_named(text: str, scripts: tuple[str, ...], warning: str | None) -> None:
    seen = look(text)
    assert seen.scripts == scripts
    assert seen.warning == warning if warning is not None else seen.warning.startswith("letters that imitate Latin")


def test_the_warning_itself_is_safe_and_short() -> None:
    seen = look("p\u0430" + "y" * 500 + "\x1b")
    assert seen.warning.isprintable()
    assert safe(seen.warning).cells < 100


@pytest.mark.parametrize(
    "piece", ["\x1b", "\u0301", "é\n", "p\u0430 ", "\u1161", "日", "\ud800", "a\u0301\u0301\u0301\u0301\u0301", "⟨"]
)
def test_a_megabyte_takes_bounded_time(piece: str) -> None:
    text = piece * (1_000_000 // len(piece))
    began = time.process_time()
    look(text)
    safe(text).cut(80)
    assert time.process_time() - began < 30


def test_importing_loads_no_screen() -> None:
    program = "import sys, sreconsole.text.safe, sreconsole.text.redact; print([m for m in ('rich', 'textual') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
