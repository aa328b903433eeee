"""Tables that cut nothing off, and names of users that stay as they are."""

from __future__ import annotations

import io
import re
import unicodedata

import numpy as np
import pytest
from rich.cells import cell_len

from dlatrack.cli.printing import print_line, print_table
from dlatrack.progress import printable

#: Names that markup, emoji codes or a narrow table would change.
NAMES = (
    "[old] net",
    "[new] net",
    "[/]",
    ":car:",
    "[red]net[/red]",
    "checkpoint_e11",
    "checkpoint_e15",
    "long_" * 18,
    "検出器" * 12,
)
SCORES = ("protocol", "auc", "precision", "norm_precision", "success_rate")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def rows(names: tuple[str, ...], columns: int) -> list[tuple[str, ...]]:
    """A name and distinct numbers of four digits."""
    numbers = iter(np.random.default_rng(0).permutation(9999))
    return [(name, *(f"0.{next(numbers):04d}" for _ in range(columns))) for name in names]


def printed(width: int | None, names: tuple[str, ...], header: tuple[str, ...]) -> str:
    stream = io.StringIO()
    print_table(("tracker", *header), rows(names, len(header)), title="[t] :car:", width=width, file=stream)
    return stream.getvalue()


def column(text: str, number: int) -> str:
    """The text of a column, folds undone."""
    lines = [line.split("│") for line in text.splitlines() if line.startswith("│")]
    return "".join(line[number + 1].strip() for line in lines)


def test_a_table_by_hand():
    stream = io.StringIO()
    print_table(("name", "auc"), [("[a]", "0.5000")], title="two :car: [b]", file=stream)
    assert stream.getvalue().splitlines() == [
        "two :car: [b]",
        "┏━━━━━━┳━━━━━━━━┓",
        "┃ name ┃ auc    ┃",
        "┡━━━━━━╇━━━━━━━━┩",
        "│ [a]  │ 0.5000 │",
        "└──────┴────────┘",
    ]


def test_in_a_pipe_a_row_is_a_line_however_wide(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    lines = printed(None, NAMES, SCORES).splitlines()
    for row in rows(NAMES, len(SCORES)):
        assert sum(all(cell in line for cell in row) for line in lines) == 1
    assert len(lines) == 1 + 3 + len(NAMES) + 1


def test_a_log_that_wants_colours_is_no_terminal(monkeypatch):
    """Such as that of a build server, whose terminal says that it can do nothing."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    lines = printed(None, NAMES, SCORES).splitlines()
    assert sum(rows(NAMES, len(SCORES))[-2][0] in line for line in lines) == 1


@pytest.mark.parametrize("width", [60, 80, 81, 100, 120, 200])
def test_in_a_terminal_names_are_folded_and_numbers_are_whole(width):
    text = printed(width, NAMES, SCORES)
    assert max(map(cell_len, text.splitlines())) <= width
    assert "…" not in text
    tables = text.split("┏")[1:]
    assert all(column(table, 0) == "".join(NAMES) for table in tables)
    for _, *numbers in rows(NAMES, len(SCORES)):
        assert all(number in text for number in numbers)


def test_the_usual_scores_fit_into_80_columns_whatever_the_names():
    assert printed(80, NAMES, SCORES).count("┏") == 1


@pytest.mark.parametrize("count", [1, 2, 5])
def test_many_columns_of_few_rows_are_turned_around(count):
    names, attributes = NAMES[:count], tuple(f"auc {i}" for i in range(16))
    text = printed(80, names, attributes)
    assert text.count("┏") == 1
    found = rows(names, 16)
    for place, attribute in enumerate(attributes, 1):
        (line,) = [line for line in text.splitlines() if line.startswith(f"│ {attribute} ")]
        assert all(row[place] in line for row in found)


def test_many_columns_of_many_rows_become_several_tables():
    names = tuple(f"tracker_{i}" for i in range(30))
    text = printed(80, names, tuple(f"auc {i}" for i in range(16)))
    assert 1 < text.count("┏") <= 3
    for name, *numbers in rows(names, 16):
        lines = "".join(line for line in text.splitlines() if line.startswith(f"│ {name} "))
        assert all(number in lines for number in numbers)


def test_a_table_that_is_split_names_its_rows_in_every_part():
    """A tracker under two protocols is two rows, which its name alone does not tell apart."""
    named = [("net", p, *numbers) for p in ("pysot", "got10k") for _, *numbers in rows(NAMES, 12)]
    stream = io.StringIO()
    header = ("tracker", "protocol", *(f"auc {i}" for i in range(12)))
    print_table(header, named, keys=2, width=60, file=stream)
    tables = stream.getvalue().split("┏")[1:]
    assert len(tables) > 1
    assert all(column(table, 1) == "pysot" * 9 + "got10k" * 9 for table in tables)


@pytest.mark.parametrize("width", [1, 20, 24])
def test_a_terminal_that_holds_no_table_gets_a_line_per_cell(width):
    lines = printed(width, NAMES[:2], SCORES).splitlines()
    assert "tracker: [old] net" in lines
    for _, *numbers in rows(NAMES[:2], len(SCORES)):
        assert f"success_rate: {numbers[-1]}" in lines


def test_a_terminal_says_itself_how_wide_it_is(monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    stream = Terminal()
    print_table(("tracker", *SCORES), rows(NAMES, len(SCORES)), file=stream)
    text = re.sub(r"\x1b\[[0-9;]*m", "", stream.getvalue())
    assert max(map(cell_len, text.splitlines())) <= 60
    assert text.count("┏") == 2


def test_lines_of_a_cell():
    stream = io.StringIO()
    print_table(("name", "splits"), [("a", ("train: 9", "val: 1")), ("b", ())], file=stream)
    assert "│ a    │ train: 9; val: 1 │" in stream.getvalue()
    stream = io.StringIO()
    print_table(("name", "splits"), [("a", ("train: 9", "val: 1"))], width=80, file=stream)
    assert "│ a    │ train: 9 │" in stream.getvalue()
    assert "│      │ val: 1   │" in stream.getvalue()


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a\nb", r"a\nb"),
        ("a\x1b[31mb", r"a\x1b[31mb"),
        ("a\u200bb", r"a\u200bb"),
        ("a\u202eb", r"a\u202eb"),
        ("a\udcffb", r"a\udcffb"),
        ("a ", "'a '"),
        ("検出 é", "検出 é"),
    ],
)
def test_what_cannot_be_seen_is_escaped(name, shown):
    stream = io.StringIO()
    print_table(("tracker",), [(name,)], file=stream)
    assert f"│ {shown} " in stream.getvalue()
    print_line(f"tracker {name}.", file=stream)
    assert stream.getvalue().splitlines()[-1] == f"tracker {printable(name)}."


def test_an_output_that_lacks_letters_gets_escapes_in_tables_and_question_marks_in_lines():
    """Names in a table stay different; a line is for reading alone."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    print_table(("tracker",), [("né",)], file=stream)
    print_line("検", file=stream)
    stream.flush()
    assert rb"| n\xe9 " in raw.getvalue()
    assert raw.getvalue().splitlines()[-1] == b"?"


@pytest.mark.parametrize(
    "letter", ["\N{LATIN SMALL LETTER E WITH ACUTE}", "\N{HANGUL SYLLABLE GAG}", "\N{ANGSTROM SIGN}"]
)
@pytest.mark.parametrize("width", [None, 40])
def test_names_that_look_alike_are_told_apart(letter, width):
    names = [unicodedata.normalize(form, f"net-{letter}") for form in ("NFC", "NFD")]
    assert names[0] != names[1]
    stream = io.StringIO()
    print_table(("name", "auc"), [(name, "1") for name in names], width=width, file=stream)
    assert f"│ {names[0]} " in stream.getvalue()
    assert f"│ {names[1].encode('ascii', 'backslashreplace').decode()} " in stream.getvalue()
    alone = io.StringIO()
    print_table(("name", "auc"), [(names[1], "1")], file=alone)
    assert f"│ {names[1]} " in alone.getvalue(), "a name that looks like no other stays"
