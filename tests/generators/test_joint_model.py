"""What the joint transformer must be, whatever its weights."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from avbench.generators._joint.codec import still
from avbench.generators._joint.config import Interaction, Preset, SampleConfig, TrainConfig
from avbench.generators._joint.data import Dataset
from avbench.generators._joint.model import Anchors, JointModel
from avbench.generators._joint.objective import Task, draw, losses
from avbench.generators._joint.sampling import Noise, sample
from avbench.generators._joint.text import Condition
from avbench.generators._joint.training import TASKS


@pytest.fixture
def latents(data: Dataset) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    batch = data.batch([1, 2])
    return batch.video, batch.audio, torch.tensor([0.7, 0.3])


def test_a_fresh_interaction_changes_nothing(
    nano: Preset, latents: tuple[torch.Tensor, ...], condition: Condition
) -> None:
    torch.manual_seed(0)
    fresh = JointModel(nano.model)
    with torch.no_grad():
        for head in (fresh.video_head, fresh.audio_head):
            head.head.weight.normal_()
        video, audio, s = latents
        features = fresh.encode(condition)
        together = fresh(video, audio, s, s, features)
        apart = fresh(video, audio, s, s, features, a2v=False, v2a=False)
    assert torch.equal(together[0], apart[0]) and torch.equal(together[1], apart[1])


def test_a_trained_interaction_changes_both(
    model: JointModel, latents: tuple[torch.Tensor, ...], condition: Condition
) -> None:
    video, audio, s = latents
    with torch.no_grad():
        features = model.encode(condition)
        together = model(video, audio, s, s, features)
        apart = model(video, audio, s, s, features, a2v=False, v2a=False)
    assert not torch.allclose(together[0], apart[0]) and not torch.allclose(together[1], apart[1])


def test_interaction_none_has_no_parameters(nano: Preset) -> None:
    alone = JointModel(replace(nano.model, interaction=Interaction(a2v="none", v2a="none")))
    assert not [name for name, _ in alone.named_parameters() if name.startswith(("a2v", "v2a", "style"))]


def test_a_clean_driver_does_not_see_what_it_drives(
    model: JointModel, latents: tuple[torch.Tensor, ...], condition: Condition
) -> None:
    video, audio, s = latents
    clean = torch.zeros(2)
    with torch.no_grad():
        features = model.encode(condition)
        _, one = model(video, audio, s, clean, features, v2a=False)
        _, other = model(torch.randn_like(video), audio, s, clean, features, v2a=False)
        assert torch.equal(one, other)
        one, _ = model(video, audio, clean, s, features, a2v=False)
        other, _ = model(video, torch.randn_like(audio), clean, s, features, a2v=False)
        assert torch.equal(one, other)


def test_cached_drivers_equal_driven_passes(
    model: JointModel, latents: tuple[torch.Tensor, ...], condition: Condition
) -> None:
    """The anchored half of one call is what two driven passes give; the joint half is untouched by the anchors."""
    video, audio, s = latents
    clean, mute, frozen = torch.zeros(2), torch.randn_like(audio), still(video)
    with torch.no_grad():
        features = model.encode(condition)
        anchors = Anchors(model.drive_audio(mute, features), model.drive_video(frozen, features))
        both = torch.cat([s, s])
        out_v, out_a = model(
            video.repeat(2, 1, 1, 1, 1), audio.repeat(2, 1, 1), both, both, features.repeat(2), anchors=anchors
        )
        joint = model(video, audio, s, s, features)
        driven_v, _ = model(video, mute, s, clean, features, v2a=False)
        _, driven_a = model(frozen, audio, clean, s, features, a2v=False)
    torch.testing.assert_close(out_v[:2], joint[0], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(out_a[:2], joint[1], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(out_v[2:], driven_v, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(out_a[2:], driven_a, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("frames", [5, 9, 17])
def test_every_length_runs(model: JointModel, data: Dataset, frames: int) -> None:
    batch = data.batch([1], 0, frames)
    s = torch.tensor([0.5])
    with torch.no_grad():
        video, audio = model(batch.video, batch.audio, s, s, model.encode(batch.condition))
    assert video.shape == batch.video.shape and audio.shape == batch.audio.shape


def test_patches_come_back_where_they_were(model: JointModel) -> None:
    grid = torch.randn(2, 48, 5, 4, 4)
    p = model.config.patch
    tokens = model._tokens(grid)
    assert tokens.shape == (2, 5 * 4, p * p * 48)
    assert torch.equal(model._close_video(tokens, grid.shape), grid)


def test_the_other_stream_is_heard_within_the_window_only(model: JointModel, data: Dataset) -> None:
    """Changing the last audio token leaves what the first layer's video tokens of latent 0 take from the audio."""
    config = replace(model.config, layers=1)
    torch.manual_seed(0)
    shallow = JointModel(config)
    with torch.no_grad():
        for parameter in shallow.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
        hv, ha = torch.randn(1, 20, config.width), torch.randn(1, 22, config.width)
        axes = shallow._axes(5, 22)
        before = shallow.a2v[0](hv, ha, axes.a2v_query, axes.a2v_key, axes.a2v_bias)
        ha[:, -1] = torch.randn(config.width)
        after = shallow.a2v[0](hv, ha, axes.a2v_query, axes.a2v_key, axes.a2v_bias)
    assert torch.equal(before[:, :16], after[:, :16]) and not torch.allclose(before[:, 16:], after[:, 16:])


@pytest.mark.parametrize("task", TASKS)
def test_driven_tasks_have_one_loss_and_a_clean_driver(model: JointModel, data: Dataset, task: Task) -> None:
    config = TrainConfig(anchor_p=0.0, text_dropout=0.0)
    batch = data.batch([1, 2])
    seen: dict[str, torch.Tensor] = {}
    forward = model.forward

    def watch(video: torch.Tensor, audio: torch.Tensor, vs: torch.Tensor, as_: torch.Tensor, *rest, **flags):  # type: ignore[no-untyped-def]
        seen.update(video=video, audio=audio, vs=vs, as_=as_, **flags)
        return forward(video, audio, vs, as_, *rest, **flags)

    model.forward = watch
    drawn = draw(batch, task, config, torch.Generator().manual_seed(0))
    found = losses(model, batch, drawn, torch.zeros(1, 22, 40), config)
    assert (found.video is None) == (task is Task.VIDEO_DRIVEN)
    assert (found.audio is None) == (task is Task.AUDIO_DRIVEN)
    assert torch.equal(seen["video"], batch.video) == (task is Task.VIDEO_DRIVEN)
    assert torch.equal(seen["audio"], batch.audio) == (task is Task.AUDIO_DRIVEN)
    assert bool((seen["vs"] == 0).all()) == (task is Task.VIDEO_DRIVEN)
    assert bool((seen["as_"] == 0).all()) == (task is Task.AUDIO_DRIVEN)
    assert bool(seen["a2v"]) == (task is not Task.VIDEO_DRIVEN)
    assert bool(seen["v2a"]) == (task is not Task.AUDIO_DRIVEN)


def test_stills_train_the_picture_alone_and_see_no_sound(model: JointModel, data: Dataset) -> None:
    batch = data.batch([1, 2, 3], start=1, frames=1)
    assert batch.video.shape[2] == 1
    drawn = draw(batch, Task.STILLS, TrainConfig(), torch.Generator().manual_seed(0))
    found = losses(model, batch, drawn, torch.zeros(1, 2, 40), TrainConfig())
    assert found.video is not None and found.audio is None and found.duration is None
    deaf = replace(batch, audio=torch.full_like(batch.audio, torch.nan))
    assert torch.equal(found.video, losses(model, deaf, drawn, torch.zeros(1, 2, 40), TrainConfig()).video)
    found.video.backward()
    assert model.video_in.weight.grad is not None and model.audio_in.weight.grad is None


def test_the_mouth_weighs_more_and_nothing_without_a_mouth(model: JointModel, data: Dataset) -> None:
    batch = data.batch([1, 3])  # item 3 has no mouth
    drawn = draw(batch, Task.AUDIO_DRIVEN, TrainConfig(), torch.Generator().manual_seed(0))
    silence = torch.zeros(1, 22, 40)
    plain, mouth = (
        losses(model, batch, drawn, silence, TrainConfig(mouth_lambda=weight)).video for weight in (0.0, 5.0)
    )
    assert plain is not None and mouth is not None and mouth > plain
    bare = replace(batch, mouth=torch.zeros_like(batch.mouth))
    same = losses(model, bare, drawn, silence, TrainConfig(mouth_lambda=5.0)).video
    torch.testing.assert_close(same, plain)


@pytest.mark.slow
def test_scale_one_samples_ignore_the_anchors(model: JointModel, data: Dataset) -> None:
    condition, noise = data.batch([1]).condition, Noise.of(3, model, 17)
    silence = data.codecs.audio.silence(22)
    config = SampleConfig(steps=3, s_v=1.0, s_a=1.0)
    one = sample(model, condition, noise, silence, config)
    other = sample(model, condition, noise, silence + 1, config)
    assert torch.equal(one[0], other[0]) and torch.equal(one[1], other[1])
    strong = sample(model, condition, noise, silence + 1, replace(config, s_v=3.0))
    assert not torch.allclose(strong[0], one[0])
