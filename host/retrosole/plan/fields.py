"""Read a table of a TOML file field by field: what is wrong is said in one line, with file, place, value and wish."""

from __future__ import annotations

import math
import os
import re
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from retrosole.errors import DamagedDataError, UsageError

MAX_FILE_BYTES = 1 << 20
MAX_TEXT = 1000
MAX_LIST = 200
_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")


class Table:
    """Hold one table of a file. Each field is asked for once; `end` refuses those that nobody asked for.

    Every method raises DamagedDataError for a field that is missing or is not what was asked for.
    """

    def __init__(self, file: str, place: str, values: dict[str, Any]) -> None:
        self.file = file
        self.place = place
        self._values = values
        self._asked: set[str] = set()

    def refuse(self, name: str, expected: str, value: object = None) -> DamagedDataError:
        """Give the error for a field, to be raised."""
        return DamagedDataError(f"{self.file}: {self._at(name)}: {_shown(value)}, expected {expected}")

    def has(self, name: str) -> bool:
        """Say whether a field is there."""
        return name in self._values

    def text(self, name: str, default: str | None = None) -> str:
        """Give a text of 1 to 1000 printable characters."""
        value = self._take(name, "a text", default)
        return str(value) if value is default else self._text(name, value)

    def id(self, name: str) -> str:
        """Give a short name: lower-case letters, digits, "-" and "_"."""
        value = self._take(name, "a short name", None)
        if not isinstance(value, str) or not _ID.fullmatch(value):
            raise self.refuse(name, "1 to 32 lower-case letters, digits, - or _", value)
        return value

    def choice(self, name: str, choices: Sequence[str], default: str | None = None) -> str:
        """Give one of some words."""
        value = self._take(name, f"one of {', '.join(choices)}", default)
        if not isinstance(value, str) or (value not in choices and value != default):
            raise self.refuse(name, f"one of {', '.join(choices)}", value)
        return value

    def yes_or_no(self, name: str) -> bool:
        """Give a boolean."""
        value = self._take(name, "true or false", None)
        if not isinstance(value, bool):
            raise self.refuse(name, "true or false", value)
        return value

    def whole(self, name: str, least: int, most: int, default: int | None = None) -> int:
        """Give a whole number from `least` to `most`."""
        value = self._take(name, f"a whole number from {least} to {most}", default)
        if isinstance(value, bool) or not isinstance(value, int) or (not least <= value <= most and value != default):
            raise self.refuse(name, f"a whole number from {least} to {most}", value)
        return value

    def number(self, name: str, least: float, most: float, default: float | None = None) -> float:
        """Give a number from `least` to `most`."""
        value = self._take(name, f"a number from {least:g} to {most:g}", default)
        return float(self._number(name, value, least, most, default))

    def span(self, name: str, least: float, most: float) -> tuple[float, float]:
        """Give two numbers, the second no smaller than the first."""
        expected = f"two numbers from {least:g} to {most:g}, the smaller one first"
        value = self._take(name, expected, None)
        if not isinstance(value, list) or len(value) != 2:
            raise self.refuse(name, expected, value)
        low, high = (self._number(name, one, least, most, None) for one in value)
        if low > high:
            raise self.refuse(name, expected, value)
        return float(low), float(high)

    def texts(self, name: str) -> tuple[str, ...]:
        """Give a list of one text or more."""
        value = self._take(name, "a list of texts", None)
        if not isinstance(value, list) or not 1 <= len(value) <= MAX_LIST:
            raise self.refuse(name, f"a list of 1 to {MAX_LIST} texts", value)
        return tuple(self._text(f"{name}[{k}]", one) for k, one in enumerate(value, 1))

    def table(self, name: str) -> Table:
        """Give a table within this one."""
        value = self._take(name, "a table", None)
        if not isinstance(value, dict):
            raise self.refuse(name, "a table", value)
        return Table(self.file, self._at(name), value)

    def tables(self, name: str) -> list[Table]:
        """Give a list of one table or more."""
        value = self._take(name, f"one [[{name}]] or more", None)
        if not isinstance(value, list) or not value or not all(isinstance(one, dict) for one in value):
            raise self.refuse(name, f"one [[{name}]] or more", value)
        if len(value) > MAX_LIST:
            raise self.refuse(name, f"at most {MAX_LIST} of them", f"{len(value)} tables")
        return [Table(self.file, f"{self._at(name)} {k}", one) for k, one in enumerate(value, 1)]

    def all_tables(self) -> Iterator[tuple[str, Table]]:
        """Give every field of this table as a table, by name."""
        for name in self._values:
            yield name, self.table(name)

    def end(self) -> None:
        """Refuse fields that were not asked for: a slip of the pen must not be passed over."""
        for name in self._values:
            if name not in self._asked:
                known = ", ".join(sorted(self._asked))
                raise self.refuse(name, f"no such field here; there are {known}", self._values[name])

    # ---- inside

    def _at(self, name: str) -> str:
        return f"{self.place}, {name}" if self.place else name

    def _take(self, name: str, expected: str, default: Any) -> Any:
        self._asked.add(name)
        if name not in self._values:
            if default is not None:
                return default
            raise DamagedDataError(f"{self.file}: {self._at(name)}: is missing, expected {expected}")
        return self._values[name]

    def _text(self, name: str, value: object) -> str:
        expected = f"a text of 1 to {MAX_TEXT} characters in one line"
        if not isinstance(value, str) or not 1 <= len(value.strip()) <= len(value) <= MAX_TEXT:
            raise self.refuse(name, expected, value)
        if not value.isprintable():
            raise self.refuse(name, expected, value)
        return value

    def _number(self, name: str, value: object, least: float, most: float, default: float | None) -> float:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not math.isfinite(value):  # type: ignore[arg-type]
            raise self.refuse(name, f"a number from {least:g} to {most:g}", value)
        if value != default and not least <= value <= most:  # type: ignore[operator]
            raise self.refuse(name, f"{least:g} to {most:g}", value)
        return value  # type: ignore[return-value]


def read_toml(path: Path) -> Table:
    """Read a file. Raises UsageError when there is none, DamagedDataError when it is no TOML or too large."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            data = file.read(MAX_FILE_BYTES + 1) if size <= MAX_FILE_BYTES else b""
    except OSError as error:
        raise UsageError(f"cannot read {path} ({error.strerror}): name a plan file, or see `retrosole plan`") from error
    if max(size, len(data)) > MAX_FILE_BYTES:
        raise DamagedDataError(f"{path}: more than {MAX_FILE_BYTES >> 10} KiB, expected a plan: is it the right file?")
    return parse_toml(data, str(path))


def parse_toml(data: bytes, name: str) -> Table:
    """Read the bytes of a file called `name`. Raises DamagedDataError when they are no TOML."""
    try:
        values = tomllib.loads(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise DamagedDataError(f"{name}: byte {error.start} is no UTF-8, expected a TOML file in UTF-8") from error
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        raise DamagedDataError(f"{name}: is no TOML ({' '.join(str(error).split())}): correct it there") from error
    return Table(name, "", values)


def _shown(value: object) -> str:
    text = "nothing" if value is None else repr(value) if isinstance(value, str) else str(value)
    text = "".join(c if c.isprintable() else "?" for c in text)
    return f"got {text if len(text) <= 60 else text[:57] + '...'}"
