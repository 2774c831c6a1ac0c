"""How far `--fast` is from the protocol: means over two frames a second against means over all frames, of real clips.

    python tests/perf/fast.py CLIP …

The network is CLIP's tower with one narrow block and random weights: the figures say how much frames of a clip differ
from each other next to how much clips do, for such features; what official weights make of it is not measured here.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import av
import numpy as np
import torch

from avbench.metrics._backbones import _pixels, clip

FAST, MOST = 2.0, 240  # frames a second that --fast looks at; frames of a clip that are looked at here


def series(
    path: Path, net: clip.Clip, head: torch.Tensor
) -> tuple[np.ndarray[tuple[int], np.dtype[np.float64]], float]:
    """(T,) cosines of a clip's frames with a fixed direction, and the frame rate."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        rate = float(stream.average_rate or 25)
        frames = [
            frame.to_ndarray(format="rgb24") for frame, _ in zip(container.decode(stream), range(MOST), strict=False)
        ]
    with torch.inference_mode():
        seen = [net.image(_pixels.clip_floats(frame[None])) for frame in frames]
        return np.array([float(torch.cosine_similarity(s[0], head, dim=0)) for s in seen]), rate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("clips", nargs="+", type=Path)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    net = clip.Clip(clip.ClipConfig(16, 64, 1, 32, 7, 64, 1, 1, 600)).eval().requires_grad_(False)
    for value in net.parameters():
        value.normal_(std=0.3)
    head = torch.randn(16)
    whole, part = [], []
    for path in parser.parse_args().clips:
        values, rate = series(path, net, head)
        shown = values[
            np.unique((np.arange(0, len(values) / rate, 1 / FAST) * rate).round().astype(int).clip(0, len(values) - 1))
        ]
        whole.append(values.mean())
        part.append(shown.mean())
        print(f"{path.name:28}{len(values):4} frames {whole[-1]:8.4f}, {len(shown):3} of them {part[-1]:8.4f}")
    apart = np.abs(np.array(whole) - np.array(part))
    print(
        f"apart by {apart.mean():.4f} on average, {apart.max():.4f} at most; clips by {np.std(whole, ddof=1):.4f} (sd)"
    )


if __name__ == "__main__":
    main()
