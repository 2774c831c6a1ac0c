"""What the measurements of metrics with networks share: a meter, narrow networks in the places of the official ones.

Whatever is under test decodes, resizes, cuts, tracks and compares as it always does; only the widths of layers shrink.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import wraps
from pathlib import Path
from typing import Any

import torch
import whisper  # type: ignore[import-untyped]
from audiobox_aesthetics.model.aes import AesMultiOutput  # type: ignore[import-untyped]
from torch import nn
from transformers import ClapModel

from avbench import cache, weights
from avbench.clips import identify
from avbench.features import extract
from avbench.metrics import _lipsync_tower
from avbench.metrics._backbones import (
    audiobox,
    clap,
    imagebind,
    imagebind_text,
    imagebind_tower,
    s3fd,
    synchformer,
    synchformer_tower,
    syncnet,
    vad,
)
from avbench.metrics._backbones import whisper as hearing
from avbench.parts import Metric
from avbench.records import Clip, Prompt, SpeechLine
from avbench.scoring import evaluate

SPEECH = "The quick brown fox jumps over the lazy dog."
NARROWER = 16  # times, the layers of convolutional networks


@dataclass
class Meter:
    """CPU seconds `inside` networks, and calls by network."""

    inside: float = 0.0
    calls: Counter[str] = field(default_factory=Counter)
    _depth: int = 0

    def watch(self, name: str, owner: Any, *methods: str) -> None:
        """Count and time the methods of a network."""
        for method in methods:
            setattr(owner, method, self._timed(f"{name}.{method}".removesuffix(".forward"), getattr(owner, method)))

    def _timed(self, name: str, run: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(run)
        def timed(*given: Any, **more: Any) -> Any:
            self.calls[name] += 1
            self._depth += 1
            start = time.process_time()
            try:
                return run(*given, **more)
            finally:
                self._depth -= 1
                if not self._depth:
                    self.inside += time.process_time() - start

        return timed


@dataclass(frozen=True)
class Cost:
    """CPU seconds of some work, and the calls of networks in it."""

    outside: float
    inside: float
    calls: int


def narrowed(net: nn.Module, times: int = NARROWER) -> nn.Module:
    """The network with fewer channels everywhere but at its ends; random weights, in evaluation mode."""

    def fewer(size: int) -> int:
        return size if size <= 4 else max(2, size // times)

    for owner in list(net.modules()):
        for name, layer in list(owner.named_children()):
            if isinstance(layer, nn.Conv2d | nn.Conv3d):
                sizes = (fewer(layer.in_channels), fewer(layer.out_channels))
                shape = (layer.kernel_size, layer.stride, layer.padding, layer.dilation)
                setattr(owner, name, type(layer)(*sizes, *shape))  # type: ignore[arg-type]
            elif isinstance(layer, nn.Linear):
                setattr(owner, name, nn.Linear(fewer(layer.in_features), fewer(layer.out_features)))
            elif isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d):
                setattr(owner, name, type(layer)(fewer(layer.num_features)))
            elif isinstance(layer, s3fd.L2Norm):
                setattr(owner, name, s3fd.L2Norm(fewer(len(layer.weight))))
    return net.eval().requires_grad_(False)


def one_face(net: s3fd.S3FD) -> s3fd.S3FD:
    """A detector that sees one face of 200 px in the middle of the frame, wherever it looks."""
    net.eval().requires_grad_(False)
    for k in range(6):
        net.conf[k].weight.zero_()
        net.loc[k].weight.zero_()
        net.conf[k].bias.copy_(torch.tensor([5.0] * (len(net.conf[k].bias) - 1) + [-5.0]))
    net.conf[5].bias.copy_(torch.tensor([-5.0, 5.0]))
    net.loc[5].bias.copy_(torch.tensor([0.0, 0.0, -4.7, -4.7]))  # 200 of its 512 px
    return net


def place(meter: Meter, home: Path, full: bool = False) -> None:
    """Networks of random weights for lip sync, DeSync, ImageBind, CLAP, AudioBox and Whisper, watched by `meter`.

    They are `full` size, or narrow. `home` becomes $AVBENCH_HOME; it gets empty files in the places of checkpoints, for
    the cache to tell them by.
    """
    torch.manual_seed(0)
    os.environ.update({"AVBENCH_HOME": str(home), weights.ALLOW: "1", cache.SWITCH: "off"})
    (home / "weights").mkdir(parents=True, exist_ok=True)
    for row in weights.table().values():
        (home / "weights" / row.file).touch()
    _lip_sync(meter, full)
    _clip_networks(meter, full)
    _sound(meter)


def _lip_sync(meter: Meter, full: bool) -> None:
    detector, net = s3fd.S3FD(), syncnet.SyncNet()
    if not full:
        detector, net = narrowed(detector), narrowed(net)
    one_face(detector)
    net.eval().requires_grad_(False)
    meter.watch("S3FD", detector, "forward")
    meter.watch("SyncNet", net, "lip", "audio")
    nets = {s3fd.load: detector, syncnet.load: net}
    _lipsync_tower.network = lambda load, id: nets[load]


def _clip_networks(meter: Meter, full: bool) -> None:
    from avbench.metrics._backbones._synchformer_trunks import SynchformerConfig

    trunk = imagebind.TrunkConfig(64, 1, 4)
    small = SynchformerConfig(dim=24, heads=2, blocks=1, head_blocks=1, head_heads=2)
    desync = synchformer.Synchformer(SynchformerConfig() if full else small).eval().requires_grad_(False)
    narrow = imagebind.ImageBindConfig(32, trunk, trunk, replace(trunk))
    bind = imagebind.ImageBind(None if full else narrow).eval().requires_grad_(False)
    for parameter in bind.parameters():
        if parameter.numel() > 1 and not parameter.any():  # start tokens and positions begin as zeros
            parameter.normal_(0, 0.5)
    meter.watch("Synchformer", desync, "video", "audio", "compare")
    meter.watch("ImageBind", bind, "vision", "audio", "text")
    synchformer_tower.official, imagebind_tower._network = lambda: desync, lambda: bind
    imagebind_text.tokenizer = lambda: lambda texts: torch.ones(len(texts), 77, dtype=torch.int64).numpy()


def _sound(meter: Meter) -> None:
    """Narrow ones always: CLAP with one block a stage, AudioBox of one layer, a Whisper of one layer and 24 tokens."""
    claps: dict[clap.Variant, Any] = {}
    for variant in (clap.BASE, clap.TINY_FUSION):
        small = replace(variant, depths=(1, 1, 1, 1), width=32)
        made: Any = ClapModel(clap._config(small))
        claps[variant] = made.eval().requires_grad_(False)
        meter.watch(f"CLAP {variant.weights}", claps[variant].audio_model, "forward")
        meter.watch(f"CLAP {variant.weights} text", claps[variant].text_model, "forward")
    clap._network = claps.__getitem__
    clap._tokenizer = lambda: type("Tokenizer", (), {"encode": lambda _, text: type("E", (), {"ids": [4, 5]})})()
    scales = {axis: {"mean": 5.0, "std": 1.0} for axis in audiobox.AXES}
    settings = {"proj_num_layer": 1, "nth_layer": 1, "precision": "32", "target_transform": scales}
    rater: Any = AesMultiOutput(**settings)
    rater.eval().requires_grad_(False)
    rater.wavlm_model.encoder.layers = rater.wavlm_model.encoder.layers[:1]
    meter.watch("AudioBox", rater, "forward")
    audiobox._network = lambda: (rater, settings)
    dims = whisper.model.ModelDimensions(128, 1500, 64, 1, 1, 51866, 24, 64, 1, 1)
    asr: nn.Module = whisper.model.Whisper(dims).requires_grad_(False)
    asr.train(False)
    for parameter in asr.parameters():
        parameter.normal_(0, 0.3)
    meter.watch("Whisper encoder", asr.encoder, "forward")
    meter.watch("Whisper decoder", asr.decoder, "forward")
    hearing._model = lambda: asr
    heard = _Watched(vad._model())
    meter.watch("silero-vad", heard, "forward")
    vad._model = lambda: heard


class _Watched:
    """A scripted network, whose methods cannot be replaced."""

    def __init__(self, net: Any) -> None:
        self._net = net
        self.forward = net.forward

    def __call__(self, *given: Any) -> Any:
        return self.forward(*given)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._net, name)


def peak_mb() -> int:
    """The process's largest resident memory so far (not getrusage's, which outlives exec)."""
    high = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(high.split()[1]) // 1024


def prompt(id: str) -> Prompt:
    return Prompt(id, video_caption="a face", audio_caption="a voice", speech=(SpeechLine(SPEECH),))


def score(path: Path, metrics: Sequence[Metric]) -> bool:
    needs = dict.fromkeys(need for metric in metrics for need in metric.needs)
    features = extract(path, identify(path), needs)
    for metric in metrics:
        for found in evaluate(metric, Clip(path, prompt(path.stem), "model"), features):
            if found.status.value == "failed":
                raise RuntimeError(f"{found.metric} of {path.name}: {found.reason}")
    return True


def cost(meter: Meter, work: Callable[[], object]) -> Cost:
    inside, calls, start = meter.inside, meter.calls.total(), time.process_time()
    work()
    spent = time.process_time() - start
    return Cost(spent - (meter.inside - inside), meter.inside - inside, meter.calls.total() - calls)


def cached(path: Path, metrics: Sequence[Metric], meter: Meter, folder: Path) -> None:
    """Print what a clip costs without a cache, into an empty one and out of it."""
    score(path, metrics)  # imports, filters
    for title, where in (("without a cache", "off"), ("into an empty cache", folder), ("out of the cache", folder)):
        os.environ[cache.SWITCH] = str(where)
        found = cost(meter, lambda: score(path, metrics))
        print(
            f"{title:22s} outside {found.outside:6.2f} s, inside {found.inside:6.2f} s, {found.calls} calls of networks"
        )
    usage = cache.Cache(folder, 1).usage()
    print(f"{usage.entries} entries, {usage.bytes / 1e6:.2f} MB; memory {peak_mb()} MB")
