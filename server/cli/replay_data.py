"""Recorded sessions: notes in lines of JSON, and the scratchpads of a data directory as such."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..access import Shell, verbs
from ..errors import InvalidInput
from ..model import NewNote, NoteOutcome, Section

__all__ = ["Recorded", "read_recorded", "recorded_of", "write_recorded"]


class Recorded(BaseModel):
    """One note, as a line of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    session: str
    section: Section = Section.OBSERVATION
    content: str
    importance: float | None = None
    outcome: NoteOutcome | None = None
    uses: int = Field(0, ge=0)
    namespace: str = ""
    agent: str | None = None
    kept: bool | None = None
    """What would have been right, where somebody said so."""

    def note(self) -> NewNote:
        """To be written again."""
        values: Mapping[str, Any] = self.model_dump(exclude={"kept"})
        return NewNote(**values)


def read_recorded(file: Path) -> list[Recorded]:
    """The notes of a file, in their order.

    Raises:
        InvalidInput: it cannot be read, or a line is no note.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{file} cannot be read: {error}.") from error
    found: list[Recorded] = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            found.append(_read(line, f"{file}, line {number}"))
    if not found:
        raise InvalidInput(f"{file} has no notes. `loci replay --save FILE` writes such a file.")
    return found


def _read(line: str, place: str) -> Recorded:
    try:
        return Recorded.model_validate_json(line)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = ".".join(str(part) for part in first["loc"]) or "the line"
        raise InvalidInput(f"{place}: {name}: {first['msg']}.") from None


def write_recorded(file: Path, notes: Sequence[Recorded]) -> None:
    """Write a file that is the owner's alone.

    Raises:
        InvalidInput: it is there already, or cannot be written.
    """
    lines = [note.model_dump_json(exclude_defaults=True) + "\n" for note in notes]
    try:
        file.touch(mode=0o600, exist_ok=False)
        file.write_text("".join(lines), encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"--save: {file} cannot be written: {error.strerror}.") from error


async def recorded_of(shell: Shell) -> list[Recorded]:
    """The scratchpads of the caller, the session that was written longest ago first, with what was
    decided by hand or by itself as what was kept."""
    found: list[Recorded] = []
    for session in reversed(await shell(verbs.pads)):
        for note in (await shell(verbs.pad, session)).notes:
            decided = note.decision
            found.append(
                Recorded(
                    session=session,
                    section=note.section,
                    content=note.content,
                    importance=note.importance,
                    outcome=note.outcome,
                    uses=note.uses,
                    namespace=note.namespace,
                    agent=note.agent,
                    kept=None if decided is None else decided.verdict == "promoted",
                )
            )
    return found
