"""Read a table of numbers out of text, fast, and name the line when it is not one."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from retrosole.errors import DamagedDataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", " ": "blanks"}


@dataclass(frozen=True)
class Lines:
    """Hold the data lines of a text and where they stand in it (`numbers`, from 1)."""

    rows: list[str]
    numbers: NDArray[np.int64]


def first_row(text: str) -> tuple[int, str]:
    """Give the first line that is neither blank nor a `#` comment, and its number from 1; (0, "") if there is none."""
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip() and not is_comment(line):
            return number, line
    return 0, ""


def is_comment(line: str) -> bool:
    """Say whether a line is a comment; one that a spreadsheet has put in quotes is."""
    return line.lstrip(' \t"').startswith("#")


def shown(line: str) -> str:
    """Quote a line, the beginning of a long one."""
    return repr(line if len(line) <= 40 else line[:40] + "...")


def data_lines(text: str, after: int = 0) -> Lines:
    """Take the lines behind line `after` that are no `#` comments.

    Raises DamagedDataError if none is left, or at an empty line between rows.
    """
    lines = text.split("\n")[after:]
    kept = [(after + k + 1, line) for k, line in enumerate(lines) if not is_comment(line)]
    if not kept:
        raise DamagedDataError(f"line {after + len(lines)}: the file ends, expected rows of samples")
    return Lines([line for _, line in kept], np.array([number for number, _ in kept], dtype=np.int64))


def parse_table(lines: Lines, column_n: int, wanted: Sequence[int], delimiter: str) -> NDArray[np.float64]:
    """Parse `wanted` of the `column_n` columns to (n, len(wanted)); an empty cell becomes nan.

    Raises DamagedDataError, naming the first line with another number of columns or with a cell
    that is no number.
    """
    _check_columns(lines, column_n, delimiter)
    rows = [_fill_empty(row, delimiter) for row in lines.rows]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            table = np.loadtxt(rows, delimiter=delimiter, usecols=tuple(wanted), ndmin=2, comments=None)
    except (ValueError, UserWarning) as error:
        raise DamagedDataError(_explain(rows, lines.numbers, wanted, delimiter)) from error
    return np.asarray(table, dtype=np.float64)


def _check_columns(lines: Lines, column_n: int, delimiter: str) -> None:
    for row, number in zip(lines.rows, lines.numbers, strict=True):
        if row.count(delimiter) != column_n - 1:
            hint = _column_hint(row, column_n, delimiter)
            if not hint and number == lines.numbers[-1] and row.count(delimiter) < column_n:
                hint = "; the file looks cut short here"
            raise DamagedDataError(f"line {number}: {_columns(row, delimiter)}, expected {column_n}{hint}")


def _columns(row: str, delimiter: str) -> str:
    n = row.count(delimiter) + 1 if row.strip() else 0
    return "1 column" if n == 1 else f"{n} columns"


def _column_hint(row: str, column_n: int, delimiter: str) -> str:
    if not row.strip():
        return "; an empty line may stand at the end only"
    wanted = SEPARATORS[delimiter]
    others = [word for other, word in SEPARATORS.items() if row.count(other) == column_n - 1]
    if others:
        return f"; they are separated by {others[0]}, expected {wanted}"
    if delimiter == "," and row.count(delimiter) >= column_n:
        return "; numbers have a point, no comma"
    return ""


def _fill_empty(row: str, delimiter: str) -> str:
    empty = delimiter + delimiter
    if empty in row:
        # Twice, because neighbouring empty cells share a delimiter.
        filled = delimiter + "nan" + delimiter
        row = row.replace(empty, filled).replace(empty, filled)
    if row.startswith(delimiter):
        row = "nan" + row
    return row + "nan" if row.endswith(delimiter) else row


def _explain(rows: list[str], numbers: NDArray[np.int64], wanted: Sequence[int], delimiter: str) -> str:
    for row, number in zip(rows, numbers, strict=True):
        cells = row.split(delimiter)
        for column in wanted:
            if not _is_number(cells[column]):
                cell = cells[column] if len(cells[column]) <= 20 else cells[column][:20] + "..."
                return f"line {number}, column {column + 1}: {cell!r}, expected a number"
    return f"lines {numbers[0]} to {numbers[-1]}: not all numbers, expected a table of numbers"


def _is_number(cell: str) -> bool:
    try:
        return "_" not in cell and not math.isinf(float(cell))
    except ValueError:
        return False
