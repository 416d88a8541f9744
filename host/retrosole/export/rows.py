"""Rows of text, many at once: a table of half an hour takes a second or two."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

CHUNK_N = 20_000  # rows: between two of them progress is told, and memory stays small
Tell = Callable[[float], None]  # how much is done, 0 to 1
Cells = Callable[[slice], Sequence[str]]  # of a column, for a part of the rows


def write_rows(out: BinaryIO, columns: Sequence[Cells], row_n: int, sep: str) -> Iterator[int]:
    """Write rows of cells, given by column for a part of the rows; give how many are written, after each part."""
    for begin in range(0, row_n, CHUNK_N):
        part = slice(begin, min(begin + CHUNK_N, row_n))
        lines = map(sep.join, zip(*(column(part) for column in columns), strict=True))
        out.write(("\n".join(lines) + "\n").encode())
        yield part.stop


def count_cells(counts: NDArray[np.uint16], empty: str, missing: int) -> Cells:
    """Give the cells of a column of counts from 0 to `missing`, which is written as `empty`."""
    words = [*(str(value) for value in range(missing)), empty]
    return lambda part: [words[value] for value in counts[part].tolist()]


def number_cells(values: NDArray[np.int64]) -> Cells:
    """Give the cells of a column of whole numbers."""
    return lambda part: list(map(str, values[part].tolist()))


def second_cells(values: NDArray[np.float64], decimals: int = 6) -> Cells:
    """Give the cells of a column of seconds."""
    form = f"%.{decimals}f"
    return lambda part: [form % value for value in values[part].tolist()]
