"""Parts of a third party: small, fast and exact, with faults on demand (the prompt's tag `do:FAULT`)."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from avbench.answers import Answers, Fault
from avbench.errors import NotApplicable, Unscored, UsageError
from avbench.media.info import MediaInfo
from avbench.parts import (
    Audio,
    AudioBackbone,
    AudioView,
    Features,
    Frames,
    Generator,
    Metric,
    Request,
    Setting,
    VideoBackbone,
    VideoExtractor,
    VideoView,
)
from avbench.records import Clip, Column, Direction, Sample, Score, SetScore, Status
from avbench.set_metric import Materials, SetMetric, Summary
from avbench.weights import locate


def act(fault: str | None) -> None:
    if fault == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif fault == "exit":
        os._exit(7)
    elif fault == "hang":
        time.sleep(3600)
    elif fault == "raise":
        raise ValueError("as was asked")
    elif fault == "leak":
        raise ValueError(f"401 for {os.environ['TOY_API_KEY']} at https://user:hunter2hunter2@host/")


class Toy(Generator):
    """Noise that depends on the request alone; leaves a line in $TOY_LOG for every clip."""

    summary = "noise"
    version = "1"
    diagnoses = True

    def settings(self) -> Mapping[str, Setting]:
        return {"steps": os.environ.get("TOY_STEPS", "4"), "device": self.device}

    def generate(self, requests: Sequence[Request]) -> Sequence[Sample]:
        return [self._one(request) for request in requests]

    def _one(self, request: Request) -> Sample:
        act(request.prompt.tag("do"))
        time.sleep(float(os.environ.get("TOY_SLEEP", "0")))
        if log := os.environ.get("TOY_LOG"):
            with Path(log).open("a", encoding="utf-8") as file:
                file.write(f"{request.prompt.id}\n")
        noise = np.random.default_rng(request.seed)
        frames = noise.integers(0, 256, (6, 16, 16, 3), dtype=np.uint8)
        audio = noise.uniform(-0.5, 0.5, 3840).astype(np.float32)
        maps = {"noise": noise.random((6, 2, 2), np.float32)} if request.diagnostics else {}
        return Sample(frames, Fraction(25), audio, 16000, maps)


class ToyBatch(Toy):
    """The same, four at a time."""

    batch: ClassVar[int] = 4


class ToyUnready(Toy):
    """Cannot start."""

    def __init__(self, device: str = "cpu") -> None:
        raise UsageError("its weights are on another planet")


@dataclass(frozen=True)
class Mean(VideoBackbone[float]):
    view: ClassVar[VideoView] = VideoView()

    def open(self, info: MediaInfo) -> VideoExtractor[float]:
        return _Mean()


class _Mean(VideoExtractor[float]):
    def __init__(self) -> None:
        self.sum, self.count = 0.0, 0

    def push(self, frames: Frames) -> None:
        self.sum += float(frames.data.sum(dtype=np.float64))
        self.count += frames.data.size

    def finish(self) -> float:
        return self.sum / self.count


@dataclass(frozen=True)
class Power(AudioBackbone[float]):
    view: ClassVar[AudioView] = AudioView()

    def extract(self, audio: Audio, info: MediaInfo) -> float:
        return float(np.mean(np.square(audio.samples, dtype=np.float64)))


def column(name: str) -> Column:
    return Column(name, "", Direction.UP, 0.0, 255.0, "a toy", "nowhere")


class ToyLevel(Metric):
    """Mean pixel and mean power."""

    columns = (column("toy_pixel"), column("toy_power"))
    needs = (Mean(), Power())
    version = os.environ.get("TOY_VERSION", "1")
    core = False

    def score(self, clip: Clip, features: Features) -> Mapping[str, float | Score]:
        time.sleep(float(os.environ.get("TOY_SLEEP", "0")))
        if log := os.environ.get("TOY_LOG"):
            with Path(log).open("a", encoding="utf-8") as file:
                file.write(f"score {clip.prompt.id}\n")
        return {"toy_pixel": features[Mean()], "toy_power": features[Power()]}


class ToyMoody(Metric):
    """Does what the prompt's tag `score:…` asks for."""

    columns = (column("toy_a"), column("toy_b"))
    core = False

    def score(self, clip: Clip, features: Features) -> Mapping[str, float | Score]:
        mood = clip.prompt.tag("score")
        act(mood)
        if mood == "none":
            raise NotApplicable("not this one")
        if mood == "unscored":
            raise Unscored("no idea")
        if mood == "nan":
            return {"toy_a": float("nan"), "toy_b": float("inf")}
        if mood == "half":
            return {"toy_a": 1.0, "toy_b": Score("toy_b", "signal", None, Status.UNSCORED, "half of it")}
        return {"toy_a": 1.0} if mood == "short" else {"toy_a": 1.0, "toy_b": 2.0}


class ToySet(SetMetric):
    """Mean pixel of a set, above that of the reference. The tag `set:…` and $TOY_POOL ask for faults."""

    set_columns = (column("toy_set"),)
    needs = (Mean(),)
    core = False

    def material(self, clip: Clip, features: Features) -> Mapping[str, NDArray[np.float64]]:
        fault = clip.prompt.tag("set")
        act(fault)
        if fault == "none":
            raise NotApplicable("not this one")
        return {"pixel": np.array(features[Mean()]), "shape": np.zeros((2, 3), np.uint8)[:, ::2]}

    def summarise(self, reference: Materials) -> Summary:
        return Summary({"level": np.array(_level(reference))}, len(reference), 1)

    def pool(self, materials: Materials, reference: Summary | None) -> Mapping[str, SetScore]:
        if log := os.environ.get("TOY_LOG"):
            with Path(log).open("a", encoding="utf-8") as file:
                file.write(f"pool {len(materials)}\n")
        fault = os.environ.get("TOY_POOL")
        act(fault)
        if fault == "few":
            raise Unscored(f"needs 1000 clips, {len(materials)} are there")
        levels = [float(material.arrays["pixel"]) for material in materials]
        value = float(np.mean(levels)) - (float(reference.arrays["level"]) if reference else 0)
        if fault == "nan":
            value = float("nan")
        return (
            {} if fault == "short" else {"toy_set": SetScore("toy_set", self.backend, value, 0.0, 255.0, len(levels))}
        )


def _level(materials: Materials) -> float:
    return float(np.mean([material.arrays["pixel"] for material in materials]))


class ToyHonest(Metric):
    """Mean power, which no picture moves and silence ends."""

    columns = (column("toy_honest"),)
    answers: ClassVar[Mapping[str, Answers]] = {
        "toy_honest": Answers(worse=(Fault.MUTE,), ignores=(Fault.BLUR, Fault.WRONG_CAPTION))
    }
    needs = (Power(),)
    core = False

    def score(self, clip: Clip, features: Features) -> Mapping[str, float | Score]:
        return {"toy_honest": features[Power()]}


class ToyLiar(Metric):
    """Says that silence would move it, and looks at the picture alone."""

    columns = (column("toy_liar"),)
    answers: ClassVar[Mapping[str, Answers]] = {"toy_liar": Answers(worse=(Fault.MUTE,), ignores=(Fault.BLUR,))}
    needs = (Mean(),)
    core = False

    def score(self, clip: Clip, features: Features) -> Mapping[str, float | Score]:
        return {"toy_liar": features[Mean()]}


class ToyNeedy(Metric):
    """Has no weights."""

    columns = (column("toy_needy"),)
    core = False

    def score(self, clip: Clip, features: Features) -> Mapping[str, float | Score]:
        if "do:need" in clip.prompt.tags:
            raise Unscored("needs a file beside the clip")
        if os.environ.get("TOY_WEIGHTS"):
            return {"toy_needy": 1.0}
        raise Unscored('needs weights "toy"; run avbench weights pull toy')


class ToyWeighed(Metric):
    """Mean pixel times the number in S3FD's file."""

    columns = (column("toy_weighed"),)
    needs = (Mean(),)
    weights: ClassVar[tuple[str, ...]] = ("s3fd",)
    core = False

    def score(self, clip: Clip, features: Features) -> Mapping[str, float | Score]:
        if log := os.environ.get("TOY_LOG"):
            with Path(log).open("a", encoding="utf-8") as file:
                file.write(f"weigh {clip.prompt.id}\n")
        return {"toy_weighed": features[Mean()] * float(locate("s3fd").read_text())}
