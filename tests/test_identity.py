"""By what a score was made: protocol and weights files."""

from __future__ import annotations

from pathlib import Path

import pytest

from avbench.identity import digests, identity, outdated, unlike
from avbench.metrics._backbones import _shipped
from avbench.metrics.wer_world import WerWorld
from avbench.plan import MetricFacts
from avbench.scoring import describe
from avbench.weights import find, path_of


@pytest.fixture
def facts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MetricFacts:
    """A metric with two checkpoints, neither of which is here yet."""
    monkeypatch.setenv("AVBENCH_HOME", str(tmp_path))
    monkeypatch.setenv("AVBENCH_ALLOW_UNVERIFIED", "1")
    for id in ("s3fd", "syncnet_v2"):
        path_of(find(id)).parent.mkdir(parents=True, exist_ok=True)
    return MetricFacts("m", key="k", weights=("s3fd", "syncnet_v2"))


def test_a_changed_file_makes_outdated_and_a_missing_one_does_not(facts: MetricFacts) -> None:
    none = identity(facts)
    path_of(find("s3fd")).write_bytes(b"a")
    one = identity(facts)
    path_of(find("syncnet_v2")).write_bytes(b"b")
    both = identity(facts)
    assert identity(facts) == both
    path_of(find("s3fd")).write_bytes(b"other")
    other = identity(facts)
    path_of(find("syncnet_v2")).unlink()
    alone = identity(facts)
    assert len({none, one, both, other, alone}) == 5
    assert not outdated(both, both) and not outdated(both, none) and not outdated(both, one)
    assert outdated(both, other) and outdated(both, alone)  # what is here has changed
    assert outdated(none, one) and outdated(one, both)  # it was not known by which file


def test_the_files_of_scores_are_those_that_are_known() -> None:
    assert digests(["k"]) == "" and digests(["k+a+b"]) == "a+b"
    assert digests(["k+-+b", "k+a+-", "k+a"]) == "a+b" and digests(["k+-+b"]) == "-+b"
    assert unlike("a+b", "a+c") == ("b", "c")
    assert not any(unlike(known, "a+b") or unlike("a+b", known) for known in ("a+b", "", "-+b", "a", "a+-"))


def test_of_a_metric_without_files_the_protocol_says_all(facts: MetricFacts) -> None:
    assert identity(MetricFacts("m", key="k")) == "k"
    assert not outdated("k", "k") and outdated("k", "other")
    path_of(find("s3fd")).write_bytes(b"a")
    assert outdated("k", identity(facts))  # of a ledger that knew no weights
    assert not outdated(identity(facts), "k") and outdated(identity(facts), "other")


def test_a_scorer_of_the_world_knows_the_files_that_ship(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = describe("wer_world")
    assert len(before.shipped) == 2 and all(len(digest) == 64 for digest in before.shipped)
    trained = tmp_path / "asr.safetensors"
    trained.write_bytes(b"after another training")
    metric = type("Trained", (WerWorld,), {"shipped": (_shipped.file_of("domain"), trained)})
    monkeypatch.setattr("avbench.registry.load", lambda kind, name: metric)
    after = describe("wer_world")
    assert after.key == before.key and outdated(identity(before), identity(after))
