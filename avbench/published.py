"""The numbers of the papers' tables, and what their column titles mean here."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from avbench.records import Direction


@dataclass(frozen=True, slots=True)
class PublishedValue:
    """One number as a paper prints it; `note` is ours and says what the paper's table does not."""

    source: str
    table: str
    benchmark: str
    subset: str
    method: str
    metric: str
    printed: str
    direction: Direction
    note: str

    @property
    def value(self) -> float:
        return float(self.printed)


@dataclass(frozen=True, slots=True)
class PublishedTable:
    """One table of a paper, or its part on one subset: methods x titles, in the paper's order."""

    source: str
    table: str
    benchmark: str
    subset: str
    values: tuple[PublishedValue, ...]

    @property
    def methods(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(value.method for value in self.values))

    @property
    def titles(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(value.metric for value in self.values))

    def value(self, method: str, title: str) -> PublishedValue | None:
        """The number of a method under a title; None where the paper prints a dash."""
        return next((v for v in self.values if (v.method, v.metric) == (method, title)), None)


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a paper's column title stands for: our metric id, the unit printed, and what to know of the protocol.

    A value of ours times `scale` is on the scale that the paper prints.
    """

    metric: str
    unit: str
    difference: str
    scale: float = 1.0


SOURCES = {
    "harmony": "Harmony supplement",
    "harmony-main": "Harmony (arXiv 2511.21579v1)",
    "jova": "JoVA",
    "uniavgen": "UniAVGen supplement",
    "uniavgen-main": "UniAVGen (arXiv 2511.03334v2)",
}

# Which (benchmark, subset) of the papers each of our suites follows.
SUITES = {
    "ambient": ("Harmony-Bench", "environment"),
    "speech": ("Harmony-Bench", "human-speech"),
    "speech-zh": ("Harmony-Bench", "chinese-speech"),
    "complex": ("Harmony-Bench", "complex"),
    "uniavatar": ("UniAvatar-Bench", "all"),
    "verse": ("Verse-Bench", "all"),
}
# The unweighted mean of three subsets: of use to a reader who has all three.
AVERAGE, AVERAGED = ("Harmony-Bench", "average"), {"ambient", "speech", "complex"}

SUITE_DIFFERENCE = (
    "Our suites follow the described make-up of the papers' benchmarks with prompts of our own: "
    "compare models within a table, not numbers across tables."
)

# (paper, title) to its meaning; paper "" where all papers mean the same by a title.
MEANINGS = {
    ("harmony", "AQ"): Meaning(
        "aesthetic_v25", "/10", "aesthetic-predictor-v2.5; frames and precision not public", 0.1
    ),
    ("", "AQ"): Meaning(
        "aesthetic_preference", "%", "audio quality in a user study: share of raters' picks, no metric"
    ),
    ("", "VQ"): Meaning("visual_preference", "%", "visual quality in a user study: share of raters' picks, no metric"),
    ("", "AVC"): Meaning("sync_preference", "%", "audio-video consistency in a user study: share of raters' picks"),
    ("harmony", "IQ"): Meaning("musiq_koniq", "0-1", "MUSIQ; checkpoint (SPAQ or KonIQ) and resizing not public"),
    ("", "IQ"): Meaning("imaging_spaq", "0-1", "VBench imaging quality: MUSIQ-SPAQ, longer side at most 512"),
    ("", "DD"): Meaning("dynamic_degree", "0-1", "share of clips whose RAFT flow exceeds VBench's threshold"),
    ("harmony", "MS"): Meaning(
        "motion_smoothness", "0-1", "motion smoothness (VBench, AMT-S); JoVA's MS is another metric"
    ),
    ("jova", "MS"): Meaning(
        "motion_score", "px/frame", "motion score (mean RAFT flow component); Harmony's MS is another metric"
    ),
    ("", "SC"): Meaning("subject_consistency", "0-1", "VBench subject consistency (DINO)"),
    ("jova", "AS"): Meaning("as_verse", "0-1", "mean of MUSIQ-KonIQ, aesthetic v2.5 and MANIQA (random crops)"),
    ("harmony", "ID"): Meaning("id_dinov3_cls", "cosine", "identity by DINOv3; token and model size not public"),
    ("jova", "ID"): Meaning(
        "id_dinov3_versebench", "cosine", "identity by DINOv3 ViT-L/16, second-to-last patch token (Verse-Bench code)"
    ),
    ("", "PQ"): Meaning("audiobox_pq", "1-10", "AudioBox-Aesthetics production quality"),
    ("", "PC"): Meaning(
        "audiobox_pc",
        "1-10",
        "AudioBox-Aesthetics production complexity; taken as lower-is-better, which its authors do not say",
    ),
    ("", "CE"): Meaning("audiobox_ce", "1-10", "AudioBox-Aesthetics content enjoyment"),
    ("", "CU"): Meaning("audiobox_cu", "1-10", "AudioBox-Aesthetics content usefulness"),
    ("", "CLIP"): Meaning(
        "clip_score_scaled", "2.5 cosine", "model and scale not public; this scale fits; constant within each table"
    ),
    ("", "IB"): Meaning("ib_av", "cosine", "ImageBind video-audio; other papers print it times 100"),
    ("", "IB-A"): Meaning("ib_ta", "cosine", "ImageBind text-audio; protocol not stated"),
    ("", "CS"): Meaning("clap_score", "cosine", "CLAP text-audio as in Verse-Bench (630k fusion)"),
    ("", "DeSync"): Meaning("desync", "s", "Synchformer absolute offset, after MMAudio's av-benchmark"),
    ("harmony", "WER"): Meaning(
        "wer",
        "fraction",
        "Whisper-large-v3, normaliser and aggregation not stated; above 1 on unsegmented Chinese text",
    ),
    ("jova", "WER"): Meaning(
        "wer", "fraction", "Whisper-large-v3 after Verse-Bench, whose code has SenseVoiceSmall and keeps punctuation"
    ),
    ("uniavgen", "WER"): Meaning("wer", "%", "in percent, unlike the other tables; ASR and normaliser not stated", 100),
    ("uniavgen-main", "WER"): Meaning("wer", "fraction", "ASR and normaliser not stated"),
    ("", "Sync-C"): Meaning(
        "lse_c", "", "SyncNet confidence; detector, crop and aggregation not stated: comparable within one paper only"
    ),
    ("", "Sync-D"): Meaning(
        "lse_d", "", "SyncNet distance; detector, crop and aggregation not stated: comparable within one paper only"
    ),
    ("", "LSE-C"): Meaning(
        "lse_c", "", "SyncNet confidence; Verse-Bench drops clips with an offset of 14 frames or more"
    ),
    ("", "LSE-D"): Meaning("lse_d", "", "SyncNet distance; comparable within one paper only"),
    ("", "FD"): Meaning(
        "clap_pair_distance", "", "named a Frechet distance; the values fit Verse-Bench's 2 - 2 cos of CLAP pairs"
    ),
    ("", "KL"): Meaning(
        "kl_passt",
        "nat",
        "KL of audio classes, named PANNs and PaSST; Verse-Bench's code uses PaSST, KL(truth, generated)",
    ),
    ("", "FID"): Meaning("fid", "", "on few clips; frame choice not stated, biased upwards at small n"),
    ("", "FVD"): Meaning("fvd_i3d", "", "on few clips; frames and checkpoint not stated, biased upwards at small n"),
    ("", "LS"): Meaning("lse_c", "", "lip synchronisation; the values fit a SyncNet confidence, protocol not stated"),
    ("", "TC"): Meaning(
        "judge_timbre", "0-1", "timbre consistency by Gemini-2.5-Pro, mean of three calls; temperature not stated"
    ),
    ("", "EC"): Meaning(
        "judge_emotion", "0-1", "emotion consistency by Gemini-2.5-Pro, mean of three calls; temperature not stated"
    ),
    ("", "params"): Meaning("", "", "size of the model as the paper prints it"),
    ("", "training_samples"): Meaning("", "", "training samples as the paper prints them"),
}


@cache
def published_values() -> tuple[PublishedValue, ...]:
    """All numbers in the papers' order: Harmony, JoVA and UniAVGen, the supplements first, then the main papers."""
    text = files("avbench").joinpath("published.csv").read_text(encoding="utf-8")
    return tuple(
        PublishedValue(
            source=row["source"],
            table=row["table"],
            benchmark=row["benchmark"],
            subset=row["subset"],
            method=row["method"],
            metric=row["metric"],
            printed=row["value"],
            direction=Direction(row["direction"]),
            note=row["note"],
        )
        for row in csv.DictReader(text.splitlines())
    )


def published_tables(suites: Iterable[str]) -> tuple[PublishedTable, ...]:
    """The papers' tables on the benchmarks that these suites follow."""
    asked = set(suites)
    wanted = {SUITES[suite] for suite in asked & SUITES.keys()} | ({AVERAGE} if asked >= AVERAGED else set())
    parts: dict[tuple[str, str, str, str], list[PublishedValue]] = {}
    for value in published_values():
        if (value.benchmark, value.subset) in wanted:
            parts.setdefault((value.source, value.table, value.benchmark, value.subset), []).append(value)
    return tuple(PublishedTable(*place, tuple(values)) for place, values in parts.items())


def meaning(source: str, title: str) -> Meaning:
    """What `title` stands for in the tables of `source`; every published title has one."""
    keys = (source, title), (source.removesuffix("-main"), title), ("", title)
    return next(MEANINGS[key] for key in keys if key in MEANINGS)
