"""How much faster than real time the world renders on one core: `python tests/perf/world.py [SIZE …]`."""

from __future__ import annotations

import resource
import sys

import cv2
import numpy as np

from avbench.world.prompts import sample_prompt
from avbench.world.render import render

CLIPS = 24


def cpu() -> float:
    """CPU seconds of this process and of the speech processes it waited for."""
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    )


def main() -> None:
    cv2.setNumThreads(1)
    sizes = [int(argument) for argument in sys.argv[1:]] or [64, 128, 256]
    print("size  family   seconds of clip per CPU second")
    for size in sizes:
        for family in ("speech", "ambient", "complex"):
            rng = np.random.default_rng(0)
            prompts = [sample_prompt(rng, family, "zh" if i % 4 == 3 else "en") for i in range(CLIPS)]
            render(prompts[0], 0, size)
            start = cpu()
            seconds = sum(len(render(prompt, 1, size).frames) / 25 for prompt in prompts)
            print(f"{size:4d}  {family:8s} {seconds / (cpu() - start):5.1f}")


if __name__ == "__main__":
    main()
