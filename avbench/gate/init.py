"""A gate.toml to start from: the one that ships, or one about the metrics that a run has."""

from __future__ import annotations

import json
import re

from avbench.gate.config import MOST, default_text
from avbench.records import Direction
from avbench.snapshot import Snapshot

OTHER = '"0.25 sd"'  # a small effect by Cohen's measure
OF_SET = '"10 %"'  # of the number itself: a set has no spread of prompts


def text_for(run: Snapshot | None) -> str:
    """The text; with a run, sections for its metrics: those of the default first, the others with a margin of 0.25 sd.

    Sections past the most that may decide, metrics of which neither way is better or whose clips all have one value,
    and numbers of whole sets are there as comments.
    """
    if run is None:
        return default_text()
    head, _, rest = default_text().partition("[metrics.")
    margins = dict(re.findall(r"^\[metrics\.([\w-]+)\]\nmargin = (.+)$", "[metrics." + rest, re.MULTILINE))
    columns = {m.column.name: m.column for m in run.measures if not m.column.guard and not m.of_set}
    wanted = [name for name in margins if name in columns]
    others = [name for name in columns if name not in margins]
    known = run.scores.groupby("metric")["value"].nunique()  # a margin in spreads of a single value would be zero
    wanted += [name for name in others if columns[name].direction is not Direction.NONE and known.get(name, 0) > 1]
    optional = [name for name in others if name not in wanted]
    sections = []
    for i, name in enumerate([*wanted, *optional]):
        lines = [f"[metrics.{_key(name)}]", f"margin = {margins.get(name, OTHER)}"]
        comment = "" if i < MOST and name in wanted else "# "
        sections.append("\n".join(comment + line for line in lines))
    for column in (measure.column for measure in run.sets.measures):
        if column.direction is not Direction.NONE:
            sections.append(f"# [metrics.{_key(column.name)}]\n# margin = {OF_SET}")
    return head + "\n\n".join(sections) + "\n"


def _key(name: str) -> str:
    return name if re.fullmatch(r"[\w-]+", name, re.ASCII) else json.dumps(name)
