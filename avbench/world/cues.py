"""The words that captions use for events, places, numbers and light: regular expressions, in order of precedence."""

from __future__ import annotations

# First match in this order wins; the specific stand before the general.
CUES: dict[str, str] = {
    "fireworks": r"firework|firecracker|烟花|鞭炮",
    "thunder": r"thunder|lightning|雷",
    "siren": r"siren|ambulance|police car|fire truck|警笛",
    "applause": r"applau|clap(s|ping|ped)? |clapping|audience|掌声",
    "typing": r"typ(ing|es|ist)\b|keyboard|打字",
    "whistle": r"whistl|kettle|referee|哨",
    "dog": r"\bdogs?\b|bark|puppy|狗",
    "bird": r"\bbirds?\b|chirp|sparrow|robin|song ?bird|tweet|鸟",
    "footsteps": r"footstep|walk(s|ing)\b|\bsteps\b|boots|shoes|脚步",
    "door": r"\bdoors?\b|slam|门",
    "clock": r"\bclocks?\b|tick|pendulum|metronome|钟表|滴答",
    "bell": r"\bbells?\b|chime|gong|钟",
    "drum": r"drum|鼓",
    "string": r"guitar|string|violin|cello|\bharp|pluck|strum|banjo|琴|吉他",
    "waves": r"\bwaves?\b|surf|ocean|\bsea\b|shore|海浪",
    "rain": r"\brain|downpour|drizzl|shower|雨",
    "pour": r"pour|jug|pitcher|teapot|倒水",
    "roll": r"\broll(s|ing|ed)?\b|marble|滚",
    "bounce": r"bounc|dribbl|basketball|tennis ball|弹",
    "impact": r"hammer|impact|knock|strik|\bhits?\b|anvil|bang|mallet|thud|锤",
    "engine": r"engine|\bcars?\b|motor|truck|tractor|revv?|引擎|汽车",
    "wind": r"\bwind|gust|breeze|风",
}
PLACE_CUES: dict[str, str] = {  # a night sky goes before the place under it
    "night": r"\bnight|moonlit|fireworks|stars\b|夜", "living-room": r"living[- ]room|客厅",
    "bedroom": r"bedroom|卧室",
    "classroom": r"classroom|school|教室", "kitchen": r"kitchen|厨房",
    "cafe": r"\bcafe|coffee shop|restaurant|咖啡馆",
    "library": r"library|图书馆", "office": r"\boffice|study\b|办公", "stage": r"\bstage|theat|concert|舞台",
    "hall": r"\bhall|church|大厅", "workshop": r"workshop|forge|barn|车间", "garage": r"garage|车库",
    "station": r"station|platform|车站",
    "harbour": r"harbou?r|\bport\b|pier|码头", "roof": r"\broof|屋顶", "lake": r"\blake|pond|river|湖",
    "beach": r"beach|seaside|coast|海滩",
    "mountain": r"mountain|\bpeak|hill|山", "forest": r"forest|woods|woodland|森林", "garden": r"garden|花园",
    "yard": r"\byard|院子",
    "field": r"\bfield|meadow|farm|田", "park": r"\bpark\b|lawn|公园", "street": r"street|road|city|town|pavement|街",
    "plain": r"plain wall|plain background|studio", "room": r"\broom|indoors|house|房间", "sky": r"\bsky\b|天空",
}  # fmt: skip
NUMBERS = {
    "once": 1,
    "twice": 2,
    "thrice": 3,
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
}
COUNTED = (
    "strokes?", "beats?", "knocks?", "barks?", "chirps?", "calls?", "steps?", "footsteps?", "notes?", "ticks?",
    "blasts?",
    "claps?", "bursts?", "bounces?", "hits?", "impacts?", "blows?", "tolls?", "rings?", "slams?", "plucks?",
    "cracks?",
)  # fmt: skip
LIGHTS: dict[str, tuple[float, float, float]] = {
    r"sunset|golden|warm light|candle|lamp": (1.08, 0.98, 0.84),
    r"overcast|grey day|cloudy|cold light|dawn": (0.90, 0.95, 1.02),
    r"\bdim|dark|dusk|evening": (0.80, 0.80, 0.88), r"bright|sunny|daylight|sunlight": (1.06, 1.05, 1.0),
}  # fmt: skip
