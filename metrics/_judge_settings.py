"""Which judge is asked, from the environment. The key stands nowhere but there and in the request's header."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from avbench.errors import Unscored
from avbench.paths import slug

from ._judge_reply import PROMPT

URL, MODEL, KEY, API = (f"AVBENCH_JUDGE_{name}" for name in ("URL", "MODEL", "KEY", "API"))
WORDS, TIMEOUT, TRIES = (f"AVBENCH_JUDGE_{name}" for name in ("PROMPT", "TIMEOUT", "TRIES"))
CALLS, DOLLARS, PRICES = (f"AVBENCH_JUDGE_{name}" for name in ("MAX_CALLS", "MAX_USD", "USD_PER_MILLION"))
APIS = ("openai", "gemini")


@dataclass(frozen=True, slots=True)
class Settings:
    """The judge and what it may cost; `prices` are dollars a million tokens, in and out, of which `dollars` is the cap.

    `calls` and `dollars` are what may be spent in any 24 hours.
    """

    url: str
    model: str
    api: str
    key: str = field(default="", repr=False)
    prompt: str = PROMPT
    timeout: float = 120.0
    tries: int = 5
    calls: int = 1000
    dollars: float | None = None
    prices: tuple[float, float] | None = None

    def price(self, tokens_in: int, tokens_out: int) -> float:
        """Dollars for so many tokens; 0 where no prices are known."""
        if self.prices is None:
            return 0.0
        return (tokens_in * self.prices[0] + tokens_out * self.prices[1]) / 1e6

    def hide(self, text: str) -> str:
        """`text` without the key."""
        return text.replace(self.key, f"[{KEY}]") if self.key else text


def backend(environment: Mapping[str, str] = os.environ) -> str:
    """`judge-` and the model, marked where the prompt is another: grades of other judges get a column of their own."""
    model = environment.get(MODEL, "").strip()
    name = f"judge-{slug(model)}" if model else "judge"
    if path := environment.get(WORDS):
        try:
            name += f"+prompt-{hashlib.sha256(Path(path).read_bytes()).hexdigest()[:8]}"
        except OSError:
            name += "+prompt-unreadable"
    return name


def settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """What the environment says. Raises Unscored, with what to set, where it is not enough or no good."""
    url, model = (environment.get(name, "").strip() for name in (URL, MODEL))
    if not url or not model:
        lacking = " and ".join(name for name, value in ((URL, url), (MODEL, model)) if not value)
        raise Unscored(f"needs a judge: set {lacking} (docs/judge.md)")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Unscored(f"{URL}: give an address such as https://host/v1")
    if parts.query or parts.fragment or "@" in parts.netloc:  # not repeated here: it may hold the key
        raise Unscored(f"{URL}: leave out user, query and fragment; the key goes into {KEY}")
    google = parts.hostname == "generativelanguage.googleapis.com" and "/openai" not in parts.path
    api = environment.get(API) or ("gemini" if google else "openai")
    if api not in APIS:
        raise Unscored(f"{API}: give openai or gemini")
    dollars = _number(environment, DOLLARS, 0.0) if environment.get(DOLLARS) else None
    prices = _prices(environment)
    if dollars is not None and prices is None:
        raise Unscored(f"{DOLLARS} needs {PRICES}: dollars a million tokens in and out, such as 1.25,10")
    return Settings(
        url=url.rstrip("/"),
        model=model,
        api=api,
        key=environment.get(KEY, "").strip(),
        prompt=_words(environment),
        timeout=_number(environment, TIMEOUT, 120.0) or 120.0,
        tries=max(1, int(_number(environment, TRIES, 5))),
        calls=int(_number(environment, CALLS, 1000)),
        dollars=dollars,
        prices=prices,
    )


def _words(environment: Mapping[str, str]) -> str:
    path = environment.get(WORDS)
    if not path:
        return PROMPT
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise Unscored(f"{WORDS}: {path} cannot be read as UTF-8 text ({type(error).__name__})") from None


def _prices(environment: Mapping[str, str]) -> tuple[float, float] | None:
    text = environment.get(PRICES)
    if not text:
        return None
    try:
        into, out = (float(word) for word in text.split(","))
    except ValueError:
        into = out = -1.0
    if not (0 <= into < float("inf") and 0 <= out < float("inf")):
        raise Unscored(f"{PRICES}={text}: give dollars a million tokens in and out, such as 1.25,10")
    return into, out


def _number(environment: Mapping[str, str], name: str, default: float) -> float:
    text = environment.get(name)
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise Unscored(f"{name}={text}: give a number from 0 up")
    return value
