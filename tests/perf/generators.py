"""What a bundled generator reaches beside the world's own clips, by the world's scorers.

avbench run --model world,harmony --suite speech,speech-zh,ambient,complex --out RUN
python tests/perf/generators.py suites RUN harmony
python tests/perf/generators.py guidance harmony [N]     no guidance, text and SyncCFG on the same N prompts
python tests/perf/generators.py seconds harmony          CPU of a clip on one core
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import torch
from voices import SEED, share

from avbench.errors import NotApplicable, Unscored
from avbench.media.mux import write
from avbench.media.sweep import sweep
from avbench.metrics._backbones.world_space import WorldAudio, WorldVideo, read
from avbench.parts import Benchmark, Generator, Metric, Request
from avbench.records import Clip, Prompt, Sample, Score, Status
from avbench.registry import load
from avbench.statistics.intervals import mean
from avbench.store import load_clips, load_scores
from avbench.world.phrases import CLAUSES

CHOICE = 20  # classes that the tri-modal scorer chooses from


def suites(run: Path, model: str) -> None:
    scores = load_scores(run)
    scores = scores[scores["status"] == Status.OK]
    for name in (one for one in ("world", model) if (scores["model"] == one).any()):
        table = scores[scores["model"] == name].pivot_table(
            index=["suite", "prompt_id", "seed"], columns="metric", values="value"
        )
        speech, ambient = table.loc["speech"], table.loc["ambient"]
        print(f"{name}, speech: offset {speech['lse_offset'].abs().median():.1f} frames (median of sizes), ", end="")
        print(", ".join(f"{key} {told(speech[key])}" for key in ("lse_c", "wer", "face_ratio")))
        print(f"{name}, speech-zh: cer {told(table.loc['speech-zh']['cer'])}")
        faulty = ((ambient["silent"] + ambient["frozen"]) > 0).sum()
        print(
            f"{name}, ambient: DeSync {ambient['desync'].median():.2f} s (median), "
            f"{faulty} of {len(ambient)} silent or frozen"
        )
        print(f"{name}, complex: wer {told(table.loc['complex']['wer'])}")
        for suite in ("ambient", "complex"):
            classes(run, name, suite)


def told(values: pd.Series) -> str:
    found = mean(values.dropna().to_numpy())
    return f"{found.value:.3f} ±{(found.interval.high - found.value):.3f} (n={len(values.dropna())})"


def classes(run: Path, model: str, suite: str) -> None:
    """Whether the clip's own class is the nearest of `CHOICE`, by what is seen, by what is heard, and by both."""
    rng = np.random.default_rng(0)
    seen_as, heard_as = (
        {kind: np.mean([read(plain(clause[side])) for clause in CLAUSES[kind]], axis=0) for kind in CLAUSES}
        for side in (0, 1)
    )
    right: dict[str, list[bool]] = {"seen": [], "heard": [], "both": []}
    for clip in load_clips(run):
        kind = clip.prompt.tag("event")
        if clip.model != model or clip.prompt.suite != suite or kind not in CLAUSES or not clip.path.is_file():
            continue
        others = [each for each in rng.permutation(list(CLAUSES)).tolist() if each != kind][: CHOICE - 1]
        try:
            features = sweep(clip.path, (WorldVideo(), WorldAudio()))
            by = {
                "seen": {each: float(seen_as[each] @ features[WorldVideo()]) for each in (kind, *others)},
                "heard": {each: float(heard_as[each] @ features[WorldAudio()]) for each in (kind, *others)},
            }
        except (NotApplicable, Unscored) as reason:
            print(f"  {clip.prompt.id}: {reason}", file=sys.stderr)
            continue
        by["both"] = {each: by["seen"][each] + by["heard"][each] for each in by["seen"]}
        for name, near in by.items():
            right[name].append(max(near, key=lambda each: near[each]) == kind)
    for name, hits in right.items():
        print(f"{model}, {suite}: right class of {CHOICE} by what is {name}: {share(hits)}", flush=True)


def plain(clause: str) -> str:
    return " ".join(clause.format(n="", N="", c="", s="").split())


def guidance(model: str, count: int) -> None:
    """LSE-C and WER of the same prompts and noise under each kind of guidance."""
    part: Any = load(Generator, model)
    own = part().config
    prompts = list(islice(load(Benchmark, "speech")().prompts(), count))
    rows = {}
    for kind in ("none", "text", own.guidance if own.guidance not in ("none", "text") else "sync"):
        generator = part(config=replace(own, guidance=kind))
        rows[kind] = pd.DataFrame([scored(generator, prompt, SEED + n) for n, prompt in enumerate(prompts)])
        print(f"{model}, {kind}: " + ", ".join(f"{key} {told(rows[kind][key])}" for key in rows[kind]), flush=True)
    for one, other in zip(list(rows)[1:], list(rows), strict=False):
        for key in ("lse_c", "lse_c_at_zero", "wer"):
            print(f"{model}, {one} less {other}: {key} {told(rows[one][key] - rows[other][key])}")


def scored(generator: Generator, prompt: Prompt, seed: int) -> dict[str, float]:
    made, found = generator.generate([Request(prompt, seed)])[0], {}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        write(path, Sample(made.frames, made.fps, made.audio, made.sample_rate))
        for name, keys in (("lipsync_world", ("lse_c", "lse_c_at_zero")), ("wer_world", ("wer",))):
            metric = load(Metric, name)()
            try:
                values = metric.score(Clip(path, prompt, "model"), sweep(path, metric.needs))
            except (NotApplicable, Unscored):
                values = {}
            for key in keys:
                value = values.get(key)
                value = value.value if isinstance(value, Score) else value
                found[key] = float("nan") if value is None else float(value)
    return found


def seconds(model: str) -> None:
    torch.set_num_threads(1)
    generator, prompts = load(Generator, model)(), list(islice(load(Benchmark, "speech")().prompts(), 4))
    generator.generate([Request(prompts[0], 0)])
    begun = time.process_time()
    for prompt in prompts:
        generator.generate([Request(prompt, 0)])
    print(f"{model}: {(time.process_time() - begun) / len(prompts):.2f} CPU seconds a clip of {prompts[0].seconds} s")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["suites", run, model]:
            suites(Path(run), model)
        case ["guidance", model, *rest]:
            guidance(model, int(rest[0]) if rest else 24)
        case ["seconds", model]:
            seconds(model)
        case _:
            raise SystemExit(__doc__)
