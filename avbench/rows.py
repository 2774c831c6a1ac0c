"""The rows of a JSONL or CSV file, each with its line, so that every complaint can name file, line and field."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from avbench.errors import UsageError


@dataclass(frozen=True, slots=True)
class Row:
    """One row with its place in the file, so that every complaint can name it."""

    path: Path
    line: int
    cells: Mapping[str, object]

    def refuse(self, field: str, problem: str) -> NoReturn:
        """Raises UsageError with file, line, field and the problem."""
        raise UsageError(f"{self.path}:{self.line}: {field}: {problem}")

    def text(self, field: str) -> str:
        """The text of a field, empty where the field is absent or null. Raises UsageError for other types."""
        value = self.cells.get(field)
        if value is None:
            return ""
        if not isinstance(value, str):
            self.refuse(field, f"must be text in quotes, got {shown(value)}")
        try:
            value.encode()
        except UnicodeEncodeError:
            self.refuse(field, "holds half of a surrogate pair (\\ud800 to \\udfff); write the whole character")
        return value

    def nested(self, field: str, index: int, value: object) -> Row:
        """The object `value` of a list field, as a row whose fields are named `field[index].key`."""
        if not isinstance(value, dict):
            self.refuse(f"{field}[{index}]", f"must be an object, got {shown(value)}")
        return Row(self.path, self.line, {f"{field}[{index}].{key}": cell for key, cell in value.items()})


def read_rows(path: Path) -> Iterator[Row]:
    """The rows of a UTF-8 `.jsonl` (one object a line) or `.csv` (a header line) file. Raises UsageError."""
    readers = {".jsonl": _jsonl_rows, ".csv": _csv_rows}
    if path.suffix.lower() not in readers:
        raise UsageError(f"{path}: a suite file ends in .jsonl (one JSON object a line) or .csv (a header line)")
    return readers[path.suffix.lower()](path, _read(path))


def _jsonl_rows(path: Path, text: str) -> Iterator[Row]:
    for number, line in enumerate(text.split("\n"), start=1):  # not splitlines: U+2028 may stand inside a string
        if not line.strip():
            continue
        try:
            cells = _json(line)
        except (ValueError, RecursionError) as error:
            raise UsageError(f"{path}:{number}: not a JSON object on one line: {error}") from None
        if not isinstance(cells, dict):
            raise UsageError(f"{path}:{number}: not a JSON object but {shown(cells)}; write one prompt a line")
        yield Row(path, number, cells)


def _csv_rows(path: Path, text: str) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] = []
    end = 0
    try:
        for cells in reader:
            line, end = end + 1, reader.line_num  # a quoted cell may run over several lines
            if not any(cells):
                continue
            if not header:
                header = cells
                if len(set(header)) < len(header):
                    raise UsageError(f"{path}:{line}: two columns have the same name")
                continue
            if len(cells) != len(header):
                count = f"{len(cells)} cells for {len(header)} columns"
                raise UsageError(f'{path}:{line}: {count}; put a text that holds commas in "quotes"')
            filled = {field: cell for field, cell in zip(header, cells, strict=True) if cell}
            yield _typed(Row(path, line, filled))
    except csv.Error as error:
        raise UsageError(f"{path}:{end + 1}: not CSV: {error}") from None


def _typed(row: Row) -> Row:
    """A CSV row whose cells have the types that a JSON row would have."""
    readers: dict[str, Callable[[str], object]] = {
        "seconds": float,
        "off_screen": lambda cell: {"true": True, "false": False}[cell.lower()],  # spreadsheets write TRUE
        "tags": str.split,
        "speech": _json,
    }
    typed: dict[str, object] = {}
    for field, cell in row.cells.items():
        try:
            typed[field] = readers.get(field, str)(str(cell))
        except (ValueError, KeyError, RecursionError):
            wanted = {"seconds": "a number", "off_screen": "true or false", "speech": "a JSON list"}[field]
            row.refuse(field, f"must be {wanted}, got {shown(cell)}")
    return Row(row.path, row.line, typed)


def _read(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    try:
        return data.decode("utf-8-sig")  # spreadsheets put a byte order mark first
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{path}:{line}: not UTF-8 text; save the file as UTF-8") from None


def _json(text: str) -> object:
    return json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant)


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    cells = dict(pairs)
    if len(cells) < len(pairs):
        raise ValueError("a key stands twice in one object")
    return cells


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON; write a finite number")


def shown(value: object) -> str:
    """A value as JSON, cut to fit into a complaint."""
    text = json.dumps(value, ensure_ascii=True, default=repr)
    return text if len(text) <= 60 else text[:57] + "..."
