"""How the Synchformer begins: as one that sees motion, and looks for the sound that is like a moment of the picture.

What stands still outshines what moves, and of two frames a random filter sees little but their sum. So half of the
first filters begin as differences of the two, amplified.

From random weights it takes very long until a query finds its like at another time. So all heads of the first block
but one begin with the same projection for queries and keys, of what tokens are about and not of when they are, look at
the other modality alone, and bring home when the found token is. All of it goes on to be trained.
"""

from __future__ import annotations

import math
from typing import cast

import torch

from .._backbones.synchformer import HeadBlock, Synchformer
from ._sync_losses import HEARD, SEEN, SEGMENT

LONGEST = 16.0  # seconds, the period of the slowest wave that says when a token is
SHORTEST = 0.6
MOTION = 8.0  # amplification of differences between frames
ALIKE, OTHER = 1.3, 1.5  # how sharply a head looks for what is alike, and for the other modality


def contents(net: Synchformer) -> int:
    """How many numbers of a token say what it is about; the rest say when it is and of which modality."""
    heads = net.config.head_heads
    return (heads - 1) * (net.config.dim // heads - 1)


@torch.no_grad()
def begin(net: Synchformer) -> None:
    """Sets the filters of the picture, the projections to the head, its positions, and its first attention."""
    filters = net.vfeat_extractor.patch_embed_3d.proj.weight  # (dim, 3, 2, patch, patch)
    moving = filters[::2, :, 1:] * MOTION
    filters[::2] = torch.cat([-moving, moving], 2)
    dim, heads, about = net.config.dim, net.config.head_heads, contents(net)
    width = dim // heads
    starts = SEGMENT / 2 * torch.arange(net.config.segments)[:, None]
    when = [(starts + tokens).flatten() for tokens in (SEEN, HEARD)]
    periods = torch.logspace(math.log10(SHORTEST), math.log10(LONGEST), width // 2)
    place = torch.zeros(2 + sum(map(len, when)), dim)
    for first, times, side in ((1, when[0], 1.0), (2 + len(when[0]), when[1], -1.0)):
        wave = 2 * math.pi * times[:, None] / periods
        here = place[first : first + len(times)]
        here[:, about : about + width] = math.sqrt(2) * torch.cat([wave.sin(), wave.cos()], 1)[:, :width]
        here[:, -1] = 2 * side
    head = net.transformer
    head.pos_emb_cfg.pos_emb.copy_(place)
    for projection, norm in ((net.vproj, head.vis_in_lnorm), (net.aproj, head.aud_in_lnorm)):
        for parameter in (projection.weight, projection.bias, norm.weight):
            parameter[about:] = 0
    attention = cast(HeadBlock, head.blocks[0]).attn
    for number in range(heads - 1):
        rows = slice(width * number, width * (number + 1))
        own = slice((width - 1) * number, (width - 1) * (number + 1))
        for part, side in ((attention.query, 1.0), (attention.key, -1.0)):
            part.weight[rows], part.bias[rows] = 0, 0
            part.weight[rows, own][:-1] = ALIKE * torch.eye(width - 1)
            part.weight[rows, -1][-1] = OTHER * side
        attention.value.weight[rows] = 0
        attention.value.weight[rows, about : about + width] = torch.eye(width)
