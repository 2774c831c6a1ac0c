"""Utterances by espeak-ng, run as a script in a process of its own: `python -I -S espeak.py` with JSON on stdin.

espeak-ng keeps its oscillators' phases from call to call and cannot be unloaded, so the only way to the same samples
for the same text, whatever was said before, is a fresh process (20 ms). Standard library only.
"""

from __future__ import annotations

import ctypes
import json
import struct
import sys
from typing import Any

PITCH, RANGE, RATE = 3, 4, 1  # espeak_PARAMETER
WORD, PHONEME = 1, 7  # espeak_EVENT_TYPE
FASTEST = 420  # words a minute; espeak's limit is 450


class _Id(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):  # espeak_EVENT of speak_lib.h
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    )


def speak(call: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """Header (rate, words as [position, sample], phones as [symbol, sample]) and int16 samples.

    Spoken again, faster, until it is at most `call["limit"]` seconds long.
    """
    lib = ctypes.CDLL(call["library"])
    data = call["data"].encode() or None
    rate = lib.espeak_Initialize(2, 0, data, 1)  # AUDIO_OUTPUT_SYNCHRONOUS, phoneme events
    if rate <= 0:
        raise SystemExit("espeak_Initialize failed")
    if hasattr(lib, "espeak_ng_SetRandSeed"):  # 1.52 seeds its flutter and breath from the clock
        lib.espeak_ng_SetRandSeed(ctypes.c_long(1))
    if sys.platform != "win32":
        ctypes.CDLL(None).srand(1)
    chunks: list[bytes] = []
    words: list[list[int]] = []
    phones: list[list[Any]] = []

    def heard(samples: int | None, count: int, events: Any) -> int:
        if samples and count > 0:
            chunks.append(ctypes.string_at(samples, 2 * count))
        i = 0
        while events[i].type != 0:
            event = events[i]
            if event.type == WORD:
                words.append([event.text_position - 1, event.sample])
            elif event.type == PHONEME:
                phones.append([event.id.string.decode("utf-8", "replace"), event.sample])
            i += 1
        return 0

    callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(_Event))(heard)
    lib.espeak_SetSynthCallback(callback)
    voice = next((name for name in call["voices"] if lib.espeak_SetVoiceByName(name.encode()) == 0), None)
    if voice is None:
        raise SystemExit(f"no voice among {call['voices']}")
    lib.espeak_SetParameter(PITCH, call["pitch"], 0)
    lib.espeak_SetParameter(RANGE, call["range"], 0)
    text, speed = call["text"].encode(), call["rate"]
    for _ in range(4):
        for heap in (chunks, words, phones):
            heap.clear()
        lib.espeak_SetParameter(RATE, speed, 0)
        lib.espeak_Synth(text, len(text) + 1, 0, 1, 0, 1, None, None)
        lib.espeak_Synchronize()
        spoken = next((at for symbol, at in reversed(phones) if symbol.startswith("_:")), 0)
        if spoken <= call["limit"] * rate or speed >= FASTEST:
            break
        speed = min(FASTEST, int(speed * max(1.08, 1.04 * spoken / (call["limit"] * rate))))
    return {"rate": rate, "words": words, "phones": phones, "speed": speed}, b"".join(chunks)


if __name__ == "__main__":
    for each in json.load(sys.stdin):
        header, samples = speak(each)
        head = json.dumps(header).encode()
        sys.stdout.buffer.write(struct.pack("<II", len(head), len(samples)) + head + samples)
