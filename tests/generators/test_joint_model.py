"""What the joint transformer must be, whatever its weights, its interaction and its objective."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch

from avbench.errors import UsageError
from avbench.generators._joint.axes import Shape
from avbench.generators._joint.codec import still
from avbench.generators._joint.config import AudioConfig, Interaction, ModelConfig, SampleConfig
from avbench.generators._joint.data import Dataset
from avbench.generators._joint.layers import Attention, attend
from avbench.generators._joint.model import JointModel
from avbench.generators._joint.objective import KINDS, draw, losses, video_error
from avbench.generators._joint.passes import Content, Estimate, Rows
from avbench.generators._joint.presets import PRESETS
from avbench.generators._joint.recipe import Preset, TrainConfig
from avbench.generators._joint.sampling import Given, Noise, sample
from avbench.generators._joint.text import Condition
from avbench.generators._joint.tokens import patched, unpatched

WAYS: dict[str, dict[str, Any]] = {
    "harmony": {},
    "global": {"a2v": "global", "v2a": "global"},
    "segment": {"a2v": "segment", "v2a": "segment", "rope": "raw", "xattn_rope": "wan3d"},
    "interp": {"v2a": "interp", "position": "before_ffn", "fam": "decay", "residual_in_wo": True},
    "adaln": {"fam": "unsup", "fam_head": "adaln", "position": "before_cross_attn", "v2a_interp": "latent_ramp"},
    "joint": {"a2v": "joint", "v2a": "joint", "global_style": False},
    "parallel": {"a2v": "parallel", "v2a": "parallel"},
    "linear": {"a2v": "parallel_linear", "v2a": "parallel_linear", "linear_init": "default"},
}
TEXTS = {
    "cross": AudioConfig(),
    "read": AudioConfig(speech="text"),
    "concat": AudioConfig(text="concat", speech="text"),
    "streams": AudioConfig(text="joint", speech="text"),
}


@pytest.fixture
def latents(data: Dataset) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    batch = data.batch([1, 2])
    return batch.video, batch.audio, torch.tensor([0.7, 0.3])


def stirred(config: ModelConfig) -> JointModel:
    """Random weights everywhere, the zero-initialised layers included."""
    torch.manual_seed(1)
    fresh = JointModel(config).eval().requires_grad_(False)
    for parameter in fresh.parameters():
        parameter.add_(0.1 * torch.randn_like(parameter))
    return fresh


@pytest.fixture(params=[*WAYS, *TEXTS])
def any_model(request: pytest.FixtureRequest, nano: Preset) -> JointModel:
    """A model of every interaction, and one of every way that texts come in."""
    if request.param in WAYS:
        return stirred(replace(nano.model, interaction=Interaction(**WAYS[request.param])))
    return stirred(replace(nano.model, audio=TEXTS[request.param]))


def both(model: JointModel, *given: Any, **flags: Any) -> Any:
    """Of video, audio, their noise level, and the texts."""
    video, audio, s, text = given
    return model(Content(video, s), Content(audio, s), model.encode(text), **flags).both


@pytest.mark.parametrize("way", [w for w in WAYS if w not in ("joint", "parallel", "linear")])
@torch.no_grad()
def test_a_fresh_interaction_changes_nothing(
    way: str, nano: Preset, latents: tuple[torch.Tensor, ...], condition: Condition
) -> None:
    """Invariant 1."""
    torch.manual_seed(0)
    fresh = JointModel(replace(nano.model, interaction=Interaction(**WAYS[way])))
    for stream in (fresh.video, fresh.audio):
        stream.head.head.weight.normal_()
    together = both(fresh, *latents, condition)
    apart = both(fresh, *latents, condition, a2v=False, v2a=False)
    video, audio, s = latents
    features = fresh.encode(condition)
    alone = fresh(Content(video, s), None, features).video, fresh(None, Content(audio, s), features).audio
    for one, other, third in zip(together, apart, alone, strict=True):
        assert torch.equal(one, other) and torch.equal(one, third)


@torch.no_grad()
def test_a_fresh_linear_layer_makes_parallel_attention_nothing(
    nano: Preset, latents: tuple[torch.Tensor, ...], condition: Condition
) -> None:
    way = Interaction(a2v="parallel_linear", v2a="parallel_linear", linear_init="zero")
    model = stirred(replace(nano.model, interaction=way))
    for layer in (*model.linear_v.values(), *model.linear_a.values()):
        torch.nn.init.zeros_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    together, apart = both(model, *latents, condition), both(model, *latents, condition, a2v=False, v2a=False)
    assert torch.equal(together[0], apart[0]) and torch.equal(together[1], apart[1])


@torch.no_grad()
def test_a_trained_interaction_changes_both(
    any_model: JointModel, latents: tuple[torch.Tensor, ...], condition: Condition
) -> None:
    together = both(any_model, *latents, condition)
    apart = both(any_model, *latents, condition, a2v=False, v2a=False)
    assert not torch.allclose(together[0], apart[0]) and not torch.allclose(together[1], apart[1])
    off = any_model(
        *(Content(z.repeat(2, *[1] * (z.ndim - 1)), latents[2].repeat(2)) for z in latents[:2]),
        any_model.encode(condition).repeat(2),
        rows=Rows(2),
    ).both
    for mixed, on, without in zip(off, together, apart, strict=True):  # UniAVGen's negative pass in one call
        torch.testing.assert_close(mixed[:2], on, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(mixed[2:], without, atol=1e-4, rtol=1e-4)


def test_interaction_none_has_no_parameters(nano: Preset) -> None:
    alone = JointModel(replace(nano.model, interaction=Interaction(a2v="none", v2a="none")))
    names = [name for name, _ in alone.named_parameters()]
    assert not [name for name in names if name.startswith(("a2v", "v2a", "style", "face", "linear"))]


@torch.no_grad()
def test_a_clean_driver_does_not_see_what_it_drives(
    any_model: JointModel, latents: tuple[torch.Tensor, ...], condition: Condition
) -> None:
    """Invariant 13."""
    model, (video, audio, s), clean = any_model, latents, torch.zeros(2)
    features = model.encode(condition)
    one = model(Content(video, s), Content(audio, clean), features, v2a=False).audio
    other = model(Content(torch.randn_like(video), s), Content(audio, clean), features, v2a=False).audio
    assert torch.equal(one, other)
    one = model(Content(video, clean), Content(audio, s), features, a2v=False).video
    other = model(Content(video, clean), Content(torch.randn_like(audio), s), features, a2v=False).video
    assert torch.equal(one, other)


@torch.no_grad()
def test_cached_drivers_equal_driven_passes(
    any_model: JointModel, latents: tuple[torch.Tensor, ...], condition: Condition
) -> None:
    """Invariant 13. Rows beyond the live ones are what two driven passes give; the live ones do not see the drivers."""
    model, (video, audio, s), clean = any_model, latents, torch.zeros(2)
    mute, frozen = torch.randn_like(audio), still(video)
    features = model.encode(condition)
    heard = model.drive(None, Content(mute, clean), features)
    seen = model.drive(Content(frozen, clean), None, features)
    twice = (Content(z.repeat(2, *[1] * (z.ndim - 1)), s.repeat(2)) for z in (video, audio))
    out = model(*twice, features.repeat(2), rows=Rows(2, heard, seen)).both
    joint = both(model, video, audio, s, condition)
    driven = (
        model(Content(video, s), Content(mute, clean), features, v2a=False).video,
        model(Content(frozen, clean), Content(audio, s), features, a2v=False).audio,
    )
    alone = (
        model(Content(video, s), None, features, rows=Rows(0, audio=heard)).video,
        model(None, Content(audio, s), features, rows=Rows(0, video=seen)).audio,
    )
    for x, live, negative, cached in zip(out, joint, driven, alone, strict=True):
        torch.testing.assert_close(x[:2], live, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(x[2:], negative, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(cached, negative, atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_a_skipped_block_is_left_out_of_the_rows_named(
    model: JointModel, latents: tuple[torch.Tensor, ...], condition: Condition
) -> None:
    plain, skipped = (both(model, *latents, condition, rows=rows) for rows in (Rows(), Rows(skip=(1, 1))))
    assert torch.equal(plain[0][:1], skipped[0][:1]) and not torch.allclose(plain[0][1:], skipped[0][1:])


@pytest.mark.parametrize("frames", [5, 9, 17])
@torch.no_grad()
def test_every_length_runs(model: JointModel, data: Dataset, frames: int) -> None:
    batch = data.batch([1], 0, frames)
    video, audio = both(model, batch.video, batch.audio, torch.tensor([0.5]), batch.condition)
    assert video.shape == batch.video.shape and audio.shape == batch.audio.shape


def test_patches_come_back_where_they_were() -> None:
    grid = torch.randn(2, 48, 5, 4, 4)
    tokens = patched(grid, 2)
    assert tokens.shape == (2, 5 * 4, 2 * 2 * 48)
    assert torch.equal(unpatched(tokens, grid.shape, 2), grid)


@torch.no_grad()
def test_levels_may_differ_from_latent_to_latent(
    model: JointModel, latents: tuple[torch.Tensor, ...], condition: Condition
) -> None:
    video, audio, s = latents
    features = model.encode(condition)
    scalar = model(Content(video, s), Content(audio, s), features).both
    columns = model(Content(video, s[:, None].expand(-1, 5)), Content(audio, s[:, None].expand(-1, 22)), features)
    given = model(Content(video, s, known=2), Content(audio, s, known=6), features).both
    mixed = torch.where(torch.arange(5) < 2, 0.0, s[:, None]), torch.where(torch.arange(22) < 6, 0.0, s[:, None])
    # the prefix is as noisy as the last token, so that only the held tokens differ: they take no update
    spelled = model(Content(video, mixed[0]), Content(audio, mixed[1]), features).both
    for x, y in zip(scalar, columns.both, strict=True):
        torch.testing.assert_close(x, y, atol=1e-5, rtol=1e-5)
    assert not torch.allclose(given[0], scalar[0]) and not torch.allclose(given[0], spelled[0])


@torch.no_grad()
def test_given_tokens_take_no_update(
    model: JointModel, latents: tuple[torch.Tensor, ...], condition: Condition
) -> None:
    """Of a layer without self-attention between tokens only the held ones stay as they are."""
    video, audio, s = latents
    shallow = stirred(replace(model.config, layers=1))
    features = shallow.encode(condition)
    run = shallow._open(Content(video, s, known=2), Content(audio, s, known=6), features, True, True, Rows())
    assert run.video is not None and run.audio is not None
    before = run.video.own.clone(), run.audio.own.clone()
    shallow._meet(0, run)
    cells = 4
    assert torch.equal(run.video.own[:, : 2 * cells], before[0][:, : 2 * cells])
    assert torch.equal(run.audio.own[:, :6], before[1][:, :6])
    assert (run.video.own[:, 2 * cells :] != before[0][:, 2 * cells :]).any(-1).all()
    assert (run.audio.own[:, 6:] != before[1][:, 6:]).any(-1).all()


@pytest.mark.parametrize("image_cond", ["channel_concat", "ref_frame"])
@torch.no_grad()
def test_a_reference_picture_and_voice_are_seen(
    image_cond: str, nano: Preset, latents: tuple[torch.Tensor, ...], condition: Condition
) -> None:
    video, audio, s = latents
    model = stirred(replace(nano.model, image_cond=image_cond, voice=True))
    features = model.encode(condition)
    plain = model(Content(video, s), Content(audio, s), features).both
    picture, voice = torch.randn(2, 48, 1, 4, 4), torch.randn(2, 7, 40)
    shown = model(Content(video, s, 0, picture), Content(audio, s), features).both
    voiced = model(Content(video, s), Content(audio, s, 0, voice), features).both
    assert shown[0].shape == plain[0].shape and not torch.allclose(shown[0], plain[0])
    assert voiced[1].shape == plain[1].shape and not torch.allclose(voiced[1], plain[1])


@torch.no_grad()
def test_the_other_stream_is_heard_within_the_window_only(model: JointModel) -> None:
    """Changing the last audio token leaves what the first layer's video tokens of latent 0 take from the audio."""
    width = model.config.width
    shallow = stirred(replace(model.config, layers=1))
    hv, ha = torch.randn(1, 20, width), torch.randn(1, 22, width)
    at = shallow._axes(Shape(latents=5, rows=2, columns=2, tokens=22)).a2v
    before = shallow.a2v["0"](hv, ha, at)
    ha[:, -1] = torch.randn(width)
    after = shallow.a2v["0"](hv, ha, at)
    assert torch.equal(before[:, :16], after[:, :16]) and not torch.allclose(before[:, 16:], after[:, 16:])


@torch.no_grad()
def test_joint_attention_with_a_block_diagonal_mask_is_two_attentions() -> None:
    """Invariant 6."""
    q, k, v = (torch.randn(2, 9, 3, 8) for _ in range(3))
    mask = torch.full((9, 9), -torch.inf)
    mask[:5, :5] = mask[5:, 5:] = 0
    apart = torch.cat([attend(q[:, part], k[:, part], v[:, part]) for part in (slice(5), slice(5, 9))], 1)
    torch.testing.assert_close(attend(q, k, v, mask), apart)


@torch.no_grad()
def test_joint_attention_is_one_softmax_over_both_streams(
    nano: Preset, latents: tuple[torch.Tensor, ...], condition: Condition
) -> None:
    """What both streams' queries get together is what each gets by itself."""
    model = stirred(replace(nano.model, interaction=Interaction(a2v="joint", v2a="joint", global_style=False)))
    video, audio, s = latents
    run = model._open(Content(video, s), Content(audio, s), model.encode(condition), True, True, Rows())
    assert run.video is not None and run.audio is not None
    keys = model.video.keys(0, run.video), model.audio.keys(0, run.audio)
    q, k, v = (torch.cat(parts, 1) for parts in zip(*keys, strict=True))
    length, expected = run.video.h.shape[1], attend(q, k, v)
    y = model.video.blocks[0].gated(
        run.video.h, run.video.level, model.video.blocks[0].self_attn.close(expected[:, :length])
    )
    model._attend(0, run)
    torch.testing.assert_close(run.video.h, y, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("text", ["joint", "cross"])
@torch.no_grad()
def test_a_picture_that_leans_hears_the_sound_of_its_own_time(
    text: str, nano: Preset, latents: tuple[torch.Tensor, ...], condition: Condition
) -> None:
    """And a sound sees the picture of its own, in every second head; the others meet all of the clip, as all do
    without leaning.
    """
    config = replace(
        nano.model,
        layers=1,
        interaction=Interaction(a2v="joint", v2a="joint", global_style=False),
        audio=replace(nano.model.audio, text=text),
    )
    model, (video, audio, s) = stirred(config), latents
    later_sound, later_picture = audio.clone(), video.clone()
    later_sound[:, -3:] += 1
    later_picture[:, :, -1] += 1
    attentions = [stream.blocks[0].self_attn for stream in (model.video, model.audio)]
    whole = [attention.o.weight.clone() for attention in attentions]
    for lean, leaning, same in ((0.0, 0, False), (1e4, 0, True), (1e4, 1, False)):
        model.lean = lean
        for attention, weight in zip(attentions, whole, strict=True):  # the update of this half of the heads alone
            others = torch.arange(attention.heads) % 2 != leaning
            attention.o.weight.copy_(weight * ~others.repeat_interleave(weight.shape[1] // attention.heads))
        seen, heard = both(model, video, audio, s, condition)
        assert seen[:, :, 0].equal(both(model, video, later_sound, s, condition)[0][:, :, 0]) == same
        assert heard[:, 0].equal(both(model, later_picture, audio, s, condition)[1][:, 0]) == same


def test_fused_and_plain_attention_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    q, k, v, bias = *(torch.randn(2, 9, 3, 8) for _ in range(3)), torch.randn(9, 9)
    plain = attend(q, k, v, bias)
    monkeypatch.setattr("avbench.generators._joint.layers.LONG", 0)
    torch.testing.assert_close(attend(q, k, v, bias), plain)


@torch.no_grad()
def test_interpolating_before_or_after_projecting_is_the_same(nano: Preset) -> None:
    """Invariant 9: exactly for values, and for keys before their norm."""
    model = stirred(replace(nano.model, interaction=Interaction(v2a="interp")))
    module: Attention = model.v2a["0"].attention
    ramp = torch.rand(22, 5).softmax(1)
    pictures = torch.randn(2, 5, 4, 96)
    mixed = torch.einsum("lf,bfnd->blnd", ramp, pictures)
    for layer in (module.v, module.k):
        torch.testing.assert_close(layer(mixed), torch.einsum("lf,bfnd->blnd", ramp, layer(pictures)))


@pytest.mark.parametrize("task", [name for name in KINDS if name != "stills"])
def test_tasks_have_the_losses_of_what_is_noisy(model: JointModel, data: Dataset, task: str) -> None:
    """Invariant 12: a driver's latents are exactly clean, and only the other modality has a loss."""
    config = TrainConfig(anchor_p=0.0, text_dropout=0.0)
    batch, kind = data.batch([1, 2]), KINDS[task]
    seen: dict[str, Any] = {}
    forward = model.forward

    def watch(video: Content | None, audio: Content | None, features: object, **flags: bool) -> Estimate:
        seen.update(video=video, audio=audio, **flags)
        found: Estimate = forward(video, audio, features, **flags)
        return found

    model.forward = watch
    drawn = draw(2, batch, task, config, torch.Generator().manual_seed(0))
    found = losses(model, batch, drawn, torch.zeros(1, 22, 40), config)
    assert (found.video is not None) == (kind.video == "noisy") == bool(seen["a2v"])
    assert (found.audio is not None) == (kind.audio == "noisy") == bool(seen["v2a"])
    for name, latents in (("video", batch.video), ("audio", batch.audio)):
        content = seen[name]
        assert (content is None) == (getattr(kind, name) is None)
        if content is not None:
            clean = getattr(kind, name) == "clean"
            assert torch.equal(content.z, latents) == clean == bool((content.s == 0).all())


def test_stills_train_the_picture_alone_and_see_no_sound(model: JointModel, data: Dataset) -> None:
    batch = data.batch([1, 2, 3], start=1, frames=1)
    assert batch.video.shape[2] == 1
    drawn = draw(3, batch, "stills", TrainConfig(), torch.Generator().manual_seed(0))
    found = losses(model, batch, drawn, torch.zeros(1, 2, 40), TrainConfig())
    assert found.video is not None and found.audio is None and found.duration is None
    deaf = replace(batch, audio=torch.full_like(batch.audio, torch.nan))
    assert torch.equal(found.video, losses(model, deaf, drawn, torch.zeros(1, 2, 40), TrainConfig()).video)
    found.video.backward()
    assert model.video.enter.weight.grad is not None and model.audio.enter.weight.grad is None


@pytest.mark.parametrize("norm", ["global", "region"])
def test_the_mouth_weighs_more_and_nothing_without_a_mouth(data: Dataset, norm: str) -> None:
    """Invariant 11, second half."""
    batch = data.batch([1, 3])  # item 3 has no mouth
    guess = (batch.video + torch.randn_like(batch.video)).requires_grad_()
    plain, weighed = (video_error(guess, batch, TrainConfig(mouth_lambda=by, mouth_norm=norm)) for by in (0.0, 5.0))
    assert weighed[0] > plain[0] and torch.equal(weighed[1], plain[1])
    error, mouth = (guess - batch.video).square()[0], batch.mouth[0].expand(48, -1, -1, -1) > 0
    extra = error[mouth].sum() / error.numel() if norm == "global" else error[mouth].mean()
    torch.testing.assert_close(weighed[0] - plain[0], 5 * extra)
    (gradient,) = torch.autograd.grad((weighed - plain)[1], guess, retain_graph=True)
    assert not gradient.any()


def test_the_face_mask_learns_from_known_faces_only(nano: Preset, data: Dataset) -> None:
    model = stirred(replace(nano.model, interaction=Interaction(**WAYS["interp"]))).requires_grad_()
    batch = data.batch([1, 2])
    drawn = draw(2, batch, "joint", TrainConfig(), torch.Generator().manual_seed(0))
    known, unknown = (
        losses(model, each, drawn, torch.zeros(1, 22, 40), TrainConfig()).mask
        for each in (batch, replace(batch, face=torch.full_like(batch.face, torch.nan)))
    )
    assert known is not None and known > 0 and unknown is not None and unknown == 0


@pytest.fixture
def clip(data: Dataset, model: JointModel) -> Iterator[tuple[Condition, Noise, torch.Tensor]]:
    yield data.batch([1]).condition, Noise.of(3, model, 17), data.codecs.audio.silence(22)


@pytest.mark.parametrize("guidance", ["text", "sync", "modality"])
def test_scale_one_is_no_guidance(
    guidance: str, model: JointModel, clip: tuple[Condition, Noise, torch.Tensor]
) -> None:
    """Invariant 2."""
    config = SampleConfig(steps=2, s_v=1.0, s_a=1.0, guidance=guidance)
    guided, plain = (sample(model, *clip, each) for each in (config, replace(config, guidance="none")))
    strong = sample(model, *clip, replace(config, s_v=3.0, s_a=3.0))
    for one, other, third in zip(guided, plain, strong, strict=True):
        torch.testing.assert_close(one, other, atol=1e-3, rtol=1e-3)
        assert not torch.allclose(third, other, atol=1e-2)


@pytest.mark.parametrize("apg", [False, True])
def test_guidance_acts_inside_its_interval_only(
    apg: bool, model: JointModel, clip: tuple[Condition, Noise, torch.Tensor]
) -> None:
    """Invariant 14."""
    steps: list[int] = []
    config = SampleConfig(steps=4, guidance="text", interval=(0.5, 1.0), apg=apg, grid="uniavgen")
    sample(model, *clip, config, watch=lambda seen: steps.append(seen.step))
    assert steps == [0, 1]
    kinds: list[str] = []
    outside = replace(config, guidance="modality", outside="text", interval=(0.9, 1.0), interval_on="s", slg_layer=1)
    sample(model, *clip, outside, watch=lambda seen: kinds.append(seen.kind))
    assert kinds == ["modality", "modality", "text", "text"]  # s = 1, 0.938, 0.834, 0.005


@pytest.mark.parametrize("guidance", ["none", "text", "sync", "modality"])
@pytest.mark.parametrize("system", ["harmony", "jova", "uniavgen"])
def test_every_mode_keeps_what_is_given(guidance: str, system: str, data: Dataset) -> None:
    preset = PRESETS[system]["nano"]
    model = stirred(replace(preset.model, frames=17, layers=2))
    batch, config = data.batch([1]), SampleConfig(steps=2, guidance=guidance)
    clip = batch.condition, Noise.of(3, model, 17), data.codecs.audio.silence(22)
    free = sample(model, *clip, config)
    driven_v, audio = sample(model, *clip, config, Given(audio=batch.audio))
    assert torch.equal(audio, batch.audio) and not torch.allclose(driven_v, free[0])
    video, driven_a = sample(model, *clip, config, Given(video=batch.video))
    assert torch.equal(video, batch.video) and not torch.allclose(driven_a, free[1])
    begun = Given(first_video=batch.video[:, :, :2], first_audio=batch.audio[:, :9])
    video, audio = sample(model, *clip, config, begun)
    assert torch.equal(video[:, :, :2], batch.video[:, :, :2]) and torch.equal(audio[:, :9], batch.audio[:, :9])
    assert video.isfinite().all() and not torch.allclose(video[:, :, 2:], free[0][:, :, 2:])
    shown = sample(model, *clip, config, Given(picture=batch.video[:, :, :1], voice=batch.audio[:, :7]))
    assert shown[0].isfinite().all() and not torch.allclose(shown[1], free[1])
    assert torch.allclose(shown[0], free[0]) is False


def test_impossible_models_are_refused(nano: Preset) -> None:
    with pytest.raises(UsageError, match="known: none, global, segment, window, joint"):
        Interaction(a2v="interp")
    with pytest.raises(UsageError, match="one width"):
        replace(nano.model, interaction=Interaction(a2v="joint"), audio=AudioConfig(width=64, heads=2))
