"""How far `--fast` is from the protocol, on real clips: its frames and pairs against all of them.

    python tests/perf/fast.py CLIP …

Stand-ins for networks whose weights are not at hand. Frames: CLIP's tower with one narrow block and random weights, by
a cosine; this says how much frames of a clip differ from each other next to how much clips do, for such features.
Pairs of `motion_score`: OpenCV's DIS flow for RAFT's. Pairs of `motion_smoothness`: the mean of the neighbours for
AMT-S's middle frame. What official weights make of it is not measured here.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path

import av
import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from avbench.metrics._backbones import _pixels, clip
from avbench.metrics._backbones.flow_pairs import halved
from avbench.products import inference

FAST, PAIRS, MOST = 2.0, 4, 240  # frames a second and pairs that --fast looks at; frames of a clip looked at here
Picture = NDArray[np.uint8]
Kept = Callable[[int, float], NDArray[np.int64]]


def seen(frames: list[Picture], net: clip.Clip, head: torch.Tensor) -> Iterator[float]:
    """Cosines of the frames with a fixed direction."""
    for frame in frames:
        with inference():
            found = net.image(_pixels.clip_floats(frame[None]))[0]
            cosine = float(torch.cosine_similarity(found, head, dim=0))
        yield cosine


def moved(frames: list[Picture]) -> Iterator[float]:
    """Mean |x|, |y| of the flow between neighbours, halved to at most 640 px."""
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    small = [cv2.cvtColor(halved(frame), cv2.COLOR_RGB2GRAY) for frame in frames]
    for one, other in pairwise(small):
        yield float(np.abs(flow.calc(one, other, np.zeros((*one.shape, 2), np.float32))).mean())


def smooth(frames: list[Picture]) -> Iterator[float]:
    """1 less the mean |difference| of each odd frame and the mean of its neighbours, of 255."""
    for even, odd, following in zip(frames[::2], frames[1::2], frames[2::2], strict=False):
        middle = (even.astype(np.float32) + following) / 2
        yield 1 - float(np.abs(middle - odd).mean()) / 255


def a_second(count: int, rate: float) -> NDArray[np.int64]:
    return np.unique((np.arange(0, count / rate, 1 / FAST) * rate).round().astype(np.int64).clip(0, count - 1))


def every(count: int, _: float) -> NDArray[np.int64]:
    return np.arange(0, count, PAIRS)


def read(path: Path) -> tuple[list[Picture], float]:
    """The first frames of a clip, and its frame rate."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        shown = zip(container.decode(stream), range(MOST), strict=False)
        frames = [np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame, _ in shown]
        return frames, float(stream.average_rate or 25)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("clips", nargs="+", type=Path)
    clips = [read(path) for path in parser.parse_args().clips]
    torch.set_num_threads(1)
    torch.manual_seed(0)
    net = clip.Clip(clip.ClipConfig(16, 64, 1, 32, 7, 64, 1, 1, 600)).eval().requires_grad_(False)
    for value in net.parameters():
        value.normal_(std=0.3)
    tower = partial(seen, net=net, head=torch.randn(16))
    ways: dict[str, tuple[Callable[[list[Picture]], Iterator[float]], Kept]] = {
        "frames, cosine": (tower, a_second),
        "motion_score, px": (moved, every),
        "motion_smoothness": (smooth, every),
    }
    for name, (measure, kept) in ways.items():
        values = [(np.array(list(measure(frames))), rate) for frames, rate in clips]
        whole = np.array([each.mean() for each, _ in values])
        part = np.array([each[kept(len(each), rate)].mean() for each, rate in values])
        apart = np.abs(whole - part)
        print(
            f"{name:18} apart by {apart.mean():.4f} on average, {apart.max():.4f} at most; "
            f"clips lie between {whole.min():.4f} and {whole.max():.4f} (sd {np.std(whole, ddof=1):.4f})"
        )


if __name__ == "__main__":
    main()
