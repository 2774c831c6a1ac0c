"""What DeSync and ImageBind cost: their networks at full size, and one sweep for all against a sweep for each.

python tests/perf/av_semantics.py CLIP         CPU seconds by stage, together, cached; narrow networks
python tests/perf/av_semantics.py --networks   CPU seconds a segment, clip or text of the networks at full size
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from instruments import Meter, cached, place

from avbench.media.sweep import sweep
from avbench.metrics._backbones import imagebind, synchformer
from avbench.metrics.desync import DeSync
from avbench.metrics.imagebind import ImageBind


def cpu(run: Callable[[], object], repeats: int = 3) -> float:
    """The least CPU seconds of some runs."""
    best = float("inf")
    for _ in range(repeats):
        start = time.process_time()
        run()
        best = min(best, time.process_time() - start)
    return best


def sweeps(path: Path, folder: Path) -> None:
    meter = Meter()
    place(meter, folder / "home")
    together = [*DeSync.needs, *ImageBind.needs]
    one = cpu(lambda: sweep(path, together))
    apart = {backbone: cpu(lambda backbone=backbone: sweep(path, [backbone])) for backbone in together}  # type: ignore[misc]
    none = cpu(lambda: sweep(path, []))
    print(f"decoding {none:.2f} s")
    for backbone, seconds in apart.items():
        print(f"  and {type(backbone).__name__:18s} {seconds - none:6.2f} s")
    total = sum(apart.values())
    print(f"one sweep {one:.2f} s, {len(together)} sweeps {total:.2f} s, ratio {total / one:.2f}")
    cached(path, [DeSync(), ImageBind()], meter, folder / "features")


@torch.inference_mode()
def networks() -> None:
    net = synchformer.Synchformer().eval()
    print(f"Synchformer video, a segment    {cpu(lambda: net.video(torch.zeros(1, 16, 3, 224, 224))):6.2f} s")
    print(f"Synchformer audio, a segment    {cpu(lambda: net.audio(torch.zeros(1, 128, 66))):6.2f} s")
    sides = torch.zeros(1, 14, 8, 768), torch.zeros(1, 14, 6, 768)
    print(f"Synchformer head, 14 segments   {cpu(lambda: net.compare(*sides)):6.2f} s")
    bind = imagebind.ImageBind().eval()
    print(f"ImageBind video, a clip         {cpu(lambda: bind.vision(torch.zeros(1, 1, 3, 2, 224, 224))):6.2f} s")
    print(f"ImageBind audio, a clip of 2 s  {cpu(lambda: bind.audio(torch.zeros(1, 1, 1, 128, 204))):6.2f} s")
    print(f"ImageBind text                  {cpu(lambda: bind.text(torch.zeros(1, 77, dtype=torch.int64))):6.2f} s")


if __name__ == "__main__":
    if sys.argv[1] == "--networks":
        networks()
    else:
        with tempfile.TemporaryDirectory() as folder:
            sweeps(Path(sys.argv[1]), Path(folder))
