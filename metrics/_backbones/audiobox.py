"""AudioBox-Aesthetics: four ratings of how a sound pleases, by the network of the package of that name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from avbench.errors import Unscored, UsageError
from avbench.media.info import MediaInfo
from avbench.parts import Audio, AudioBackbone, AudioView
from avbench.weights import locate

from ._checkpoint import opened, up
from ._paper import library
from .sound import finite

if TYPE_CHECKING:
    from torch import Tensor

WEIGHTS, CONFIG = "audiobox_aesthetics", "audiobox_aesthetics_config"
RATE = 16_000
CHUNK = 10 * RATE  # samples
BATCH = 8  # chunks a pass
AXES = ("CE", "CU", "PC", "PQ")
SETTINGS = (
    "proj_num_layer",
    "proj_ln",
    "proj_act_fn",
    "proj_dropout",
    "nth_layer",
    "use_weighted_layer_sum",
    "precision",
    "normalize_embed",
    "output_dim",
    "target_transform",
)


@dataclass(frozen=True, slots=True)
class Aesthetics:
    """Content enjoyment and usefulness, production complexity and quality; trained on labels of 1 to 10."""

    ce: float
    cu: float
    pc: float
    pq: float


@dataclass(frozen=True, slots=True)
class Chunks:
    """10 s pieces of a sound: `waves` (K, 160000), zeros at the end; `masks` mark real samples; `weights` (K,)."""

    waves: Tensor
    masks: Tensor
    weights: Tensor


@dataclass(frozen=True)
class AudioBox(AudioBackbone[Aesthetics]):
    """The four ratings of a whole clip: the mean of its channels, resampled to 16 kHz, no change of level."""

    view: ClassVar[AudioView] = AudioView()
    kept: ClassVar[bool] = True
    weights: ClassVar[tuple[str, ...]] = (WEIGHTS, CONFIG)

    def extract(self, audio: Audio, info: MediaInfo) -> Aesthetics:
        network, config = _network()
        pieces = chunks(resampled(finite(audio), audio.rate))
        return rated(raw(network, pieces), pieces.weights, config)

    def pack(self, feature: Aesthetics) -> Mapping[str, NDArray[Any]]:
        return {"feature": np.array(astuple(feature))}

    def unpack(self, arrays: Mapping[str, NDArray[Any]]) -> Aesthetics:
        return Aesthetics(*arrays["feature"].tolist())


def resampled(samples: NDArray[np.float32], rate: int) -> Tensor:
    """(S,) at `rate` Hz to (n,) at 16 kHz, as the reference does."""
    import torch
    from torchaudio.functional import resample

    wave: Tensor = resample(torch.from_numpy(samples), rate, RATE)
    return wave


def chunks(wave: Tensor) -> Chunks:
    """Pieces of 10 s from the start. A piece weighs its share of real samples."""
    import torch

    count = -(-len(wave) // CHUNK)
    waves = torch.zeros(count * CHUNK)
    waves[: len(wave)] = wave
    masks = (torch.arange(count * CHUNK) < len(wave)).view(count, CHUNK)
    return Chunks(waves.view(count, CHUNK), masks, masks.sum(dim=1, dtype=torch.float64) / CHUNK)


def raw(network: Any, pieces: Chunks) -> dict[str, Tensor]:
    """Axis to the network's own outputs (K,), before they are put on the scale of the labels."""
    import torch

    from avbench.products import inference

    with inference():
        passes = [
            network({"wav": up(waves[:, None], network), "mask": up(masks[:, None], network)})
            for waves, masks in zip(pieces.waves.split(BATCH), pieces.masks.split(BATCH), strict=True)
        ]
    return {axis: torch.cat([found[axis].cpu() for found in passes]) for axis in AXES}


def rated(found: Mapping[str, Tensor], weights: Tensor, config: Mapping[str, Any]) -> Aesthetics:
    """Outputs (K,) for the pieces of a sound, put on the scale of the labels and averaged by `weights`, not clipped."""
    scales = config["target_transform"]
    shares = weights / weights.sum()
    values = {axis: found[axis].double() @ shares * scales[axis]["std"] + scales[axis]["mean"] for axis in AXES}
    return Aesthetics(**{axis.lower(): float(value) for axis, value in values.items()})


def read_config(path: Path) -> dict[str, Any]:
    """The settings of a checkpoint. Raises UsageError that names file and field."""
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        config = {name: stored[name] for name in SETTINGS}
        for axis in AXES:
            float(config["target_transform"][axis]["mean"]), float(config["target_transform"][axis]["std"])
    except KeyError as error:
        raise UsageError(f"weights {path}: has no field {error}; is this the official config.json?") from error
    except (ValueError, TypeError) as error:
        raise UsageError(f"weights {path}: is not AudioBox-Aesthetics' config ({error})") from error
    return config


def load(state: Mapping[str, Tensor], config: Mapping[str, Any], source: str) -> Any:
    """The network of a state dict in the official layout."""
    from ._state import build, uninitialised

    make = library("audiobox_aesthetics.model.aes").AesMultiOutput
    network = uninitialised(lambda: make(**config))  # not an outline: its own start copies values
    return build(lambda: network, state, source)


def _network() -> tuple[Any, dict[str, Any]]:
    try:
        config = read_config(locate(CONFIG))
    except UsageError as error:
        raise Unscored(str(error)) from error
    return opened(_Reader(json.dumps(config)), WEIGHTS), config


@dataclass(frozen=True)
class _Reader:
    config: str  # JSON, which can be compared

    def __call__(self, path: Path) -> Any:
        from ._state import read_state

        return load(read_state(path), json.loads(self.config), str(path))
