"""Loading audio as av-benchmark does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from avbench.metrics._backbones._waves import mono

if TYPE_CHECKING:
    from tests.backbones.conftest import Golden

FILE = "av_semantics/preprocessing"


@pytest.mark.parametrize("rate", [16000, 32000, 48000])
def test_loader(golden: Golden, rate: int) -> None:
    found, expected = mono(golden.inputs(FILE)["loader44"], 44100, rate, 2.5), golden.expected(FILE)
    assert len(found) == expected[f"loader_len/{rate}"]
    np.testing.assert_allclose(found[::37], expected[f"loader/{rate}"], atol=5e-7, rtol=0)


def test_loader_from_48_khz(golden: Golden) -> None:
    found = mono(golden.inputs(FILE)["loader48"], 48000, 16000, 10)
    np.testing.assert_allclose(found[::37], golden.expected(FILE)["loader48/16000"], atol=5e-7, rtol=0)


def test_synchformer_keeps_the_mean(golden: Golden) -> None:
    found = mono(golden.inputs(FILE)["loader44"], 44100, 16000, 2.5, remove_dc=False)
    np.testing.assert_allclose(found[::37], golden.expected(FILE)["sync_loader/16000"], atol=5e-7, rtol=0)
