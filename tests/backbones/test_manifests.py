"""The networks' names and shapes are those of the official checkpoints, apart from what they say they leave out."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatch
from typing import TYPE_CHECKING

import pytest
from torch import nn

from avbench.metrics._backbones import (
    amt,
    audioclip,
    cnn14,
    i3d,
    imagebind,
    inception,
    maniqa,
    musiq,
    passt,
    s3fd,
    synchformer,
    syncnet,
    vggish,
)
from avbench.metrics._backbones._state import outline

if TYPE_CHECKING:
    from tests.backbones.conftest import Golden

NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[str, ...]]] = {
    "lipsync/manifest_syncnet": (syncnet.SyncNet, ()),
    "lipsync/manifest_s3fd": (s3fd.S3FD, ()),
    "av_semantics/synchformer_manifest": (synchformer.Synchformer, synchformer.UNUSED),
    "av_semantics/imagebind_huge_manifest": (imagebind.ImageBind, imagebind.UNUSED),
    "av_semantics/cnn14_16k_manifest": (lambda: cnn14.Cnn14(cnn14.AT_16K), cnn14.UNUSED),
    "av_semantics/cnn14_32k_manifest": (lambda: cnn14.Cnn14(cnn14.AT_32K), cnn14.UNUSED),
    "av_semantics/passt_manifest": (passt.Passt, passt.UNUSED),
    "video/manifests/amt_s": (amt.Amt, ()),
    "video/manifests/musiq": (musiq.Musiq, ()),
    "video/manifests/maniqa_koniq": (maniqa.Maniqa, maniqa.UNUSED[:5]),  # the others are buffers, not listed there
    "distribution/manifests/vggish": (vggish.Vggish, ("pproc.*",)),
    "distribution/manifests/i3d_400": (i3d.I3d, ()),
    "distribution/manifests/inception_fid": (inception.Inception, inception.UNUSED),
    "distribution/manifests/audioclip_audio": (audioclip.Audioclip, audioclip.UNUSED),
}


@pytest.mark.parametrize("file", NETWORKS)
def test_names_and_shapes(golden: Golden, file: str) -> None:
    make, unused = NETWORKS[file]
    manifest = golden.manifest(file)
    state = outline(make).state_dict()
    left_out = {name for name in manifest if any(fnmatch(name, pattern) for pattern in unused)}
    official = {name: tuple(shape) for name, (shape, _) in manifest.items() if name not in left_out}
    assert {name: tuple(value.shape) for name, value in state.items()} == official
    assert all(any(fnmatch(name, pattern) for name in manifest) for pattern in unused)
