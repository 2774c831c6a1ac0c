"""RAFT: dense optical flow (Teed and Deng 2020), torchvision's `raft_large` run without what it repeats.

torchvision's file `raft_large_C_T_V1` is its port of the authors' `raft-things.pth`, whose names load as well. Each
frame is encoded once, though it is in two pairs, only the last of the 20 flows is brought to full size, and the steps
repeat less (`raft_steps`): the flow is torchvision's but for the order of sums.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import pad, unfold

from ._paper import library
from ._state import build
from .raft_steps import Correlations, lean, tanh_, updated

UPDATES = 20
SMALLEST = 128  # pixels a side after padding: below, the coarsest correlation has one value, and the flow is NaN

UNUSED = ("*.norm3.*",)  # second names of downsample.1 in the authors' file
_RENAMES = (
    (r"^module\.", ""),
    (r"^fnet\.", "feature_encoder."),
    (r"^cnet\.", "context_encoder."),
    (r"_encoder\.conv1\.", "_encoder.convnormrelu.0."),
    (r"_encoder\.norm1\.", "_encoder.convnormrelu.1."),
    (r"_encoder\.conv2\.", "_encoder.conv."),
    (r"(layer\d\.\d)\.conv(\d)\.", r"\1.convnormrelu\2.0."),
    (r"(layer\d\.\d)\.norm([12])\.", r"\1.convnormrelu\2.1."),
    (r"^update_block\.encoder\.", "update_block.motion_encoder."),
    (r"motion_encoder\.convc(\d)\.", r"motion_encoder.convcorr\1.0."),
    (r"motion_encoder\.convf(\d)\.", r"motion_encoder.convflow\1.0."),
    (r"motion_encoder\.conv\.(?=weight|bias)", "motion_encoder.conv.0."),
    (r"^update_block\.gru\.conv([zrq])(\d)\.", r"update_block.recurrent_block.convgru\2.conv\1."),
    (r"^update_block\.mask\.0\.", "mask_predictor.convrelu.0."),
    (r"^update_block\.mask\.2\.", "mask_predictor.conv."),
)


@dataclass(frozen=True, slots=True)
class Encoded:
    """One frame (1, 3, H, W), padded and in -1..1, and its features (1, 256, H/8, W/8)."""

    image: Tensor
    features: Tensor


def load(state: Mapping[str, Tensor], source: str) -> Any:
    """torchvision's network with the weights `state`, read from `source`, in its own names or the authors'."""
    raft_large = library("torchvision.models.optical_flow").raft_large
    if any("fnet." in name for name in state):
        state = {_renamed(name): value for name, value in state.items()}
    return lean(build(lambda: raft_large(weights=None), state, source, UNUSED))


def prepare(frame: NDArray[np.uint8]) -> Tensor:
    """(H, W, 3) to (1, 3, H', W') in -1..1, the edges repeated to multiples of 8, the smaller half left and above."""
    image = torch.from_numpy(np.ascontiguousarray(frame)).permute(2, 0, 1)[None].float()
    rows, columns = (-size % 8 for size in frame.shape[:2])
    sides = (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2)
    return 2 * (pad(image, sides, mode="replicate") / 255) - 1


def encode(net: Any, image: Tensor) -> Encoded:
    return Encoded(image, net.feature_encoder(image))


def flow(net: Any, first: Encoded, second: Encoded) -> Tensor:
    """Pixels (1, 2, H, W), x and y, by which the padded `first` moves to `second`."""
    hidden, context = net.context_encoder(first.image).tensor_split(2, dim=1)
    start = _grid(first.features)
    correlations = Correlations(first.features, second.features)
    hidden, moved = updated(net, tanh_(hidden.clone()), context.relu(), correlations, start, UPDATES)
    return _enlarged(moved - start, net.mask_predictor(hidden))


def top_speed(flow: Tensor) -> float:
    """VBench's: the mean length of the longest 5 % of the vectors of a flow (1, 2, H, W)."""
    lengths = flow[0].square().sum(dim=0).sqrt().flatten()
    return float(lengths.topk(int(0.05 * len(lengths))).values.mean())


def mean_component(flow: Tensor) -> float:
    """Verse-Bench's: the mean of |x| and |y| over all vectors."""
    return float(flow.abs().mean())


def _grid(features: Tensor) -> Tensor:
    rows, columns = (torch.arange(size, device=features.device) for size in features.shape[-2:])
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    return torch.stack([x, y])[None].float()


def _enlarged(flow: Tensor, weights: Tensor) -> Tensor:
    """Eight times the size: each vector a weighted mean of the nine around it."""
    _, _, h, w = flow.shape
    convex = weights.view(1, 1, 9, 8, 8, h, w).softmax(dim=2)
    nine = unfold(8 * flow, kernel_size=3, padding=1).view(1, 2, 9, 1, 1, h, w)
    return (convex * nine).sum(dim=2).permute(0, 1, 4, 2, 5, 3).reshape(1, 2, 8 * h, 8 * w)


def _renamed(name: str) -> str:
    for pattern, replacement in _RENAMES:
        name = re.sub(pattern, replacement, name)
    return name
