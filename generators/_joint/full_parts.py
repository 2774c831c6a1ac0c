"""What a model at full size is made of, where its files lie, and what is said where some are missing."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from avbench.errors import UsageError
from avbench.weights import home

from .bigvgan import BigVgan
from .checkpoints import load_joint, load_uniavgen
from .full import Full, empty
from .full_codecs import MelFrames, MelVae, SoundCodec, WanVideo
from .full_texts import Captions, Transcripts
from .mmaudio import AudioVae
from .model import JointModel

OFFLOAD, WAYS = "AVBENCH_OFFLOAD", ("none", "parts", "layers")
FEW = 1 << 16  # numbers of a parameter that stays where it is computed with


@dataclass(frozen=True, slots=True)
class Place:
    """A file or folder of a model: what it holds, and how to get it."""

    path: Path
    what: str
    how: str


@dataclass(frozen=True, slots=True)
class Places:
    """Where the files of a model at full size lie. `wan` is a folder in diffusers' layout.

    `joint` holds the joint model's own tensors; what these lack of the video stream comes from `wan`/transformer.
    """

    joint: Place
    wan: Path
    wan_from: str
    sound: tuple[Place, ...]
    letters: Place | None

    @classmethod
    def of(cls, full: Full) -> Places:
        """Those of a preset, under $AVBENCH_HOME/weights."""
        root = home()
        wan = root / ("wan2.2-ti2v-5b" if full.model.video_channels == 48 else "wan2.1-t2v-1.3b")
        source = "Wan2.2-TI2V-5B" if full.model.video_channels == 48 else "Wan2.1-T2V-1.3B"
        f5 = Place(
            root / "f5" / "vocab.txt",
            "F5-TTS's characters and syllables",
            "data/Emilia_ZH_EN_pinyin/vocab.txt of github.com/SWivid/F5-TTS",
        )
        letters = f5 if full.model.audio.speech == "text" else None
        if full.released:
            joint = Place(
                root / "uniavgen", "UniAVGen's released checkpoint", _hub("MCG-NJU/UniAVGen", root / "uniavgen")
            )
            vocoder = Place(root / "uniavgen" / "code2wav_bigvgan_model", "its vocoder", joint.how)
            return cls(joint, wan, _hub(f"Wan-AI/{source}-Diffusers", wan), (vocoder,), letters)
        joint = Place(
            root / full.name,
            "the joint model's own weights (audio stream, interactions)",
            "none are public: put safetensors of a training with this model's names there",
        )
        release = "the MMAudio releases (huggingface.co/hkchengrex/MMAudio, ext_weights)"
        sound = (
            Place(root / "mmaudio" / "v1-16.pth", "MMAudio's audio VAE", f"v1-16.pth of {release}"),
            Place(root / "mmaudio" / "best_netG.pt", "its vocoder BigVGAN", f"best_netG.pt of {release}"),
        )
        return cls(joint, wan, _hub(f"Wan-AI/{source}-Diffusers", wan), sound, letters)

    def all(self) -> list[Place]:
        names = {"vae": "Wan's video VAE", "text_encoder": "umT5", "tokenizer": "its tokenizer"}
        wan = [Place(self.wan / name, what, self.wan_from) for name, what in names.items()]
        return [self.joint, *wan, *self.sound, *([self.letters] if self.letters else [])]

    def check(self, name: str) -> None:
        """Raises UsageError that names every file that is missing, and how to get it."""
        missing = [place for place in self.all() if not _there(place.path)]
        if missing:
            ways: dict[str, list[str]] = {}
            for place in missing:
                ways.setdefault(place.how, []).append(f"{place.path} ({place.what})")
            said = " ".join(f"[{i + 1}] {', '.join(files)}: {how}." for i, (how, files) in enumerate(ways.items()))
            raise UsageError(f"{name} needs files that are not there: {said}")
        for package in ("diffusers", "transformers", "ftfy"):
            try:
                __import__(package)
            except ImportError as error:
                raise UsageError(f"{name} needs {package}: pip install 'avbench[full]'") from error


def _there(path: Path) -> bool:
    return path.is_file() or (path.is_dir() and any(path.iterdir()))


def _hub(name: str, to: Path) -> str:
    return f"hf download {name} --local-dir {to}"


@dataclass(frozen=True, slots=True)
class Parts:
    """A model at full size, loaded. `offload` says what lies in the CPU's memory while it is not used."""

    model: JointModel
    video: WanVideo
    sound: SoundCodec
    captions: Captions
    transcripts: Transcripts | None
    device: torch.device
    offload: str

    @classmethod
    def load(cls, full: Full, places: Places, device: str, dtype: torch.dtype = torch.bfloat16) -> Parts:
        """Reads everything, shard by shard. Raises UsageError for what is missing or of another model."""
        places.check(full.name)
        from diffusers import AutoencoderKLWan
        from transformers import AutoTokenizer, UMT5EncoderModel

        video: Any = AutoencoderKLWan
        reader: Any = UMT5EncoderModel
        model = empty(full.model)
        if full.released:
            load_uniavgen(model, places.joint.path, dtype)
        else:
            load_joint(model, places.joint.path, places.wan / "transformer", dtype)
        vae = video.from_pretrained(places.wan / "vae", torch_dtype=torch.float32, low_cpu_mem_usage=False)
        encoder = reader.from_pretrained(places.wan / "text_encoder", dtype=dtype)
        captions = Captions(AutoTokenizer.from_pretrained(places.wan / "tokenizer"), encoder.eval())
        sound = _released_sound(places) if full.released else _mmaudio(places)
        transcripts = Transcripts(places.letters.path) if places.letters else None
        modules = [model, vae, encoder, *sound.nets]
        for module in modules:
            module.eval().requires_grad_(False)
        on = torch.device(device)
        offload = chosen(on, [_bytes(module) for module in modules])
        if offload == "none":
            for module in modules:
                module.to(on)
        elif offload == "layers":
            streamed(model, on)
        return cls(model, WanVideo(vae), sound, captions, transcripts, on, offload)

    @contextmanager
    def used(self, *modules: nn.Module) -> Iterator[None]:
        """While it lasts, the modules lie on the device."""
        moved = modules if self.offload != "none" else ()
        try:
            for module in moved:
                module.to(self.device)
            yield
        finally:
            for module in moved:
                module.to("cpu")

    @contextmanager
    def modelled(self) -> Iterator[None]:
        """While it lasts, the joint model can be run on the device."""
        if self.offload == "parts":
            with self.used(self.model):
                yield
        else:
            yield


def chosen(device: torch.device, sizes: Sequence[int]) -> str:
    """What is kept in the CPU's memory: the user's word, else what a GPU's memory has no room for; `sizes[0]` is the
    joint model's. Raises UsageError.
    """
    word = os.environ.get(OFFLOAD, "")
    if word:
        if word not in WAYS:
            raise UsageError(f"${OFFLOAD} is {word!r}; known: {', '.join(WAYS)}")
        return word
    if device.type != "cuda":
        return "none"
    room = torch.cuda.get_device_properties(device).total_memory
    return "none" if 1.4 * sum(sizes) < room else "parts" if 1.3 * sizes[0] < room else "layers"


def streamed(model: nn.Module, device: torch.device) -> None:
    """Leaves the large weights of every layer in the CPU's memory, and brings each to the device while it is used."""
    for parameter in model.parameters():
        if parameter.numel() <= FEW:
            parameter.data = parameter.data.to(device)
    for module in model.modules():
        if any(p.numel() > FEW for p in module.parameters(recurse=False)):
            kept: dict[str, Tensor] = {}

            def bring(layer: nn.Module, _: Any, kept: dict[str, Tensor] = kept) -> None:
                for name, parameter in layer.named_parameters(recurse=False):
                    kept[name] = parameter.data
                    parameter.data = parameter.data.to(device, non_blocking=True)

            def put_back(layer: nn.Module, _: Any, out: Any, kept: dict[str, Tensor] = kept) -> None:
                for name, parameter in layer.named_parameters(recurse=False):
                    parameter.data = kept.pop(name)

            module.register_forward_pre_hook(bring)
            module.register_forward_hook(put_back)


def _mmaudio(places: Places) -> MelVae:
    vae, vocoder = (_state(place.path) for place in places.sound)
    try:
        return MelVae(AudioVae.of(vae), BigVgan.of(vocoder.get("generator", vocoder)))
    except (KeyError, RuntimeError, ValueError) as error:
        raise UsageError(f"{' or '.join(str(p.path) for p in places.sound)} is not MMAudio's: {error}") from error


def _released_sound(places: Places) -> MelFrames:
    from transformers import Qwen2_5OmniToken2WavBigVGANModel

    return MelFrames(Qwen2_5OmniToken2WavBigVGANModel.from_pretrained(places.sound[0].path))


def _state(path: Path) -> dict[str, Any]:
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    return state


def _bytes(module: nn.Module) -> int:
    return sum(p.numel() * p.element_size() for p in module.parameters())
