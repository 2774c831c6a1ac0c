"""How well the world's recogniser and its common space do on what they were not trained on.

    python tests/perf/asr_trimodal.py [asr] [trimodal] [--items N]

Speakers (dara, ivan, lucia), their voices, seeds, noises and every sentence of the suites are held out.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from avbench.media.info import MediaInfo
from avbench.metrics._backbones.vad import VoiceActivity
from avbench.metrics._backbones.world_ear import WorldEar
from avbench.metrics._backbones.world_space import WEIGHTS
from avbench.metrics._backbones.world_space import load as load_space
from avbench.metrics._error_rate import Counts
from avbench.metrics._world import _trimodal_data as scenes
from avbench.metrics._world._asr_data import add_noise, coloured, make_noise
from avbench.metrics._world._prompts import training_prompt
from avbench.metrics._world.trimodal import CHOICE, recalled
from avbench.metrics.wer_world import WerWorld
from avbench.parts import Audio, Benchmark
from avbench.records import Prompt, SpeechLine
from avbench.registry import load
from avbench.world.render import render
from avbench.world.sayings import rare
from avbench.world.speakers import HELD_OUT

SEED = 77  # no training's
INFO = MediaInfo(Path("array"), "array", None, None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scorers", nargs="*", default=["asr", "trimodal"])
    parser.add_argument("--items", type=int, default=100, help="sentences a row; half the clips without speech")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if "asr" in options.scorers:
        asr(options.items)
    if "trimodal" in options.scorers:
        trimodal()


def asr(items: int) -> None:
    rng = np.random.default_rng(SEED)
    english, chinese = list(islice(suite_lines("en"), items)), list(islice(suite_lines("zh"), items))
    grammar = [training_prompt(rng, "speech", held_out=True).speech[0] for _ in range(items)]
    grammar_en = [line for line in grammar if line.language == "en"]
    for name, lines in (
        ("English, sentences of the suites", english),
        ("English, the training grammar's", grammar_en),
        ("English, six words that no training has", [SpeechLine(rare(rng), "en") for _ in range(items // 2)]),
        ("Mandarin, sentences of the suites", chinese),
    ):
        takes = [spoken(line, i) for i, line in enumerate(lines)]
        rows: list[tuple[str, list[NDArray[np.float32]]]] = [("clean", takes)]
        if lines in (english, chinese):
            rows += [
                (f"{snr} dB of the world", [noisy(sound, i, snr) for i, sound in enumerate(takes)]) for snr in (20, 10)
            ]
            rows.append(("10 dB of white noise", [hissing(sound, i) for i, sound in enumerate(takes)]))
        for condition, sounds in rows:
            total = sum((counted(line, sound) for line, sound in zip(lines, sounds, strict=True)), Counts())
            print(f"{name}, {condition}: {total.rate:.3f} of {total.reference} (n={len(lines)})", flush=True)
    empty = [not heard(sound, "en") for sound in wordless(items)]
    print(f"nobody speaks: empty transcript in {np.mean(empty):.3f} of {len(empty)} clips")


def suite_lines(language: str) -> Iterator[SpeechLine]:
    names = ("speech", "uniavatar", "complex") if language == "en" else ("speech-zh",)
    for name in names:
        for prompt in load(Benchmark, name)().prompts():
            yield from prompt.speech[:1]


def spoken(line: SpeechLine, number: int) -> NDArray[np.float32]:
    """The sound of a world clip in which a held-out speaker says the line, in some place, and nothing else sounds."""
    speaker = HELD_OUT[number % len(HELD_OUT)]
    places = ("plain", "office", "hall", "park", "kitchen", "street")
    tags = (f"speaker:{speaker}", f"place:{places[number % len(places)]}")
    prompt = Prompt(f"asr-{number}", speech=(replace(line, speaker=speaker),), tags=tags)
    return render(prompt, SEED + number, stills=(), seconds=max(4.04, 0.5 * len(line.text.split()))).audio


def noisy(sound: NDArray[np.float32], number: int, snr: float) -> NDArray[np.float32]:
    noise = make_noise(number, SEED)["sound"].astype(np.float64) / 32768
    noise = np.tile(noise, -(-len(sound) // len(noise)))[: len(sound)]
    return np.asarray(add_noise(sound.astype(np.float64), noise, snr), np.float32)


def hissing(sound: NDArray[np.float32], number: int) -> NDArray[np.float32]:
    hiss = coloured(np.random.default_rng((SEED, number)), len(sound), 0.0)
    return np.asarray(add_noise(sound.astype(np.float64), hiss, 10), np.float32)


def wordless(items: int) -> Iterator[NDArray[np.float32]]:
    """Ambient clips of the world, and silence, white and pink noise."""
    rng = np.random.default_rng((SEED, 1))
    for number in range(2 * items):
        yield render(training_prompt(rng, "ambient"), SEED + number, stills=()).audio
    for colour in (0.0, 0.5):
        yield (0.1 * coloured(rng, 64_000, colour) / (1 if colour == 0 else 0.05)).clip(-1, 1).astype(np.float32)
    yield np.zeros(64_000, np.float32)


def heard(sound: NDArray[np.float32], language: str) -> str:
    """As the metric hears a clip."""
    audio = Audio(sound, 16_000, 0.0)
    if not VoiceActivity().extract(audio, INFO).segments:
        return ""
    return str(WorldEar().extract(audio, INFO).transcript(language).text)


def counted(line: SpeechLine, sound: NDArray[np.float32]) -> Counts:
    handling = next(iter(WerWorld.by_language[line.language].values()))
    return handling.count(line.text, heard(sound, line.language))


def trimodal() -> None:
    net = load_space(Path(scenes.__file__).with_name(WEIGHTS))
    for name, held_out, apart in (
        ("50 distinct scenes, speakers of training", False, True),
        ("50 distinct scenes, speakers held out", True, True),
        ("50 scenes as drawn, speakers of training", False, False),
    ):
        numbers = chosen(5 * CHOICE, held_out, apart)
        clips = [scenes.shoot(number, SEED, held_out) for number in numbers]
        hits: dict[str, list[float]] = {"sound of picture": [], "caption of picture": [], "caption of sound": []}
        with torch.inference_mode():
            for first in range(0, len(clips), CHOICE):
                part = clips[first : first + CHOICE]
                column = {key: torch.from_numpy(np.stack([clip[key] for clip in part])) for key in part[0]}
                video, audio = net.video(column["frames"]), net.audio(column["mel"].float())
                seen, told = net.read(column["seen"]), column["heard"].any(1)
                hits["sound of picture"] += recalled(video, audio)
                hits["caption of picture"] += recalled(video, seen)
                hits["caption of sound"] += recalled(audio[told], net.read(column["heard"])[told])
        found = ", ".join(f"{key} {np.mean(values):.3f} (n={len(values)})" for key, values in hits.items())
        print(f"recall@1 among {name}: {found}", flush=True)


def chosen(count: int, held_out: bool, apart: bool) -> list[int]:
    """Numbers of clips; `apart`: in each group of 50 no two have the same events and the same speaker and place."""
    numbers: list[int] = []
    known: set[tuple[str, ...]] = set()
    number = 0
    while len(numbers) < count:
        prompt, _, _ = scenes.prompt_of(number, SEED, held_out)
        scene = tuple(sorted(tag for tag in prompt.tags if not tag.startswith(("events:", "screen:"))))
        if not apart or scene not in known:
            numbers.append(number)
            known = set() if len(numbers) % CHOICE == 0 else known | {scene}
        number += 1
    return numbers


if __name__ == "__main__":
    main()
