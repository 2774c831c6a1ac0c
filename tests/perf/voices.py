"""Whose voice a sound has, by pitch and timbre: of clones, and of what the tiny generators' codec leaves.

python tests/perf/voices.py harmony [N]      a voice cloned from a second of each speaker, N times
python tests/perf/voices.py codec [N]        other sentences of the speakers, through the codec in harmony's weights
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from tempfile import TemporaryDirectory

import librosa
import numpy as np
import soundfile  # type: ignore[import-untyped]
import torch
from numpy.typing import NDArray

from avbench.generators._joint import weights
from avbench.generators._joint.spectrum import HOP, griffin_lim, magnitudes
from avbench.generators._joint.vocoder import vocoder
from avbench.metrics._backbones.world_mel import log_mel
from avbench.parts import Generator, Request
from avbench.records import Prompt, SpeechLine
from avbench.registry import load
from avbench.statistics.proportions import wilson
from avbench.world.render import render
from avbench.world.sentences import sentence
from avbench.world.speakers import SPEAKERS

SEED = 91_000_000  # of no training set
Sound = NDArray[np.float32]


class Speakers:
    """The twelve, each the mean traits of six sentences; `spread` is how far a sentence is from its speaker's mean."""

    def __init__(self, rng: np.random.Generator) -> None:
        rows = {name: [traits(spoken(name, sentence(rng, "en"), SEED + n)) for n in range(6)] for name in SPEAKERS}
        self.centres = {name: np.mean(each, axis=0) for name, each in rows.items()}
        self.spread = np.std([row - self.centres[name] for name in rows for row in rows[name]], axis=0) + 1e-6

    def nearest(self, found: NDArray[np.float64]) -> str:
        return min(self.centres, key=lambda name: float(np.square((found - self.centres[name]) / self.spread).sum()))


def clones(model: str, count: int) -> None:
    """Is the clone nearest to its speaker, of the twelve?"""
    generator, rng = load(Generator, model)(), np.random.default_rng(SEED)
    known = Speakers(rng)
    hits, world = [], []
    with TemporaryDirectory() as folder:
        for index in range(count):
            for name in SPEAKERS:
                path = Path(folder) / "voice.wav"
                soundfile.write(path, spoken(name, sentence(rng, "en"), SEED + 100 + index)[4000:20000], 16_000)
                line = SpeechLine(sentence(rng, "en"), "en")
                prompt = Prompt(f"voice-{name}-{index}", "speech", "A person speaks.", speech=(line,),
                                reference_audio=path)  # fmt: skip
                made = generator.generate([Request(prompt, SEED + index)])[0]
                hits.append(known.nearest(traits(made.audio.reshape(-1))) == name)
                truth = spoken(name, sentence(rng, "en"), SEED + 200 + index)
                world.append(known.nearest(traits(truth)) == name)
    print(f"{model}: the clone is nearest to its speaker of {len(SPEAKERS)} in {share(hits)}")
    print(f"world: another sentence of the speaker is in {share(world)}")


def codec(count: int) -> None:
    """What becomes of a voice on the way through mel bands, the codec's components, and back."""
    torch.set_num_threads(1)
    audio = weights.load(Path(str(resources.files("avbench.generators") / "harmony_tiny.safetensors"))).codecs.audio
    rng, trained = np.random.default_rng(SEED), vocoder("cpu")
    known = Speakers(rng)
    said = [(name, spoken(name, sentence(rng, "en"), SEED + 200 + n)) for n in range(count) for name in SPEAKERS]

    def tokens(x: torch.Tensor) -> int:
        whole: int = math.ceil(x.shape[1] / (2 * HOP))
        return whole

    ways: Mapping[str, Callable[[torch.Tensor], torch.Tensor]] = {
        "as it is": lambda x: x,
        "magnitudes, Griffin-Lim": lambda x: griffin_lim(magnitudes(x, 2 * tokens(x)), x.shape[1]),
        "codec, Griffin-Lim": lambda x: audio.decode(audio.encode(x, tokens(x)), x.shape[1]),
        "codec, vocoder": lambda x: audio.decode(audio.encode(x, tokens(x)), x.shape[1], trained),
    }
    for label, way in ways.items():
        begun = time.process_time()
        with torch.inference_mode():
            found = [way(torch.from_numpy(sound)[None])[0].numpy() for _, sound in said]
        spent = (time.process_time() - begun) / len(said)
        rows = [(name, traits(sound)) for (name, _), sound in zip(said, found, strict=True)]
        hits = [known.nearest(row) == name for name, row in rows]
        off = np.median([abs(row[0] - known.centres[name][0]) for name, row in rows])
        print(f"{label:24} nearest to its speaker in {share(hits)}; {off:.2f} semitones off; {spent:.2f} CPU s a clip")


def spoken(name: str, text: str, seed: int) -> Sound:
    prompt = Prompt("voice", "speech", speech=(SpeechLine(text, "en", name),), tags=(f"speaker:{name}", "place:plain"))
    return render(prompt, seed, stills=()).audio


def traits(audio: Sound) -> NDArray[np.float64]:
    """(1 + 10,): pitch in semitones, and every eighth mean log-mel band over the louder half, less their own mean."""
    bands = log_mel(torch.from_numpy(np.asarray(audio, np.float32))[None])[0].numpy()
    loud = bands[:, bands.mean(0) > np.median(bands.mean(0))]
    pitch, voiced, _ = librosa.pyin(audio.astype(np.float64), fmin=60, fmax=400, sr=16_000, frame_length=1024)
    tone = 12 * np.log2(np.median(pitch[voiced]) / 100) if voiced.any() else 0.0
    timbre = loud.mean(1) - loud.mean()
    return np.concatenate([[tone], timbre[::8]])


def share(hits: Sequence[bool]) -> str:
    bounds = wilson(sum(hits), len(hits))
    return f"{np.mean(hits):.2f} [{bounds.low:.2f}, {bounds.high:.2f}] (n={len(hits)})"


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["codec", *rest]:
            codec(int(rest[0]) if rest else 3)
        case [model, *rest]:
            clones(model, int(rest[0]) if rest else 2)
        case _:
            raise SystemExit(__doc__)
