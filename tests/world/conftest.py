"""Takes that several tests look at, rendered once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from avbench.records import Prompt, SpeechLine
from avbench.world.render import render
from avbench.world.truth import Take

Talk = Callable[..., Take]


@pytest.fixture(scope="session")
def talk() -> Talk:
    """Renders someone saying a text."""

    def render_talk(text: str, language: str = "en", *, seed: int = 0, size: int = 32) -> Take:
        return render(Prompt("talk", speech=(SpeechLine(text, language),)), seed, size)

    return render_talk


@pytest.fixture(scope="session")
def speech(talk: Talk) -> Take:
    return talk("My brother plays the piano every morning.")


@pytest.fixture(scope="session")
def bells() -> Take:
    return render(Prompt("bells", tags=("event:bell", "events:3")), 0, 32)
