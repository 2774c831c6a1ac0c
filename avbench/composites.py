"""The benchmarks' own totals, by name, of the columns that they are made of; where one is missing there is no total.

Verse-Bench: Dorniwang/Verse-Bench@5645a09 calculate_metrics.py. VBench: Vchitect/VBench scripts/constant.py and
cal_final_score.py, cal_i2v_final_score.py; of its sixteen dimensions avbench has the seven of quality and three of the
nine semantic ones, and so no semantic and no total score.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from avbench import registry
from avbench.errors import NotApplicable, Unscored
from avbench.leaderboard import Leaderboard, Measure, Row, grouped
from avbench.parts import Metric
from avbench.records import Prompt, Status
from avbench.results import Results
from avbench.set_metric import SetMetric
from avbench.set_snapshot import of_run
from avbench.statistics.intervals import Interval
from avbench.statistics.jackknife import jackknife

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


@dataclass(frozen=True, slots=True)
class Total:
    """A composite of one row, with its 95 % interval by the jackknife over prompts, or why there is none."""

    row: Row
    composite: Composite
    value: float
    interval: Interval | None
    why: str = ""


def composite_notes(board: Leaderboard, results: Results, prompts: Iterable[Prompt] = ()) -> tuple[str, ...]:
    """A sentence a row and composite that its columns make up; `prompts` as for `leaderboard.build`."""
    found = []
    for total in totals(board, results, prompts):
        where = " · ".join(filter(None, (total.row.model, total.row.suite, total.row.group)))
        sure = f"without interval ({total.why})"
        if total.interval:
            sure = f"95 % interval {total.interval.low:.4f} to {total.interval.high:.4f}"
        of = f"of {len(total.composite.needs)} columns"
        found.append(f"{where}: {total.composite.name} {total.value:.4f}, {sure}, {of}")
    return tuple(found)


def totals(board: Leaderboard, results: Results, prompts: Iterable[Prompt] = ()) -> Iterator[Total]:
    """The composites of all rows that have their columns."""
    names = [measure.column.name for measure in board.measures]
    rows = [(row, _means(names, row)) for row in board.rows]
    made = [(row, means, c) for row, means in rows for c in COMPOSITES if means.keys() >= set(c.needs)]
    if not made:
        return
    scores = grouped(results.scores, board.by, prompts)
    scores = scores[(scores["status"] == Status.OK) & np.isfinite(scores["value"].astype(float))]
    for row, means, composite in made:
        own = scores[(scores["model"] == row.model) & (scores["suite"] == row.suite) & (scores["group"] == row.group)]
        value = composite.make({name: means[name] for name in composite.needs})
        try:
            yield Total(row, composite, value, jackknife(value, _without_each(composite, board, row, own, results)))
        except (Unscored, NotApplicable, ValueError) as reason:
            yield Total(row, composite, value, None, str(reason))


def _means(names: Sequence[str], row: Row) -> dict[str, float]:
    """The means of a row; a column of several backends is none that a total could take."""
    cells = zip(names, row.cells, strict=True)
    return {name: cell.mean for name, cell in cells if cell.mean is not None and names.count(name) == 1}


def _without_each(
    composite: Composite, board: Leaderboard, row: Row, scores: pd.DataFrame, results: Results
) -> NDArray[np.float64]:
    """The total without each of its prompts, (prompts,). Raises Unscored where a column cannot be made anew."""
    wanted = scores[scores["metric"].isin(composite.needs)]
    prompts = sorted(set(wanted["prompt_id"]))
    of_sets = {m.column.name: m for m in board.measures if m.of_set and m.column.name in composite.needs}
    columns = {name: _set_without_each(m, row, prompts, results) for name, m in of_sets.items()}
    for name, some in wanted.groupby("metric"):
        by_prompt = some.groupby("prompt_id")["value"].agg(["sum", "size"]).reindex(prompts, fill_value=0)
        total, count = (by_prompt[side].to_numpy(np.float64) for side in ("sum", "size"))
        if (count == count.sum()).any():
            raise Unscored(f"{name} has clips of a single prompt")
        columns[str(name)] = (total.sum() - total) / (count.sum() - count)
    return np.array([composite.make({name: columns[name][i] for name in composite.needs}) for i in range(len(prompts))])


def _set_without_each(measure: Measure, row: Row, prompts: Sequence[str], results: Results) -> NDArray[np.float64]:
    run, model = next((run, name) for run in results.runs for name, label in run.labels.items() if label == row.model)
    sets = of_run(run.folder, run.info)
    part = sets.parts[measure.column.name, measure.backend]
    clips = [clip for clip in sets.clips(part, model, row.suite) if clip.prompt_id in prompts]
    metric = registry.load(Metric, part)()
    if not isinstance(metric, SetMetric):
        raise Unscored(f"{part} is no metric of sets here")
    statistic = metric.statistics(clips, sets.truth(part)).get(measure.column.name)
    if statistic is None:
        raise Unscored(f"{measure.column.name} cannot be made anew without a prompt")
    owner = np.array([clip.prompt_id for clip in clips])
    return np.array([statistic.of(np.flatnonzero(owner != prompt)) for prompt in prompts])
