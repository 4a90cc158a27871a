"""What the demo plays: the conversation that ships with Loci, or one from files."""

import importlib.resources
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from ..errors import InvalidInput

__all__ = ["Question", "Script", "Turn", "read_script"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What somebody said."""

    text: str
    speaker: str | None = None
    ts: str | None = None
    """ISO 8601."""
    session: str | None = None

    def arguments(self) -> dict[str, Any]:
        """For the tool `remember`."""
        given = {"speaker": self.speaker, "at": self.ts, "session": self.session}
        known = {name: value for name, value in given.items() if value is not None}
        return {"content": self.text, "kind": "episodic", "source": "import", **known}


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and what is right."""

    question: str
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class Script:
    """The demo's course."""

    turns: list[Turn]
    questions: list[Question]
    revise: tuple[str, str] | None
    """A question whose first answer is revised, and to what."""
    forget: str
    """A question whose first answer is erased."""


def read_script(conversation: Path | None, questions: Path | None) -> Script:
    """The script from files of JSON lines; what is not given ships with Loci.

    Raises:
        InvalidInput: a file cannot be read or is not such a file.
    """
    shipped = _shipped()
    asked = (
        shipped.questions
        if questions is None
        else [_question(row) for row in _rows(questions, "question")]
    )
    if conversation is None:
        return Script(shipped.turns, asked, shipped.revise, shipped.forget)
    turns = [_turn(row) for row in _rows(conversation, "text")]
    return Script(turns, asked, None, asked[0].question)


def _shipped() -> Script:
    here = importlib.resources.files(__name__.partition(".")[0])
    path = here.joinpath("configs", "demo", "conversation.json")
    content = json.loads(path.read_text(encoding="utf-8"))
    return Script(
        [Turn(**turn) for turn in content["turns"]],
        [Question(**question) for question in content["questions"]],
        (content["revise"]["question"], content["revise"]["content"]),
        content["forget"]["question"],
    )


def _turn(row: Mapping[str, Any]) -> Turn:
    given = {name: row.get(name) for name in ("speaker", "ts", "session")}
    texts = {name: str(value) for name, value in given.items() if value is not None}
    return Turn(text=str(row["text"]), **texts)


def _question(row: Mapping[str, Any]) -> Question:
    answer = row.get("answer")
    return Question(str(row["question"]), None if answer is None else str(answer))


def _rows(path: Path, needed: str) -> list[Mapping[str, Any]]:
    """Raises InvalidInput."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        rows = [cast("object", json.loads(line)) for line in lines if line.strip()]
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise InvalidInput(f"{path} is not JSON lines in UTF-8: {error}.") from error
    found = [cast("Mapping[str, Any]", row) for row in rows if isinstance(row, dict)]
    if not rows or len(found) < len(rows) or any(needed not in row for row in found):
        raise InvalidInput(f"{path}: each line must be an object with {needed!r}.")
    return found
