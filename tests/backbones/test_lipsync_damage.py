"""The reference's JPEG step beside OpenCV's JPEG on the crops of a real clip."""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from avbench.metrics._lipsync_crop import crops
from avbench.metrics._lipsync_damage import jpeg, untouched
from avbench.metrics._lipsync_studio import WINDOW, Cast, Rule, Studio
from avbench.metrics._lipsync_tower import RULES, LipTower
from avbench.metrics._lipsync_track import PRESETS

Images = list[NDArray[np.uint8]]


@pytest.fixture(scope="module")
def pictures(shared: Path) -> Images:
    """60 squares of 224 px from a real clip."""
    found: Images = []
    with av.open(str(shared / "media" / "universe1_00000.mp4")) as container:
        for frame in container.decode(video=0):
            image = frame.to_ndarray(format="rgb24")
            side, left = min(image.shape[:2]), max(0, image.shape[1] - image.shape[0]) // 2
            found.append(np.asarray(cv2.resize(image[:side, left : left + side], (224, 224)), np.uint8))
            if len(found) == 60:
                break
    return found


def _psnr(one: Images, other: Images) -> NDArray[np.float64]:
    errors = [np.mean((a.astype(float) - b) ** 2) for a, b in zip(one, other, strict=True)]
    return np.asarray(10 * np.log10(255**2 / np.array(errors)))


def _by_opencv(images: Images, quality: int) -> Images:
    files = [cv2.imencode(".jpg", image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1] for image in images]
    return [np.asarray(cv2.imdecode(file, cv2.IMREAD_COLOR), np.uint8)[:, :, ::-1] for file in files]


def test_quality_falls_as_the_protocol_measured(pictures: Images) -> None:
    """Good at first, about 32 dB from the tenth frame on: between OpenCV's quality 10 and 40 there, above 75 before."""
    spoil = jpeg()
    spoiled = [spoil(picture) for picture in pictures]
    quality = _psnr(pictures, spoiled)
    assert quality[1:5].min() > _psnr(pictures[1:5], _by_opencv(pictures[1:5], 75)).max()
    late = slice(15, 60)
    low, high = (_psnr(pictures[late], _by_opencv(pictures[late], q)).mean() for q in (10, 40))
    assert low < quality[late].mean() < high
    assert quality[late].mean() < quality[1:5].mean() - 5


def test_it_is_jpeg_and_nothing_else(pictures: Images) -> None:
    """Once spoiled, a picture hardly changes by OpenCV's JPEG of high quality; channels and range are as before."""
    spoil = jpeg()
    spoiled = [spoil(picture) for picture in pictures[:5]]
    assert _psnr(spoiled, _by_opencv(spoiled, 95)).min() > 40
    assert _psnr(spoiled, [picture[:, :, ::-1] for picture in pictures[:5]]).max() < 25
    assert (
        np.abs(np.mean(spoiled, axis=(0, 1, 2)) - np.mean(pictures[:5], axis=(0, 1, 2))).max() < 2
    )  # another range: 8


def test_tracks_do_not_know_of_each_other(pictures: Images) -> None:
    one, other = jpeg(), jpeg()
    expected = [one(picture) for picture in pictures[:10]]
    found = []
    for picture in pictures[:10]:
        found.append(other(picture))
        jpeg()(picture)
    np.testing.assert_array_equal(found, expected)
    assert untouched()(pictures[0]) is pictures[0]


def test_the_tower_embeds_what_is_left_of_the_crops(pictures: Images) -> None:
    kept: list[NDArray[np.uint8]] = []

    def embed(images: NDArray[np.uint8], count: int) -> NDArray[np.float32]:
        kept.extend(images[:count])
        return np.zeros((count, 1024), np.float32)

    cast = Cast(Rule.of(PRESETS["reference"]), Studio(embed, jpeg))
    box = np.array([[40.0, 40, 150, 160, 0.99]])
    frames = dict(enumerate(pictures))
    for number in frames:
        cast.see(number, box, frames)
    cast.cut(frames)
    (face,) = cast.faces()
    spoil = jpeg()
    expected = [spoil(crop) for crop in crops(pictures, face.track)]
    np.testing.assert_array_equal(kept, expected[: len(pictures) - WINDOW])


def test_it_is_another_backbone() -> None:
    plain, spoiled = LipTower(), LipTower(codec_damage="reference")
    assert plain != spoiled
    assert plain.rules == RULES
    assert spoiled.rules == (Rule.of(PRESETS["reference"]),)
