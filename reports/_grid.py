"""A leaderboard as plain grids of text, the form that table, markdown and latex share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from avbench.leaderboard import Cell, Leaderboard, Mark, Measure, Row, number
from avbench.published import SOURCES, SUITE_DIFFERENCE, SUITES, PublishedTable, meaning
from avbench.records import Direction

ARROW = {Direction.UP: " ↑", Direction.DOWN: " ↓", Direction.ZERO: " →0", Direction.NONE: ""}
ABSENT = "–"
LEGEND = (
    "Each cell: mean ± half its 95 % interval (Student t, clustered by prompt) and clips scored/asked. "
    "Best and second best are marked where every difference to the other models of the block is significant (paired t "
    "test on the prompts in common, Holm, 5 %); ≈ marks models that may be the best and are not told apart. "
    "#a–b is the range of places left open, where there are more than two models. "
    "Guards give the share of clips flagged."
)
OF_SETS = "A set column is one number about all clips together, ± half its own 95 % interval: no mean, and not ranked."


@dataclass(frozen=True, slots=True)
class Entry:
    """The text of one cell, unescaped, and its rank."""

    text: str
    mark: Mark = Mark.NONE


@dataclass(frozen=True, slots=True)
class Grid:
    """A titled table: `header` has one text a column, the first of `corner`; rows are a label and their entries."""

    title: str
    corner: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Entry, ...]], ...]

    def upright(self, corner: str) -> Grid:
        """The grid with its longer side downwards, so that many metrics of few models stay readable."""
        if len(self.rows) >= len(self.header):
            return self
        columns = [tuple(entries[i] for _, entries in self.rows) for i in range(len(self.header))]
        labels = tuple(label for label, _ in self.rows)
        return Grid(self.title, corner, labels, tuple(zip(self.header, columns, strict=True)))


def grids(board: Leaderboard) -> list[Grid]:
    """One grid a suite and group: the models against the measures, guards last."""
    header = tuple(map(_measure, board.measures)) + tuple(
        f"guard {g.column.name} [{g.backend}{_version(g)}]" for g in board.guards
    )
    return [
        Grid(
            " · ".join(filter(None, (section[0].suite, section[0].group))),
            "model",
            header,
            tuple((row.model, _entries(board, row, _rivals(section))) for row in section),
        ).upright("metric")
        for section in board.sections()
    ]


def _rivals(section: Sequence[Row]) -> list[int]:
    """How many models have a place in each column."""
    columns = zip(*(row.cells for row in section), strict=True)
    return [sum(cell.place is not None for cell in column) for column in columns]


def gaps(board: Leaderboard) -> list[str]:
    """What was asked and not scored, and the commonest reason; one sentence a row and reason."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in board.rows:
        where = " · ".join(filter(None, (row.model, row.suite, row.group)))
        measured = zip((*board.measures, *board.guards), (*row.cells, *row.guards), strict=True)
        for measure, cell in measured:
            if cell.asked > cell.scored:
                found.setdefault((where, _gap(cell)), []).append(measure.column.name)
    return [f"{where}: {gap}: {', '.join(names)}" for (where, gap), names in found.items()]


def remarks(board: Leaderboard) -> list[str]:
    """What statistics of sets say of themselves: the samples that they rest on; one sentence a row and remark."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in board.rows:
        where = " · ".join(filter(None, (row.model, row.suite, row.group)))
        for measure, cell in zip(board.measures, row.cells, strict=True):
            if measure.of_set and cell.mean is not None and cell.reason:
                found.setdefault((where, cell.reason), []).append(measure.title or measure.column.name)
    return [f"{where}: {', '.join(names)}: {remark}" for (where, remark), names in found.items()]


def published_grids(board: Leaderboard) -> list[Grid]:
    """The papers' tables, each with the rows of ours that measure what a title stands for (backend named)."""
    return [_published(board, table) for table in board.published]


def published_notes(board: Leaderboard) -> list[str]:
    """What to know before reading ours beside theirs: suites, titles, and the notes on single numbers."""
    if not board.published:
        return []
    here = {measure.column.name for measure in board.measures}
    said = [SUITE_DIFFERENCE]
    for table in board.published:
        name = SOURCES[table.source]
        for title in table.titles:
            stands = meaning(table.source, title)
            said.append(f"{name} {title}: {stands.difference}" + f" (here {stands.metric})" * (stands.metric in here))
        notes = dict.fromkeys(note for value in table.values for note in value.note.split("; ") if note)
        said += [f"{name} {table.table}: {note}{_where(table, note)}" for note in notes]
    return list(dict.fromkeys(said))


def _where(table: PublishedTable, note: str) -> str:
    """The methods, titles or cells that a note is about; nothing when it is about the whole table."""
    noted = [value for value in table.values if note in value.note.split("; ")]
    if len(noted) == len(table.values):
        return ""
    methods, titles = ({getattr(value, name): None for value in noted} for name in ("method", "metric"))
    if len(noted) == sum(value.method in methods for value in table.values):
        return f" ({', '.join(methods)})"
    if len(noted) == sum(value.metric in titles for value in table.values):
        return f" ({', '.join(titles)})"
    return f" ({', '.join(f'{value.method} {value.metric}' for value in noted)})"


def _measure(measure: Measure) -> str:
    column = measure.column
    unit = "" if column.unit in ("", "1") or measure.title else f" ({column.unit})"  # 1: dimensionless
    name = f"{'set ' * measure.of_set}{measure.title or column.name}{unit}{ARROW[column.direction]}"
    return f"{name} [{measure.backend}{_version(measure)}]"


def _version(measure: Measure) -> str:
    return "" if measure.version == "1" else f" v{measure.version}"


def _entries(board: Leaderboard, row: Row, rivals: Sequence[int]) -> tuple[Entry, ...]:
    own = [Entry(_value(c, m, n), c.mark) for c, m, n in zip(row.cells, board.measures, rivals, strict=True)]
    return (*own, *(Entry(_share(cell)) for cell in row.guards))


def _value(cell: Cell, measure: Measure, rivals: int) -> str:
    if not cell.asked:
        return ABSENT
    if cell.mean is None:
        return f"{ABSENT} {cell.scored}/{cell.asked}"
    decimals = measure.column.decimals if measure.decimals is None else measure.decimals
    text = number((cell.mean - measure.origin) * measure.scale, decimals)
    if cell.low is not None and cell.high is not None:
        text += f" ±{number((cell.high - cell.low) / 2 * measure.scale, decimals)}"
    return f"{text}{_place(cell, rivals)} {cell.scored}/{cell.asked}"


def _place(cell: Cell, rivals: int) -> str:
    """The places that are open, where a mark does not say all."""
    if cell.place is None or rivals < 3:
        return ""
    low, high = cell.place.best, cell.place.worst
    return f" #{low}" if low == high else f" #{low}–{high}"


def _share(cell: Cell) -> str:
    share = ABSENT if cell.mean is None else f"{100 * cell.mean:.0f}%"
    return f"{share} {cell.scored}/{cell.asked}" if cell.asked else ABSENT


def _gap(cell: Cell) -> str:
    kinds = [
        (cell.not_applicable, "not applicable"),
        (cell.unscored, "unscored"),
        (cell.failed, "failed"),
        (cell.not_finite, "not a finite number"),
    ]
    counts = ", ".join(f"{n} {kind}" for n, kind in kinds if n)
    return f"{counts} ({cell.reason})" if cell.reason else counts


def _published(board: Leaderboard, table: PublishedTable) -> Grid:
    titles = tuple(_title(table, title) for title in table.titles)
    theirs = [(m, tuple(_printed(table, m, title) for title in table.titles)) for m in table.methods]
    ours = [
        (f"{row.model} (here, {row.suite})", _ours(board, row, table)) for row in board.rows if _follows(row, table)
    ]
    rows = (*theirs, *(row for row in ours if any(entry.text != ABSENT for entry in row[1])))
    name = f"published: {SOURCES[table.source]}, {table.table}: {table.benchmark}, {table.subset}"
    return Grid(name, "method", titles, rows).upright("title")


def _title(table: PublishedTable, title: str) -> str:
    stands = meaning(table.source, title)
    direction = next(value.direction for value in table.values if value.metric == title)
    return f"{title}{f' ({stands.unit})' if stands.unit else ''}{ARROW[direction]}"


def _printed(table: PublishedTable, method: str, title: str) -> Entry:
    value = table.value(method, title)
    return Entry(value.printed if value else ABSENT)


def _follows(row: Row, table: PublishedTable) -> bool:
    return not row.group and (table.benchmark, table.subset) == SUITES.get(row.suite)


def _ours(board: Leaderboard, row: Row, table: PublishedTable) -> tuple[Entry, ...]:
    texts = []
    for title in table.titles:
        wanted = meaning(table.source, title)
        found = [
            f"{number(cell.mean * wanted.scale, measure.column.decimals)} [{measure.backend}]"
            for cell, measure in zip(row.cells, board.measures, strict=True)
            if measure.column.name == wanted.metric and cell.mean is not None
        ]
        texts.append(", ".join(found) or ABSENT)
    return tuple(map(Entry, texts))


def lines(board: Leaderboard) -> list[str]:
    """All that is said below the grids."""
    sets = [OF_SETS] if any(measure.of_set for measure in board.measures) else []
    return [LEGEND, *sets, *remarks(board), *gaps(board), *board.notes]
