"""The dual-stream flow-matching transformer: a video stream, an audio stream, and the layers where they meet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn

from .axes import Axes, Shape, axes
from .config import ATTENTIONS, MIXTURES, POSITIONS, ModelConfig
from .encoders import Features, Texts, WanTexts
from .interaction import CrossModal, FaceMask, StyleAlignment, square
from .passes import Content, Drivers, Estimate, Pass, Rows, in_rows, leaning, looks, mixed, shape_of
from .rope import audio_rotation
from .stream import Form, States, Stream
from .timemap import STRIDE
from .tokens import beside, patched, unpatched


class JointModel(nn.Module):
    """Predicts clean video and audio latents from noisy ones."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        width, audio_width, meeting, sound = config.width, config.audio_width, config.interaction, config.audio
        joint_text, pixels = sound.text == "joint", config.video_channels * config.patch**2
        beside = (config.video_channels + STRIDE) * config.patch**2 if config.image_cond == "channel_concat" else 0
        self.video = Stream(
            Form(pixels + beside, pixels, width, config.heads, round(config.ffn * width), config.layers),
            reads=not joint_text,
            joint_text=joint_text,
            skip=config.skip,
        )
        channels, ffn = config.audio_channels, round((sound.ffn or config.ffn) * audio_width)
        self.audio = Stream(
            Form(channels, channels, audio_width, config.audio_heads, ffn, config.layers, sound.embed),
            reads=sound.text == "cross",
            joint_text=joint_text,
            skip=config.skip,
        )
        self.texts: Any = Texts(config) if config.captions == "words" else WanTexts(config)
        self.prefix = nn.Parameter(0.02 * torch.randn(config.null_tokens, audio_width))
        self.types = nn.Parameter(0.02 * torch.randn(4, audio_width)) if sound.text == "concat" else None
        self.meets = meeting.at(config.layers)
        self.a2v = self._each(meeting.a2v in ATTENTIONS, lambda: CrossModal(width, audio_width, config.heads, meeting))
        self.v2a = self._each(
            meeting.v2a in ATTENTIONS, lambda: CrossModal(audio_width, width, config.audio_heads, meeting)
        )
        self.style = self._each(
            meeting.v2a in ATTENTIONS and meeting.global_style,
            lambda: StyleAlignment(audio_width, width, config.audio_heads),
        )
        self.face = self._each(meeting.fam != "off", lambda: FaceMask(width, meeting.fam_head))
        self.linear_v = self._each(meeting.a2v == "parallel_linear", lambda: square(width, meeting.linear_init))
        self.linear_a = self._each(meeting.v2a == "parallel_linear", lambda: square(width, meeting.linear_init))
        self._axes = lru_cache(maxsize=8)(self._make_axes)
        self.lean = 0.0  # how much a stage of a training leans towards near tokens of the other stream (`Stage.lean`)
        self._observe: Callable[[int, Tensor], None] | None = None

    @contextmanager
    def observed(self, observe: Callable[[int, Tensor], None]) -> Iterator[None]:
        """While it lasts, `observe` is told of every layer how the first row's sound attends the picture's cells:
        (1, La, h' w'), each token's sum 1.
        """
        self._observe = observe
        try:
            yield
        finally:
            self._observe = None

    def encode(self, condition: object) -> Features:
        """Encoded text; depends on neither noise nor time, so sampling encodes it once."""
        return self.texts(condition)

    def forward(
        self,
        video: Content | None,
        audio: Content | None,
        features: Features,
        *,
        a2v: bool = True,
        v2a: bool = True,
        rows: Rows = Rows(),  # noqa: B008  (frozen)
    ) -> Estimate:
        """Clean estimates. With `a2v` or `v2a` off that direction is skipped: a driver must not see what it drives."""
        run = self._open(video, audio, features, a2v, v2a, rows)
        for i in range(self.config.layers):
            self._layer(i, run)
        return Estimate(
            None if video is None or run.video is None else self._close(self.video, video, run.video),
            None if audio is None or run.audio is None else self._close(self.audio, audio, run.audio),
            run.masks,
        )

    def drive(self, video: Content | None, audio: Content | None, features: Features) -> Drivers:
        """What one clean stream offers the other in every layer. It depends on nothing else: compute it once."""
        run = self._open(video, audio, features, False, False, Rows())
        run.offers = {}
        for i in range(self.config.layers):
            self._layer(i, run)
        return Drivers(run.offers, run.shape)

    def _layer(self, i: int, run: Pass) -> None:
        sides = [(stream, x) for stream, x in ((self.video, run.video), (self.audio, run.audio)) if x is not None]
        before = [(x.h, x.words) for _, x in sides]
        for position in POSITIONS:
            if position == self.config.interaction.position and i in self.meets:
                self._meet(i, run)
            if position == "before_self_attn":
                self._attend(i, run)
            else:
                for stream, x in sides:
                    stream.read(i, x) if position == "before_cross_attn" else stream.feed(i, x)
        if run.rows.skip is not None and run.rows.skip[0] == i:
            first = run.rows.skip[1]
            for (_, x), (h, words) in zip(sides, before, strict=True):
                x.h = torch.cat([x.h[:first], h[first:]])
                x.words = None if x.words is None or words is None else torch.cat([x.words[:first], words[first:]])

    def _meet(self, i: int, run: Pass) -> None:
        """Cross-attention both ways, each from the states before either's update."""
        key, v, a, rows = str(i), run.video, run.audio, run.rows
        if key not in self.a2v and key not in self.v2a:
            return
        mask = self.face[key](v.own, v.own_e) if v is not None and key in self.face else None
        seen = None if v is None else v.own if mask is None else mask * v.own
        heard = None if a is None else a.own
        if run.offers is not None:
            offered = heard if seen is None else seen
            assert offered is not None
            run.offers[i] = offered
        if mask is not None:
            run.masks[i] = mask.squeeze(-1)
        dv = da = ds = None
        if v is not None and run.a2v and key in self.a2v:
            heard = rows.met(len(v.h), heard, rows.audio, i)
            inside = mask if self.config.interaction.compat else None
            dv = in_rows(
                v.own, heard,
                lambda x, y: self.a2v[key](x, y, run.axes.a2v, None if inside is None else inside[: len(x)]),
            )  # fmt: skip
            dv = dv if mask is None or inside is not None or dv is None else mask * dv
        if a is not None and run.v2a and key in self.v2a:
            seen = rows.met(len(a.h), seen, rows.video, i)
            da = in_rows(a.own, seen, lambda x, y: self.v2a[key](x, y, run.axes.v2a))
            if self._observe is not None and seen is not None:
                meets, cells = self.v2a[key], run.shape.rows * run.shape.columns
                assert isinstance(meets, CrossModal)
                self._observe(i, meets.looks(a.own[:1], seen[:1], run.axes.v2a, cells))
            if key in self.style and a.first:
                ds = in_rows(a.prefix, seen, self.style[key])
        if a is not None and da is not None:
            a.add(da, ds)
        if v is not None and dv is not None:
            v.add(dv)

    def _attend(self, i: int, run: Pass) -> None:
        """Self-attention, in which a mixture also reads the other stream's keys."""
        meeting, rows, key = self.config.interaction, run.rows, str(i)
        v = None if run.video is None else self.video.keys(i, run.video)
        a = None if run.audio is None else self.audio.keys(i, run.audio)
        meets = self.config.mixed and i in self.meets
        shown, told = (torch.stack(found[1:], 1) if meets and found is not None else None for found in (v, a))
        if run.offers is not None and meets:
            offered = told if shown is None else shown
            assert offered is not None
            run.offers[i] = offered
        if v is not None and run.video is not None:
            takes = meets and run.a2v and meeting.a2v in MIXTURES
            met = rows.met(len(v[0]), told, rows.audio, i) if takes else None
            linear = self.linear_v[key] if key in self.linear_v else None  # noqa: SIM401
            bias = leaning(run, self.lean, self.config.heads, True)
            self.video.take(i, run.video, mixed(*v, met, meeting.a2v == "joint", linear, bias))
        if a is not None and run.audio is not None:
            takes = meets and run.v2a and meeting.v2a in MIXTURES
            met = rows.met(len(a[0]), shown, rows.video, i) if takes else None
            if self._observe is not None and met is not None:
                self._observe(i, looks(a[0][:1], met[:1], run))
            linear = self.linear_a[key] if key in self.linear_a else None  # noqa: SIM401
            bias = leaning(run, self.lean, self.config.heads, False)
            self.audio.take(i, run.audio, mixed(*a, met, meeting.v2a == "joint", linear, bias))

    def _open(
        self, video: Content | None, audio: Content | None, features: Features, a2v: bool, v2a: bool, rows: Rows
    ) -> Pass:
        shape = shape_of(self.config, video, audio, features, rows)
        turns = self._axes(shape)
        return Pass(
            None if video is None else self._open_video(video, features, turns, shape),
            None if audio is None else self._open_audio(audio, features, turns, shape),
            turns, shape, a2v, v2a, rows, {},
        )  # fmt: skip

    def _open_video(self, video: Content, features: Features, turns: Axes, shape: Shape) -> States:
        cells, z = shape.rows * shape.columns, video.z
        if self.config.image_cond == "channel_concat":
            z = torch.cat([z, *beside(z, video.reference)], 1)
        h = self.video.enter(patched(z, self.config.patch))
        clean = 0
        if shape.pictures and video.reference is not None:
            h, clean = torch.cat([self.video.enter(patched(video.reference, self.config.patch)), h], 1), cells
        x = self.video.start(h, video.levels(), turns.video, cells, clean, clean, 0)
        x.held = video.known * cells
        self._text(x, features.video, self.config.audio.text == "joint")
        return x

    def _open_audio(self, audio: Content, features: Features, turns: Axes, shape: Shape) -> States:
        h = self.audio.enter(audio.z)
        if features.aligned is not None:
            h = h + features.aligned.to(h.dtype)
        if audio.reference is None:
            prefix = self.prefix.to(h.dtype).expand(len(h), -1, -1)
        else:
            prefix = self.audio.enter(audio.reference)
        parts, heard = [prefix, h], features.audio
        if self.types is not None:
            parts = [part + kind for part, kind in zip(parts, self.types, strict=False)]
            if heard is not None:
                spoken, captioned = features.letters, heard.shape[1] - features.letters
                kinds = torch.cat([self.types[2].expand(spoken, -1), self.types[3].expand(captioned, -1)])
                parts.append(heard + kinds)
        x = self.audio.start(
            torch.cat(parts, 1),
            audio.levels(),
            turns.audio,
            1,
            prefix.shape[1],
            0 if audio.reference is None or self.config.interaction.compat else prefix.shape[1],
            shape.suffix,
        )
        x.held = audio.known
        self._text(x, heard if self.types is None else None, self.config.audio.text == "joint")
        if x.text is not None and self.config.audio.speech == "text":
            d = self.config.audio_width // self.config.audio_heads
            first = -prefix.shape[1]  # a voice's own words come first
            x.text_turn = audio_rotation(torch.arange(first, first + x.text.shape[1]), d).to(h.device)
            x.text_shown = features.shown
        return x

    def _text(self, x: States, text: Tensor | None, joint: bool) -> None:
        if joint:
            x.words = text
        else:
            x.text = text

    def _close(self, stream: Stream, content: Content, x: States) -> Tensor:
        noisy = patched(content.z, self.config.patch) if content.z.ndim == 5 else content.z
        out = stream.head(x.own, x.own_e, noisy)
        out = unpatched(out, content.z.shape, self.config.patch) if content.z.ndim == 5 else out
        if self.config.predict == "clean":
            return out
        s = content.levels()
        return content.z - (s[:, None, :, None, None] if content.z.ndim == 5 else s[..., None]) * out

    def _make_axes(self, shape: Shape) -> Axes:
        with torch.inference_mode(False):  # a training that samples on the way learns with them afterwards
            return axes(self.config, shape).to(self.prefix.device)

    def _each(self, wanted: bool, make: Callable[[], nn.Module]) -> nn.ModuleDict:
        return nn.ModuleDict({str(i): make() for i in self.meets} if wanted else {})
