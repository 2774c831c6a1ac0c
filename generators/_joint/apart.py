"""Streams that learned each alone: what a preset with an `apart` begins with, trained once for all rows of an ablation.

The papers' rows, too, begin with one trained video model and one trained audio model, and differ in what follows.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from torch import Tensor

from avbench.errors import UsageError

from .config import Interaction, ModelConfig
from .recipe import Preset
from .weights import facts, load

STREAMS = ("video.", "audio.", "texts.", "prefix", "types")  # of a joint model's state; the rest is where they meet


def apart_of(preset: Preset) -> Preset | None:
    """The preset of the streams alone. Rows that differ in how the streams meet have the same."""
    if preset.apart is None:
        return None
    meeting = Interaction(a2v="none", v2a="none")
    if preset.model.mixed:  # a shared self-attention also decides how the streams' own tokens turn
        meeting = Interaction(a2v="joint", v2a="joint", time_map=preset.model.interaction.time_map, global_style=False)
    return Preset(replace(preset.model, interaction=meeting), preset.apart)


def trained_to(weights: Path, steps: int) -> bool:
    """Is the file there, and no less trained? A training that is stopped leaves what it has so far."""
    return weights.is_file() and int(facts(weights)["steps"]) >= steps


def streams_of(weights: Path, config: ModelConfig) -> dict[str, Tensor]:
    """The streams' part of the state in a file of weights. Raises UsageError where it is of another model."""
    model = load(weights).model
    if model.config != config:
        raise UsageError(f"{weights} holds other streams than this preset's; delete its folder, and they learn anew")
    return {name: tensor for name, tensor in model.state_dict().items() if name.startswith(STREAMS)}
