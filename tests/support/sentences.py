"""Sentences whose words are as common as in real texts, so that full text has real work to do."""

import json
import random
from importlib.resources import files
from itertools import accumulate

__all__ = ["facts", "sentence"]

MODEL = "server/embedding/minilm"


def _words() -> list[str]:
    """Real words, common ones first, as the model's vocabulary has them."""
    table = json.loads((files("loci") / MODEL / "tokenizer.json").read_text(encoding="utf-8"))
    ranked = sorted(table["model"]["vocab"].items(), key=lambda one: one[1])
    return [word for word, _ in ranked if word.isascii() and word.isalpha() and len(word) > 2]


LEXICON = _words()
ODDS = list(accumulate(1 / rank for rank in range(3, len(LEXICON) + 3)))
"""Zipf's law: words are as common as in real texts, so that full text has real work to do."""


def sentence(number: int) -> str:
    """A sentence of its own for each number, of 10 to 20 words."""
    dice = random.Random(number)
    words = dice.choices(LEXICON, cum_weights=ODDS, k=dice.randrange(10, 20))
    return f"{' '.join(words).capitalize()} {number}."


def facts(count: int, start: int = 0) -> list[str]:
    """So many different facts that are much alike."""
    return [f"Harbour {n} has {n % 7} cranes and a keeper." for n in range(start, start + count)]
