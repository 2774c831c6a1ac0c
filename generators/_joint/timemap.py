"""How video latents, frames and audio tokens meet in time.

A clip has T = 4n + 1 frames. Video latent 0 covers frame 0 alone and latent i >= 1 covers frames 4i - 3 .. 4i, as
Wan's causal VAE encodes them; audio token j starts at frame time j / r, with r = audio tokens / T.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import torch
from torch import Tensor

STRIDE = 4


@dataclass(frozen=True, slots=True)
class Timeline:
    """One clip's time axis: `frames` T = 4n + 1 and `audio_tokens` La."""

    frames: int
    audio_tokens: int

    def __post_init__(self) -> None:
        if self.frames < 1 or self.frames % STRIDE != 1:
            raise ValueError(f"frames must be 4n + 1, not {self.frames}")

    @property
    def latents(self) -> int:
        return 1 + (self.frames - 1) // STRIDE

    @property
    def rate(self) -> Fraction:
        """Audio tokens a frame."""
        return Fraction(self.audio_tokens, self.frames)

    def span(self, latent: int) -> tuple[int, int]:
        """The frames [begin, end) of a latent."""
        return (0, 1) if latent == 0 else (STRIDE * latent - 3, STRIDE * latent + 1)

    def audio_positions(self, kind: str) -> Tensor:
        """(La,) positions of the audio tokens on the latent axis.

        `uniform` is j F / La (Harmony); it ignores the one-frame first latent, up to 2.9 frames wrong near the start.
        `exact` is the inverse of the latents' centres.
        """
        j = torch.arange(self.audio_tokens, dtype=torch.float64)
        if kind == "uniform":
            return j * self.latents / self.audio_tokens
        frame = j / float(self.rate)
        return torch.where(frame < 3, (frame - 0.5) / 2.5, (frame + 1) / STRIDE)

    def latent_positions(self, kind: str) -> Tensor:
        """(F,) positions of the latents on the audio token axis; the inverse map of `audio_positions`."""
        i = torch.arange(self.latents, dtype=torch.float64)
        if kind == "uniform":
            return i * self.audio_tokens / self.latents
        return torch.where(i < 1, 0.5, STRIDE * i - 1) * float(self.rate)

    def heard(self, latent: int, window: float) -> range:
        """Audio tokens within a latent's frames widened by `window` latents a side; may leave 0 .. La - 1."""
        begin, end = self.span(latent)
        margin = Fraction(window) * STRIDE * self.rate
        return range(math.floor(begin * self.rate) - math.floor(margin), math.ceil(end * self.rate) + math.ceil(margin))

    def released_windows(self) -> Tensor:
        """(F, W) audio tokens that each latent hears in UniAVGen's released code: two frames a side, all as long as
        the longest, widened at the clip's ends outwards and elsewhere on both sides; the first latent's lack a few.
        """
        frames, most = 2, self.audio_tokens - 1
        margin = frames * self.rate
        ranges = [(-math.floor(margin), 1 + math.ceil(margin))]  # their first window ends after one token
        for latent in range(1, self.latents):
            begin, end = self.span(latent)
            ranges.append(
                (math.floor(begin * self.rate) - math.floor(margin), math.ceil(end * self.rate) + math.ceil(margin))
            )
        longest = max(end - begin for begin, end in ranges[1:])
        windows = []
        for begin, end in ranges:
            short = longest - (end - begin)
            before = short if begin < 0 else 0 if end > most else short // 2
            windows.append(torch.arange(begin - before, begin - before + longest).clamp(0, most))
        return torch.stack(windows)

    def a2v_bias(self, window: float) -> Tensor:
        """(F, La) additive attention bias of the windows.

        Indices outside the clip replicate the first or last token (UniAVGen): m copies of a key weigh as log m.
        """
        counts = torch.zeros(self.latents, self.audio_tokens)
        for latent in range(self.latents):
            for token in self.heard(latent, window):
                counts[latent, min(max(token, 0), self.audio_tokens - 1)] += 1
        return counts.log()

    def own(self) -> Tensor:
        """(La,) the latent whose frames each audio token falls in: a partition."""
        frame = (torch.arange(self.audio_tokens, dtype=torch.float64) / float(self.rate)).floor()
        return torch.ceil(frame / STRIDE).clamp_max(self.latents - 1).long()

    def segment_bias(self) -> Tensor:
        """(F, La) additive bias: each audio token and the latent of its own frames see each other alone.

        With fewer tokens than frames a latent may own none: it then hears the token nearest to its middle.
        """
        mine = self.own() == torch.arange(self.latents)[:, None]
        for latent in (~mine.any(1)).nonzero()[:, 0].tolist():
            middle = sum(self.span(latent)) / 2 * float(self.rate)
            mine[latent, min(int(middle), self.audio_tokens - 1)] = True
        return torch.where(mine, 0.0, -torch.inf)

    def ramp(self, kind: str) -> Tensor:
        """(La, F) weights of the latents in each audio token's context; every row sums to 1.

        `latent_ramp` goes from a latent to the next over its tokens (UniAVGen, eq. 4); `frame_ramp` repeats latents to
        frames and goes from frame to frame, so that only a latent's last frame is mixed (their code).
        """
        j = torch.arange(self.audio_tokens, dtype=torch.float64)
        weights = torch.zeros(self.audio_tokens, self.latents, dtype=torch.float64)
        if kind == "latent_ramp":
            x = j * self.latents / self.audio_tokens
            low = x.floor()
            pair = (low.long(), (low + 1).clamp_max(self.latents - 1).long())
        else:
            x = (j / float(self.rate)).clamp_max(self.frames - 1)
            low = x.floor()
            high = (low + 1).clamp_max(self.frames - 1)
            pair = (torch.ceil(low / STRIDE).long(), torch.ceil(high / STRIDE).long())
        rows = torch.arange(self.audio_tokens)
        for latent, weight in zip(pair, (1 - (x - low), x - low), strict=True):
            weights.index_put_((rows, latent), weight, accumulate=True)
        return weights.float()

    def v2a_bias(self, margin: int) -> Tensor:
        """(La, F) additive bias: an audio token sees its own latent and `margin` latents a side, clipped."""
        near = (torch.arange(self.latents) - self.own()[:, None]).abs() <= margin
        return torch.where(near, 0.0, -torch.inf)


def nearest_frames(seconds: float, fps: float, most: int) -> int:
    """The T = 4n + 1 nearest to `seconds`, at least 5 and at most `most`."""
    return min(max(STRIDE * round((seconds * fps - 1) / STRIDE) + 1, STRIDE + 1), most)
