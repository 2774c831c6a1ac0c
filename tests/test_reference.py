"""Files of reference statistics: what they say of themselves, and when they are refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from avbench import weights
from avbench.errors import Unscored, UsageError
from avbench.plan import MetricFacts
from avbench.reference import Facts, of_file, read_facts, write

FACTS = Facts("fvd", "i3d", "key", {"i3d_400": "sha256:a"}, "clips", 3, 5, 2, "content")
HERE = MetricFacts("fvd", backend="i3d", key="key", weights=("i3d_400",), compares=True)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(weights, "fingerprint", lambda id: "sha256:a")
    write(tmp_path / "stats.safetensors", {"fvd": (FACTS, {"rows": np.ones((3, 2))})})
    return tmp_path / "stats.safetensors"


def test_a_file_gives_back_what_was_written(file: Path) -> None:
    assert read_facts(file) == {"fvd": FACTS}
    found = of_file(file, [HERE, replace(HERE, name="wer", compares=False)])
    assert found.digest("fvd") == "content" and found.digest("other") == "none"
    summary = found.summary("fvd")
    assert (summary.samples, summary.numbers) == (5, 2)
    np.testing.assert_array_equal(summary.arrays["rows"], np.ones((3, 2)))
    assert not found.summary("other").arrays
    assert [path.name for path in file.parent.iterdir()] == [file.name]  # no half-written one beside


@pytest.mark.parametrize(
    ("here", "why"),
    [
        (replace(HERE, backend="world"), "of backend i3d, here world"),
        (replace(HERE, key="other"), "another protocol"),
        (replace(HERE, weights=("i3d_400", "more")), "of weights more unknown"),
    ],
)
def test_statistics_of_something_else_are_refused(file: Path, here: MetricFacts, why: str) -> None:
    with pytest.raises(UsageError, match=why) as error:
        of_file(file, [here])
    assert "write the file anew with avbench reference" in str(error.value)


def test_other_weights_are_refused_and_missing_ones_are_not(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "fingerprint", lambda id: "sha256:b")
    with pytest.raises(UsageError, match="i3d_400 sha256:a, here sha256:b"):
        of_file(file, [HERE])

    def missing(id: str) -> str:
        raise Unscored("needs weights")

    monkeypatch.setattr(weights, "fingerprint", missing)
    assert of_file(file, [HERE]).facts == {"fvd": FACTS}  # the metric itself will say so


def test_other_files_are_no_statistics(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    for content in (b"", b"not this" * 9):
        path.write_bytes(content)
        with pytest.raises(UsageError, match="cannot be read as statistics"):
            read_facts(path)
    write(path, {})
    assert read_facts(path) == {}
    with pytest.raises(UsageError, match="cannot be read"):
        read_facts(tmp_path / "absent.safetensors")


@pytest.mark.slow
def test_a_folder_a_run_and_a_file_give_one_number(avbench: Any) -> None:
    """Set statistics compare with the same numbers, however the reference is given."""
    suite = avbench.suite({}, {})
    avbench("generate", "--model", "toy", "--suite", suite, "--out", "made", "--workers", "0")
    clips = avbench.folder / "made" / "clips" / "toy" / "toys"
    common = ("--metrics", "toy_set", "--workers", "0")
    said = avbench("reference", clips, "--out", "stats.safetensors", *common, "--json").stdout
    (facts,) = json.loads(said)["statistics"]
    assert (facts["metric"], facts["clips"], facts["samples"], facts["numbers"]) == ("toy_set", 2, 2, 1)
    values = []
    for i, truth in enumerate((clips, "made", "stats.safetensors")):
        avbench("score", clips, "--model", "m", "--reference", truth, "--out", f"r{i}", *common)
        frame = pd.read_parquet(avbench.folder / f"r{i}" / "set_scores.parquet")
        values.append(frame.value.tolist())
    assert values[0] == values[1] == values[2] and values[0] == [0.0]
    refused = avbench("reference", clips, "--out", "stats.txt", *common, code=2).stderr
    assert ".safetensors" in refused
    refused = avbench("reference", clips, "--out", "s.safetensors", "--metrics", "toy_level", code=2).stderr
    assert "none of them compares" in refused
