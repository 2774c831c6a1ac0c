"""What the scorers of sync that ship can tell: on seeds, speakers and sentences that they were not trained on.

python tests/perf/world_sync.py lips [N]     offset, and whether 3 frames of delay cost anything, over N talkers
python tests/perf/world_sync.py shift [N]    DeSync's error on N clips of events and N of speech
python tests/perf/world_sync.py domain [N]   who is of the world: N clips a suite and size, N a fault, real clips

Every clip is written as `avbench run` writes it and read through the ordinary pipeline.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

from avbench.errors import MediaError, NotApplicable, Unscored
from avbench.media.mux import write
from avbench.media.sweep import sweep
from avbench.metrics._backbones.domain import WorldLook, check_world
from avbench.parts import Benchmark, Metric
from avbench.records import Clip, Prompt, Sample, Score
from avbench.registry import load
from avbench.world import faults
from avbench.world.prompts import sample_prompt
from avbench.world.render import render
from avbench.world.sources import KINDS
from avbench.world.speakers import HELD_OUT
from avbench.world.truth import Take

SEED = 77_000_000  # of no training set
Row = Mapping[str, float | Score]
Frame = NDArray[Any]


def scored(name: str, take: Take, prompt: Prompt) -> Row:
    """A metric's answer about the take, through a file; empty where it has none."""
    metric = load(Metric, name)()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        write(path, Sample(take.frames, take.fps, take.audio, take.sample_rate))
        try:
            return metric.score(Clip(path, prompt, "world"), sweep(path, metric.needs))
        except (NotApplicable, Unscored) as reason:
            print(f"  {prompt.id}: {reason}", file=sys.stderr)
            return {}


def talkers(count: int) -> Iterator[tuple[Prompt, int]]:
    """Sentences of the suites, spoken by the speakers held out, English and Mandarin, and the size of the clip."""
    suites = [load(Benchmark, name)().prompts() for name in ("speech", "speech-zh")]
    prompts = [prompt for row in zip(suites[0], suites[0], suites[0], suites[1], strict=False) for prompt in row]
    sizes = cycle((64, 96, 128))
    for index, (prompt, size) in enumerate(islice(zip(cycle(prompts), sizes, strict=False), count)):
        name = HELD_OUT[index % len(HELD_OUT)]
        tags = (f"speaker:{name}", *(tag for tag in prompt.tags if not tag.startswith("speaker:")))
        line = replace(prompt.speech[index % len(prompt.speech)], speaker=name)
        yield replace(prompt, tags=tags, speech=(line,), off_screen=False), size


def lips(count: int) -> None:
    rng = np.random.default_rng(SEED)
    near: list[bool] = []
    pairs: dict[str, list[bool]] = {f"lse_{side}{at}": [] for at in ("", "_at_zero") for side in "cd"}
    confident: list[float] = []
    missing = 0
    for index, (prompt, size) in enumerate(talkers(count)):
        take = render(prompt, SEED + index, size)
        by = int(rng.integers(-12, 13))
        right = scored("lipsync_world", take, prompt)
        moved = scored("lipsync_world", faults.shift_audio(take, by / 25), prompt)
        late = scored("lipsync_world", faults.shift_audio(take, 3 / 25), prompt)
        if not (right and moved and late):
            missing += 1
            continue
        near.append(abs(value(moved, "lse_offset") + by) <= 1)
        confident.append(value(right, "lse_c"))
        for name, told in pairs.items():
            better = value(right, name) - value(late, name)
            told.append(better > 0 if name.startswith("lse_c") else better < 0)
    print(f"{count} talkers at 64, 96 and 128 px, speakers {', '.join(HELD_OUT)}; without a score: {missing}")
    print(f"offset within 1 frame of a shift of up to 12: {share(near)}")
    for name, told in pairs.items():
        print(f"{name:14} better in sync than 3 frames late: {share(told)}")
    print(f"LSE-C in sync: mean {np.mean(confident):.2f}, least {min(confident):.2f}")


def shift(count: int) -> None:
    rng = np.random.default_rng(SEED)
    kinds: dict[str, Iterable[Prompt]] = {
        "events": (sample_prompt(np.random.default_rng((SEED, index)), "ambient") for index in range(100_000)),
        "speech": (prompt for prompt, _ in talkers(count)),
    }
    for kind, prompts in kinds.items():
        errors: list[float] = []
        going_on: list[float] = []
        for index, prompt in enumerate(islice(prompts, count)):
            take = render(prompt, SEED + index, (64, 128)[index % 2])
            by = float(rng.uniform(-2, 2))
            answer = scored("desync_world", faults.shift_audio(take, by), prompt)
            if answer:
                error = abs(value(answer, "desync_signed") + by)
                errors.append(error)
                if any(KINDS[event.kind].counted for event in take.truth.events) or kind == "speech":
                    continue
                going_on.append(error)
        median, mean = np.median(errors), np.mean(errors)
        print(f"{kind}: {len(errors)} of {count} clips, median error {median:.3f} s, mean {mean:.3f} s")
        print(f"  within 0.2 s: {share([error <= 0.2 for error in errors])}")
        if going_on:
            print(f"  the {len(going_on)} of them where a sound only goes on: median {np.median(going_on):.3f} s")


def domain(count: int) -> None:
    for size in (64, 128):
        looks: list[bool] = []
        for suite in ("ambient", "speech", "speech-zh", "complex", "uniavatar"):
            prompts = load(Benchmark, suite)().prompts()
            for index, prompt in enumerate(prompts[:: max(1, len(prompts) // count)]):
                take = render(prompt, SEED + 1000 + index, size, 2.04)
                looks.append(of_the_world(take))
        print(f"world at {size} px, all suites: {share(looks)} in domain")
    for name, done in harmed().items():
        looks = []
        for index in range(count):
            prompt = sample_prompt(np.random.default_rng((SEED, index)), ("speech", "ambient", "complex")[index % 3])
            looks.append(of_the_world(done(render(prompt, SEED + 2000 + index, (64, 128)[index % 2], 2.04))))
        print(f"{name}: {share(looks)} in domain")
    media = Path(os.environ.get("AVBENCH_SHARED", Path(__file__).resolve().parents[3] / "shared")) / "media"
    for path in sorted(media.glob("*.*")):
        if path.suffix in (".mp4", ".mpg", ".png", ".flac", ".wav"):
            try:
                print(f"{path.name}: {sweep(path, [WorldLook()])[WorldLook()]:.2f}")
            except (NotApplicable, Unscored, MediaError) as reason:
                print(f"{path.name}: {reason}")


def harmed() -> Mapping[str, Callable[[Take], Take]]:
    def each(take: Take, change: Callable[[Frame], Frame]) -> Take:
        frames = [np.clip(change(frame.astype(np.float32)), 0, 255) for frame in take.frames]
        return replace(take, frames=np.stack(frames).astype(np.uint8))

    def jpeg(frame: Frame) -> Frame:
        coded = cv2.imencode(".jpg", frame.astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 10])[1]
        return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR))

    rng = np.random.default_rng(SEED)
    return {
        "frozen": lambda take: faults.freeze(take, 0.5),
        "muted": faults.mute,
        "blurred, sigma 2% of the side": lambda take: faults.blur(take, 0.02 * take.frames.shape[1]),
        "picture noise, sigma 20": lambda take: each(take, lambda frame: frame + rng.normal(0, 20, frame.shape)),
        "JPEG, quality 10": lambda take: each(take, jpeg),
        "half as bright": lambda take: each(take, lambda frame: frame * 0.5),
        "a third brighter": lambda take: each(take, lambda frame: frame * 1.33),
    }


def of_the_world(take: Take) -> bool:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        write(path, Sample(take.frames, take.fps, take.audio, take.sample_rate))
        try:
            check_world(sweep(path, [WorldLook()]))
        except Unscored:
            return False
    return True


def value(row: Row, name: str) -> float:
    found = row[name]
    number = found.value if isinstance(found, Score) else found
    assert number is not None, found
    return float(number)


def share(told: list[bool]) -> str:
    """A share with its 95 % interval (Clopper and Pearson)."""
    hits, count = sum(told), len(told)
    low = beta.ppf(0.025, hits, count - hits + 1) if hits else 0.0
    high = beta.ppf(0.975, hits + 1, count - hits) if hits < count else 1.0
    return f"{hits / count:.1%} of {count} [{low:.1%}, {high:.1%}]"


if __name__ == "__main__":
    what, *rest = sys.argv[1:] or [""]
    commands = {"lips": lips, "shift": shift, "domain": domain}
    if what in commands:
        commands[what](int(rest[0]) if rest else 60)
    else:
        sys.exit(__doc__)
