"""The rows of the papers' ablation tables as switches on a preset. Rows of one checkpoint are trained once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from avbench.errors import UsageError

from .recipe import Preset, Stage


@dataclass(frozen=True, slots=True)
class Row:
    """A row by the paper's name of it; `train` decides the checkpoint, `sample` only how it is sampled.

    Switches are dotted places in a preset: `model.interaction.rope`, `train.mouth_lambda`, `sample.guidance`.
    """

    name: str
    checkpoint: str
    train: Mapping[str, object] = field(default_factory=dict)
    sample: Mapping[str, object] = field(default_factory=dict)

    def of(self, preset: Preset) -> Preset:
        """The preset with the row's switches."""
        for place, value in {**self.train, **self.sample}.items():
            preset = switched(preset, place.split("."), value)
        return preset


_TEXT = {"sample.guidance": "text"}
# Without CTS: where the streams meet, joint batches alone (and single pictures, as in every row).
_JOINT = "joint alone"
_WEAK = {"model.width": 64, "model.heads": 2}  # stands for the smaller backbone


def _both(kind: str) -> dict[str, object]:
    return {"model.interaction.a2v": kind, "model.interaction.v2a": kind}


def _modality(low: float) -> dict[str, object]:
    return {"sample.guidance": "modality", "sample.interval": (low, 1.0)}


TABLES: dict[str, dict[str, tuple[Row, ...]]] = {
    "harmony": {
        "t4": (
            Row("w/o SyncCFG", "full", sample=_TEXT),
            Row("w/o RoPE Align", "raw-rope", {"model.interaction.rope": "raw"}),
            Row("w/o GLDI", "global", {**_both("global"), "model.interaction.global_style": False}),
            Row("w/o CTS (w/o SyncCFG)", "no-cts", {"train.stages": _JOINT}, _TEXT),
            Row("w/o CTS (w/ SyncCFG)", "no-cts", {"train.stages": _JOINT}),
            Row("Full Model (Harmony)", "full"),
        ),
        "t5": (Row("Harmony (Base: Wan2.1)", "weak", _WEAK), Row("Harmony (Base: Wan2.2)", "full")),
    },
    "jova": {
        "t3": (
            Row("JoVA lambda=0.0", "lambda-0", {"train.mouth_lambda": 0.0}),
            Row("JoVA lambda=2.0", "lambda-2", {"train.mouth_lambda": 2.0}),
            Row("JoVA lambda=5.0", "full"),
            Row("JoVA lambda=8.0", "lambda-8", {"train.mouth_lambda": 8.0}),
        ),
        "t4": (
            Row("JoVA without TA-RoPE", "raw-rope", {"model.interaction.rope": "raw"}),
            Row("JoVA with TA-RoPE", "full"),
        ),
        "t5": (
            Row("JoVA Cross-attention w/ linear", "parallel-linear", _both("parallel_linear")),
            Row("JoVA Cross-attention w/o linear", "parallel", _both("parallel")),
            Row("JoVA Joint self-attention", "full"),
        ),
        "t6": (Row("JoVA (3.2B)", "weak", _WEAK), Row("JoVA (24B)", "full")),
    },
    "uniavgen": {
        "t4": (
            Row("(a) all layers", "all-layers", {"model.interaction.layers": "all"}),
            Row("(b) first half of layers", "first-half", {"model.interaction.layers": "first_half"}),
            Row("(c) last half of layers", "last-half", {"model.interaction.layers": "last_half"}),
            Row("(d) interleaved layers", "full"),
        ),
        "t5": (
            Row("1) before FFN", "before-ffn", {"model.interaction.position": "before_ffn"}),
            Row("2) before cross-attention", "before-cross", {"model.interaction.position": "before_cross_attn"}),
            Row("3) before self-attention", "full"),
        ),
        "t6": (
            Row("(a) no CFG", "full", sample={"sample.guidance": "none"}),
            Row("(b) vanilla CFG", "full", sample=_TEXT),
            Row("(c) MA-CFG", "full", sample=_modality(0.0)),
            Row("(d) MA-CFG under t \\in [0.5, 1]", "full", sample=_modality(0.5)),
        ),
    },
}


def row_of(system: str, table: str, name: str) -> Row:
    return next(row for row in TABLES[system][table] if row.name == name)


def _joint_alone(stage: Stage) -> Stage:
    """A stage without its driven tasks; one in which a stream learns alone stays."""
    joint = tuple(task for task in stage.mix if task.name == "joint")
    return replace(stage, mix=joint or stage.mix)


def switched(record: Any, place: list[str], value: object) -> Any:
    """A frozen record with the value at a dotted place. Raises UsageError for a place that is not there."""
    first, *rest = place
    if not hasattr(record, first):
        raise UsageError(f"{type(record).__name__} has no {first!r}")
    old = getattr(record, first)
    if first == "stages" and value == _JOINT:
        value = tuple(_joint_alone(stage) for stage in old)
    return replace(record, **{first: switched(old, rest, value) if rest else value})
