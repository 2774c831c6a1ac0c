"""VBench's ten dimensions in one sweep against the references' order, in one process; and the memory, in two more.

    python tests/perf/vbench.py [--frames 5] [--size 256 448] [--moves]
    python tests/perf/vbench.py --memory [--frames 49]

Networks have their official shapes and random weights. The references' order: every dimension decodes the clip again
and turns it into floats as a whole, one frame a call (CLIP: all in a batch), one pair a call with both frames encoded,
all 20 flows brought to full size, gradients on where VBench leaves them on, ViCLIP run for two dimensions, the last
block of CLIP and ViCLIP for every token. Attention is ours in both orders: VBench's CLIP and ViCLIP call PyTorch's with
the sequence first, for which it takes the same kernel. Products are PyTorch's own in the references' order alone.
Memory is the peak above what the process has when its networks are loaded: of the references' the background, which
is the worst of the ten; of ours the sweep of CLIP, RAFT and AMT-S together.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest.mock import patch

import av
import numpy as np
import torch
from costs import random_networks, seconds  # type: ignore[import-not-found]

from avbench.media.mux import write
from avbench.media.sweep import sweep
from avbench.metrics._backbones import _pixels, amt, clip, dino, flow_pairs, musiq, quality, raft, towers, viclip
from avbench.metrics._backbones._checkpoint import network
from avbench.metrics._backbones._vit import ClipMlp, ClipTransformer
from avbench.metrics._backbones.flow_pairs import DynamicFlow
from avbench.metrics._backbones.interpolation import MiddleFrames
from avbench.metrics._backbones.pixels import Pixels
from avbench.metrics._backbones.quality import MusiqSpaq
from avbench.metrics._backbones.towers import ClipFrames, ClipLargeFrames, DinoFrames, ViclipVideo
from avbench.records import Sample

FPS = 8
SET = (
    DinoFrames(),
    ClipFrames(),
    Pixels(),
    MiddleFrames(),
    DynamicFlow(),
    ClipLargeFrames(),
    MusiqSpaq(),
    ViclipVideo(),
    ClipFrames(own=True),
)


def openai_mlp(self: ClipMlp, x: torch.Tensor) -> torch.Tensor:
    wide = self.c_fc(x)
    return self.c_proj(wide * torch.sigmoid(1.702 * wide))  # type: ignore[no-any-return]


def decoded(path: Path) -> Any:
    """The whole clip, uint8 and as float32, as VBench has it in memory."""
    with av.open(str(path)) as container:
        frames = np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])
    return frames, torch.from_numpy(frames).permute(0, 3, 1, 2).float()


def dimensions(path: Path) -> dict[str, Callable[[], object]]:
    """Each dimension as VBench runs it."""
    from torchvision.models.optical_flow import raft_large

    nets: dict[str, Any] = {
        "dino": network(dino.load, "dino_vitb16"),
        "b32": network(clip.load_b_32, "clip_vit_b_32"),
        "l14": network(clip.load_l_14, "clip_vit_l_14"),
        "viclip": network(viclip.load, "viclip_l_14", "model"),
        "musiq": network(musiq.load, "musiq_spaq"),
        "amt": network(amt.load, "amt_s", "state_dict"),
        "raft": raft_large(weights=None).eval(),
    }

    @torch.no_grad()
    def subject() -> None:
        frames, _ = decoded(path)
        for frame in frames:
            nets["dino"](_pixels.dino_floats(frame[None]))

    def background() -> None:
        frames, _ = decoded(path)
        net = nets["b32"].requires_grad_(True)
        net.image(_pixels.clip_floats(frames))
        net.requires_grad_(False)

    def flickering() -> None:
        frames, _ = decoded(path)
        [np.abs(a.astype(np.float32) - b.astype(np.float32)).mean() for a, b in pairwise(frames)]

    @torch.no_grad()
    def smoothness() -> None:
        frames, _ = decoded(path)
        for a, b in pairwise(frames[::2]):
            amt.middle(nets["amt"], a, b)

    @torch.no_grad()
    def dynamic() -> None:
        frames, _ = decoded(path)
        images = [raft.prepare(frame) for frame in frames]
        for a, b in pairwise(images):
            raft.top_speed(nets["raft"](a, b, num_flow_updates=raft.UPDATES)[-1])

    @torch.no_grad()
    def aesthetic() -> None:
        frames, _ = decoded(path)
        for start in range(0, len(frames), 32):
            nets["l14"].image(_pixels.clip_floats(frames[start : start + 32]))

    def imaging() -> None:
        frames, _ = decoded(path)
        net = nets["musiq"].requires_grad_(True)
        for frame in frames:
            net(quality.shrunk(frame[None], quality.LONGEST))
        net.requires_grad_(False)

    @torch.no_grad()
    def text() -> None:
        frames, _ = decoded(path)
        eight = frames[towers.middle_frames(len(frames), viclip.FRAMES)]
        nets["viclip"].video(_pixels.clip_bytes(eight)[None])

    @torch.no_grad()
    def appearance() -> None:
        frames, _ = decoded(path)
        for frame in frames:
            nets["b32"].image(_pixels.clip_pil(frame[None]))

    return {
        "subject consistency": subject,
        "background consistency": background,
        "temporal flickering": flickering,
        "motion smoothness": smoothness,
        "dynamic degree": dynamic,
        "aesthetic quality": aesthetic,
        "imaging quality": imaging,
        "overall consistency": text,
        "temporal style": text,
        "appearance style": appearance,
    }


def made(folder: str, count: int, height: int, width: int) -> Path:
    squares = (
        np.random.default_rng(0).integers(0, 256, (height // 8, width // 8, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    )
    frames = np.stack([np.roll(squares, (2 * t, 9 * t), (0, 1)) for t in range(count)])
    path = Path(folder) / "clip.mp4"
    write(path, Sample(frames, Fraction(FPS), np.zeros(0, np.float32), 16_000))
    return path


def peak() -> float:
    """MB that this process has had at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def memory(which: str, path: Path) -> None:
    """In a process of its own: the peak above that after loading."""
    ours = (ClipFrames(), ClipFrames(own=True), Pixels(), MiddleFrames(), DynamicFlow())
    from avbench.media.info import MediaInfo

    works = dimensions(path)
    for backbone in ours:
        backbone.open(MediaInfo(path, "", None, None))
    before = peak()
    works["background consistency"]() if which == "naive" else sweep(path, ours)
    print(json.dumps({"before": before, "peak": peak()}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--frames", type=int, default=5)
    parser.add_argument("--size", type=int, nargs=2, default=(256, 448))
    parser.add_argument("--moves", action="store_true", help="count every pair as one that moves")
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--child", default="", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    random_networks()
    with tempfile.TemporaryDirectory() as folder:
        path = made(folder, asked.frames, *asked.size)
        if asked.child:
            memory(asked.child, path)
            return
        if asked.memory:
            for which in ("naive", "ours"):
                words = ["--child", which, "--frames", str(asked.frames), "--size", *map(str, asked.size)]
                done = subprocess.run([sys.executable, __file__, *words], capture_output=True, text=True, check=True)
                found = json.loads(done.stdout.splitlines()[-1])
                grown = found["peak"] - found["before"]
                print(f"{which}: {grown:.0f} MB above the {found['before']:.0f} MB with networks loaded")
            return
        if asked.moves:
            flow_pairs.threshold = lambda height, width: -1.0  # random weights see no motion in large pictures
        works = dimensions(path)
        with (
            patch.object(ClipTransformer, "first", lambda self, x: self(x)[:, 0]),
            patch.object(ClipMlp, "forward", openai_mlp),
        ):
            plain = {name: seconds(work) for name, work in works.items()}
        for name, spent in plain.items():
            print(f"{name:24}{spent:8.2f}", flush=True)
        spent = seconds(lambda: sweep(path, SET))
        total = sum(plain.values())
        print(
            f"{asked.frames} frames of {asked.size[1]} x {asked.size[0]}, CPU s: one dimension at a time {total:.2f},"
        )
        print(f"  all in one sweep {spent:.2f}: {total / spent:.2f} times less")


if __name__ == "__main__":
    main()
