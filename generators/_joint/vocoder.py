"""The vocoder: what the magnitudes of a sound were, told from the blurred log-mel spectrogram that a codec keeps.

The components of the codec leave out most of a voice: pitch and timbre lie in the fine structure of the spectrum. A
convolutional network of ConvNeXt blocks (as in Vocos, Siuzdak 2023) restores the magnitudes; Griffin-Lim, the phases.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from avbench.errors import UsageError
from avbench.weights import home

from .encoders import ConvNeXt
from .spectrum import BINS, MELS, mel_filters

FILE = "vocoder.safetensors"
CENTRE = 2.0  # a log-mel spectrogram plus this has about no mean


class Vocoder(nn.Module):
    """Log-mel spectrograms (B, frames, 80) to magnitudes (B, 513, frames)."""

    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        self.enter = nn.Conv1d(MELS, width, 7, padding=3)
        self.blocks = nn.Sequential(*(ConvNeXt(width) for _ in range(layers)))
        self.leave = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, BINS))
        self.plain = nn.Linear(MELS, BINS)
        filters = mel_filters()
        with torch.no_grad():  # begin with bins that follow their bands
            self.plain.weight.copy_((filters / filters.sum(0).clamp_min(1e-6)).T)
            self.plain.bias.fill_(-1.5)

    def log(self, mel: Tensor) -> Tensor:
        """(B, frames, 513) log10 of the magnitudes."""
        x = self.enter((mel + CENTRE).transpose(1, 2)).transpose(1, 2)
        return self.plain(mel) + self.leave(self.blocks(x))

    def forward(self, mel: Tensor) -> Tensor:
        return (10.0 ** self.log(mel)).transpose(1, 2)


def found() -> Path:
    """The user's own in $AVBENCH_HOME/weights, else the package's."""
    own = home() / FILE
    return own if own.is_file() else Path(str(resources.files("avbench.generators._decoders") / FILE))


def vocoder(device: str) -> Vocoder:
    """The one that is `found`. Raises UsageError for a file that `avbench train vocoder` did not write."""
    return _read(found(), device)


@cache
def _read(path: Path, device: str) -> Vocoder:
    try:
        with safe_open(path, "pt") as file:
            sizes: Mapping[str, int] = json.loads((file.metadata() or {})["sizes"])
            state = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
        made = Vocoder(**sizes)
        made.load_state_dict(state)
    except (OSError, SafetensorError, KeyError, TypeError, RuntimeError, json.JSONDecodeError) as error:
        raise UsageError(f"{path} is no vocoder that avbench train vocoder wrote: {error}") from error
    return made.to(device).eval().requires_grad_(False)


def digest() -> str:
    """Of the bytes of the one that is `found`: a run keeps what its sounds were made by."""
    return hashlib.sha256(found().read_bytes()).hexdigest()
