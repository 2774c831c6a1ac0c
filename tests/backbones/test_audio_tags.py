"""PANNs Cnn14 and PaSST against the references' numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch import Tensor

from avbench.metrics._backbones import cnn14, passt

if TYPE_CHECKING:
    from tests.backbones.conftest import Golden


def _close(found: Tensor, expected: np.ndarray, atol: float = 5e-5) -> None:
    np.testing.assert_allclose(found, expected, atol=atol, rtol=0)


@pytest.mark.slow
@torch.inference_mode()
@pytest.mark.parametrize(("size", "config"), [("16k", cnn14.AT_16K), ("32k", cnn14.AT_32K)])
def test_cnn14(golden: Golden, size: str, config: cnn14.Cnn14Config) -> None:
    net = cnn14.load(golden.state(f"av_semantics/cnn14_{size}_manifest", "lift_convs"), "seeded", config)
    waves = torch.from_numpy(golden.inputs(f"av_semantics/cnn14_{size}")["waves"])
    tags, expected = net(waves), golden.expected(f"av_semantics/cnn14_{size}")
    _close(cnn14.log_mel(waves[:1], config)[0], expected["logmel_item0"], atol=1e-3)  # decibels
    _close(tags.features, expected["feat2048"])
    _close(tags.logits, expected["logits"])


@pytest.mark.slow
@torch.inference_mode()
def test_passt(golden: Golden) -> None:
    net = passt.load(golden.state("av_semantics/passt_manifest", "lift_tokens"), "seeded")
    waves, expected = (
        torch.from_numpy(golden.inputs("av_semantics/passt")["waves"]),
        golden.expected("av_semantics/passt"),
    )
    tags = net(waves)
    _close(passt.mel(waves)[0], expected["mel"])
    _close(tags.logits, expected["logits"])
    _close(tags.features, expected["embed"])
    long = passt.ten_seconds(waves[:1])
    padded = net(long)
    _close(passt.mel(long)[0, :, ::25], expected["padded_mel_every_25th_frame"])
    _close(padded.logits, expected["padded_logits"])
    _close(padded.features, expected["padded_embed"])


def test_ten_seconds_cuts_and_pads() -> None:
    assert passt.ten_seconds(torch.ones(2, 320001)).shape == (2, 320000)
    assert passt.ten_seconds(torch.ones(2, 7)).sum() == 14
