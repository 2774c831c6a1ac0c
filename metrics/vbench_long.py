"""VBench-Long: what VBench's own rule makes of clips of 5 s and more, the mean over stretches of 2 s.

Without its lossy re-encoding of each stretch, and without the comparison of stretches, whose weight is 0 by default.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import fmean
from typing import ClassVar

from avbench.answers import ALL, SOUND, TEXT, Answers
from avbench.errors import NotApplicable, Unscored
from avbench.parts import Features, Metric
from avbench.records import Clip, Column, Direction, Score, Status
from avbench.weights import backend

from ._backbones.flow_pairs import DynamicFlow
from ._backbones.interpolation import MiddleFrames
from ._backbones.pixels import Pixels
from ._backbones.quality import MusiqSpaq
from ._backbones.sampled import Stretches, frames_of, spans
from ._backbones.towers import ClipFrames, ClipLargeFrames, DinoFrames, laion_head
from ._cosines import consistency
from .motion_smoothness import smoothness
from .temporal_flickering import flickering

SOURCE = "VBench-Long (Vchitect/VBench 45e79ec)"
LEAST = 5.0  # seconds
_FLOW, _MIDDLES = Stretches(DynamicFlow(), LEAST), Stretches(MiddleFrames(), LEAST)
_FRAMES = (DinoFrames(), ClipFrames(), ClipLargeFrames(), MusiqSpaq(), Pixels())


def _column(name: str, what: str) -> Column:
    summary = f"{what}, mean over stretches of 2 s, of which the last ends with the clip; clips of 5 s and more"
    return Column(f"{name}_long", "1", Direction.UP, 0.0, 1.0, summary, SOURCE, decimals=4)


class VbenchLong(Metric):
    columns: ClassVar[tuple[Column, ...]] = (
        _column("subject_consistency", "VBench subject consistency (DINO ViT-B/16, Apache-2.0)"),
        _column("background_consistency", "VBench background consistency (CLIP ViT-B/32, MIT)"),
        _column("temporal_flickering", "VBench temporal flickering"),
        _column("motion_smoothness", "VBench motion smoothness (AMT-S, CC-BY-NC-4.0)"),
        _column("dynamic_degree", "VBench dynamic degree (RAFT, BSD-3-Clause): the share of stretches that move"),
        _column("aesthetic_laion", "VBench aesthetic quality (CLIP ViT-L/14 and LAION's head, MIT)"),
        _column("imaging_spaq", "VBench imaging quality (MUSIQ, SPAQ)"),
    )
    answers: ClassVar[Mapping[str, Answers]] = {ALL: Answers(ignores=(*SOUND, *TEXT))}
    least: ClassVar[str] = "5 s"
    weights: ClassVar[tuple[str, ...]] = ("laion_aesthetic_l_14",)
    needs = (*_FRAMES, _FLOW, _MIDDLES)
    backend: ClassVar[str] = backend("vbench_long")
    core: ClassVar[bool] = False

    def score(self, clip: Clip, features: Features) -> Mapping[str, float | Score]:
        differences = features[Pixels()].difference
        length, frames = frames_of(features.info), len(differences) + 1
        seconds = frames * 2 / length
        if seconds < LEAST:
            raise NotApplicable(f"too_short: {seconds:.2f} s; VBench-Long is for {LEAST:g} s and more")
        parts = spans(frames, length)
        makers: Mapping[str, Callable[[], float]] = {
            "subject_consistency": lambda: fmean(consistency(features[DinoFrames()][part]) for part in parts),
            "background_consistency": lambda: fmean(consistency(features[ClipFrames()][part]) for part in parts),
            "temporal_flickering": lambda: fmean(flickering(differences[part.start : part.stop - 1]) for part in parts),
            "motion_smoothness": lambda: fmean(map(smoothness, features[_MIDDLES])),
            "dynamic_degree": lambda: fmean(motion.moving for motion in features[_FLOW]),
            "aesthetic_laion": lambda: fmean(
                float(laion_head(features[ClipLargeFrames()][part]).mean() / 10) for part in parts
            ),
            "imaging_spaq": lambda: fmean(float(features[MusiqSpaq()][part].mean() / 100) for part in parts),
        }
        return {f"{name}_long": self._one(f"{name}_long", make) for name, make in makers.items()}

    def _one(self, name: str, make: Callable[[], float]) -> float | Score:
        """A network that is missing concerns its own columns."""
        try:
            return make()
        except NotApplicable as error:
            return Score(name, self.backend, None, Status.NOT_APPLICABLE, str(error))
        except Unscored as error:
            return Score(name, self.backend, None, Status.UNSCORED, str(error))
