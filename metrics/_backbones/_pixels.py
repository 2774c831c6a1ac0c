"""Frames as the towers were shown them: each reference resizes in its own way, and the pixels differ."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from ._frames import SIZE, centre_crop
from ._paper import library

Rgb = NDArray[np.uint8]  # (T, H, W, 3)

_CLIP = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_HALF = ((0.5,) * 3, (0.5,) * 3)


def clip_floats(frames: Rgb, size: int = SIZE) -> Tensor:
    """VBench's for CLIP: bicubic on floats, so that what overshoots white and black stays; the centre square."""
    return _normalised(centre_crop(_short_side(frames, size, "bicubic"), size), _CLIP)


def clip_bytes(frames: Rgb, size: int = SIZE) -> Tensor:
    """VBench's for ViCLIP: the same on bytes, so that it does not."""
    return _normalised(centre_crop(shrunk_bytes(frames, size), size), _CLIP)


def shrunk_bytes(frames: Rgb, size: int = SIZE) -> Tensor:
    """(T, 3, h, w) whole levels 0..255, the short side `size`."""
    return _short_side(frames, size, "bicubic").clamp(0, 255).round()


def clip_normalised(levels: Tensor) -> Tensor:
    """Levels 0..255 as CLIP's towers take them."""
    return _normalised(levels, _CLIP)


def clip_pil(frames: Rgb, size: int = SIZE) -> Tensor:
    """CLIP's own: Pillow's bicubic, which is antialiased; the centre square."""
    height, width = frames.shape[1:3]
    target = _target(height, width, size)
    return _normalised(centre_crop(_pillow(frames, target), size), _CLIP)


def dino_floats(frames: Rgb, size: int = SIZE) -> Tensor:
    """VBench's for DINO: bilinear on floats, the short side `size`, nothing cut off."""
    return _normalised(_short_side(frames, size, "bilinear"), _IMAGENET)


def dino_square(frames: Rgb) -> Tensor:
    """VBench-I2V's for frames: bicubic with antialiasing on floats, the short side 256; the middle 224 x 224."""
    planes = _planes(frames)
    height, width = frames.shape[1:3]
    target = _target(height, width, 256)
    same = target == (height, width)
    resized = planes if same else interpolate(planes, target, mode="bicubic", antialias=True)
    return _normalised(centre_crop(resized), _IMAGENET)


def dino_picture(frames: Rgb) -> Tensor:
    """VBench-I2V's for the reference image: the same by Pillow."""
    height, width = frames.shape[1:3]
    return _normalised(centre_crop(_pillow(frames, _target(height, width, 256))), _IMAGENET)


def siglip(frames: Rgb, size: int = 384) -> Tensor:
    """SigLIP's: stretched to a square by Pillow's bicubic."""
    return _normalised(_pillow(frames, (size, size)), _HALF)


def dinov3(frames: Rgb, size: int = SIZE) -> Tensor:
    """DINOv3's: stretched to a square, bilinear with antialiasing on floats."""
    planes = _planes(frames) / 255
    mean, deviation = _columns(_IMAGENET, planes)
    return (interpolate(planes, (size, size), mode="bilinear", antialias=True) - mean) / deviation


def _planes(frames: Rgb) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(frames)).permute(0, 3, 1, 2).float()


def _target(height: int, width: int, size: int) -> tuple[int, int]:
    other = int(size * max(height, width) / min(height, width))
    return (size, other) if height <= width else (other, size)


def _short_side(frames: Rgb, size: int, mode: str) -> Tensor:
    planes = _planes(frames)
    height, width = frames.shape[1:3]
    target = _target(height, width, size)
    return planes if target == (height, width) else interpolate(planes, target, mode=mode, align_corners=False)


def _pillow(frames: Rgb, target: tuple[int, int]) -> Tensor:
    image = library("PIL.Image")
    size = (target[1], target[0])
    resized = [np.asarray(image.fromarray(frame).resize(size, image.Resampling.BICUBIC)) for frame in frames]
    return _planes(np.stack(resized))


def _normalised(levels: Tensor, statistics: Sequence[Sequence[float]]) -> Tensor:
    mean, deviation = _columns(statistics, levels)
    return (levels / 255 - mean) / deviation


def _columns(statistics: Sequence[Sequence[float]], like: Tensor) -> list[Tensor]:
    return [torch.tensor(values, device=like.device).view(3, 1, 1) for values in statistics]
