"""Small splits whose words tell the labels, in many shapes."""

from random import Random

import numpy as np

from polarity.data.rows import Rows, Splits
from polarity.tasks import IGNORE_INDEX, Task

TONE = Task("tone", ("bad", "good", "odd"), "tone")
TOPIC = Task("topic", ("war", "food"), "topic")
WORDS = {"bad": "awful poor", "good": "great fine", "odd": "queer weird", "war": "army tank", "food": "bread soup"}
HINDI = {"bad": "ख़राब बेकार", "good": "अच्छा बढ़िया", "odd": "अजीब विचित्र", "war": "सेना युद्ध", "food": "रोटी दाल"}
CHINESE = {"bad": "糟糕", "good": "很好", "odd": "奇怪", "war": "军队", "food": "面包"}


def rows(count: int, seed: int, *, name: str = "r", words: dict[str, str] = WORDS, missing: float = 0.0) -> Rows:
    """Rows with both labels, of which each may be missing."""
    generator = Random(seed)
    texts, labels = [], []
    for _ in range(count):
        tone = generator.choices(TONE.classes, weights=[5, 3, 2])[0]
        topic = generator.choice(TOPIC.classes)
        fillers = ["".join(generator.choices("klmnprst", k=5)) for _ in range(4)]
        parts = [generator.choice(words[tone].split()), generator.choice(words[topic].split()), *fillers]
        generator.shuffle(parts)
        texts.append("".join(parts) if words is CHINESE else " ".join(parts))
        both = [TONE.classes.index(tone), TOPIC.classes.index(topic)]
        labels.append([IGNORE_INDEX if generator.random() < missing else label for label in both])
    ids = [f"{name}{number}" for number in range(count)]
    return Rows(ids, texts, None, np.array(labels, dtype=np.int64).reshape(count, 2))


def splits(
    train: int = 120, val: int = 60, test: int | None = 60, *, words: dict[str, str] = WORDS, missing: float = 0.0
) -> Splits:
    parts = [
        None if count is None else rows(count, number, name=f"{number}-", words=words, missing=missing)
        for number, count in enumerate((train, val, test))
    ]
    assert parts[0] is not None
    assert parts[1] is not None
    return Splits((TONE, TOPIC), parts[0], parts[1], parts[2])
