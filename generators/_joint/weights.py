"""One safetensors file holds a trained generator: model (fp16), codecs (fp32) and what they are, as JSON."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from avbench.errors import UsageError

from .codec import AudioCodec, Pca, VideoCodec
from .config import AudioConfig, Interaction, ModelConfig
from .encoders import LETTER_TABLES
from .model import JointModel


@dataclass(frozen=True, slots=True)
class Codecs:
    video: VideoCodec
    audio: AudioCodec

    def to(self, device: str | torch.device) -> Codecs:
        return Codecs(VideoCodec(self.video.pca.to(device)), AudioCodec(self.audio.pca.to(device)))

    def tensors(self) -> dict[str, Tensor]:
        named = {"video_codec": self.video.pca, "audio_codec": self.audio.pca}
        return {f"{name}.{key}": getattr(pca, key) for name, pca in named.items() for key in Pca.__slots__}

    @classmethod
    def of(cls, tensors: dict[str, Tensor]) -> Codecs:
        video, audio = (
            Pca(*(tensors[f"{name}.{key}"].float() for key in Pca.__slots__)) for name in ("video_codec", "audio_codec")
        )
        return cls(VideoCodec(video), AudioCodec(audio))


@dataclass(frozen=True, slots=True)
class Trained:
    """A model ready to sample, its codecs, and the training facts kept in the file."""

    model: JointModel
    codecs: Codecs
    facts: dict[str, str]


def save(path: Path, config: ModelConfig, state: dict[str, Tensor], codecs: Codecs, facts: dict[str, str]) -> None:
    """Writes atomically. `state` is the model's (averaged) state."""
    tensors = {f"model.{name}": tensor.detach().half().contiguous() for name, tensor in state.items()}
    tensors |= {name: tensor.contiguous() for name, tensor in codecs.tensors().items()}
    with NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as part:
        temporary = Path(part.name)
    save_file(tensors, temporary, {"config": json.dumps(asdict(config)), **facts})
    temporary.chmod(0o644)
    temporary.replace(path)


def load(path: Path, device: str = "cpu") -> Trained:
    """Reads a file of `save`; every key must match. Raises UsageError for a file that is not one."""
    try:
        with safe_open(path, "pt") as file:
            facts = dict(file.metadata() or {})
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        config = _config(json.loads(facts.pop("config")))
        model = JointModel(config)
        prefix = "model."
        state = {_name(name.removeprefix(prefix)): t.float() for name, t in tensors.items() if name.startswith(prefix)}
        model.load_state_dict(state)
        codecs = Codecs.of(tensors)
    except (SafetensorError, KeyError, TypeError, RuntimeError, json.JSONDecodeError) as error:
        raise UsageError(f"{path} is no weights file of this model: {error}") from error
    return Trained(model.to(torch.device(device)).eval().requires_grad_(False), codecs.to(device), facts)


def facts(path: Path) -> dict[str, str]:
    """What the file says of its training (`steps`, `hours`, `clips`, `system`). Raises UsageError."""
    try:
        with safe_open(path, "pt") as file:
            said = dict(file.metadata() or {})
        return {name: said[name] for name in ("system", "steps", "hours", "clips")}
    except (SafetensorError, OSError, KeyError) as error:
        raise UsageError(f"{path} is no weights file of a training: {error}") from error


def begun(weights: Path, config: ModelConfig, folder: Path) -> dict[str, Tensor]:
    """The state in a file of weights, for a training on the clips in `folder` to begin with.

    Latents mean what the codecs of the weights say, so clips that are yet to be encoded there will be by these. Where
    the preset spells otherwise than the weights, its tables of letters are left out. Raises UsageError where the
    weights are of another model, or the clips there were encoded by other codecs.
    """
    trained, path = load(weights), folder / "codecs.safetensors"
    before, spelling = trained.model.config, config.audio.spelling
    if replace(before, audio=replace(before.audio, spelling=spelling)) != config:
        raise UsageError(f"--from {weights}: this is another model than the preset's")
    own = trained.codecs.tensors()
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        save_file({name: tensor.contiguous() for name, tensor in own.items()}, path)
    there = Codecs.of(load_file(path)).tensors()
    if any(own[name].shape != there[name].shape or not _same(own[name], there[name]) for name in own):
        raise UsageError(f"--from {weights}: the clips in {folder} are encoded by other codecs; use a new --out")
    state = trained.model.state_dict()
    if before.audio.spelling != spelling:  # sounds follow the letters; what each is, is yet to be learned
        state = {name: tensor for name, tensor in state.items() if not name.endswith(LETTER_TABLES)}
    return state


def _same(one: Tensor, other: Tensor) -> bool:
    """But for the last bits, in which two machines fit them differently; latents are kept in halves, far coarser."""
    return float((one - other).abs().max()) <= 1e-5 * float(one.abs().max())


# Names of files written before the streams were modules of their own; the shipped Harmony's is one.
_OLD = re.compile(r"(video|audio)_(in|level|blocks|head)\b|(captions|speech|durations)\b")


def _name(name: str) -> str:
    found = _OLD.match(name)
    if found is None:
        return name
    stream, part, text = found.groups()
    return (f"texts.{text}" if text else f"{stream}.{'enter' if part == 'in' else part}") + name[found.end() :]


def _config(fields: dict[str, Any]) -> ModelConfig:
    """Of the JSON in a file; what it does not name is as it was before there was a choice."""
    interaction = fields.pop("interaction")
    if not isinstance(layers := interaction.get("layers", "all"), str):
        interaction["layers"] = tuple(layers)
    audio = AudioConfig(**fields.pop("audio", {}))
    return ModelConfig(**fields, interaction=Interaction(**interaction), audio=audio)
