"""AV-Align: do peaks of visual motion coincide with onsets of sound? In the five variants that are in use."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from avbench.answers import ALL, TEXT, Answers, Fault
from avbench.errors import NotApplicable
from avbench.parts import Features, Metric
from avbench.records import Clip, Column, Direction, Score, Status

from ._backbones.flow import Flow
from ._backbones.onsets import OnsetTimes, OnsetTimes44k, OnsetTimesNative

Times = NDArray[np.float64]
FLOOR = 0.1  # pixels a frame; TempoTokens ignores weaker maxima since 2025-02-13


def _column(name: str, high: float, summary: str, source: str) -> Column:
    return Column(name, "1", Direction.UP, 0.0, high, summary, source)


class AVAlign(Metric):
    columns: ClassVar[tuple[Column, ...]] = (
        _column(
            "av_align",
            1.0,
            "intersection over union of motion peaks and sound onsets (22.05 kHz); each peak is used once; "
            "not applicable when there is no peak or no onset",
            "Yariv et al. 2024, rule of TempoTokens since 2025-02-13",
        ),
        _column(
            "av_align_2023",
            inf,
            "the rule of 2023: no floor, may exceed 1",
            "Yariv et al. 2024, TempoTokens 2023",
        ),
        _column(
            "av_align_javis",
            inf,
            "the rule of 2023 at the file's own sample rate",
            "JavisBench (Liu et al. 2025)",
        ),
        _column("av_align_svg", 1.0, "precision and recall of both sides made one", "SVG_baseline (Ishii et al. 2024)"),
        _column("av_align_mova", 1.0, "the rule of 2025 at 44.1 kHz", "MOVA evaluation scripts"),
    )
    answers: ClassVar[Mapping[str, Answers]] = {
        ALL: Answers(refuses=(Fault.MUTE,), ignores=TEXT),
        "av_align": Answers(refuses=(Fault.MUTE, Fault.FREEZE), ignores=TEXT),
    }
    least: ClassVar[str] = "3 frames and any sound"
    needs = (Flow(), OnsetTimes(), OnsetTimes44k(), OnsetTimesNative())

    def score(self, clip: Clip, features: Features) -> Mapping[str, float | Score]:
        flow = features[Flow()]
        if len(flow.times) < 3:
            raise NotApplicable(f"too few frames: {len(flow.times)}, at least 3 needed for a peak of motion")
        step = float((flow.times[-1] - flow.times[0]) / (len(flow.times) - 1))
        every, strong = (flow.times[local_maxima(flow.magnitude, floor)] for floor in (0.0, FLOOR))
        onsets, native, fine = (features[b] for b in (OnsetTimes(), OnsetTimesNative(), OnsetTimes44k()))
        empty = Score("av_align", self.backend, None, Status.NOT_APPLICABLE, _what_is_missing(onsets, strong))
        neither = Score("av_align_2023", self.backend, None, Status.NOT_APPLICABLE, _what_is_missing(onsets, every))
        return {
            "av_align": iou_once(onsets, strong, step) if len(onsets) and len(strong) else empty,
            "av_align_2023": iou_often(onsets, every, step) if len(onsets) or len(every) else neither,
            "av_align_javis": iou_often(native, every, step, guard=1e-6),
            "av_align_svg": iou_two_sided(onsets, every, step),
            "av_align_mova": iou_once(fine, strong, step),
        }


def local_maxima(magnitude: Times, floor: float) -> NDArray[np.intp]:
    """Indices of the frames (T,) at which the flow into them (T-1,) is a strict local maximum of at least `floor`.

    The first value stands for frame 0 as well, as in TempoTokens, so frames 0, 1 and the last are never peaks.
    """
    curve = np.concatenate([magnitude[:1], magnitude])
    peak = (curve[1:-1] > curve[:-2]) & (curve[1:-1] > curve[2:]) & (curve[1:-1] >= floor)
    return np.flatnonzero(peak) + 1


def iou_often(onsets: Times, peaks: Times, step: float, guard: float = 0.0) -> float:
    """An onset is a hit when any peak is less than `step` away; peaks may serve many onsets, so it may exceed 1."""
    hits = int(_near(onsets, peaks, step).any(axis=1).sum())
    union = len(onsets) + len(peaks) - hits + guard
    return hits / union if union else 0.0


def iou_once(onsets: Times, peaks: Times, step: float) -> float:
    """Each onset, in order, takes the first free peak less than `step` away; 0 when both are empty."""
    free = np.ones(len(peaks), dtype=bool)
    hits = 0
    for near in _near(onsets, peaks, step):
        fitting = np.flatnonzero(near & free)
        if len(fitting):
            free[fitting[0]] = False
            hits += 1
    union = len(onsets) + len(peaks) - hits
    return hits / union if union else 0.0


def iou_two_sided(onsets: Times, peaks: Times, step: float) -> float:
    """Share p of onsets near a peak and share q of peaks near an onset, made one as pq / (p + q - pq); 0 when empty."""
    near = _near(onsets, peaks, step)
    if near.size == 0 or not near.any():
        return 0.0
    p, q = float(near.any(axis=1).mean()), float(near.any(axis=0).mean())
    return p * q / (p + q - p * q)


def _near(onsets: Times, peaks: Times, step: float) -> NDArray[np.bool_]:
    """(A, V): whether onset a and peak v are strictly less than `step` seconds apart."""
    return np.asarray(np.abs(onsets[:, None] - peaks[None, :]) < step)


def _what_is_missing(onsets: Times, peaks: Times) -> str:
    sides = (("the sound has no onset", onsets), ("the motion has no peak", peaks))
    return " and ".join(words for words, times in sides if not len(times))
