"""What commands print: the text of users as it is, and tables in which nothing is cut off.

Names of trackers, files and sequences are never markup: `[old]` keeps its brackets, `:car:` stays text, and what a
terminal would not show is escaped. In a pipe or a file a row of a table is one line, however wide. In a terminal that
is too narrow, long cells are folded, and a table of too many columns is turned around or split.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import TextIO

from rich.cells import cell_len
from rich.console import Console
from rich.table import Column, Table

from dlatrack.progress import printable

#: A cell of a table: a text, or the lines of one.
Cell = str | tuple[str, ...]

#: Cells of so many characters and fewer are never folded: numbers and short names stay whole.
_NEVER_FOLDED = 16

#: Characters that a table needs beside its cells: for each column, and once.
_PER_COLUMN, _EDGE = 3, 1


def print_line(text: str, *, style: str | None = None, file: TextIO | None = None) -> None:
    """Print a text whole and on one line, which a terminal wraps by itself.

    Args:
        text: text without markup; printed as `printable` shows it, with `?` for what the output's encoding lacks.
        style: style of rich, e.g. "bold red"; only a terminal gets it.
        file: stream that is written to; None: standard output.
    """
    console = _console(file)
    console.print(_encodable(printable(text), console, "replace"), style=style, soft_wrap=True)


def print_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[Cell]],
    *,
    title: str = "",
    keys: int = 1,
    width: int | None = None,
    file: TextIO | None = None,
) -> None:
    """Print a table and cut nothing off.

    Args:
        columns: headers; the cells of the first `keys` columns name the rows.
        rows: a cell for each column; texts as in `print_line`, in quotation marks where a blank begins or ends them.
            Of names that look alike, as their accents are written in two ways, one is escaped.
        title: a line above the table.
        keys: columns that are repeated if the table is split.
        width: columns of the terminal; None: those it has, and no limit where the output is no terminal. Without a
            limit a row is one line, and the lines of a cell are joined by "; ".
        file: stream that is written to; None: standard output.
    """
    console = _console(file)
    if width is None and console.file.isatty():
        width = console.width
    if title:
        print_line(title, file=file)
    joint = "; " if width is None else "\n"
    header = [_encodable(printable(column), console) for column in columns]
    cells = [[_shown(cell, joint, console) for cell in row] for row in rows]
    for column in range(keys):
        _tell_apart(cells, column)
    if width is None:
        _draw(console, header, cells, None)
        return
    blocks = _blocks(header, cells, width, keys)
    if any(_needed(block, header, cells) > width for block in blocks):
        _print_records(console, header, cells)
        return
    if len(blocks) > 1 and cells:
        turned = [list(row) for row in zip(header, *cells, strict=True)]
        other = _blocks(turned[0], turned[1:], width, 1)
        if len(other) < len(blocks) and all(_needed(b, turned[0], turned[1:]) <= width for b in other):
            (header, *cells), blocks = turned, other
    for block in blocks:
        _draw(console, [header[i] for i in block], [[row[i] for i in block] for row in cells], width)


def _console(file: TextIO | None) -> Console:
    return Console(file=file, markup=False, emoji=False, highlight=False)


def _encodable(text: str, console: Console, errors: str = "backslashreplace") -> str:
    """A text in the output's encoding; names in a table get escapes for what it lacks, and stay different."""
    return text.encode(console.encoding, errors).decode(console.encoding)


def _shown(cell: Cell, joint: str, console: Console) -> str:
    lines = [printable(line) for line in ((cell,) if isinstance(cell, str) else cell)]
    quoted = [repr(line) if line != line.strip() else line for line in lines]
    return _encodable(joint.join(quoted), console)


def _tell_apart(cells: Sequence[list[str]], column: int) -> None:
    """Escape accents that stand apart from their letter, in names that look like another one where they do not."""
    alike = Counter(unicodedata.normalize("NFC", name) for name in {row[column] for row in cells})
    for row in cells:
        composed = unicodedata.normalize("NFC", row[column])
        if composed != row[column] and alike[composed] > 1:
            row[column] = row[column].encode("ascii", "backslashreplace").decode()


def _natural(cell: str) -> int:
    """Characters that a cell takes if it is not folded."""
    return max((cell_len(line) for line in cell.split("\n")), default=0)


def _folded(title: str, width: int) -> str:
    """A header in lines of at most `width` characters, broken behind blanks and underscores."""
    lines = [""]
    for part in re.findall(r"[^ _]*[ _]?", title):
        if lines[-1] and cell_len(lines[-1] + part.rstrip(" ")) > width:
            lines.append("")
        lines[-1] += part
    return "\n".join(lines)


def _least(title: str, cells: Sequence[str]) -> int:
    """Characters that a column must have."""
    word = _natural(_folded(title, 1).replace(" ", ""))
    return min(max([word, *map(_natural, cells), 1]), _NEVER_FOLDED)


def _needed(block: Sequence[int], header: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """Characters that the columns `block` must have together."""
    least = [_least(header[column], [row[column] for row in rows]) for column in block]
    return sum(least) + _PER_COLUMN * len(block) + _EDGE


def _blocks(header: Sequence[str], rows: Sequence[Sequence[str]], width: int, keys: int) -> list[list[int]]:
    """Columns of the tables that a table is split into, the first `keys` columns in each of them."""
    blocks = [list(range(keys))]
    for column in range(keys, len(header)):
        if len(blocks[-1]) > keys and _needed([*blocks[-1], column], header, rows) > width:
            blocks.append(list(range(keys)))
        blocks[-1].append(column)
    return blocks


def _widths(header: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[int]:
    """Characters of each column, so that those that need least more get it first."""
    columns = range(len(header))
    widths = [_least(header[column], [row[column] for row in rows]) for column in columns]
    wanted = [max(_natural(header[c]), *(_natural(row[c]) for row in rows), widths[c]) for c in columns]
    free = width - _EDGE - sum(widths) - _PER_COLUMN * len(widths)
    by_want = sorted(columns, key=lambda column: wanted[column] - widths[column])
    for place, column in enumerate(by_want):
        more = min(wanted[column] - widths[column], free // (len(by_want) - place))
        widths[column] += more
        free -= more
    return widths


def _draw(console: Console, header: Sequence[str], rows: Sequence[Sequence[str]], width: int | None) -> None:
    """Print one table; it must fit into `width`."""
    widths = _widths(header, rows, 1_000_000 if width is None else width)
    tall = any(
        "\n" in cell or _natural(cell) > widths[place] for row in rows for place, cell in enumerate(row)
    )
    table = Table(
        *(
            Column(_folded(title, own), width=own, overflow="fold")
            for title, own in zip(header, widths, strict=True)
        ),
        show_lines=tall,
    )
    for row in rows:
        table.add_row(*row)
    # rich cuts off what is wider than the console.
    console.size = (sum(widths) + _PER_COLUMN * len(widths) + _EDGE, console.height)
    console.print(table)


def _print_records(console: Console, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a line for each cell, for a terminal that is too narrow for a table."""
    for row in rows:
        for title, cell in zip(header, row, strict=True):
            console.print(f"{title}: {cell}", soft_wrap=True)
        console.print()
