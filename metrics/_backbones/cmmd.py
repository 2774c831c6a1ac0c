"""What CMMD sees: CLIP ViT-L/14 at 336 px of a frame a second."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from avbench.media.info import MediaInfo
from avbench.parts import VideoBackbone, VideoExtractor, VideoView

from ._checkpoint import network
from ._paper import library
from ._stills import Stills

if TYPE_CHECKING:
    from torch import Tensor

SIZE = 336
WEIGHTS = "clip_vit_l_14_336"


@dataclass(frozen=True)
class CmmdFrames(VideoBackbone[NDArray[np.float32]]):
    """(F, 768) unit vectors of the centre squares of a frame a second, from the first on."""

    view: ClassVar[VideoView] = VideoView(fps=1.0)
    kept: ClassVar[bool] = True
    weights: ClassVar[tuple[str, ...]] = (WEIGHTS,)

    def open(self, info: MediaInfo) -> VideoExtractor[NDArray[np.float32]]:
        from torch.nn.functional import normalize

        from . import clip

        net = network(clip.load_l_14_336, WEIGHTS)
        return Stills(lambda pixels: normalize(net.image(pixels), dim=-1), squares)


def squares(frames: NDArray[np.uint8]) -> Tensor:
    """(N, H, W, 3) to (N, 3, 336, 336): the centre square, then Pillow's bicubic, which is antialiased."""
    import torch

    from ._pixels import clip_normalised

    image = library("PIL.Image")
    height, width = frames.shape[1:3]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    cut = frames[:, top : top + side, left : left + side]
    resized = [np.asarray(image.fromarray(f).resize((SIZE, SIZE), image.Resampling.BICUBIC)) for f in cut]
    return clip_normalised(torch.from_numpy(np.stack(resized)).permute(0, 3, 1, 2).float())
