"""The two forms in which judges are asked: OpenAI's chat completions, which most servers speak, and Gemini's own."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ._judge_settings import Settings

MOST_OUT = 8192  # tokens of an answer, the model's thoughts included
_ASK = "{n} frames, {step:g} s apart, and the sound of the clip follow."


@dataclass(frozen=True, slots=True)
class Shown:
    """What a judge is shown of a clip: JPEG `frames`, `step` seconds apart, and the `sound` as WAV of `seconds`."""

    frames: tuple[bytes, ...]
    step: float
    sound: bytes
    seconds: float

    def tokens(self, prompt: str) -> int:
        """About how many a request takes, rather too many: what a call is booked with until its bill is known."""
        return 1000 * len(self.frames) + round(100 * self.seconds) + len(prompt) // 2 + 500


@dataclass(frozen=True, slots=True)
class Call:
    """A request: where to, the header that holds the key, and the body."""

    address: str
    secret: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the text ('' where the model refused, with `why`), which model it says it is, and tokens."""

    text: str
    model: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    why: str = ""


def call(asked: Settings, shown: Shown) -> Call:
    """The request that shows a clip to the judge."""
    return (_gemini_call if asked.api == "gemini" else _openai_call)(asked, shown)


def answer(api: str, body: bytes) -> Answer:
    """What a body of status 200 says; an Answer without text where it is none of this interface."""
    try:
        return (_gemini_answer if api == "gemini" else _openai_answer)(json.loads(body))
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
        return Answer("", why=f"no answer of this interface ({type(error).__name__})")


def _openai_call(asked: Settings, shown: Shown) -> Call:
    pictures = [
        {"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{_text(frame)}"}} for frame in shown.frames
    ]
    content: list[dict[str, Any]] = [
        {"type": "text", "text": _ASK.format(n=len(pictures), step=shown.step)},
        *pictures,
        {"type": "input_audio", "input_audio": {"data": _text(shown.sound), "format": "wav"}},
    ]
    messages = [{"role": "system", "content": asked.prompt}, {"role": "user", "content": content}]
    body = json.dumps({"model": asked.model, "messages": messages}).encode()
    return Call(f"{asked.url}/chat/completions", {"Authorization": f"Bearer {asked.key}"} if asked.key else {}, body)


def _openai_answer(found: Mapping[str, Any]) -> Answer:
    choice = found["choices"][0]
    message = choice["message"]
    content: Any = message.get("content") or ""
    if isinstance(content, list):
        content = "".join(part.get("text", "") for part in content)
    usage = found.get("usage") or {}
    why = "" if content else str(message.get("refusal") or choice.get("finish_reason") or "empty")
    into, out = (int(usage.get(name) or 0) for name in ("prompt_tokens", "completion_tokens"))
    return Answer(str(content), str(found.get("model", "")), into, out, why)


def _gemini_call(asked: Settings, shown: Shown) -> Call:
    def inline(kind: str, data: bytes) -> dict[str, Any]:
        return {"inlineData": {"mimeType": kind, "data": _text(data)}}

    parts = [
        {"text": _ASK.format(n=len(shown.frames), step=shown.step)},
        *(inline("image/jpeg", frame) for frame in shown.frames),
        inline("audio/wav", shown.sound),
    ]
    body = {
        "systemInstruction": {"parts": [{"text": asked.prompt}]},
        "contents": [{"role": "user", "parts": parts}],
        "generationConfig": {"maxOutputTokens": MOST_OUT},
    }
    address = f"{asked.url}/models/{quote(asked.model, safe='')}:generateContent"
    return Call(address, {"x-goog-api-key": asked.key} if asked.key else {}, json.dumps(body).encode())


def _gemini_answer(found: Mapping[str, Any]) -> Answer:
    usage = found.get("usageMetadata") or {}
    spent = [int(usage.get(name) or 0) for name in ("promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount")]
    candidates = found.get("candidates") or []
    first = candidates[0] if candidates else {}
    parts = (first.get("content") or {}).get("parts") or []
    text = "".join(part.get("text", "") for part in parts if not part.get("thought"))
    blocked = (found.get("promptFeedback") or {}).get("blockReason")
    why = "" if text else str(blocked or first.get("finishReason") or "empty")
    return Answer(text, str(found.get("modelVersion", "")), spent[0], spent[1] + spent[2], why)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
