"""The dual-stream flow-matching transformer: a video stream, an audio stream, and the layers where they meet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor, nn

from .config import ModelConfig
from .interaction import LocalAttention, StyleAlignment
from .layers import Block, Head, NoiseLevel
from .rope import Rotation, audio_rotation, temporal_rotation, video_rotation
from .text import CaptionEncoder, Condition, DurationPredictor, SpeechEncoder
from .timemap import Timeline

FPS, AUDIO_RATE, TOKEN_SAMPLES = 25, 16000, 512
TOKEN_SECONDS = TOKEN_SAMPLES / AUDIO_RATE


def audio_tokens(frames: int) -> int:
    """Audio tokens of a clip: 31.25 a second, the last one padded (127 for 101 frames)."""
    return -(-frames * AUDIO_RATE // (FPS * TOKEN_SAMPLES))


@dataclass(frozen=True, slots=True)
class Features:
    """Encoded text of a batch; depends on neither noise nor time, so sampling encodes it once."""

    video: Tensor
    audio: Tensor
    speech: Tensor

    def repeat(self, n: int) -> Features:
        return Features(self.video.repeat(n, 1, 1), self.audio.repeat(n, 1, 1), self.speech.repeat(n, 1, 1))


@dataclass(frozen=True, slots=True)
class Anchors:
    """Hidden states of clean drivers as they enter each layer: `audio` and `video` are lists of (B, L, D)."""

    audio: list[Tensor]
    video: list[Tensor]


@dataclass(frozen=True, slots=True)
class _Axes:
    """The rotations and windows of one timeline."""

    video: Rotation
    audio: Rotation
    a2v_query: Rotation
    a2v_key: Rotation
    v2a_query: Rotation
    v2a_key: Rotation
    a2v_bias: Tensor
    v2a_bias: Tensor


class JointModel(nn.Module):
    """Predicts clean video and audio latents from noisy ones.

    Video latents are (B, C, F, h, w), audio latents (B, La, C'). Noise levels are (B,). With `a2v` or `v2a` off,
    that direction of the interaction is skipped: a clean driver must not see the stream that it drives.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        width, patch = config.width, config.patch
        self.video_in = nn.Linear(config.video_channels * patch**2, width)
        self.audio_in = nn.Linear(config.audio_channels, width)
        self.captions, self.speech = CaptionEncoder(config.words, width), SpeechEncoder(width)
        self.durations = DurationPredictor(config.words)
        self.prefix = nn.Parameter(0.02 * torch.randn(config.null_tokens, width))
        self.video_level, self.audio_level = NoiseLevel(width), NoiseLevel(width)
        self.video_blocks = self._layers(lambda: Block(width, config.heads, config.ffn))
        self.audio_blocks = self._layers(lambda: Block(width, config.heads, config.ffn))
        self.a2v, self.v2a, self.style = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        if config.interaction.a2v == "window":
            self.a2v = self._layers(lambda: LocalAttention(width, config.heads))
        if config.interaction.v2a == "window":
            self.v2a = self._layers(lambda: LocalAttention(width, config.heads))
            self.style = self._layers(lambda: StyleAlignment(width, config.heads))
        self.video_head = Head(width, config.video_channels * patch**2)
        self.audio_head = Head(width, config.audio_channels)
        self._axes = lru_cache(maxsize=8)(self._make_axes)

    def encode(self, condition: Condition) -> Features:
        return Features(
            self.captions(condition.video_words), self.captions(condition.audio_words), self.speech(condition)
        )

    def forward(
        self,
        video: Tensor,
        audio: Tensor,
        video_s: Tensor,
        audio_s: Tensor,
        features: Features,
        *,
        a2v: bool = True,
        v2a: bool = True,
        anchors: Anchors | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Clean estimates of both latents.

        With `anchors` the batch is [joint rows; anchored rows]: its second half attends the anchors' states in place
        of the other stream, which is SyncCFG's pair of negative passes in one call.
        """
        axes = self._axes(video.shape[2], audio.shape[1])
        hv, ev, lv = self._open_video(video, video_s)
        ha, ea, la = self._open_audio(audio, audio_s, features)
        k = len(self.prefix)
        for i, (video_block, audio_block) in enumerate(zip(self.video_blocks, self.audio_blocks, strict=True)):
            heard, seen = ha[:, k:], hv
            if anchors is not None:
                half = len(hv) // 2
                heard = torch.cat([heard[:half], anchors.audio[i]])
                seen = torch.cat([seen[:half], anchors.video[i]])
            dv = self.a2v[i](hv, heard, axes.a2v_query, axes.a2v_key, axes.a2v_bias) if a2v and self.a2v else None
            if v2a and self.v2a:
                da = self.v2a[i](ha[:, k:], seen, axes.v2a_query, axes.v2a_key, axes.v2a_bias)
                ha = ha + torch.cat([self.style[i](ha[:, :k], seen), da], 1)
            if dv is not None:
                hv = hv + dv
            hv = video_block(hv, lv, features.video, axes.video)
            ha = audio_block(ha, la, features.audio, axes.audio)
        clean = self.video_head(hv, ev, self._tokens(video))
        return self._close_video(clean, video.shape), self.audio_head(ha[:, k:], ea, audio)

    def picture(self, video: Tensor, s: Tensor, words: Tensor) -> Tensor:
        """The clean estimate of the video stream by itself, from its own caption alone: (B, 40) word ids."""
        axes = self._axes(video.shape[2], audio_tokens(4 * video.shape[2] - 3))
        text = self.captions(words)
        h, e, level = self._open_video(video, s)
        for block in self.video_blocks:
            h = block(h, level, text, axes.video)
        return self._close_video(self.video_head(h, e, self._tokens(video)), video.shape)

    def drive_audio(self, audio: Tensor, features: Features) -> list[Tensor]:
        """States of a clean audio driver as they enter each layer. They depend on no video: compute them once."""
        k, tokens, d = len(self.prefix), audio.shape[1], self.config.width // self.config.heads
        turn = audio_rotation(torch.arange(-k, tokens), d).to(audio.device)
        h, _, level = self._open_audio(audio, audio.new_zeros(len(audio)), features)
        states = []
        for block in self.audio_blocks:
            states.append(h[:, k:])
            h = block(h, level, features.audio, turn)
        return states

    def drive_video(self, video: Tensor, features: Features) -> list[Tensor]:
        """States of a clean video driver as they enter each layer; they depend on no audio."""
        axes = self._axes(video.shape[2], features.speech.shape[1])
        h, _, level = self._open_video(video, video.new_zeros(len(video)))
        states = []
        for block in self.video_blocks:
            states.append(h)
            h = block(h, level, features.video, axes.video)
        return states

    def _tokens(self, z: Tensor) -> Tensor:
        """(B, C, F, h, w) to (B, F h' w', p p C): patches over time, rows, columns."""
        p = self.config.patch
        grid: Tensor = z.unflatten(4, (-1, p)).unflatten(3, (-1, p))
        return grid.permute(0, 2, 3, 5, 4, 6, 1).flatten(4).flatten(1, 3)

    def _open_video(self, z: Tensor, s: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return self.video_in(self._tokens(z)), *self.video_level(s[:, None])

    def _close_video(self, tokens: Tensor, shape: torch.Size) -> Tensor:
        p = self.config.patch
        _, c, f, h, w = shape
        grid: Tensor = tokens.unflatten(1, (f, h // p, w // p)).unflatten(4, (p, p, c))
        return grid.permute(0, 6, 1, 2, 4, 3, 5).flatten(5).flatten(3, 4)

    def _open_audio(self, z: Tensor, s: Tensor, features: Features) -> tuple[Tensor, Tensor, Tensor]:
        h = self.audio_in(z)
        h = h + features.speech.to(h.dtype)
        return torch.cat([self.prefix.to(h.dtype).expand(len(z), -1, -1), h], 1), *self.audio_level(s[:, None])

    def _make_axes(self, latents: int, tokens: int) -> _Axes:
        config, device = self.config, self.prefix.device
        line = Timeline(4 * latents - 3, tokens)
        d, meeting = config.width // config.heads, config.interaction
        side = config.size // 8 // config.patch
        cells = side**2

        def over_cells(x: Tensor) -> Tensor:
            return x.repeat_interleave(cells, 0)

        at_latent, at_token = torch.arange(latents), torch.arange(tokens)
        axes = _Axes(
            video=video_rotation(latents, side, side, d),
            audio=audio_rotation(torch.arange(-config.null_tokens, tokens), d),
            a2v_query=temporal_rotation(over_cells(at_latent), d),
            a2v_key=temporal_rotation(line.audio_positions(meeting.time_map), d),
            v2a_query=temporal_rotation(at_token, d),
            v2a_key=temporal_rotation(over_cells(line.latent_positions(meeting.time_map)), d),
            a2v_bias=over_cells(line.a2v_bias(meeting.window)),
            v2a_bias=over_cells(line.v2a_bias(meeting.v2a_margin).T).T.contiguous(),
        )
        return _Axes(*(getattr(axes, name).to(device) for name in _Axes.__slots__))

    def _layers(self, make: Callable[[], nn.Module]) -> nn.ModuleList:
        return nn.ModuleList(make() for _ in range(self.config.layers))
