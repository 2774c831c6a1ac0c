"""The tables' rows are the papers', every row is a model that runs, and the command does all of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from avbench.ablation import find, makers
from avbench.errors import UsageError
from avbench.generators._joint.ablations import TABLES, Row, row_of
from avbench.generators._joint.config import Preset
from avbench.generators._joint.data import Dataset
from avbench.generators._joint.model import JointModel
from avbench.generators._joint.presets import PRESETS
from avbench.generators._joint.weights import save
from avbench.published import published_values

EVERY = [(system, table, row) for system, tables in TABLES.items() for table, rows in tables.items() for row in rows]


def test_rows_are_the_papers_own() -> None:
    for system, tables in TABLES.items():
        for table, rows in tables.items():
            printed = {v.method for v in published_values() if (v.source, v.table) == (system, table.upper())}
            ours = {row.name for row in rows}
            assert ours <= printed and printed - ours <= {"Universe-1", "OVI"}


def test_the_grid_is_nineteen_checkpoints() -> None:
    assert len({(system, row.checkpoint) for system, _, row in EVERY}) == 19  # Harmony 5, JoVA 8, UniAVGen 6


@pytest.mark.parametrize(("system", "table", "row"), EVERY, ids=lambda x: getattr(x, "name", x))
def test_every_row_is_a_model(system: str, table: str, row: Row, small: Callable[[str], Preset]) -> None:
    """Rows of one checkpoint are of one model; a row with switches differs from the full one."""
    preset = small(system)
    mine, full = row.of(preset), PRESETS[system]["grid"]
    with torch.device("meta"):
        JointModel(mine.model)
    assert (mine.model, mine.train) == (preset.model, preset.train) or row.checkpoint != "full"
    assert row.train or (mine.model, mine.train) == (preset.model, preset.train)
    assert full.train.steps == 10_000
    for other in TABLES[system][table]:
        if other.checkpoint == row.checkpoint:
            assert (other.of(preset).model, other.of(preset).train) == (mine.model, mine.train)


def test_without_cts_only_joint_batches_are_left(small: Callable[[str], Preset]) -> None:
    preset = row_of("harmony", "t4", "w/o CTS (w/ SyncCFG)").of(small("harmony"))
    assert [task.name for stage in preset.train.stages for task in stage.mix] == ["joint"]
    with pytest.raises(UsageError, match="has no 'nonsense'"):
        Row("x", "x", {"model.nonsense": 1}).of(preset)


def test_what_is_missing_is_known_and_rows_share_weights(
    small: Callable[[str], Preset], model: JointModel, data: Dataset, tmp_path: Path
) -> None:
    found = find("harmony-t4", "nano", tmp_path)
    assert [row.checkpoint for row in found.missing] == ["full", "raw-rope", "global", "no-cts"]
    for row in found.missing:
        (tmp_path / row.checkpoint).mkdir()
        save(found.weights(row), model.config, model.state_dict(), data.codecs, {"system": "harmony"})
    assert not found.missing
    made = makers(found)
    assert [made[row.name].facts.settings["guidance"] for row in found.rows] == [
        "text",
        *["sync"] * 2,
        "text",
        *["sync"] * 2,
    ]
    assert found.published is not None and found.published.titles == ("Sync-C",)


def test_unknown_ablations_name_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="known: harmony-t4, harmony-t5, jova-t3"):
        find("harmony-t9", None, tmp_path)
    with pytest.raises(UsageError, match="known: grid, nano, tiny"):
        find("harmony-t4", "huge", tmp_path)


def test_weights_of_another_system_are_refused(model: JointModel, data: Dataset, tmp_path: Path) -> None:
    found = find("jova-t6", "nano", tmp_path)
    for row in found.missing:
        (tmp_path / row.checkpoint).mkdir()
        save(found.weights(row), replace(model.config), model.state_dict(), data.codecs, {"system": "harmony"})
    with pytest.raises(UsageError, match="holds weights of harmony, not of jova"):
        makers(found)
