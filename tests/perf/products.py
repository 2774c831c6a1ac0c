"""What oneDNN's products save where MKL leaves AVX-512 unused (`avbench/products.py`): CPU seconds of one core.

    python tests/perf/products.py

Each line is the least of three rounds in which both take turns, and the largest difference of the results relative to
the largest result. Networks of metrics have their official shapes and random weights; the generator is as it ships.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from itertools import chain
from unittest.mock import patch

import numpy as np
import torch
from costs import random_networks  # type: ignore[import-not-found]

from avbench.metrics._backbones import clip, dino, viclip
from avbench.metrics._backbones._checkpoint import network
from avbench.parts import Generator, Request
from avbench.products import inference, slow
from avbench.records import Prompt
from avbench.registry import load

Work = Callable[[], torch.Tensor]


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    if not slow():
        raise SystemExit("PyTorch's own products are quick on this processor; nothing to compare")
    random_networks()
    see, look = network(dino.load, "dino_vitb16"), network(clip.load_l_14, "clip_vit_l_14")
    watch = network(viclip.load, "viclip_l_14", "model")
    for parameter in chain(see.parameters(), look.parameters(), watch.parameters()):
        torch.nn.init.normal_(parameter, std=0.02)
    five, eight = torch.randn(5, 3, 224, 224), torch.randn(1, 8, 3, 224, 224)
    towers = {
        "DINO, 5 pictures": (see, five),
        "CLIP L/14, 5 pictures": (look.image, five),
        "ViCLIP, 8 pictures": (watch.video, eight),
    }
    print("| | plain | quick | times less | difference |\n|---|---|---|---|---|")
    for name, (net, given) in towers.items():
        row(name, partial(net, given))
    generator = load(Generator, "harmony")()
    asked = [Request(Prompt("one", "speech", video_caption="A man speaks.", audio_caption="A man speaks."), 7)]
    row("`harmony`, a clip", lambda: torch.from_numpy(np.array(generator.generate(asked)[0].frames)).float())


def row(name: str, work: Work) -> None:
    best, found = [np.inf, np.inf], [torch.zeros(0), torch.zeros(0)]
    for _ in range(3):
        for which in range(2):
            begun = time.process_time()
            with patch("avbench.products.slow", lambda which=which: which == 1), inference():
                found[which] = work()
            best[which] = min(best[which], time.process_time() - begun)
    apart = float((found[0] - found[1]).abs().max() / found[0].abs().max())
    print(f"| {name} | {best[0]:.2f} | {best[1]:.2f} | {best[0] / best[1]:.2f} | {apart:.1e} |", flush=True)


if __name__ == "__main__":
    main()
