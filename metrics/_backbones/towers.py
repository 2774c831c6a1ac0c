"""What CLIP, DINO, ViCLIP, SigLIP and DINOv3 see in a clip's frames, and in text and reference pictures.

Equal backbones run once, so background consistency and others share a pass. All run in full precision, no frame is
left out, and a chunk of frames is a batch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from avbench.errors import Unscored
from avbench.features import remembered
from avbench.media.info import MediaInfo
from avbench.parts import Frames, VideoBackbone, VideoExtractor, VideoView

from ._checkpoint import device, device_of, network
from ._stills import Stills

if TYPE_CHECKING:
    from torch import Tensor

Embeddings = NDArray[np.float32]  # (T, D), a row a frame
LONGEST = 1000  # frames of which ViCLIP's squares are held (150 kB each) until it is known which eight it sees
LAION = "laion_aesthetic_l_14"
BASE, LARGE, VICLIP = "clip_vit_b_32", "clip_vit_l_14", "viclip_l_14"
DINO, DINOV3, VOCABULARY = "dino_vitb16", "dinov3_vitl16", "imagebind_bpe"


@dataclass(frozen=True)
class ClipFrames(VideoBackbone[Embeddings]):
    """(T, 512) of every frame by CLIP ViT-B/32; VBench's pixels, or CLIP's `own`."""

    own: bool = False
    view: ClassVar[VideoView] = VideoView()
    kept: ClassVar[bool] = True
    weights: ClassVar[tuple[str, ...]] = (BASE,)

    def open(self, info: MediaInfo) -> VideoExtractor[Embeddings]:
        from . import _pixels, clip

        return Stills(network(clip.load_b_32, BASE).image, _pixels.clip_pil if self.own else _pixels.clip_floats)


@dataclass(frozen=True)
class ClipLargeFrames(VideoBackbone[Embeddings]):
    """(T, 768) of every frame by CLIP ViT-L/14, VBench's pixels."""

    view: ClassVar[VideoView] = VideoView()
    kept: ClassVar[bool] = True
    weights: ClassVar[tuple[str, ...]] = (LARGE,)

    def open(self, info: MediaInfo) -> VideoExtractor[Embeddings]:
        from . import _pixels, clip

        return Stills(network(clip.load_l_14, LARGE).image, _pixels.clip_floats)


@dataclass(frozen=True)
class DinoFrames(VideoBackbone[Embeddings]):
    """(T, 768) class tokens of every frame."""

    view: ClassVar[VideoView] = VideoView()
    kept: ClassVar[bool] = True
    weights: ClassVar[tuple[str, ...]] = (DINO,)

    def open(self, info: MediaInfo) -> VideoExtractor[Embeddings]:
        from . import _pixels, dino

        return Stills(network(dino.load, DINO), _pixels.dino_floats)


@dataclass(frozen=True)
class DinoSquares(VideoBackbone[Embeddings]):
    """(T, 768) class tokens of the middle of every frame, VBench-I2V's pixels."""

    view: ClassVar[VideoView] = VideoView()
    kept: ClassVar[bool] = True
    weights: ClassVar[tuple[str, ...]] = (DINO,)

    def open(self, info: MediaInfo) -> VideoExtractor[Embeddings]:
        from . import _pixels, dino

        return Stills(network(dino.load, DINO), _pixels.dino_square)


@dataclass(frozen=True)
class SiglipScores(VideoBackbone[Embeddings]):
    """(T,) scores of aesthetic-predictor-v2-5, nominally 1..10."""

    view: ClassVar[VideoView] = VideoView()
    kept: ClassVar[bool] = True
    weights: ClassVar[tuple[str, ...]] = ("siglip_so400m", "aesthetic_v2_5")

    def open(self, info: MediaInfo) -> VideoExtractor[Embeddings]:
        from . import _pixels, siglip

        head = network(siglip.load_head, "aesthetic_v2_5")
        tower = network(siglip.load, "siglip_so400m")
        return Stills(lambda pixels: head(tower(pixels)), _pixels.siglip)


@dataclass(frozen=True)
class Dinov3Frames(VideoBackbone[Embeddings]):
    """(T, 2, 1024) of every frame: the class token and the last patch but one, which is what Verse-Bench takes."""

    view: ClassVar[VideoView] = VideoView()
    kept: ClassVar[bool] = True
    weights: ClassVar[tuple[str, ...]] = (DINOV3,)

    def open(self, info: MediaInfo) -> VideoExtractor[Embeddings]:
        from . import _pixels

        return Stills(_dinov3_tokens, _pixels.dinov3)


@dataclass(frozen=True)
class ViclipVideo(VideoBackbone[Embeddings]):
    """(768,) of eight frames spread over the clip."""

    view: ClassVar[VideoView] = VideoView()
    kept: ClassVar[bool] = True
    weights: ClassVar[tuple[str, ...]] = (VICLIP,)

    def open(self, info: MediaInfo) -> VideoExtractor[Embeddings]:
        from . import viclip

        return _Eight(network(viclip.load, VICLIP, "model"))


def clip_text(text: str) -> Embeddings:
    """(512,) of a text by CLIP ViT-B/32; its first 75 tokens count."""
    return remembered(_clip_text, text, weights=(VOCABULARY, BASE))


def viclip_text(text: str) -> Embeddings:
    """(768,) of a text; its first 30 tokens count."""
    return remembered(_viclip_text, text, weights=(VOCABULARY, VICLIP))


def dinov3_picture(path: Path) -> Embeddings:
    """(2, 1024) of a reference picture, as of a frame. Raises Unscored when the file cannot be read."""
    return _reference(_dinov3_picture, path)


def dino_picture(path: Path) -> Embeddings:
    """(768,) of a reference picture, VBench-I2V's pixels. Raises Unscored when the file cannot be read."""
    return _reference(_dino_picture, path)


def laion_head(features: Embeddings) -> NDArray[np.float64]:
    """(T,) LAION's first aesthetic score of CLIP L/14 features (T, 768), nominally 0..10."""
    import torch

    from avbench.products import inference

    head = network(load_laion, LAION)
    with inference():
        units = torch.nn.functional.normalize(torch.from_numpy(features), dim=-1).to(device_of(head))
        return np.asarray(head(units)[:, 0].cpu().numpy(), np.float64)


def load_laion(state: Mapping[str, Tensor], source: str) -> Any:
    """LAION's linear head with the official weights `state`, read from `source`."""
    from torch import nn

    from ._state import build

    return build(lambda: nn.Linear(768, 1), state, source)


def middle_frames(length: int, count: int) -> list[int]:
    """VBench's: of `length` frames the middle ones of `count` equal parts; a short clip repeats its last."""
    taken = min(count, length)
    edges = np.linspace(0, length, taken + 1).astype(int)
    picks = [int(a + b - 1) // 2 for a, b in pairwise(edges)]
    return picks + [picks[-1]] * (count - taken)


class _Eight(VideoExtractor[Embeddings]):
    """Holds every frame's small square: which eight count is known at the end."""

    def __init__(self, net: Any) -> None:
        self._net = net
        self._held: list[NDArray[np.uint8]] = []

    def push(self, frames: Frames) -> None:
        import torch

        from ._frames import centre_crop
        from ._pixels import shrunk_bytes

        if len(self._held) + len(frames.data) > LONGEST:
            raise Unscored(f"too_long: over {LONGEST} frames")
        self._held.extend(centre_crop(shrunk_bytes(frames.data)).to(torch.uint8).numpy())

    def finish(self) -> Embeddings:
        import torch

        from avbench.products import inference

        from ._pixels import clip_normalised
        from .viclip import FRAMES

        eight = np.stack([self._held[i] for i in middle_frames(len(self._held), FRAMES)])
        with inference():
            pixels = clip_normalised(torch.from_numpy(eight).float())[None]
            return np.asarray(self._net.video(pixels.to(device_of(self._net)))[0].cpu().numpy())


def _clip_text(text: str) -> Embeddings:
    from . import clip

    net = network(clip.load_b_32, BASE)
    return _read(net.text, text, clip.CONTEXT, net)


def _viclip_text(text: str) -> Embeddings:
    from . import viclip

    net = network(viclip.load, VICLIP, "model")
    return _read(net.text, text, viclip.CONTEXT, net)


def _dinov3_tokens(pixels: Tensor) -> Tensor:
    from . import dinov3

    tokens: Tensor = network(dinov3.load, DINOV3)(pixels)
    return tokens[:, [0, -2]]


def _dinov3_picture(rgb: NDArray[np.uint8]) -> Tensor:
    from . import _pixels

    return _dinov3_tokens(_pixels.dinov3(rgb).to(device()))


def _dino_picture(rgb: NDArray[np.uint8]) -> Tensor:
    from . import _pixels, dino

    seen: Tensor = network(dino.load, DINO)(_pixels.dino_picture(rgb).to(device()))
    return seen


def _reference(see: Callable[[NDArray[np.uint8]], Tensor], path: Path) -> Embeddings:
    try:
        return _seen(see, path, path.stat().st_mtime_ns)
    except OSError as error:
        raise Unscored(f"reference image {path}: {error.strerror}") from error


@lru_cache(maxsize=64)
def _seen(see: Callable[[NDArray[np.uint8]], Tensor], path: Path, modified: int) -> Embeddings:
    from avbench.products import inference

    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise Unscored(f"reference image {path}: not a picture that OpenCV reads")
    rgb = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)
    with inference():
        return np.asarray(see(rgb[None])[0].cpu().numpy())


def _read(encode: Callable[[Tensor], Tensor], text: str, context: int, net: Any) -> Embeddings:
    import torch

    from avbench.products import inference

    from .imagebind_text import tokenizer

    tokens = torch.from_numpy(tokenizer()([text], context)).to(device_of(net))
    with inference():
        return np.asarray(encode(tokens)[0].cpu().numpy())
