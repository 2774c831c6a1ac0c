"""Pages to see and hear: the leaderboard, and every prompt with all models' clips side by side on one clock.

One folder that opens from a disk: no server, no network. Scripts and style stand in the pages and are named in their
content security policy by digest, so that nothing else can run, whatever a prompt says.
"""

from __future__ import annotations

import base64
import hashlib
import shutil
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from avbench import __version__
from avbench.evidence import Evidence, Exhibit
from avbench.files import write_atomically
from avbench.parts import FolderReport, Media
from avbench.paths import slug
from avbench.progress import progress
from avbench.records import Detail, Prompt
from avbench.store import load_details

from ._grid import lines, published_grids, published_notes
from ._page.board import Model
from ._page.facts import Facts, sort_out
from ._page.heat import Heat, heats
from ._page.index import Told, index_page
from ._page.look import Look, looks, workers
from ._page.prompt import Player, PromptPage, key, player, prompt_page, struck
from ._page.scores import Scores
from ._page.slots import read_slots
from ._page.stage import Stage

HERE = Path(__file__).parent / "_page"
FIRST, PROMPTS, KEPT = "index.html", "prompts", ".looks.jsonl"


@dataclass(frozen=True, slots=True)
class Way:
    """Where a prompt's page stands among the others, and the addresses of its neighbours ('' at the ends)."""

    place: int
    of: int
    before: str
    after: str


class Html(FolderReport):
    """One folder of pages."""

    summary = "pages with all clips side by side"

    def write(self, evidence: Evidence, out: Path, media: Media) -> Path:
        board = evidence.board
        (out / FIRST).unlink(missing_ok=True)  # written last: half a report has no first page
        shutil.rmtree(out / PROMPTS, ignore_errors=True)
        (out / PROMPTS).mkdir()
        stage = Stage(out, media)
        stage.clear()
        pages = _Pages(evidence, stage)
        environment = _environment()
        rows = []
        prompts = pages.prompts()
        addresses = [f"{PROMPTS}/{_name(prompt)}" for prompt in prompts]
        for i, prompt in enumerate(prompts):
            page = pages.of(prompt)
            way = Way(i + 1, len(prompts), *(addresses[j] if 0 <= j < len(prompts) else "" for j in (i - 1, i + 1)))
            _render(environment, "prompt", out / addresses[i], page=page, root="../", way=way)
            rows.append((_slim(page), addresses[i], next((p.poster for p in page.players if p.poster), "")))
        slots = read_slots(evidence.results.runs)
        told = Told(tuple(lines(board)), tuple(published_grids(board)), tuple(published_notes(board)))
        index = index_page(evidence, pages.models, pages.measures, rows, slots, told)
        made = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
        _render(environment, "index", out / FIRST, page=index, root="", made=made, version=__version__)
        return out / FIRST


class _Pages:
    """What all prompts' pages draw on."""

    def __init__(self, evidence: Evidence, stage: Stage) -> None:
        board = evidence.board
        self.measures = tuple(m for m in (*board.measures, *board.guards) if not m.of_set)  # those of single clips
        self._evidence, self._stage = evidence, stage
        names = dict.fromkeys([*(row.model for row in board.rows), *(e.model for e in evidence.exhibits)])
        self.models = {name: Model(name, i) for i, name in enumerate(names)}
        self._scores = Scores(evidence.results.scores, self.measures)
        entries = [exhibit.entry for exhibit in evidence.exhibits]
        with progress(len({e.sha256 for e in entries if e.sha256}), "look at clips") as tick:
            self._looks = looks(entries, stage.out / KEPT, workers(), tick)
        self._exhibits: dict[tuple[str, str], list[Exhibit]] = {}
        for exhibit in evidence.exhibits:
            prompt = exhibit.entry.clip.prompt
            self._exhibits.setdefault((prompt.suite, prompt.id), []).append(exhibit)
        self._details = _details(evidence)

    def prompts(self) -> list[Prompt]:
        """Those that a clip was asked for."""
        return [prompt for prompt in self._evidence.prompts if (prompt.suite, prompt.id) in self._exhibits]

    def of(self, prompt: Prompt) -> PromptPage:
        exhibits = self._exhibits[prompt.suite, prompt.id]
        exhibits.sort(key=lambda e: (self.models[e.model].number, e.entry.clip.seed))
        seen = [self._looks.get(exhibit.entry.sha256, Look()) for exhibit in exhibits]
        seconds = max((found.seconds for found in seen), default=0.0) or prompt.seconds
        players = [self._player(exhibit, found, seconds) for exhibit, found in zip(exhibits, seen, strict=True)]
        return prompt_page(prompt, players, self.measures, self._scores)

    def _player(self, exhibit: Exhibit, found: Look, seconds: float) -> Player:
        entry, model = exhibit.entry, self.models[exhibit.model]
        there = entry.state == "done" and entry.clip.path.is_file()
        of = key(exhibit.model, entry.clip.prompt, entry.clip.seed)
        return player(
            exhibit,
            model,
            found,
            self._details.get(of, Facts()),
            source=self._stage.clip(exhibit) if there else "",
            poster=self._stage.poster(found, entry.sha256),
            seconds=seconds,
            flags=struck(self._scores.of(of), self.measures),
            heats=self._heats(exhibit, found.fps) if there else (),
        )

    def _heats(self, exhibit: Exhibit, fps: float) -> list[tuple[Heat, str]]:
        """A clip's strips of heat maps and their addresses."""
        clip = exhibit.entry.clip
        where = "--".join(map(slug, (exhibit.model, clip.prompt.suite or "suite", clip.prompt.id)))
        return [
            (heat, self._stage.picture(heat.jpeg, f"{where}_s{clip.seed}--{slug(heat.name)}"))
            for heat in heats(clip.path, fps)
        ]


def _details(evidence: Evidence) -> dict[tuple[str, str, str, int], Facts]:
    found: dict[tuple[str, str, str, int], list[Detail]] = {}
    for run in evidence.results.runs:
        for detail in load_details(run.folder):
            model = run.labels.get(detail.model, detail.model)
            found.setdefault((model, detail.suite, detail.prompt_id, detail.seed), []).append(detail)
    return {of: sort_out(details) for of, details in found.items()}


def _slim(page: PromptPage) -> PromptPage:
    """Without embedded clips, which need not stay in memory until the first page is written."""
    return replace(page, players=tuple(replace(p, source=p.source[:1], captions="") for p in page.players))


def _name(prompt: Prompt) -> str:
    return f"{slug(prompt.suite or 'suite')}--{slug(prompt.id)}.html"


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["sha"] = _digest
    environment.filters["breakable"] = lambda text: escape(text).replace("_", Markup("_<wbr>"))
    environment.filters["source"] = cache(lambda name: (HERE / name).read_text(encoding="utf-8"))
    return environment


def _digest(text: str) -> str:
    """A script's or a style's name in a content security policy."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


def _render(environment: Environment, template: str, path: Path, **given: object) -> None:
    text = environment.get_template(f"{template}.html").render(**given)
    write_atomically(path, lambda to: to.write_text(text, encoding="utf-8", errors="replace", newline="\n"))
