"""ImageBind: pictures, sound and text in one space (facebookresearch/ImageBind; weights for non-commercial use).

Official file `imagebind_huge.pth`; its keys load as they are. Depth, thermal and IMU are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from ._state import build
from ._vit import Mlp

UNUSED = (
    *(f"modality_*.{modality}.*" for modality in ("depth", "thermal", "imu")),
    "modality_preprocessors.text.mask",  # the causal mask
)

_CONTEXT, _VOCABULARY = 77, 49408


@dataclass(frozen=True, slots=True)
class TrunkConfig:
    """Sizes of one modality's transformer."""

    dim: int
    blocks: int
    heads: int


@dataclass(frozen=True, slots=True)
class ImageBindConfig:
    """Sizes; the defaults are `imagebind_huge`."""

    out: int = 1024
    vision: TrunkConfig = field(default=TrunkConfig(1280, 32, 16))
    audio: TrunkConfig = field(default=TrunkConfig(768, 12, 12))
    text: TrunkConfig = field(default=TrunkConfig(1024, 24, 16))


class ImageBind(nn.Module):
    """Three encoders. Cosines of their outputs compare; the outputs' lengths mean nothing."""

    def __init__(self, config: ImageBindConfig | None = None) -> None:
        super().__init__()
        config = config or ImageBindConfig()
        vision, audio, text = config.vision, config.audio, config.text
        self.modality_preprocessors = nn.ModuleDict(
            {"vision": _VisionTokens(vision.dim), "text": _TextTokens(text.dim), "audio": _AudioTokens(audio.dim)}
        )
        self.modality_trunks = nn.ModuleDict(
            {
                "vision": _Trunk(vision, pre_norm=True),
                "text": _Trunk(text, causal=True),
                "audio": _Trunk(audio, bias_kv=True),
            }
        )
        self.modality_heads = nn.ModuleDict(
            {
                "vision": _token_head(vision.dim, config.out),
                "text": _TextHead(text.dim, config.out),
                "audio": _token_head(audio.dim, config.out),
            }
        )
        self.modality_postprocessors = nn.ModuleDict(
            {modality: nn.Sequential(nn.Identity(), _Scale()) for modality in ("text", "audio")}
        )

    def vision(self, clips: Tensor) -> Tensor:
        """(N, C, 3, 2, 224, 224), C clips of two frames in normalised colours, to (N, out): the mean of unit vectors.

        Pictures (N, 3, 224, 224) count as one clip of twice the same frame.
        """
        if clips.dim() == 4:
            clips = clips[:, None, :, None].expand(-1, -1, -1, 2, -1, -1)
        return self._mean_of("vision", clips)

    def audio(self, clips: Tensor) -> Tensor:
        """(N, C, 1, 128, 204), C normalised mel spectrograms each, to (N, out)."""
        return self._mean_of("audio", clips)

    def text(self, tokens: Tensor) -> Tensor:
        """(N, 77) token ids to (N, out)."""
        x = self.modality_trunks["text"](self.modality_preprocessors["text"](tokens))
        pooled = x[torch.arange(len(x)), tokens.argmax(dim=-1)]  # the end token has the largest id
        return self.modality_postprocessors["text"](normalize(self.modality_heads["text"](pooled), dim=-1))

    def _mean_of(self, modality: str, clips: Tensor) -> Tensor:
        x = self.modality_trunks[modality](self.modality_preprocessors[modality](clips.flatten(0, 1)))
        units = normalize(self.modality_heads[modality](x), dim=-1)
        if modality in self.modality_postprocessors:
            units = self.modality_postprocessors[modality](units)
        return units.unflatten(0, clips.shape[:2]).mean(dim=1)


def load(state: Mapping[str, Tensor], source: str, config: ImageBindConfig | None = None) -> ImageBind:
    """The network with the official weights `state`, read from `source`."""
    return build(lambda: ImageBind(config), state, source, UNUSED)


class _Positions(nn.Module):
    def __init__(self, length: int, dim: int) -> None:
        super().__init__()
        self.pos_embed = nn.Parameter(torch.zeros(1, length, dim))


class _VisionStem(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        # index 0 is the official step that repeats a picture
        self.proj = nn.Sequential(nn.Identity(), nn.Conv3d(3, dim, (2, 14, 14), (2, 14, 14), bias=False))

    def forward(self, x: Tensor) -> Tensor:
        return self.proj(x).flatten(2).transpose(1, 2)


class _AudioStem(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(1, dim, 16, 10, bias=False)
        self.norm_layer = nn.LayerNorm(dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm_layer(self.proj(x).flatten(2).transpose(1, 2))


class _Tokens(nn.Module):
    """A class token and patches, with positions."""

    def __init__(self, stem: nn.Module, patches: int, dim: int) -> None:
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.rgbt_stem = stem
        self.pos_embedding_helper = _Positions(1 + patches, dim)

    def forward(self, x: Tensor) -> Tensor:
        patches = self.rgbt_stem(x)
        tokens = torch.cat([self.cls_token.expand(len(patches), -1, -1), patches], dim=1)
        return tokens + self.pos_embedding_helper.pos_embed


class _VisionTokens(_Tokens):
    def __init__(self, dim: int) -> None:
        super().__init__(_VisionStem(dim), 16 * 16, dim)


class _AudioTokens(_Tokens):
    def __init__(self, dim: int) -> None:
        super().__init__(_AudioStem(dim), 12 * 19, dim)


class _TextTokens(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.token_embedding = nn.Embedding(_VOCABULARY, dim)
        self.pos_embed = nn.Parameter(torch.zeros(1, _CONTEXT, dim))

    def forward(self, tokens: Tensor) -> Tensor:
        return self.token_embedding(tokens) + self.pos_embed


class _Trunk(nn.Module):
    def __init__(
        self, config: TrunkConfig, pre_norm: bool = False, causal: bool = False, bias_kv: bool = False
    ) -> None:
        super().__init__()
        self.causal = causal
        norm = nn.LayerNorm(config.dim, eps=1e-6) if pre_norm else nn.Identity()
        self.pre_transformer_layer = nn.Sequential(norm)
        self.blocks = nn.ModuleList(_Block(config.dim, config.heads, bias_kv) for _ in range(config.blocks))

    def forward(self, x: Tensor) -> Tensor:
        length = x.shape[1]
        mask = torch.ones(length, length, dtype=torch.bool, device=x.device).triu(1) if self.causal else None
        x = self.pre_transformer_layer(x)
        for block in self.blocks:
            x = block(x, mask)
        return x


class _Block(nn.Module):
    def __init__(self, dim: int, heads: int, bias_kv: bool) -> None:
        super().__init__()
        self.attn = nn.MultiheadAttention(dim, heads, add_bias_kv=bias_kv, batch_first=True)
        self.norm_1 = nn.LayerNorm(dim, eps=1e-6)
        self.mlp = Mlp(dim, 4 * dim)
        self.norm_2 = nn.LayerNorm(dim, eps=1e-6)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        y = self.norm_1(x)
        x = x + self.attn(y, y, y, need_weights=False, attn_mask=mask)[0]
        return x + self.mlp(self.norm_2(x))


class _First(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x[:, 0]


def _token_head(dim: int, out: int) -> nn.Sequential:
    return nn.Sequential(nn.LayerNorm(dim, eps=1e-6), _First(), nn.Linear(dim, out, bias=False))


class _TextHead(nn.Module):
    def __init__(self, dim: int, out: int) -> None:
        super().__init__()
        self.proj = nn.Sequential(nn.LayerNorm(dim, eps=1e-6), nn.Linear(dim, out, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        return self.proj(x)


class _Scale(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.log_logit_scale = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        return self.log_logit_scale.exp().clamp(max=100) * x
