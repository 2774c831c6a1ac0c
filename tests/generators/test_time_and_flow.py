"""Closed forms: noise schedule, time maps, windows, rotations."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from avbench.generators._joint import flow
from avbench.generators._joint.rope import audio_rotation, axis_widths, temporal_rotation, video_rotation
from avbench.generators._joint.timemap import Timeline, nearest_frames
from avbench.generators._joint.tokens import audio_tokens


def test_shift_five_has_the_published_values() -> None:
    t = torch.tensor([0.1, 0.25, 0.5, 0.75, 0.9])
    expected = torch.tensor([0.3571, 0.625, 0.8333, 0.9375, 0.9783])
    torch.testing.assert_close(flow.shift(t, 5.0), expected, atol=5e-5, rtol=0)


def test_grid_runs_from_noise_to_clean() -> None:
    levels = flow.grid(40, 5.0)
    assert len(levels) == 41 and levels[0] == 1 and levels[-1] == 0 and bool((levels.diff() < 0).all())


@given(st.floats(0.1, 1), st.floats(-3, 5))
def test_guiding_velocities_equals_guiding_noises(level: float, scale: float) -> None:
    """e_hat = z + (1 - s) u_hat is affine in u_hat, and guidance weights sum to 1."""
    source = torch.Generator().manual_seed(0)
    z, u, n = (torch.randn(1, 4, dtype=torch.float64, generator=source) for _ in range(3))
    noise, negative = z + (1 - level) * u, z + (1 - level) * n
    guided = z + (1 - level) * flow.guided(u, n, scale)
    torch.testing.assert_close(flow.guided(noise, negative, scale), guided)


def test_scale_one_is_the_conditional_output() -> None:
    u, n = torch.randn(5), torch.randn(5)
    assert torch.equal(flow.guided(u, n, 1.0), u)


def test_without_churn_a_step_is_eulers() -> None:
    clean, noise, fresh = torch.randn(3, 7), torch.randn(3, 7), torch.randn(3, 7)
    s, to = torch.tensor(0.6), torch.tensor(0.45)
    z = flow.noised(clean, noise, s.expand(3))
    torch.testing.assert_close(flow.renoised(z, clean, s, to, fresh, 0.0), z + (to - s) * (noise - clean))
    torch.testing.assert_close(
        flow.renoised(z, clean, s, to, fresh, 1.0), flow.noised(clean, fresh, to.expand(3)), rtol=1e-5, atol=1e-6
    )


@given(st.floats(0, 1))
def test_churn_keeps_the_amount_of_noise(churn: float) -> None:
    source = torch.Generator().manual_seed(0)
    clean, noise, fresh = (torch.randn(4000, dtype=torch.float64, generator=source) for _ in range(3))
    s, to = torch.tensor(0.8, dtype=torch.float64), torch.tensor(0.5, dtype=torch.float64)
    z = flow.renoised((1 - s) * clean + s * noise, clean, s, to, fresh, churn)
    assert float((z - (1 - to) * clean).std()) == pytest.approx(0.5, rel=0.05)


@pytest.mark.parametrize(("frames", "tokens"), [(101, 127), (65, 82), (33, 42), (17, 22)])
def test_audio_tokens_cover_the_clip(frames: int, tokens: int) -> None:
    assert audio_tokens(frames) == tokens


@given(st.integers(1, 40))
def test_latents_partition_the_frames(n: int) -> None:
    line = Timeline(4 * n + 1, audio_tokens(4 * n + 1))
    covered = [frame for latent in range(line.latents) for frame in range(*line.span(latent))]
    assert covered == list(range(line.frames))


def test_windows_of_the_released_model() -> None:
    """La = 506, F = 21: latent 2 hears tokens 19 .. 69, 51 of them, as in Sora2-mini's model.py."""
    line = Timeline(81, 506)
    assert (line.heard(2, 0.5).start, line.heard(2, 0.5).stop - 1) == (19, 69)
    bias = line.a2v_bias(0.5)
    assert bias[2].isfinite().nonzero().flatten().tolist() == list(range(19, 70))


def test_windows_replicate_the_edge_tokens() -> None:
    line = Timeline(81, 506)
    weights = line.a2v_bias(0.5).exp()
    assert float(weights[0, 0]) == pytest.approx(1 - line.heard(0, 0.5).start)
    assert float(weights[-1, -1]) == pytest.approx(1 + line.heard(20, 0.5).stop - 506)
    assert weights.sum(1).tolist() == pytest.approx([len(line.heard(i, 0.5)) for i in range(21)], rel=1e-5)


def test_v2a_windows_hold_the_own_latent_and_its_neighbours() -> None:
    line = Timeline(101, 127)
    near = line.v2a_bias(1).isfinite()
    assert near[0].nonzero().flatten().tolist() == [0, 1]
    assert near[60].nonzero().flatten().tolist() == [11, 12, 13]  # token 60 starts in frame 47, of latent 12
    assert near[-1].nonzero().flatten().tolist() == [24, 25]


def test_a_zero_window_hears_every_token() -> None:
    line = Timeline(101, 127)
    assert {token for latent in range(26) for token in line.heard(latent, 0)} >= set(range(127))


@pytest.mark.parametrize(("frames", "tokens", "error"), [(81, 506, 2.86), (121, 157, 2.90), (65, 82, 2.82)])
def test_uniform_map_is_wrong_near_the_start(frames: int, tokens: int, error: float) -> None:
    line = Timeline(frames, tokens)
    placed = float(line.latent_positions("uniform")[1] / float(line.rate))
    assert placed - line.span(1)[0] == pytest.approx(error, abs=0.005)  # in frames
    assert line.span(1)[0] < float(line.latent_positions("exact")[1] / float(line.rate)) < line.span(1)[1]


@pytest.mark.parametrize("kind", ["uniform", "exact"])
def test_time_maps_are_inverse(kind: str) -> None:
    line = Timeline(101, 127)
    there, back = line.audio_positions(kind), line.latent_positions(kind)
    for latent, position in enumerate(back.tolist()):
        lower = min(int(position), 125)
        between = there[lower] + (position - lower) * (there[lower + 1] - there[lower])
        assert float(between) == pytest.approx(latent, abs=0.3 if kind == "exact" and latent < 2 else 1e-6)


@pytest.mark.parametrize("latent", [2, 7, 13, 20, 25])
def test_aligned_rotation_peaks_at_the_matching_time(latent: int) -> None:
    line, d = Timeline(101, 127), 32
    content = torch.zeros(d)
    content[: axis_widths(d)[0]] = 1.0
    query = temporal_rotation(torch.tensor([latent]), d)(content.expand(1, 1, 1, d))[0, 0, 0]
    keys = temporal_rotation(line.audio_positions("exact"), d)(content.expand(1, 127, 1, d))[0, :, 0]
    peak = int((keys @ query).argmax())
    assert abs(peak - float(line.latent_positions("exact")[latent])) <= 0.5


def test_rotation_keeps_lengths_and_depends_on_differences() -> None:
    x, y = torch.randn(1, 1, 1, 32).expand(1, 9, 1, 32), torch.randn(1, 1, 1, 32).expand(1, 9, 1, 32)
    turn = audio_rotation(torch.arange(-4, 5), 32)
    a, b = turn(x)[0, :, 0], turn(y)[0, :, 0]
    torch.testing.assert_close(a.norm(dim=1), x[0, :, 0].norm(dim=1))
    torch.testing.assert_close(a[1] @ b[3], a[5] @ b[7])


def test_axis_split_is_wans() -> None:
    assert axis_widths(128) == (44, 42, 42) and axis_widths(32) == (12, 10, 10)
    assert video_rotation(torch.arange(3), 2, 2, 32).cos.shape == (12, 32)


@pytest.mark.parametrize(("seconds", "frames"), [(4.04, 101), (4.0, 101), (2.6, 65), (60, 101), (0.01, 5), (1.0, 25)])
def test_length_is_the_nearest_the_model_can_make(seconds: float, frames: int) -> None:
    assert nearest_frames(seconds, 25, 101) == frames


def test_other_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match=r"4n \+ 1"):
        Timeline(100, 125)


def test_weight_is_the_velocity_error_times_the_level() -> None:
    assert float(flow.weight(torch.tensor(0.5), 0.08)) == pytest.approx(0.5 / 0.25)
    assert math.isfinite(float(flow.weight(torch.tensor(0.0), 0.08)))


@given(st.integers(1, 30), st.integers(1, 8))
def test_segments_partition_the_audio(n: int, each: int) -> None:
    """Invariant 7: every token belongs to one latent, in order, and latents that own tokens hear these alone."""
    line = Timeline(4 * n + 1, each * (4 * n + 1))
    own, bias = line.own(), line.segment_bias()
    assert own.shape == (line.audio_tokens,) and bool((own.diff() >= 0).all()) and own[0] == 0 and own[-1] == n
    assert torch.equal((bias == 0).sum(0), torch.ones(line.audio_tokens, dtype=torch.int64))


@pytest.mark.parametrize("kind", ["latent_ramp", "frame_ramp"])
@pytest.mark.parametrize(("frames", "tokens"), [(81, 506), (101, 127), (17, 22), (5, 3)])
def test_ramps_sum_to_one(kind: str, frames: int, tokens: int) -> None:
    """Invariant 8, also in the last tokens, where the released code adds up to 2."""
    ramp = Timeline(frames, tokens).ramp(kind)
    torch.testing.assert_close(ramp.sum(1), torch.ones(tokens))
    assert bool((ramp >= 0).all()) and bool(((ramp > 0).sum(1) <= 2).all())


def test_the_frame_ramp_mixes_a_latents_last_frame_alone() -> None:
    line = Timeline(9, 90)  # ten tokens a frame
    ramp = line.ramp("frame_ramp")
    assert ramp[15, 1] == 1 and ramp[45, 1] == pytest.approx(0.5) and ramp[45, 2] == pytest.approx(0.5)
    assert ramp[5, 0] == pytest.approx(0.5) and ramp[89, 2] == 1


def test_projected_guidance_has_no_part_along_the_estimate() -> None:
    c, n = torch.randn(2, 3, 4), torch.randn(2, 3, 4)
    away = flow.projected(c, n, 3.0) - c
    assert ((away * c).sum((1, 2)).abs() < 1e-4).all()
    torch.testing.assert_close(flow.projected(c, n, 1.0), c)
    assert (flow.projected(c, n, 2.0, most=0.1) - c).square().sum((1, 2)).sqrt().max() <= 0.1 + 1e-5


def test_the_late_grid_ends_at_a_thousandth() -> None:
    levels = flow.late_grid(50, 5.0)
    assert len(levels) == 51 and levels[0] == 1 and levels[-1] == 0
    assert float(levels[-2]) == pytest.approx(0.005 / 1.004, rel=1e-3)
