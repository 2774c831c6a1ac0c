"""Do the lips move with the voice? Motion of the mouth against the speech envelope, on any face, without a network.

The mouth is the lower middle of a frontal face found by OpenCV's Haar cascade and tracked (see `_backbones/faces.py`).
With several faces the one whose mouth follows the voice best is scored.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from avbench.answers import SOUND, TEXT, Answers, Fault
from avbench.errors import NotApplicable, Unscored
from avbench.parts import Features, Metric
from avbench.records import Clip, Column, Direction, Prompt, Score, Status

from ._backbones.curve import Curve, Lag, find_lag, held
from ._backbones.faces import Faces, FaceTracks
from ._backbones.speech_envelope import SpeechEnvelope
from ._backbones.vad import VoiceActivity

REACH = 1.0  # seconds
SHORTEST = 1.0  # seconds
TRUSTED = 0.3  # correlation; GRID's talkers reach 0.7, wrong pairs of talkers seldom less than 0.4
COVERAGE = 0.5  # share of frames a face must be tracked in
SPOKEN = 0.1  # share of the audio that must be speech when no prompt says so
SOURCE = "avbench; the signal cousin of SyncNet's offset and confidence"
WHEN = "for on-screen speech (asked for, or heard where there is no prompt); needs 1 s, a face in half of the frames"


class LipEnvelope(Metric):
    columns: ClassVar[tuple[Column, ...]] = (
        Column(
            "lip_envelope_lag",
            unit="s",
            direction=Direction.ZERO,
            low=-REACH,
            high=REACH,
            summary=f"lag of the voice behind the mouth, positive when the sound comes late; {WHEN}",
            source=SOURCE,
        ),
        Column(
            "lip_envelope_corr",
            unit="1",
            direction=Direction.UP,
            low=-1.0,
            high=1.0,
            summary="normalised cross-correlation of mouth motion and voice at that lag; below 0.3 the lag is unscored",
            source=SOURCE,
        ),
        Column(
            "face_ratio",
            unit="1",
            direction=Direction.NONE,
            low=0.0,
            high=1.0,
            summary="share of frames in which a frontal face is tracked",
            source="OpenCV haarcascade_frontalface_alt2",
        ),
    )
    answers: ClassVar[Mapping[str, Answers]] = {
        "lip_envelope_lag": Answers(
            worse=(Fault.SHIFT_AUDIO,),
            refuses=(Fault.MUTE, Fault.DROP_WORDS, Fault.FREEZE),
            ignores=(Fault.WRONG_FACE, *TEXT),
        ),
        "lip_envelope_corr": Answers(
            worse=(Fault.SHIFT_AUDIO, Fault.DROP_WORDS, Fault.SHUFFLE_FRAMES),
            refuses=(Fault.MUTE, Fault.FREEZE),
            ignores=(Fault.WRONG_FACE, *TEXT),
        ),
        "face_ratio": Answers(ignores=(*SOUND, *TEXT)),
    }
    least: ClassVar[str] = "1 s"
    terms: ClassVar[str] = "silero-vad, a package: MIT"
    needs = (Faces(), SpeechEnvelope(), VoiceActivity())

    def score(self, clip: Clip, features: Features) -> Mapping[str, float | Score]:
        faces = features[Faces()]
        columns = ("lip_envelope_lag", "lip_envelope_corr")
        try:
            _check_speech(clip.prompt, features)
            lag = mouth_lag(faces, features[SpeechEnvelope()])
        except (NotApplicable, Unscored) as error:
            status = Status.UNSCORED if isinstance(error, Unscored) else Status.NOT_APPLICABLE
            scores = {name: Score(name, self.backend, None, status, str(error)) for name in columns}
            return {**scores, "face_ratio": faces.found}
        if lag.correlation < TRUSTED:
            reason = f"the mouth does not follow the voice: correlation {lag.correlation:.2f}, {TRUSTED} needed"
            unscored = Score("lip_envelope_lag", self.backend, None, Status.UNSCORED, reason)
            return {"lip_envelope_lag": unscored, "lip_envelope_corr": lag.correlation, "face_ratio": faces.found}
        return {"lip_envelope_lag": lag.seconds, "lip_envelope_corr": lag.correlation, "face_ratio": faces.found}


def mouth_lag(faces: FaceTracks, voice: Curve) -> Lag:
    """Lag of the voice behind the best-fitting mouth.

    Raises NotApplicable for a clip under 1 s, Unscored without a face in half of the frames or a moving mouth.
    """
    seconds = min(faces.times[-1] - faces.times[0], len(voice.values) / voice.rate)
    if seconds < SHORTEST - 0.05:
        raise NotApplicable(f"clip is too short: {seconds:.2f} s, at least {SHORTEST:.0f} s needed")
    candidates = [track for track in faces.tracks if track.coverage >= COVERAGE]
    if not candidates:
        best = max((track.coverage for track in faces.tracks), default=0.0)
        raise Unscored(f"no face in half of the frames: the best one is tracked in {best:.0%}")
    motions = (held(faces.times, track.motion) for track in candidates)
    lags = [lag for times, motion in motions if (lag := find_lag(times, motion, voice, REACH)) is not None]
    if not lags:
        raise Unscored("the mouth never moves")
    return max(lags, key=lambda lag: lag.correlation)


def _check_speech(prompt: Prompt, features: Features) -> None:
    if prompt.off_screen:
        raise NotApplicable("the speaker is off screen")
    if prompt.speech:
        return
    if prompt.video_caption or prompt.audio_caption:
        raise NotApplicable("the prompt asks for no speech")
    heard = features[VoiceActivity()].ratio
    if not np.isfinite(heard) or heard < SPOKEN:
        raise NotApplicable(f"no prompt asks for speech and only {heard:.0%} of the sound is speech")
