"""The benchmarks' own totals, by name, of the columns that they are made of; where one is missing there is no total.

Verse-Bench: Dorniwang/Verse-Bench@5645a09 calculate_metrics.py. VBench: Vchitect/VBench scripts/constant.py and
cal_final_score.py, cal_i2v_final_score.py; of its sixteen dimensions avbench has the seven of quality and three of the
nine semantic ones, and so no semantic and no total score.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from avbench.leaderboard import Leaderboard, Row

Means = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Composite:
    """A total: its name, the columns it needs, and how it is made of their means."""

    name: str
    needs: tuple[str, ...]
    make: Callable[[Means], float]


@dataclass(frozen=True, slots=True)
class Bound:
    """A column's span in a total: `worst` becomes 0 and `best` 1."""

    column: str
    worst: float
    best: float
    weight: float = 1.0

    def scaled(self, means: Means) -> float:
        return (means[self.column] - self.worst) / (self.best - self.worst)


VBENCH = (
    Bound("subject_consistency", 0.1462, 1.0),
    Bound("background_consistency", 0.2615, 1.0),
    Bound("temporal_flickering", 0.6293, 1.0),
    Bound("motion_smoothness", 0.7060, 0.9975),
    Bound("dynamic_degree", 0.0, 1.0, 0.5),
    Bound("aesthetic_laion", 0.0, 1.0),
    Bound("imaging_spaq", 0.0, 1.0),
)
I2V = tuple(bound for bound in VBENCH if bound.column != "temporal_flickering")
VIDEO = (Bound("as_verse", 0, 1), Bound("id_dinov3_versebench", 0, 1))
AUDIO = (
    Bound("clap_pair_distance", 3, 0),
    Bound("kl_passt", 4, 0),
    Bound("clap_score", 0, 1),
    Bound("audiobox_ce", 1, 10),
    Bound("audiobox_cu", 1, 10),
    Bound("audiobox_pc", 10, 1),  # Verse-Bench counts complexity as bad
    Bound("audiobox_pq", 1, 10),
)
OTHER = (Bound("wer", 1, 0), Bound("lse_c", 0, 10))
SYNC = Bound("desync_verse", 1, 0)


def vbench_quality(means: Means) -> float:
    """VBench's quality score: the weighted mean of its seven dimensions, scaled and not clamped."""
    return sum(bound.weight * bound.scaled(means) for bound in VBENCH) / sum(bound.weight for bound in VBENCH)


def vbench_i2v_quality(means: Means) -> float:
    """VBench-I2V's quality score, of the same dimensions but temporal flickering."""
    return sum(bound.weight * bound.scaled(means) for bound in I2V) / sum(bound.weight for bound in I2V)


def verse_overall(means: Means) -> float:
    """Verse-Bench's overall score: half of it the harmonic mean of CS and AV-A, scaled and clamped to 0..1."""

    def average(*bounds: Bound) -> float:
        return sum(min(max(bound.scaled(means), 0.0), 1.0) for bound in bounds) / len(bounds)

    text, sync = average(Bound("clap_score", 0, 1)), average(SYNC)
    joint = 2 * text * sync / (text + sync) if text + sync else 0.0
    return 0.5 * joint + 0.2 * average(*VIDEO) + 0.2 * average(*AUDIO) + 0.1 * average(*OTHER)


COMPOSITES = (
    Composite("VBench quality score", tuple(bound.column for bound in VBENCH), vbench_quality),
    Composite("VBench-I2V quality score", tuple(bound.column for bound in I2V), vbench_i2v_quality),
    Composite(
        "Verse-Bench overall score", tuple(bound.column for bound in (*VIDEO, *AUDIO, *OTHER, SYNC)), verse_overall
    ),
)


def composite_notes(board: Leaderboard) -> tuple[str, ...]:
    """A sentence a row and composite that its columns make up."""
    found = []
    for row in board.rows:
        where = " · ".join(filter(None, (row.model, row.suite, row.group)))
        means = _means(board, row)
        for composite in COMPOSITES:
            if means.keys() >= set(composite.needs):
                value = composite.make({name: means[name] for name in composite.needs})
                found.append(
                    f"{where}: {composite.name} {value:.4f}, of {len(composite.needs)} columns, without interval"
                )
    return tuple(found)


def _means(board: Leaderboard, row: Row) -> dict[str, float]:
    """The means of a row; a column of several backends is none that a total could take."""
    names = [measure.column.name for measure in board.measures]
    cells = zip(names, row.cells, strict=True)
    return {name: cell.mean for name, cell in cells if cell.mean is not None and names.count(name) == 1}
