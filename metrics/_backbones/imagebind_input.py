"""What ImageBind sees and hears: the frames, crops and clips of av-benchmark and of ImageBind's own loader."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate, pad

from ._frames import SIZE, centre_crop, shrink, three_crops

FPS = Fraction(1, 2)  # frames av-benchmark takes a second
RATE = 16000

_MEAN, _DEVIATION = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
_CLIP = 2  # seconds
_COLUMNS = 204
_MEL_MEAN, _MEL_RANGE = -4.268, 9.138


def pair_clips(rgb: NDArray[np.uint8]) -> Tensor:
    """av-benchmark's clips: frames (T, H, W, 3) at 0.5 fps to ((T - 1) * 3, 3, 2, 224, 224), each pair of neighbours
    in each of three crops. Raises ValueError for one frame: a video under 4 s has no pair.
    """
    if len(rgb) < 2:
        raise ValueError("ImageBind compares frames two seconds apart; this video has only one (4 s are needed)")
    return pairs(shrink(rgb))


def pairs(shrunk: Tensor) -> Tensor:
    """`pair_clips` of at least two frames whose short side is 224, (T, 3, h, w) in 0..255."""
    pixels = _normalised(shrunk.float())
    clips = [crop.unfold(0, 2, 1).permute(0, 1, 4, 2, 3) for crop in three_crops(pixels)]
    return torch.cat(clips)


def stills(rgb: NDArray[np.uint8]) -> Tensor:
    """Frames (T, H, W, 3) as pictures (T, 3, 224, 224): their centre squares."""
    return squares(shrink(rgb))


def squares(shrunk: Tensor) -> Tensor:
    """`stills` of frames whose short side is 224, (T, 3, h, w) in 0..255."""
    return _normalised(centre_crop(shrunk).float())


def official_pairs(frames: int, fps: float) -> NDArray[np.int64]:
    """First and last frame, (5, 2), of the five clips of 2 s that ImageBind's own loader takes from a video."""
    starts = _starts(frames / fps, 5)
    stops = [min(math.ceil(fps * (start + _CLIP)), frames) for start in starts]
    return np.array([(math.ceil(fps * start), stop - 1) for start, stop in zip(starts, stops, strict=True)])


def official_clips(pairs: NDArray[np.uint8]) -> Tensor:
    """ImageBind's own clips: frames (5, 2, H, W, 3) to (15, 3, 2, 224, 224), resized without antialiasing."""
    height, width = pairs.shape[2:4]
    target = (SIZE, math.floor(width / height * SIZE)) if height <= width else (math.floor(height / width * SIZE), SIZE)
    planes = torch.from_numpy(pairs).flatten(0, 1).permute(0, 3, 1, 2).float()
    pixels = _normalised(interpolate(planes, target, mode="bilinear")).unflatten(0, pairs.shape[:2])
    return torch.stack(three_crops(pixels.transpose(1, 2)), dim=1).flatten(0, 1)


def audio_ranges(samples: int) -> list[tuple[int, int]]:
    """The three clips of 2 s over the whole file, in samples at 16 kHz; a file under 2 s is used three times."""
    return [(int(start * RATE), int((start + _CLIP) * RATE)) for start in _starts(samples / RATE, 3)]


def audio_clips(samples: NDArray[np.float32], rate: int, clips: int = 3) -> Tensor:
    """All channels (channels, n) to (3, 1, 128, 204) normalised log mel; fewer where only the first `clips` are wanted.

    The mean over channels is taken off, but only the first channel is heard, as in ImageBind's loader.
    """
    from torchaudio.compliance.kaldi import fbank
    from torchaudio.functional import resample

    waves = resample(torch.from_numpy(np.ascontiguousarray(samples)), rate, RATE).clone()
    mels = []
    for start, stop in audio_ranges(waves.shape[1])[:clips]:
        clip = waves[:, start:stop]
        clip -= clip.mean()  # on the file itself: clips that overlap see what the one before took off
        mel = fbank(
            clip,
            htk_compat=True,
            sample_frequency=RATE,
            use_energy=False,
            window_type="hanning",
            num_mel_bins=128,
            dither=0.0,
            frame_length=25,
            frame_shift=10,
        )
        mels.append(pad(mel.T, (0, _COLUMNS - len(mel)))[None])  # a negative pad cuts
    return (torch.stack(mels) - _MEL_MEAN) / _MEL_RANGE


def _starts(seconds: float, clips: int) -> list[Fraction]:
    return [Fraction(max(seconds - _CLIP, 0.0)) / (clips - 1) * i for i in range(clips)]


def _normalised(pixels: Tensor) -> Tensor:
    """(N, 3, H, W) in 0..255 to CLIP's colours, in place."""
    mean, deviation = (pixels.new_tensor(values)[:, None, None] for values in (_MEAN, _DEVIATION))
    return pixels.div_(255).sub_(mean).div_(deviation)
