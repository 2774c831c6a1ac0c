"""Clips and the reference clips that they are compared with: by id, or by the name of the file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from avbench.errors import Unscored
from avbench.metrics._truths import Truths, by_prompt, pairs
from avbench.metrics.clap_pair_distance import ClapPairDistance
from avbench.paths import slug
from avbench.set_metric import Material, Materials, Summary


class Called(Materials):
    """Clips of the prompts with these ids; the k-th left a unit vector along axis k."""

    def __init__(self, *ids: str) -> None:
        self.ids: Sequence[str] = ids

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[Material]:
        return (Material("s", id, 0, {"features": np.eye(9)[k]}) for k, id in enumerate(self.ids))


def axis(reference: Materials, prompt: str) -> int | None:
    """Which clip of the reference is that of the prompt."""
    found = Truths({material.prompt_id: material.arrays["features"] for material in reference})(prompt)
    return None if found is None else int(found.argmax())


@pytest.mark.parametrize(
    ("prompt", "called"),
    [
        ("grid", "grid.mp4"),
        ("grid", "real/en/grid.MPG"),
        ("en/grid", "en/grid.wav"),
        ("grid.mp4", "grid.mkv"),  # two folders whose files nobody gave ids
        ("grid.mp4", "grid"),
        ("v1.5", "v1.5.mp4"),
        ("Grid: one", f"{slug('Grid: one')}.mp4"),
    ],
)
def test_a_reference_is_found_by_its_files_name(prompt: str, called: str) -> None:
    assert axis(Called("other.mp4", called), prompt) == 1


def test_an_id_comes_before_a_name_and_a_path_before_its_end() -> None:
    assert axis(Called("grid.mp4", "grid"), "grid") == 1
    assert axis(Called("a/grid.mp4", "b/grid.mp4"), "b/grid.mp4") == 1
    assert axis(Called("a/grid.mp4"), "b/grid.mp4") is None  # another folder's clip of that name
    assert axis(Called("grid.mp4"), "gri") is None and axis(Called("grid.mp4"), "grid.5") is None


def test_two_that_could_be_meant_are_refused_by_name() -> None:
    with pytest.raises(Unscored, match=r"'grid' has two reference clips, a/grid\.mp4 and b/grid\.mp4"):
        axis(Called("a/grid.mp4", "b/grid.mp4"), "grid")


def test_pairs_of_a_manifest_and_a_folder() -> None:
    real = Called("b.mp4", "a.mp4")
    found = ClapPairDistance().pool(Called("a", "b", "c"), ClapPairDistance().summarise(real))["clap_pair_distance"]
    assert found.value == pytest.approx(2) and found.n == 2  # of other axes
    assert found.reason == "2 pairs; 1 clips have no reference of their prompt"


def test_without_a_pair_it_is_said_what_was_looked_for() -> None:
    real = Summary(by_prompt(Called("w.mp4", "x.mp4", "y.mp4", "z.mp4"), "features"))
    with pytest.raises(Unscored) as error:
        pairs(Called("a", "b"), real, "features")
    assert str(error.value) == (
        "no reference clip is of a prompt of these clips: looked for 'a', 'b', the reference has "
        "'w.mp4', 'x.mp4', 'y.mp4' and 1 more; name its files by the prompts' ids (ID.mp4), or give --suite"
    )
