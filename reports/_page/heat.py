"""Heat maps of a clip's making, laid over its frames: a strip of pictures a map."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from avbench import maps
from avbench.errors import MediaError, Unscored
from avbench.media.info import MediaInfo
from avbench.media.sweep import sweep
from avbench.parts import Frames, VideoBackbone, VideoExtractor, VideoView

SHOWN, SIDE, GAP = 6, 160, 4  # pictures a strip, pixels of a picture's height, and between pictures
SAID = {
    "attention": "where the sound looks: its attention over the picture, mean over heads, layers and steps",
    "difference": "what synchronisation changes: |u − u of the negative pass|, mean over channels and steps",
    "guidance": "what guidance adds: |guided u − u|",
}


@dataclass(frozen=True, slots=True)
class Heat:
    """One map as a strip: a JPEG of frames at `times` seconds, and what the brightest colour stands for."""

    name: str
    said: str
    jpeg: bytes
    times: tuple[float, ...]
    most: float


@dataclass(frozen=True, eq=False)
class _Some(VideoBackbone[Mapping[int, NDArray[np.uint8]]]):
    """Some frames of a clip at its own size, by number."""

    wanted: frozenset[int]
    view = VideoView()

    def open(self, info: MediaInfo) -> _Keep:
        return _Keep(self.wanted)


class _Keep(VideoExtractor[Mapping[int, NDArray[np.uint8]]]):
    def __init__(self, wanted: frozenset[int]) -> None:
        self.wanted, self.seen = wanted, 0
        self.kept: dict[int, NDArray[np.uint8]] = {}

    def push(self, frames: Frames) -> None:
        for frame in frames.data:
            if self.seen in self.wanted:
                self.kept[self.seen] = frame.copy()
            self.seen += 1

    def finish(self) -> Mapping[int, NDArray[np.uint8]]:
        return self.kept


def heats(clip: Path, fps: float) -> tuple[Heat, ...]:
    """The strips of a clip's maps; those that are zero throughout, or look like another, are left out."""
    found = {name: heat for name, heat in maps.read(clip).items() if float(heat.max()) > 0}
    if not found:
        return ()
    count = min(len(heat) for heat in found.values())
    numbers = [round(i * (count - 1) / (SHOWN - 1)) for i in range(SHOWN)] if count > SHOWN else list(range(count))
    some = _Some(frozenset(numbers))
    try:
        frames = sweep(clip, [some])[some]
    except (MediaError, Unscored):
        return ()
    numbers = [number for number in numbers if number in frames]
    times = tuple(round(number / (fps or 25.0), 2) for number in numbers)
    strips: list[Heat] = []
    for name, heat in _different(found):
        most = float(np.quantile(heat, 0.999)) or float(heat.max())
        pictures = [overlaid(frames[number], heat[number] / most) for number in numbers]
        strips.append(Heat(name, SAID.get(name, name), _jpeg(pictures), times, most))
    return tuple(strips)


def _different(found: Mapping[str, NDArray[np.float32]]) -> list[tuple[str, NDArray[np.float32]]]:
    """The maps without those that would look like one before them: equal but for a factor."""
    kept: list[tuple[str, NDArray[np.float32]]] = []
    for name, heat in found.items():
        looks = heat / heat.max()
        if not any(o.shape == heat.shape and np.allclose(looks, o / o.max(), atol=5e-3) for _, o in kept):
            kept.append((name, heat))
    return kept


def overlaid(frame: NDArray[np.uint8], share: NDArray[np.float32]) -> NDArray[np.uint8]:
    """A frame (H, W, 3) RGB in grey under a heat map (h, w) of 0 to 1: the hotter, the less is seen of the frame."""
    height, width = SIDE, max(1, round(frame.shape[1] * SIDE / frame.shape[0]))
    grey = cv2.cvtColor(cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    heat = cv2.resize(np.clip(share, 0, 1).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    heat = np.clip(heat, 0, 1)
    colour = cv2.cvtColor(cv2.applyColorMap((heat * 255).astype(np.uint8), cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB)
    over = (0.85 * np.sqrt(heat))[..., None]
    mixed = (1 - over) * grey[..., None].astype(np.float32) + over * colour.astype(np.float32)
    return mixed.round().astype(np.uint8)


def _jpeg(pictures: list[NDArray[np.uint8]]) -> bytes:
    gap = np.full((pictures[0].shape[0], GAP, 3), 255, np.uint8)
    row = np.concatenate([part for picture in pictures for part in (picture, gap)][:-1], 1)
    done, coded = cv2.imencode(".jpg", cv2.cvtColor(row, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 88])
    assert done
    return coded.tobytes()
