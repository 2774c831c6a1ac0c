"""Linear codecs with the geometry of the learned ones: PCA of video blocks, PCA of log-mel frames."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .spectrum import FLOOR, MELS, griffin_lim, log_mel, widened
from .vocoder import Vocoder

BLOCK, STRIDE = 8, 4


@dataclass(frozen=True, slots=True)
class Pca:
    """`mean` (N,), `basis` (N, C) orthonormal, `scale` (C,).

    A coefficient is divided by the square root of its deviation (times a common factor that makes the mean square 1):
    whitening would raise the noise in weak components to the level of the signal.
    """

    mean: Tensor
    basis: Tensor
    scale: Tensor

    @classmethod
    def fit(cls, rows: Tensor, channels: int) -> Pca:
        """From (M, N) samples."""
        rows = rows.double()
        mean = rows.mean(0)
        values, vectors = torch.linalg.eigh((rows - mean).T @ (rows - mean) / len(rows))
        deviation = values[-channels:].flip(0).clamp_min(1e-12).sqrt()
        basis = vectors[:, -channels:].flip(1)
        return cls(mean.float(), basis.float(), (deviation * deviation.mean()).sqrt().float())

    def encode(self, rows: Tensor) -> Tensor:
        return (rows - self.mean) @ self.basis / self.scale

    def decode(self, latents: Tensor) -> Tensor:
        return (latents * self.scale) @ self.basis.T + self.mean

    def to(self, device: str | torch.device) -> Pca:
        return Pca(self.mean.to(device), self.basis.to(device), self.scale.to(device))


@dataclass(frozen=True, slots=True)
class VideoCodec:
    """Blocks of 4 frames x 8 x 8 pixels, as Wan's VAE lays them out; frame 0 is coded as a block of four copies."""

    pca: Pca

    @staticmethod
    def blocks(video: Tensor) -> Tensor:
        """(B, 3, T, H, W) to (B, F, h, w, 768)."""
        video = torch.cat([video[:, :, :1].expand(-1, -1, STRIDE - 1, -1, -1), video], 2)
        grid: Tensor = video.unflatten(4, (-1, BLOCK)).unflatten(3, (-1, BLOCK)).unflatten(2, (-1, STRIDE))
        return grid.permute(0, 2, 4, 6, 1, 3, 5, 7).flatten(4)

    def encode(self, video: Tensor) -> Tensor:
        """(B, 3, T, H, W) in [-1, 1], T = 4n + 1, to (B, C, F, H / 8, W / 8)."""
        return self.pca.encode(self.blocks(video)).movedim(-1, 1)

    def decode(self, latents: Tensor) -> Tensor:
        """(B, C, F, h, w) to (B, 3, T, 8h, 8w) in [-1, 1]."""
        grid = self.pca.decode(latents.movedim(1, -1)).unflatten(-1, (3, STRIDE, BLOCK, BLOCK))
        video = grid.permute(0, 4, 1, 5, 2, 6, 3, 7).flatten(6).flatten(4, 5).flatten(2, 3)
        first = video[:, :, :STRIDE].mean(2, keepdim=True)  # the four copies
        return torch.cat([first, video[:, :, STRIDE:]], 2).clamp(-1, 1)

    def restart(self, latents: Tensor) -> Tensor:
        """The latents of a clip that begins with the last frame of the first latent given."""
        block = self.pca.decode(latents[:, :, 0].movedim(1, -1)).unflatten(-1, (3, STRIDE, BLOCK**2))
        still = block[..., -1:, :].expand(-1, -1, -1, -1, STRIDE, -1).flatten(3)
        return torch.cat([self.pca.encode(still).movedim(-1, 1).unsqueeze(2), latents[:, :, 1:]], 2)


def still(latents: Tensor) -> Tensor:
    """The latents of a static video of the first frame: latent 0 codes four copies of it, so it repeats."""
    return latents[:, :, :1].expand_as(latents)


@dataclass(frozen=True, slots=True)
class AudioCodec:
    """Log-mel spectrogram of 16 kHz audio, two frames stacked to a token of 32 ms."""

    pca: Pca

    @staticmethod
    def rows(audio: Tensor, tokens: int) -> Tensor:
        """(B, S) to (B, La, 160), padded with silence to La tokens."""
        return log_mel(audio, 2 * tokens).reshape(len(audio), tokens, 2 * MELS)

    def encode(self, audio: Tensor, tokens: int) -> Tensor:
        """(B, S) float in [-1, 1] to (B, La, C)."""
        return self.pca.encode(self.rows(audio, tokens))

    def mel(self, latents: Tensor) -> Tensor:
        """(B, La, C) to (B, 2 La, 80): the log-mel spectrogram, less what the components leave out."""
        return self.pca.decode(latents).unflatten(-1, (2, MELS)).flatten(1, 2)

    def decode(self, latents: Tensor, samples: int, vocoder: Vocoder | None = None) -> Tensor:
        """(B, La, C) to (B, samples) by Griffin-Lim; the same latents give the same samples.

        The `vocoder` tells the magnitudes; without one they are as smooth as the mel bands.
        """
        mel = self.mel(latents)
        return griffin_lim(widened(mel) if vocoder is None else vocoder(mel), samples)

    def silence(self, tokens: int) -> Tensor:
        """(1, La, C): a silent waveform sits on the floor of every mel band."""
        return self.pca.encode(torch.full((1, tokens, 2 * MELS), FLOOR, device=self.pca.mean.device))
