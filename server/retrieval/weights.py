"""The numbers of the ranking, which were fitted and not thought up. `weights.json` has them, with the
command that fits them, what it was run on, and the model whose cosines they are of."""

import json
from collections.abc import Mapping
from importlib import resources
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["CALIBRATION", "SIGNALS", "WEIGHTS", "Signals", "weights_of"]

Signals = Literal["all", "words", "meaning"]
"""Which signals count: all, or one of the two lists alone."""

SIGNALS = (
    "words",
    "meaning",
    "said_by",
    "in_time",
    "asks",
    "beside",
    "reply",
    "shows",
    "user",
)
"""What a score is made of, in the order of `WEIGHTS`:

words, meaning: its place between the floor and the best of its list; 0 where the list has not got it
said_by: somebody whom the question names said it
in_time: it falls into the time that the question speaks of
asks: it is a question itself
beside: the better of words and meaning, together, of the two beside it in its session
reply: the same of the one before it, where that one is a question
shows: it tells of times or numbers, where the question asks for such
user: it was said by the user of an assistant, not by the assistant
"""


def _read() -> Mapping[str, Any]:
    folder = resources.files(__package__ or "")
    return json.loads(folder.joinpath("weights.json").read_text(encoding="utf-8"))


_FITTED = _read()
WEIGHTS = np.array([_FITTED["weights"][name] for name in SIGNALS])
CALIBRATION = np.array(
    [_FITTED["calibration"][name] for name in ("constant", "cosine", "share", "score")]
)
"""Of the logistic function of `relevance`."""


def weights_of(signals: Signals) -> NDArray[np.float64]:
    """The weights, where only some signals count."""
    if signals == "all":
        return WEIGHTS
    return np.array([1.0 if name == signals else 0.0 for name in SIGNALS])
