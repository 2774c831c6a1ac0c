"""Features of whole clips from trunks that stand still: what the Synchformer's head is trained on at little cost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .._backbones import synchformer
from .._backbones import synchformer_input as protocol
from .._backbones.synchformer_input import RATE, STEP_SAMPLES
from ._sync_batch import Clips

FINER = 4  # a segment of sound every 0.08 s


@dataclass(frozen=True, slots=True)
class Kept:
    """Features of whole clips from trunks that stand still: `video` (N, V, 8, dim) a segment every 0.32 s, `audio`
    (N, A, 6, dim) every 0.08 s.
    """

    video: Tensor
    audio: Tensor

    @classmethod
    @torch.no_grad()
    def of(cls, net: synchformer.Synchformer, clips: Clips, device: str) -> Kept:
        videos, audios = [], []
        for frames, samples in zip(clips["frames"], clips["audio"], strict=True):
            film = protocol.frames(np.array(frames), net.config.pixels)
            videos.append(net.video(protocol.video_segments(film).to(device)).bfloat16().cpu())
            sound = torch.from_numpy(np.asarray(samples).astype(np.float32) / 32767)
            phases = [protocol.audio_segments(sound[STEP_SAMPLES * k // FINER :]) for k in range(FINER)]
            count = min(map(len, phases))
            parts = torch.stack([phase[:count] for phase in phases], 1).flatten(0, 1)
            audios.append(net.audio(parts.to(device)).bfloat16().cpu())
        return cls(torch.stack(videos), torch.stack(audios))

    def draw(self, size: int, segments: int, source: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """(`size`, `segments`, 8 or 6, dim) of random clips at random moments, and (size,) seconds."""
        clips = torch.randint(len(self.video), (size,), generator=source)
        starts = torch.randint(self.video.shape[1] - segments + 1, (size,), generator=source)
        furthest = self.audio.shape[1] - FINER * (segments - 1)
        sounds = torch.randint(furthest, (size,), generator=source)
        run = torch.arange(segments)
        video = self.video[clips[:, None], starts[:, None] + run]
        audio = self.audio[clips[:, None], sounds[:, None] + FINER * run]
        return video.float(), audio.float(), (sounds - FINER * starts) * STEP_SAMPLES / FINER / RATE
