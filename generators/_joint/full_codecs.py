"""Codecs at full size: Wan's video VAE by diffusers, MMAudio's VAE and vocoder, UniAVGen's mel frames as they are."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from avbench.media.mel import slaney_filters
from avbench.products import inference

from .bigvgan import BigVgan
from .mmaudio import AudioVae
from .spectrum import FLOOR, MELS, log_mel


class SoundCodec(Protocol):
    """Audio (B, S) in [-1, 1] at `rate` Hz to latents (B, La, C) and back. `nets` are what it computes with."""

    rate: int

    @property
    def nets(self) -> list[nn.Module]: ...
    def encode(self, audio: Tensor, tokens: int) -> Tensor: ...
    def decode(self, latents: Tensor, samples: int) -> Tensor: ...
    def silence(self, tokens: int) -> Tensor: ...


class WanVideo:
    """Video (B, 3, T, H, W) in [-1, 1], T = 4n + 1, to the latents that Wan is trained on, and back.

    `vae` is diffusers' AutoencoderKLWan. Latents are the posterior's mean, normalised a channel by its constants.
    """

    def __init__(self, vae: Any) -> None:
        self.vae = vae
        mean, std = (torch.tensor(getattr(vae.config, f"latents_{name}")) for name in ("mean", "std"))
        self.mean, self.std = (x.view(1, -1, 1, 1, 1).float() for x in (mean, std))

    @inference()
    def encode(self, video: Tensor) -> Tensor:
        latents = self.vae.encode(video.to(self.vae.dtype)).latent_dist.mode().float()
        return (latents - self.mean.to(latents)) / self.std.to(latents)

    @inference()
    def decode(self, latents: Tensor) -> Tensor:
        z = latents.float() * self.std.to(latents) + self.mean.to(latents)
        found: Tensor = self.vae.decode(z.to(self.vae.dtype)).sample.float().clamp(-1, 1)
        return found

    def still(self, latents: Tensor) -> Tensor:
        """The latents of a static video of the first frame. A causal VAE codes it anew later: it must be encoded."""
        frames = 4 * latents.shape[2] - 3
        return self.encode(self.decode(latents[:, :, :1]).expand(-1, -1, frames, -1, -1)).to(latents)


class MelVae:
    """MMAudio's 16 kHz codec: log10 mel frames, two of them a latent (31.25 Hz, 20 channels)."""

    rate = 16000

    def __init__(self, vae: AudioVae, vocoder: BigVgan) -> None:
        self.vae, self.vocoder = vae, vocoder

    @property
    def nets(self) -> list[nn.Module]:
        return [self.vae, self.vocoder]

    @inference()
    def encode(self, audio: Tensor, tokens: int) -> Tensor:
        return self.vae.encode(log_mel(audio.clamp(-1, 1), 2 * tokens).transpose(1, 2)).transpose(1, 2)

    @inference()
    def decode(self, latents: Tensor, samples: int) -> Tensor:
        wave = self.vocoder(self.vae.decode(latents.float().transpose(1, 2)))
        return _long(wave, samples)

    @inference()
    def silence(self, tokens: int) -> Tensor:
        """(1, La, C): a silent waveform sits on the floor of every mel band."""
        floor = torch.full((1, MELS, 2 * tokens), FLOOR, device=self.vae.data_mean.device)
        return self.vae.encode(floor).transpose(1, 2)


class MelFrames:
    """UniAVGen's sound: natural-log mel frames at 100 Hz of 24 kHz audio, one a token, normalised by two constants.

    `vocoder` maps (B, 80, T) to samples: transformers' Qwen2.5-Omni BigVGAN, as the released code has it.
    """

    rate, hop, fft = 24000, 240, 1024
    MEAN, STD, FLOOR = -5.1753, 2.1544, 1e-5

    def __init__(self, vocoder: Callable[[Tensor], Tensor]) -> None:
        self.vocoder = vocoder

    @property
    def nets(self) -> list[nn.Module]:
        return [self.vocoder] if isinstance(self.vocoder, nn.Module) else []

    @inference()
    def encode(self, audio: Tensor, tokens: int) -> Tensor:
        edge = (self.fft - self.hop) // 2
        short = tokens * self.hop - audio.shape[-1]
        padded = F.pad(audio, (0, max(short, 0)))[..., : tokens * self.hop]
        padded = F.pad(padded[:, None], (edge, edge), mode="reflect")[:, 0]
        window = torch.hann_window(self.fft, device=audio.device)
        spectrum = torch.stft(padded, self.fft, self.hop, window=window, center=False, return_complex=True)
        mel = _bank().to(audio.device) @ (spectrum.abs().square() + 1e-9).sqrt()
        return self._normal(mel.clamp_min(self.FLOOR).log()).transpose(1, 2)

    @inference()
    def decode(self, latents: Tensor, samples: int) -> Tensor:
        mel = latents.float().transpose(1, 2) * self.STD + self.MEAN
        wave = torch.stack([self.vocoder(one[None]).reshape(-1).float() for one in mel])
        return _long(wave, samples)

    def silence(self, tokens: int) -> Tensor:
        return self._normal(torch.full((1, tokens, MELS), self.FLOOR).log())

    def _normal(self, mel: Tensor) -> Tensor:
        return (mel - self.MEAN) / self.STD


@cache
def _bank() -> Tensor:
    return torch.from_numpy(slaney_filters(MelFrames.rate, MelFrames.fft, MELS, high=8000.0))


def _long(wave: Tensor, samples: int) -> Tensor:
    return F.pad(wave, (0, max(samples - wave.shape[-1], 0)))[..., :samples].clamp(-1, 1)
