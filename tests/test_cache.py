"""The cache of features: a hit is bit-equal and costs nothing, and whatever a number depends on makes a miss."""

from __future__ import annotations

import os
import pickle
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of
from numpy.typing import NDArray

from avbench import cache, devices, weights
from avbench.cache import Cache, Entry
from avbench.clips import identify
from avbench.errors import NotApplicable, Unscored, UsageError
from avbench.features import extract, remembered
from avbench.media.info import MediaInfo
from avbench.media.sweep import sweep
from avbench.parts import Audio, AudioBackbone, AudioView, Features, Frames, VideoBackbone, VideoExtractor, VideoView
from avbench.weights import find, path_of

RUNS: Counter[str] = Counter()
NAME = "ab" + "0" * 62


@dataclass(frozen=True)
class Mean(VideoBackbone[NDArray[np.float64]]):
    """The mean level of each frame, times `gain`; reads S3FD's file."""

    gain: float = 1.0
    view: ClassVar[VideoView] = VideoView()
    kept: ClassVar[bool] = True
    weights: ClassVar[tuple[str, ...]] = ("s3fd",)

    def open(self, info: MediaInfo) -> VideoExtractor[NDArray[np.float64]]:
        weights.locate("s3fd")
        RUNS["mean"] += 1
        return _Levels(self.gain)


class _Levels(VideoExtractor[NDArray[np.float64]]):
    def __init__(self, gain: float) -> None:
        self.gain, self.parts = gain, [np.empty(0)]

    def push(self, frames: Frames) -> None:
        self.parts.append(frames.data.mean(axis=(1, 2, 3)) * self.gain)

    def finish(self) -> NDArray[np.float64]:
        return np.concatenate(self.parts)


@dataclass(frozen=True)
class Peak(AudioBackbone[float]):
    """The largest sample; packs a number that is no array."""

    view: ClassVar[AudioView] = AudioView()
    kept: ClassVar[bool] = True

    def extract(self, audio: Audio, info: MediaInfo) -> float:
        RUNS["peak"] += 1
        if not audio.samples.any():
            raise NotApplicable("silent")
        return float(audio.samples.max())

    def pack(self, feature: float) -> Mapping[str, NDArray[Any]]:
        return {"peak": np.array(feature)}

    def unpack(self, arrays: Mapping[str, NDArray[Any]]) -> float:
        return float(arrays["peak"])


@dataclass(frozen=True)
class Length(AudioBackbone[int]):
    """Cheap, so not kept."""

    view: ClassVar[AudioView] = AudioView()

    def extract(self, audio: Audio, info: MediaInfo) -> int:
        RUNS["length"] += 1
        return len(audio.samples)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache of its own and a file in S3FD's place."""
    monkeypatch.setenv("AVBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("AVBENCH_ALLOW_UNVERIFIED", "1")
    monkeypatch.delenv("AVBENCH_CACHE")
    path_of(find("s3fd")).parent.mkdir(parents=True)
    path_of(find("s3fd")).write_bytes(b"first")
    RUNS.clear()
    yield tmp_path / "home"
    devices.use("")


@pytest.fixture
def clip(tmp_path: Path, encode: Any, ramp: Any, tone: Any) -> Path:
    path: Path = encode(tmp_path / "clip.mp4", ramp(10), audio=tone(0.4, 48_000))
    return path


def look(clip: Path, *backbones: Any) -> Features:
    return extract(clip, identify(clip), backbones or (Mean(), Peak()))


def decodes(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The clips that are decoded from now on."""
    seen: list[Path] = []

    def noted(path: Path, *rest: Any, **more: Any) -> Features:
        seen.append(path)
        return sweep(path, *rest, **more)

    monkeypatch.setattr("avbench.media.sweep.sweep", noted)
    return seen


def test_a_hit_is_the_same_to_the_bit_and_decodes_nothing(
    home: Path, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, plain = look(clip), sweep(clip, [Mean(), Peak()])
    seen = decodes(monkeypatch)
    again = look(clip)
    assert (seen, RUNS["mean"]) == ([], 2)
    np.testing.assert_array_equal(again[Mean()], plain[Mean()])
    assert again[Mean()].dtype == first[Mean()].dtype
    assert again[Peak()] == first[Peak()] == plain[Peak()]
    assert again.info == first.info == plain.info


def test_only_what_is_missing_runs(home: Path, clip: Path) -> None:
    look(clip)
    features = look(clip, Mean(), Peak(), Mean(2.0), Length())
    assert RUNS == {"mean": 2, "peak": 1, "length": 1}
    np.testing.assert_array_equal(features[Mean(2.0)], features[Mean()] * 2)
    look(clip, Length())
    assert RUNS["length"] == 2


def _other_content(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with clip.open("ab") as file:
        file.write(b"\0")


def _other_weights(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path_of(find("s3fd")).write_bytes(b"other")


def _other_version(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Mean, "version", "2")


def _other_software(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = {**cache.software(), "torch": "9"}
    monkeypatch.setattr(cache, "software", lambda: other)


def _other_device(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    devices.use("cuda:0")


def _other_code(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "SCHEMA", cache.SCHEMA + 1)


@pytest.mark.parametrize(
    "change", [_other_content, _other_weights, _other_version, _other_software, _other_device, _other_code]
)
def test_whatever_a_feature_depends_on_makes_a_miss(
    home: Path, clip: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[..., None]
) -> None:
    look(clip)
    look(clip)
    assert RUNS["mean"] == 1
    change(clip, monkeypatch)
    look(clip)
    assert RUNS["mean"] == 2


def test_a_field_of_the_backbone_makes_a_miss(home: Path, clip: Path) -> None:
    assert look(clip, Mean(1.0))[Mean(1.0)].sum() * 2 == pytest.approx(look(clip, Mean(2.0))[Mean(2.0)].sum())
    assert RUNS["mean"] == 2


def test_a_sidecar_is_content(home: Path, tmp_path: Path, encode: Any, ramp: Any, tone: Any) -> None:
    clip = encode(tmp_path / "mute.mp4", ramp(10))
    with pytest.raises(NotApplicable, match="no audio stream"):
        look(clip, Peak())[Peak()]
    peaks = []
    for level in (0.25, 0.5):
        encode(tmp_path / "mute.wav", audio=tone(0.4, 48_000, level=level), audio_codec="pcm_s16le")
        peaks.append(look(clip, Peak())[Peak()])
    assert peaks == pytest.approx([0.25, 0.5], abs=1e-3)


def test_the_name_of_a_clip_does_not_matter(home: Path, clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    look(clip)
    copy = Path(shutil.copy(clip, clip.with_name("copy.mp4")))
    seen = decodes(monkeypatch)
    assert look(copy).info.path == copy
    assert seen == []


def test_not_applicable_is_kept_and_missing_weights_are_not(home: Path, tmp_path: Path, encode: Any, ramp: Any) -> None:
    clip = encode(tmp_path / "silent.mp4", ramp(10), audio=np.zeros(19_200, np.float32))
    file = path_of(find("s3fd"))
    file.rename(file.with_suffix(".away"))
    for _ in range(2):
        features = look(clip)
        with pytest.raises(NotApplicable, match="silent"):
            features[Peak()]
        with pytest.raises(Unscored, match="avbench weights pull s3fd"):
            features[Mean()]
    assert RUNS == {"peak": 1}
    file.with_suffix(".away").rename(file)
    assert len(look(clip)[Mean()]) == 10


def test_refused_weights_are_refused_also_where_features_are_kept(
    home: Path, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look(clip)
    monkeypatch.delenv("AVBENCH_ALLOW_UNVERIFIED")
    with pytest.raises(Unscored, match='weights "s3fd" are wrong'):
        look(clip)[Mean()]


def test_a_file_that_changes_under_way_is_not_kept(home: Path, clip: Path, encode: Any, ramp: Any) -> None:
    """What was decoded may be the new content under the old name."""
    before = identify(clip)
    encode(clip, ramp(5))
    extract(clip, before, [Mean()])
    assert cache.current() and cache.current().usage().entries == 0  # type: ignore[union-attr]


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "pickle", "npz", "other"])
def test_a_damaged_entry_is_a_miss_and_is_replaced(home: Path, clip: Path, tmp_path: Path, damage: str) -> None:
    good = look(clip)[Mean()]
    for path in sorted((home / "features").glob("??/*")):
        stored = bytearray(path.read_bytes())
        stored[-1] ^= 1
        files = {"cut": bytes(stored[:-3]), "flip": bytes(stored), "pickle": pickle.dumps(_Bomb(tmp_path))}
        path.write_bytes(files.get(damage, b""))
        if damage == "npz":
            with path.open("wb") as file:
                np.savez_compressed(file, feature=np.array([_Bomb(tmp_path)], dtype=object))
        if damage == "other":  # a good entry under another's name
            Cache(home / "features", 10**9).put(NAME, Entry({"feature": np.zeros(3)}))
            shutil.copy(home / "features" / NAME[:2] / f"{NAME}.safetensors", path)
    np.testing.assert_array_equal(look(clip)[Mean()], good)
    assert RUNS["mean"] == 2
    look(clip)
    assert RUNS["mean"] == 2
    assert not (tmp_path / "exploded").exists()


class _Bomb:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Path]]:
        return Path.touch, (self.folder / "exploded",)


def test_what_was_used_longest_ago_goes_first(tmp_path: Path) -> None:
    store = Cache(tmp_path, limit=200_000)
    names = [f"{number:02x}" + "0" * 62 for number in range(60)]
    for age, name in enumerate(names):
        store.put(name, Entry({"feature": np.full(1000, age, np.float64)}))  # 8.2 kB
        for old in range(age + 1):  # file times are too coarse for a test
            if (path := tmp_path / names[old][:2] / f"{names[old]}.safetensors").exists() and old != 0:
                os.utime(path, ns=(old, old))
        assert store.get(names[0]) is not None
    assert store.usage().bytes <= 1.1 * store.limit
    there = [name for name in names if store.get(name) is not None]
    assert there[0] == names[0] and there[1:] == names[-len(there) + 1 :]
    assert 15 < len(there) < 30


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_cache_that_cannot_be_written_harms_nothing(home: Path, clip: Path) -> None:
    home.chmod(0o500)
    assert len(look(clip)[Mean()]) == 10
    home.chmod(0o700)


def test_a_cache_in_the_way_harms_nothing(home: Path, clip: Path) -> None:
    (home / "features").write_text("a file")
    assert len(look(clip)[Mean()]) == 10


def test_where_and_how_large(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = cache.current()
    assert found and (found.folder, found.limit) == (home / "features", 10_000_000_000)
    monkeypatch.setenv("AVBENCH_CACHE", str(tmp_path / "else"))
    monkeypatch.setenv("AVBENCH_CACHE_GB", "0.5")
    found = cache.current()
    assert found and (found.folder, found.limit) == (tmp_path / "else", 500_000_000)
    monkeypatch.setenv("AVBENCH_CACHE_GB", "much")
    with pytest.raises(UsageError, match="AVBENCH_CACHE_GB=much"):
        cache.current()
    monkeypatch.setenv("AVBENCH_CACHE_GB", "0")
    assert cache.current() is None


def test_off_keeps_nothing(home: Path, clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVBENCH_CACHE", "off")
    look(clip)
    look(clip)
    assert RUNS["mean"] == 2
    assert not (home / "features").exists()


@given(
    given=arrays_of.arrays(
        st.sampled_from([np.float64, np.float32, np.int16, np.uint8, np.bool_]),
        arrays_of.array_shapes(min_dims=0, min_side=0),
    ),
    words=st.text(),
)
def test_entries_come_back_bit_for_bit(given: NDArray[Any], words: str, tmp_path_factory: Any) -> None:
    store = Cache(tmp_path_factory.mktemp("cache"), 10**9)
    store.put(NAME, Entry({"a": given, "b": given.T}, words))
    back = store.get(NAME)
    assert back and back.words == words
    for key, value in (("a", given), ("b", given.T)):
        assert (back.arrays[key].dtype, back.arrays[key].shape) == (value.dtype, value.shape)
        assert back.arrays[key].tobytes() == value.tobytes()


def doubled(x: NDArray[np.float32], word: str) -> NDArray[np.float32]:
    RUNS[word] += 1
    return 2 * x


def test_functions_are_remembered_by_what_they_are_given(home: Path) -> None:
    x = np.arange(3, dtype=np.float32)
    for _ in range(2):
        assert remembered(doubled, x, "a", weights=("s3fd",)).tolist() == [0, 2, 4]
    remembered(doubled, x + 1, "a", weights=("s3fd",))
    remembered(doubled, x.astype(np.float64), "a", weights=("s3fd",))
    remembered(doubled, x, "b", weights=("s3fd",))
    assert RUNS == {"a": 3, "b": 1}
    remembered(doubled, x, "a", weights=("s3fd",), version="2")
    path_of(find("s3fd")).write_bytes(b"other")
    remembered(doubled, x, "a", weights=("s3fd",))
    assert RUNS["a"] == 5


def test_weights_are_hashed_once_until_they_change(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The note beside the file serves other processes, and no change passes it by."""
    read: list[Path] = []
    monkeypatch.setattr(weights, "SETTLED", -1)

    def digest_of(path: Path, kind: str) -> str:
        read.append(path)
        return path.read_text()

    monkeypatch.setattr(weights, "digest_of", digest_of)
    file = path_of(find("s3fd"))
    assert weights.fingerprint("s3fd") == weights.fingerprint("s3fd") == "git:first"
    weights._digest_at.cache_clear()  # as another process begins
    assert weights.fingerprint("s3fd") == "git:first"
    assert read == [file]
    stat = file.stat()
    file.write_bytes(b"other")
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))  # same size, same time of modification
    assert weights.fingerprint("s3fd") == "git:other"
