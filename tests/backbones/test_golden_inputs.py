"""The inputs of the goldens are built here to the bit as they were where the references ran."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from tests.backbones.conftest import Golden


def built(golden: Golden) -> Iterator[tuple[str, NDArray[Any]]]:
    """Every input by the name that the goldens' own list gives it."""

    def cases(file: str) -> Any:
        return golden.records(f"distribution/{file}")["cases"].items()

    make = golden.distribution
    for name, case in cases("audiobox"):
        yield f"aes/{name}", golden.wav(f"aes/{name}", case["n"], case["sr"], case["ch"])
    for name, case in cases("vggish"):
        yield f"vggish/{name}", golden.wav(f"vggish/{name}", case["n"], case["sr"], 1)
    for name, case in cases("audioclip"):
        yield f"audioclip/{name}", golden.wav(f"audioclip/{name}", case["n"], 16000, 1)
    for name, case in cases("i3d"):
        yield f"i3d/{name}", make.video(f"i3d/{name}", case["T"], case["H"], case["W"])
    for name, case in cases("inception_fid"):
        yield f"fid/{name}", make.image(f"fid/{name}", case["H"], case["W"])
    for name, case in cases("distances"):
        sizes = (case[key] for key in ("n_fake", "d", "scale_fake", "shift_fake"))
        yield f"dist/{name}/fake", make.feats(f"dist/{name}/fake", *sizes).round(4)
    for rate in (22050, 16000, 44100):
        yield f"onset/{golden.kind}/{rate}", make.clicks(golden.kind, rate)[1]
    yield f"flow/{golden.kind}", np.stack(make.flow_frames(golden.kind))


def test_every_input_has_the_digest_that_its_golden_was_made_of(golden: Golden) -> None:
    stored = golden.records("distribution/input_checks")["sha256_16"]
    found = {name: array for name, array in built(golden) if name in stored}
    assert set(found) == set(stored)
    wrong = {
        name
        for name, array in found.items()
        if sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:16] != stored[name]
    }
    assert not wrong
