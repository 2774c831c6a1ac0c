"""What guidance did to a clip, and where its sound looked: maps over the picture, gathered while it is sampled."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .model import JointModel
from .sampling import Guided
from .timemap import STRIDE, Timeline


class Diagnosis:
    """Harmony's diagnostics (supplement, sections 6 and 8), means over the steps of one sampling.

    `attention`: how the sound attends the cells of the picture, mean over heads and layers; each frame's map sums to 1.
    `difference`: |u - u_neg| of the video on its latent grid, mean over channels, the paper's heat map for SyncCFG.
    `guidance`: |u_guided - u|, what guidance adds: zero where its scale is 1, or where none acts.
    """

    def __init__(self, model: JointModel) -> None:
        self.model = model
        self.attention, self.difference, self.guidance = _Mean(), _Mean(), _Mean()

    def watching(self) -> AbstractContextManager[None]:
        """While it lasts, the model's passes are watched."""
        return self.model.observed(lambda _, weights: self.attention.add(weights[0]))

    def __call__(self, step: Guided) -> None:
        """Sees a step of the video."""
        away = (step.conditional - step.negative).abs() / step.s
        pull = (step.guided - step.conditional).abs() / step.s
        self.difference.add(away[0].mean(0))
        self.guidance.add(pull[0].mean(0))

    def maps(self, frames: int, grid: tuple[int, int]) -> dict[str, NDArray[np.float32]]:
        """The maps of every frame (frames, h, w); `grid` is that of the video's latents.

        There is no `attention` where the sound saw nothing: it drove the picture, or the model is made so.
        """
        found = {}
        if self.attention.count:
            found["attention"] = self._attended(self.attention.value, frames, grid)
        none = torch.zeros(Timeline(frames, 1).latents, *grid)
        for name, seen in (("difference", self.difference), ("guidance", self.guidance)):
            latents = seen.value if seen.count else none
            found[name] = latents[[math.ceil(frame / STRIDE) for frame in range(frames)]].numpy()
        return found

    def _attended(self, tokens: Tensor, frames: int, grid: tuple[int, int]) -> NDArray[np.float32]:
        """A frame's map is the mean of the tokens that sound in it."""
        rows = grid[0] // self.model.config.patch
        rate = len(tokens) / frames
        spans = [
            (int(frame * rate), max(math.ceil((frame + 1) * rate), int(frame * rate) + 1)) for frame in range(frames)
        ]
        return torch.stack([tokens[begin:end].mean(0) for begin, end in spans]).unflatten(1, (rows, -1)).numpy()


@contextmanager
def diagnosed(model: JointModel, wanted: bool) -> Iterator[Diagnosis | None]:
    """What watches a sampling, where that is wanted."""
    if not wanted:
        yield None
        return
    diagnosis = Diagnosis(model)
    with diagnosis.watching():
        yield diagnosis


class _Mean:
    """A running mean on the CPU: what is seen at full size would not fit side by side."""

    def __init__(self) -> None:
        self.total, self.count = torch.zeros(()), 0

    def add(self, seen: Tensor) -> None:
        self.total = self.total + seen.float().cpu()
        self.count += 1

    @property
    def value(self) -> Tensor:
        return self.total / self.count
