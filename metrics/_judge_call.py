"""Asking the judge: retried where that may help, booked before it is sent, kept once it is answered."""

from __future__ import annotations

import hashlib
import random
import time
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPException
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from avbench.errors import Unscored

from ._judge_api import MOST_OUT, Answer, Call, Shown, answer, call
from ._judge_book import Book, Kept
from ._judge_reply import Grades, grades
from ._judge_settings import KEY, MODEL, URL, Settings

ASKS = 4  # an answer without two grades is asked for again, three times at most
LONGEST_PAUSE = 60.0  # seconds
_MOST = 4 << 20  # bytes of a body that are read
_AGAIN = {408, 409, 425, 429, 500, 502, 503, 504, 529}
_HOPELESS = {401: KEY, 403: KEY, 404: f"{URL} and {MODEL}"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The grades of one call, and the answers that led to them: those before the last were rejected."""

    grades: Grades
    answers: tuple[Kept, ...]


class Judge:
    """One judge, as `asked`. What it can never answer, such as a key that is refused, is asked once a process."""

    def __init__(self, asked: Settings, book: Book) -> None:
        self.asked, self._book = asked, book
        self._hopeless = ""

    def verdict(self, shown: Shown, repeat: int) -> Verdict:
        """Grades of the clip, independent of those of other `repeat`s.

        Raises Unscored when there are none; reasons that
        begin with `needs` may not hold for long, and the same command tries those clips again.
        """
        request = call(self.asked, shown)
        facts = f"{self.asked.api} {request.address} {self.asked.model} {repeat} ".encode()
        name = hashlib.sha256(facts + request.body).hexdigest()
        seen: list[Kept] = []
        for attempt in range(ASKS):
            kept = self._book.find(f"{name}-{attempt}")
            if kept is None:
                found = self._ask(request, shown)
                kept = Kept(time.time(), found.model, self.asked.hide(found.text or f"[no text: {found.why}]"))
                self._book.keep(f"{name}-{attempt}", kept)
            seen.append(kept)
            if (graded := grades(kept.reply)) is not None:
                return Verdict(graded, tuple(seen))
        raise Unscored(f"unjudged: the judge gave no two grades in 0..1, asked {ASKS} times")

    def _ask(self, request: Call, shown: Shown) -> Answer:
        if self._hopeless:
            raise Unscored(self._hopeless)
        pause, last = 1.0, ""
        for attempt in range(self.asked.tries):
            if attempt:
                time.sleep(pause * random.uniform(0.75, 1.25))
            booked = self._book.reserve(self.asked, self.asked.price(shown.tokens(self.asked.prompt), MOST_OUT))
            try:
                body = _sent(request, self.asked.timeout)
            except HTTPError as error:
                with error:
                    last = f"HTTP {error.code}"
                    pause = _pause(error.headers, attempt)
                if error.code not in (408, 500, 504):  # of those the work may have been done, and be billed
                    self._book.settle(booked, 0.0)
                if error.code in _AGAIN:
                    continue
                reason = f"needs the judge, which refuses: {last}"
                if error.code in _HOPELESS:
                    reason = self._hopeless = f"{reason}; see {_HOPELESS[error.code]}"
                raise Unscored(reason) from None
            except TimeoutError:
                last, pause = f"no answer in {self.asked.timeout:g} s", _pause(None, attempt)
                continue
            except (URLError, HTTPException, OSError) as error:
                why = error.reason if isinstance(error, URLError) else error
                last, pause = f"no connection ({type(why).__name__})", _pause(None, attempt)
                if isinstance(why, TimeoutError):
                    last = f"no answer in {self.asked.timeout:g} s"
                else:
                    self._book.settle(booked, 0.0)
                continue
            found = answer(self.asked.api, body)
            if found.tokens_in or found.tokens_out:
                self._book.settle(booked, self.asked.price(found.tokens_in, found.tokens_out))
            return found
        raise Unscored(f"needs the judge, which does not answer: {last}, {self.asked.tries} tries")


class _Stay(HTTPRedirectHandler):
    """Another address would get the key."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> Request | None:
        return None


def _sent(request: Call, timeout: float) -> bytes:
    headers = {"Content-Type": "application/json", "User-Agent": "avbench", **request.secret}
    with build_opener(_Stay).open(Request(request.address, request.body, headers), timeout=timeout) as response:
        body: bytes = response.read(_MOST)
        return body


def _pause(headers: Message | None, attempt: int) -> float:
    """Seconds until the next try: what the server asks for, else 1, 2, 4, …"""
    asked = (headers.get("Retry-After") or "") if headers is not None else ""
    return min(LONGEST_PAUSE, float(asked) if asked.isascii() and asked.isdigit() else 2.0**attempt)
