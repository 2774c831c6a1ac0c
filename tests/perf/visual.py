"""CPU seconds of RAFT's metrics against the order in which the references run it, in one process.

    python tests/perf/visual.py [--pairs 3] [--size 256] [--rounds 3]

Random weights: no file is needed, and the seconds do not depend on them. A ratio above 1 says how many times less ours
takes; the decision of dynamic degree is on a clip that moves, and on one that does not. The orders take turns, and the
least of an order's rounds counts: what else the machine does only adds.
"""

from __future__ import annotations

import argparse
import copy
import math
import time
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from avbench.media.info import MediaInfo, VideoInfo
from avbench.metrics._backbones import flow_pairs, raft, raft_steps
from avbench.parts import Frames

FPS = 8


def seconds(work: Callable[[], object]) -> float:
    """CPU seconds of this process."""
    start = time.process_time()
    work()
    return time.process_time() - start


def pictures(count: int, size: int) -> NDArray[np.uint8]:
    squares = (
        np.random.default_rng(0).integers(0, 256, (size // 8, size // 8 + 2, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    )
    return np.stack([np.roll(squares, (t, 3 * t), (0, 1)) for t in range(count)])


def naive_flows(net: Any, frames: NDArray[np.uint8]) -> list[float]:
    """A pair at a time: each frame encoded twice, all 20 flows brought to full size."""
    images = [raft.prepare(frame) for frame in frames]
    with torch.no_grad():
        return [raft.top_speed(net(a, b, num_flow_updates=raft.UPDATES)[-1]) for a, b in pairwise(images)]


def ours(net: Any, frames: NDArray[np.uint8], threshold: float) -> flow_pairs.Motion:
    """The streamed decision, where a pair counts as fast above `threshold`."""
    height, width = frames.shape[1:3]
    video = VideoInfo(0, "raw", "rgb24", width, height, 0, Fraction(FPS), 0.0, len(frames) / FPS, len(frames))
    extractor = flow_pairs._Dynamic(net, MediaInfo(Path("array"), "array", video, None))
    before, flow_pairs.threshold = flow_pairs.threshold, lambda height, width: threshold
    try:
        extractor.push(Frames(frames, np.arange(len(frames)) / FPS))
        return extractor.finish()
    finally:
        flow_pairs.threshold = before


def mean_score(net: Any, frames: NDArray[np.uint8]) -> object:
    mean = flow_pairs._Mean(net)
    mean.push(Frames(frames, np.zeros(len(frames))))
    return mean.finish()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    frames = pictures(asked.pairs + 1, asked.size)
    from torchvision.models.optical_flow import raft_large

    reference = raft_large(weights=None).eval()
    net = raft_steps.lean(copy.deepcopy(reference))
    orders: dict[str, Callable[[], object]] = {
        "pair by pair": partial(naive_flows, reference, frames),
        "dynamic degree, every pair slow": partial(ours, net, frames, np.inf),
        "dynamic degree, every pair fast": partial(ours, net, frames, -1.0),
        "motion score (every pair)": partial(mean_score, net, frames),
    }
    naive_flows(reference, frames[:2])
    mean_score(net, frames[:2])
    spent = dict.fromkeys(orders, math.inf)
    for _ in range(asked.rounds):
        spent = {name: min(spent[name], seconds(order)) for name, order in orders.items()}
    print(f"RAFT, {asked.pairs} pairs of {frames.shape[2]} x {frames.shape[1]}, CPU s, least of {asked.rounds} rounds")
    for name, found in spent.items():
        print(f"  {name}: {found:.2f}, {spent['pair by pair'] / found:.2f} times less")


if __name__ == "__main__":
    main()
