"""How late the sound comes: visual motion energy against audio onset strength by cross-correlation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from avbench.answers import ALL, TEXT, Answers, Fault
from avbench.errors import NotApplicable, Unscored
from avbench.parts import Features, Metric
from avbench.records import Clip, Column, Direction, Score, Status

from ._backbones.curve import Curve, Lag, find_lag, held
from ._backbones.motion import Motion
from ._backbones.onsets import OnsetStrength

REACH = 2.0  # seconds, as DeSync's range
SHORTEST = 1.0  # seconds
TRUSTED = 0.3  # correlation; steady sounds such as rain and wind stay below, struck and bouncing things above
STILL = 0.05  # luma levels a frame: less is codec noise
SOURCE = "avbench; the signal cousin of DeSync (Synchformer)"


class OnsetOffset(Metric):
    columns: ClassVar[tuple[Column, ...]] = (
        Column(
            "onset_offset",
            unit="s",
            direction=Direction.ZERO,
            low=-REACH,
            high=REACH,
            summary="lag of the sound's onsets behind visual motion, positive when the sound comes late; "
            "needs 1 s, motion and onsets",
            source=SOURCE,
        ),
        Column(
            "onset_offset_abs",
            unit="s",
            direction=Direction.DOWN,
            low=0.0,
            high=REACH,
            summary="absolute value of `onset_offset`",
            source=SOURCE,
        ),
        Column(
            "onset_offset_conf",
            unit="1",
            direction=Direction.UP,
            low=-1.0,
            high=1.0,
            summary="normalised cross-correlation of motion and onsets at that lag; below 0.3 the offset is unscored",
            source=SOURCE,
        ),
    )
    answers: ClassVar[Mapping[str, Answers]] = {ALL: Answers(refuses=(Fault.MUTE, Fault.FREEZE), ignores=TEXT)}
    least: ClassVar[str] = "1 s"
    needs = (Motion(), OnsetStrength())

    def score(self, clip: Clip, features: Features) -> Mapping[str, float | Score]:
        motion = features[Motion()]
        lag = offset(motion.times, motion.energy, features[OnsetStrength()])
        if lag.correlation < TRUSTED:
            reason = f"motion and onsets do not go together: correlation {lag.correlation:.2f}, {TRUSTED} needed"
            scores = {
                name: Score(name, self.backend, None, Status.UNSCORED, reason)
                for name in ("onset_offset", "onset_offset_abs")
            }
            return {**scores, "onset_offset_conf": lag.correlation}
        return {
            "onset_offset": lag.seconds,
            "onset_offset_abs": abs(lag.seconds),
            "onset_offset_conf": lag.correlation,
        }


def offset(times: NDArray[np.float64], energy: NDArray[np.float64], onsets: Curve) -> Lag:
    """Lag of the onset strength behind the motion `energy` (T,) at `times` (T,).

    Raises NotApplicable for a clip under 1 s, Unscored when nothing moves or the sound has no onset.
    """
    for word, seconds in (("video", times[-1] - times[0]), ("audio", len(onsets.values) / onsets.rate)):
        if seconds < SHORTEST - 0.05:
            raise NotApplicable(f"{word} is too short: {seconds:.2f} s, at least {SHORTEST:.0f} s needed")
    if energy.max() < STILL:
        raise Unscored("nothing moves")
    times, energy = held(times, energy)
    rise = np.maximum(
        np.diff(energy, prepend=energy[0]), 0.0
    )  # motion that sets in, as onset strength is sound that does
    lag = find_lag(times, rise, onsets, REACH)
    if lag is None:
        raise Unscored("the sound has no onset" if np.ptp(onsets.values) == 0 else "motion or onsets never change")
    return lag
