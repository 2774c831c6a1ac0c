"""TC and EC by a judge: what it is shown, which answers count, what it may cost, and that the key goes nowhere else."""

from __future__ import annotations

import base64
import io
import json
import sqlite3
import threading
import wave
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import fmean
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from avbench.errors import NotApplicable, Unscored
from avbench.media.mux import write
from avbench.metrics import _judge_call, judge
from avbench.metrics._judge_book import Book, Kept
from avbench.metrics._judge_call import Verdict
from avbench.metrics._judge_reply import Grades, grades
from avbench.metrics._judge_settings import backend, settings
from avbench.records import Clip, Prompt, Sample, SpeechLine

KEY = "sk-canary-0123456789abcdef"
SPOKEN = Prompt("p", video_caption="a woman speaks", speech=(SpeechLine("hello"),))
GOOD = '{"score": [0.75, 0.5], "reason": "fits"}'
Say = Callable[[int], "tuple[int, str] | None"]  # number of the request to status and text; None: never answer


@dataclass
class FakeJudge:
    """A local server that speaks both interfaces; `say` decides, `seen` are the requests."""

    url: str = ""
    say: Say = lambda n: (200, GOOD)
    raw: bool = False
    seen: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    done: threading.Event = field(default_factory=threading.Event)


def openai_body(text: str) -> dict[str, Any]:
    """As recorded from chat completions of an OpenAI-compatible server."""
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    usage = {"prompt_tokens": 4000, "completion_tokens": 100, "total_tokens": 4100}
    return {"object": "chat.completion", "model": "judge-1-0605", "choices": [choice], "usage": usage}


def gemini_body(text: str) -> dict[str, Any]:
    """As recorded from generateContent, with a thought before the answer."""
    parts = [{"text": 'they score {"score": [0, 0]}', "thought": True}, {"text": text}]
    usage = {"promptTokenCount": 4000, "candidatesTokenCount": 60, "thoughtsTokenCount": 40}
    content = {"parts": parts, "role": "model"}
    return {
        "candidates": [{"content": content, "finishReason": "STOP"}],
        "usageMetadata": usage,
        "modelVersion": "g-2.5",
    }


@pytest.fixture
def fake() -> Iterator[FakeJudge]:
    state = FakeJudge()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            state.seen.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            state.headers.append(dict(self.headers))
            state.paths.append(self.path)
            said = state.say(len(state.seen) - 1)
            if said is None:
                state.done.wait(20)
                return
            code, text = said
            make = gemini_body if self.path.endswith(":generateContent") else openai_body
            body = (text if state.raw or code != 200 else json.dumps(make(text))).encode()
            self.send_response(code)
            if code in (301, 302, 307, 308):
                self.send_header("Location", f"{state.url}/elsewhere")
            if code == 429:
                self.send_header("Retry-After", "0")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None: ...

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.daemon_threads = True
    state.url = f"http://127.0.0.1:{httpd.server_address[1]}/v1"
    threading.Thread(target=httpd.serve_forever, args=(0.02,), daemon=True).start()
    yield state
    state.done.set()
    httpd.shutdown()
    httpd.server_close()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that were waited between tries, without waiting."""
    found: list[float] = []
    monkeypatch.setattr(_judge_call.time, "sleep", found.append)
    monkeypatch.setattr(_judge_call.random, "uniform", lambda low, high: 1.0)
    return found


@pytest.fixture
def configured(fake: FakeJudge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pauses: list[float]) -> FakeJudge:
    """The fake server is the judge that the environment names; the book is new."""
    values = {"URL": fake.url, "MODEL": "judge-1", "KEY": KEY, "TIMEOUT": "0.5"}
    for name, value in values.items():
        monkeypatch.setenv(f"AVBENCH_JUDGE_{name}", value)
    monkeypatch.setenv("AVBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("AVBENCH_CACHE", "")
    return fake


@pytest.fixture
def talking(arrays: Any) -> Any:
    """1.2 s of a picture of noise and a voice of noise."""
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (30, 36, 48, 3), np.uint8)
    return arrays(frames, rng.normal(0, 0.1, 19_200).astype(np.float32), 16_000)


def scored(features: Any, prompt: Prompt = SPOKEN) -> Any:
    return judge.Judge().score(Clip(Path("x"), prompt, "m"), features)


def reason(features: Any) -> str:
    with pytest.raises(Unscored) as caught:
        scored(features)
    return str(caught.value)


def shape_of(jpeg: bytes) -> tuple[int, ...]:
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return tuple(picture.shape)


def test_answers_count_as_the_goldens_say(golden: Callable[[str], Path]) -> None:
    study = json.loads(golden("distribution/{}_judge_study.json").read_text())["judge"]
    for case in study["replies"]:
        wanted = Grades(*case["parsed"]) if case["parsed"] is not None else None
        assert grades(case["reply"]) == wanted, case["reply"]
    items = [[Verdict(Grades(*pair), ()) for pair in runs] for runs in study["runs"]]
    means = [judge.means(item) for item in items]
    np.testing.assert_allclose(means, study["item_mean"], atol=1e-9)
    assert fmean(m[0] for m in means) == pytest.approx(study["TC"], abs=1e-9)
    assert fmean(m[1] for m in means) == pytest.approx(study["EC"], abs=1e-9)
    spreads = np.mean([judge.spread(item) for item in items], axis=0)
    np.testing.assert_allclose(spreads, study["run_sd_mean"], atol=1e-9)


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "{",
        "[0.5, 0.5]",
        '{"score": {"a": 1}}',
        '{"score": [0.5, 0.5, 0.5]}',
        '{"score": ["", "1"]}',
        '{"score": ["nan", 0]}',
        '{"score": [-0.1, 0]}',
        '{"score": [1e999, 0]}',
        '{"score": [[0], 0]}',
        '{"score": [2, 0]} or {"score": [1, 0]}',
        "{" * 50_000,
    ],
)
def test_what_is_not_two_grades_is_none(reply: str) -> None:
    assert grades(reply) is None


@pytest.mark.parametrize("api", ["openai", "gemini"])
def test_a_clip_is_shown_three_times_and_nothing_else_is_told(
    configured: FakeJudge, talking: Any, monkeypatch: pytest.MonkeyPatch, api: str
) -> None:
    said = ['{"score": [1, 0.25]}', '{"score": [0.5, 0.25]}', '{"score": [0.75, 1]}']
    configured.say = lambda n: (200, said[n])
    monkeypatch.setenv("AVBENCH_JUDGE_API", api)
    answer = scored(talking)
    assert answer["judge_timbre"].value == pytest.approx(0.75)
    assert answer["judge_emotion"] == pytest.approx(0.5)
    assert answer["judge_timbre_sd"] == pytest.approx(0.25)
    assert len(configured.seen) == 3 and configured.seen[0] == configured.seen[2]
    facts = answer["judge_timbre"].detail
    assert [call["grades"] for call in facts["calls"]] == [[1, 0.25], [0.5, 0.25], [0.75, 1]]
    assert facts["calls"][0]["answers"][0]["reply"] == said[0]
    body, head = configured.seen[0], configured.headers[0]
    if api == "openai":
        assert configured.paths[0] == "/v1/chat/completions" and head["Authorization"] == f"Bearer {KEY}"
        system, user = body["messages"]
        pictures = [c["image_url"]["url"].split(",")[1] for c in user["content"] if c["type"] == "image_url"]
        (sound,) = (c["input_audio"]["data"] for c in user["content"] if c["type"] == "input_audio")
        assert "timbre" in system["content"].lower() and "0.25" in system["content"]
        assert facts["calls"][0]["answers"][0]["model"] == "judge-1-0605"
    else:
        assert configured.paths[0] == "/v1/models/judge-1:generateContent"
        assert head["X-Goog-Api-Key"] == KEY and KEY not in configured.paths[0]
        inline = [p["inlineData"] for p in body["contents"][0]["parts"] if "inlineData" in p]
        pictures = [i["data"] for i in inline if i["mimeType"] == "image/jpeg"]
        (sound,) = (i["data"] for i in inline if i["mimeType"] == "audio/wav")
        assert "timbre" in body["systemInstruction"]["parts"][0]["text"].lower()
    assert KEY not in json.dumps(configured.seen) and "a woman speaks" not in json.dumps(configured.seen)
    assert len(pictures) == facts["frames"] == 3 and shape_of(base64.b64decode(pictures[0])) == (36, 48, 3)
    with wave.open(io.BytesIO(base64.b64decode(sound))) as file:
        assert (file.getframerate(), file.getnchannels(), file.getnframes()) == (16_000, 1, 19_200)


def test_an_answer_is_paid_for_once(configured: FakeJudge, talking: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    first = scored(talking)
    assert scored(talking) == first and len(configured.seen) == 3
    monkeypatch.setenv("AVBENCH_JUDGE_MODEL", "judge-2")
    scored(talking)
    assert len(configured.seen) == 6
    monkeypatch.setenv("AVBENCH_CACHE", "off")
    scored(talking)
    assert len(configured.seen) == 9


def test_what_may_pass_is_tried_again(configured: FakeJudge, talking: Any, pauses: list[float]) -> None:
    """Row 36: timeout, 429 and 500, each tried again a bounded number of times, longer and longer apart."""
    first: list[tuple[int, str] | None] = [(500, "oops"), None, (429, "slow down"), (503, "")]
    configured.say = lambda n: first[n] if n < len(first) else (200, GOOD)
    assert scored(talking)["judge_timbre"].value == 0.75
    assert len(configured.seen) == 7
    assert pauses == [1.0, 2.0, 0.0, 8.0]  # the third is the server's Retry-After


@pytest.mark.parametrize(
    ("say", "wanted"),
    [
        (lambda n: (500, ""), r"^needs the judge, which does not answer: HTTP 500, 5 tries$"),
        (lambda n: (429, ""), r"^needs the judge, which does not answer: HTTP 429, 5 tries$"),
        (lambda n: None, r"^needs the judge, which does not answer: no answer in 0.5 s, 5 tries$"),
    ],
)
def test_what_does_not_pass_is_a_reason(configured: FakeJudge, talking: Any, say: Say, wanted: str) -> None:
    configured.say = say
    with pytest.raises(Unscored, match=wanted):
        scored(talking)
    assert len(configured.seen) == 5


@pytest.mark.parametrize("text", ["not JSON at all", '{"score": [1.5, 0.5]}', '{"score": [7, 8]}', ""])
def test_bad_json_and_grades_out_of_range_are_asked_again_and_then_unjudged(
    configured: FakeJudge, talking: Any, text: str
) -> None:
    """Row 36: bad JSON, score out of range: never a number."""
    configured.say = lambda n: (200, text)
    assert reason(talking) == "unjudged: the judge gave no two grades in 0..1, asked 4 times"
    assert len(configured.seen) == 4
    configured.say = lambda n: (200, GOOD)
    assert reason(talking).startswith("unjudged") and len(configured.seen) == 4  # as it was answered


def test_a_rejected_answer_is_asked_for_again_and_counted(configured: FakeJudge, talking: Any) -> None:
    configured.say = lambda n: (200, "I would rather not." if n in (0, 2) else GOOD)
    facts = scored(talking)["judge_timbre"].detail
    assert [call["rejected"] for call in facts["calls"]] == [1, 1, 0] and len(configured.seen) == 5


@pytest.mark.parametrize("body", ["<html>", "[]", '{"choices": []}', '{"choices": [{"message": null}]}', "{}"])
@pytest.mark.parametrize("api", ["openai", "gemini"])
def test_a_body_of_another_interface_is_no_answer(
    configured: FakeJudge, talking: Any, monkeypatch: pytest.MonkeyPatch, api: str, body: str
) -> None:
    configured.raw, configured.say = True, lambda n: (200, body)
    monkeypatch.setenv("AVBENCH_JUDGE_API", api)
    assert reason(talking).startswith("unjudged")


@pytest.mark.parametrize(("code", "named"), [(401, "AVBENCH_JUDGE_KEY"), (404, "AVBENCH_JUDGE_MODEL"), (302, "")])
def test_a_refusal_is_not_tried_again(configured: FakeJudge, talking: Any, code: int, named: str) -> None:
    configured.say = lambda n: (code, f"wrong key {KEY}")
    said = reason(talking)
    assert f"refuses: HTTP {code}" in said and named in said and KEY not in said
    assert configured.paths == ["/v1/chat/completions"]  # a redirect is not followed: it would get the key


def test_a_refused_key_is_tried_once_a_process(configured: FakeJudge, talking: Any) -> None:
    configured.say = lambda n: (401, "")
    metric = judge.Judge()
    for _ in range(3):
        with pytest.raises(Unscored, match="401"):
            metric.score(Clip(Path("x"), SPOKEN, "m"), talking)
    assert len(configured.seen) == 1


def test_nothing_listens(configured: FakeJudge, talking: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVBENCH_JUDGE_URL", "http://127.0.0.1:9/v1")
    assert reason(talking) == "needs the judge, which does not answer: no connection (ConnectionRefusedError), 5 tries"


def test_calls_are_capped_over_processes_and_resumptions(
    configured: FakeJudge, talking: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AVBENCH_JUDGE_MAX_CALLS", "2")
    assert reason(talking) == "needs a higher cost cap: 2 calls of the judge in 24 hours (AVBENCH_JUDGE_MAX_CALLS)"
    assert reason(talking).startswith("needs a higher") and len(configured.seen) == 2
    monkeypatch.setenv("AVBENCH_JUDGE_MAX_CALLS", "3")
    assert scored(talking)["judge_timbre"].value == 0.75  # two were kept
    assert len(configured.seen) == 3


def test_dollars_are_capped_before_they_are_spent(
    configured: FakeJudge, talking: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """4000 tokens in at 1 and 100 out at 10 dollars a million are half a cent a call; a call may be 0.085."""
    monkeypatch.setenv("AVBENCH_JUDGE_MAX_USD", "0.09")
    assert "needs AVBENCH_JUDGE_USD_PER_MILLION" in reason(talking)
    monkeypatch.setenv("AVBENCH_JUDGE_USD_PER_MILLION", "1,10")
    assert reason(talking) == "needs a higher cost cap: 0.09 USD in 24 hours (AVBENCH_JUDGE_MAX_USD)"
    with sqlite3.connect(tmp_path / "home" / "judge.sqlite") as db:
        assert [round(usd, 6) for (usd,) in db.execute("SELECT usd FROM calls")] == [0.005]
    monkeypatch.setenv("AVBENCH_JUDGE_MAX_USD", "0.2")
    assert scored(talking)["judge_emotion"] == 0.5


def test_calls_of_yesterday_do_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = settings({"AVBENCH_JUDGE_URL": "http://h/v1", "AVBENCH_JUDGE_MODEL": "m", "AVBENCH_JUDGE_MAX_CALLS": "1"})
    book = Book(tmp_path / "judge.sqlite")
    book.reserve(asked, 0.0)
    with pytest.raises(Unscored, match="cost cap"):
        book.reserve(asked, 0.0)
    with sqlite3.connect(book.path) as db:
        db.execute("UPDATE calls SET at = at - 86401")
    book.reserve(asked, 0.0)


def test_workers_share_one_cap(tmp_path: Path) -> None:
    asked = settings({"AVBENCH_JUDGE_URL": "http://h/v1", "AVBENCH_JUDGE_MODEL": "m", "AVBENCH_JUDGE_MAX_CALLS": "20"})
    allowed: list[int] = []

    def spend() -> None:
        mine = Book(tmp_path / "judge.sqlite")
        for _ in range(10):
            try:
                allowed.append(mine.reserve(asked, 0.0))
            except Unscored:
                return

    threads = [threading.Thread(target=spend) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(allowed) == len(set(allowed)) == 20


def test_without_a_place_for_the_bill_nothing_is_asked(
    configured: FakeJudge, talking: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("AVBENCH_CACHE", str(tmp_path / "file"))
    assert "where what the judge costs is kept" in reason(talking) and not configured.seen


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ({}, "needs a judge: set AVBENCH_JUDGE_URL and AVBENCH_JUDGE_MODEL"),
        ({"URL": "https://h/v1"}, "set AVBENCH_JUDGE_MODEL"),
        ({"URL": "file:///etc/passwd", "MODEL": "m"}, "give an address"),
        ({"URL": f"https://h/v1?key={KEY}", "MODEL": "m"}, "the key goes into AVBENCH_JUDGE_KEY"),
        ({"URL": f"https://me:{KEY}@h/v1", "MODEL": "m"}, "the key goes into AVBENCH_JUDGE_KEY"),
        ({"URL": "https://h/v1", "MODEL": "m", "API": "other"}, "openai or gemini"),
        ({"URL": "https://h/v1", "MODEL": "m", "MAX_CALLS": "many"}, "AVBENCH_JUDGE_MAX_CALLS=many"),
        ({"URL": "https://h/v1", "MODEL": "m", "USD_PER_MILLION": "1"}, "in and out"),
        ({"URL": "https://h/v1", "MODEL": "m", "PROMPT": "/absent"}, "cannot be read"),
    ],
)
def test_settings_say_what_is_wrong_and_keep_the_key(values: dict[str, str], wanted: str) -> None:
    with pytest.raises(Unscored, match=wanted) as caught:
        settings({f"AVBENCH_JUDGE_{name}": value for name, value in values.items()})
    assert KEY not in str(caught.value)


def test_settings_and_backends(tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("Grade it.")
    base = {"AVBENCH_JUDGE_MODEL": "models/Gemini 2.5", "AVBENCH_JUDGE_KEY": KEY}
    google = "https://generativelanguage.googleapis.com/v1beta"
    asked = settings(base | {"AVBENCH_JUDGE_URL": google, "AVBENCH_JUDGE_PROMPT": str(words)})
    assert (asked.api, asked.prompt, asked.timeout, asked.calls) == ("gemini", "Grade it.", 120.0, 1000)
    assert KEY not in repr(asked)
    assert settings(base | {"AVBENCH_JUDGE_URL": f"{google}/openai"}).api == "openai"
    assert backend({}) == "judge"
    plain, worded = backend(base), backend(base | {"AVBENCH_JUDGE_PROMPT": str(words)})
    assert plain.startswith("judge-") and worded.startswith(f"{plain}+prompt-")


def test_no_voice_and_no_speaker_are_not_judged(configured: FakeJudge, talking: Any, arrays: Any) -> None:
    silent = arrays(talking.frames, np.zeros(16_000, np.float32), 16_000)
    assert reason(silent).startswith("silent")
    with pytest.raises(NotApplicable, match="off screen"):
        scored(talking, Prompt("p", speech=SPOKEN.speech, off_screen=True))
    with pytest.raises(NotApplicable, match="no speech"):
        scored(talking, Prompt("p", video_caption="rain"))
    assert not configured.seen


def test_a_large_and_long_clip_is_shown_small_and_in_part(arrays: Any) -> None:
    frames: NDArray[np.uint8] = np.zeros((60, 90, 1600, 3), np.uint8)
    features = arrays(frames, np.full(30 * 16_000, 0.1, np.float32), 16_000, fps=2.0)
    shown = features[judge.ShownFrames()]
    assert len(shown) == 40
    assert shape_of(shown[0]) == (36, 640, 3)
    assert features[judge.ShownSound()].seconds == 20


def test_a_key_in_an_answer_is_blotted_out(configured: FakeJudge, talking: Any, tmp_path: Path) -> None:
    configured.say = lambda n: (200, f'{{"score": [1, 1], "reason": "{KEY}"}}')
    assert KEY not in repr(scored(talking))
    assert KEY.encode() not in (tmp_path / "home" / "judge.sqlite").read_bytes()
    assert Book(tmp_path / "home" / "judge.sqlite").find("absent") is None


@pytest.mark.slow
def test_from_the_command_line_with_a_canary_for_a_key(avbench: Any, fake: FakeJudge) -> None:
    """Offline it is unscored and the exit says incomplete; then the same command scores; the key is in no artefact."""
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (30, 64, 64, 3), np.uint8)
    (avbench.folder / "clips").mkdir()
    write(
        avbench.folder / "clips" / "a.mp4",
        Sample(frames, Fraction(25), rng.normal(0, 0.1, 19_200).astype(np.float32), 16_000),
    )
    manifest = avbench.folder / "m.jsonl"
    manifest.write_text(json.dumps({"id": "a", "path": "a.mp4", "speech": [{"text": "hello", "language": "en"}]}))
    asked = ("score", "clips", "--manifest", manifest, "--metrics", "judge_timbre", "--out", "r", "--workers", "0")
    said = avbench(*asked, code=3)
    table = pd.read_parquet(avbench.folder / "r" / "scores.parquet")
    assert set(table.status) == {"unscored"} and table.reason.str.startswith("needs a judge: set").all()

    fake.say = lambda n: (401, f"no: {KEY}") if n == 0 else (200, f'{{"score": [1, 0.5], "reason": "{KEY}"}}')
    env = {"AVBENCH_JUDGE_URL": fake.url, "AVBENCH_JUDGE_MODEL": "judge-1", "AVBENCH_JUDGE_KEY": KEY}
    env |= {"AVBENCH_CACHE": ""}
    refused = avbench(*asked, code=3, **env)
    scored = avbench(*asked, **env)
    table = pd.read_parquet(avbench.folder / "r" / "scores.parquet").set_index("metric")
    assert table.value["judge_timbre"] == 1.0 and table.value["judge_emotion"] == 0.5
    assert set(table.backend) == {"judge-judge-1"}
    report = avbench("report", "r", "--set", "uniavgen", **env)
    assert "TC" in report.stdout and "EC" in report.stdout
    for done in (said, refused, scored, report):
        assert KEY not in done.stdout + done.stderr
    files = [path for path in avbench.folder.rglob("*") if path.is_file()]
    assert {"run.json", "judge.sqlite", "scores.sqlite"} <= {path.name for path in files}
    assert not [path for path in files if KEY.encode() in path.read_bytes()]


def test_a_book_keeps_what_it_is_given(tmp_path: Path) -> None:
    book = Book(tmp_path / "a" / "judge.sqlite")
    kept = Kept(1.5, "m", "r")
    book.keep("x", kept)
    assert book.find("x") == kept and Book(book.path, keeps=False).find("x") is None
