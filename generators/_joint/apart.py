"""Streams that learned each alone: what a preset with an `apart` begins with, trained once for all rows of an ablation.

The papers' rows, too, begin with one trained video model and one trained audio model, and differ in what follows.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from torch import Tensor

from .config import Interaction, Preset
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


def streams_of(weights: Path) -> dict[str, Tensor]:
    """The streams' part of the state in a file of weights."""
    state = load(weights).model.state_dict()
    return {name: tensor for name, tensor in state.items() if name.startswith(STREAMS)}
