"""`loci remember`: one statement, or each line of a file."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.text import Text

from ..access import Shell, verbs
from ..errors import InvalidInput, LociError
from ..model import Draft, Kind, Remembered, Source, from_time, until_time
from ..settings import Settings
from .ask import Flags, ask
from .output import people, print_json, progress

__all__ = ["Details", "remember"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """What is kept beside each statement, as typed."""

    kind: Kind
    tags: tuple[str, ...]
    namespace: str | None
    entities: tuple[str, ...]
    importance: float | None
    pinned: bool
    source: Source
    speaker: str | None
    at: str | None
    session: str | None
    valid_until: str | None
    expires_in: float | None
    supersedes: tuple[str, ...]
    metadata: tuple[str, ...]

    def draft(self, content: str, settings: Settings) -> Draft:
        """A statement with its details. Raises InvalidInput."""
        return Draft(
            content=content,
            kind=self.kind,
            tags=self.tags,
            namespace=settings.namespace if self.namespace is None else self.namespace,
            entities=self.entities,
            importance=self.importance,
            pinned=self.pinned,
            source=self.source,
            speaker=self.speaker,
            at=from_time("at", self.at),
            session=self.session,
            valid_until=until_time("valid_until", self.valid_until),
            expires_in=self.expires_in,
            supersedes=self.supersedes,
            metadata=dict(_pair(text) for text in self.metadata),
        )


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise InvalidInput(f"metadata: {text[:40]!r} has no =; use KEY=VALUE.")
    return key, value


def remember(flags: Flags, content: str, lines: Path | None, details: Details) -> None:
    """Remember, and print what became of each statement. Raises LociError."""
    settings = flags.settings()
    if lines is not None and content != "-":
        raise InvalidInput("Give a statement or --lines, not both.")
    contents = [_statement(content)] if lines is None else _lines(lines)
    drafts = [details.draft(one, settings) for one in contents]

    async def verb(shell: Shell) -> list[Remembered]:
        return await _in_batches(shell, drafts, settings.max_batch)

    answers = ask(flags, settings, "remember", verb)
    if flags.as_json:
        print_json(answers)
    elif lines is None:
        _show(answers[0])
    else:
        new = sum(answer.status != "duplicate" for answer in answers)
        people().print(f"Remembered {new:,} of {len(answers):,} lines; the others were known.")
        if masked := sum(bool(answer.masked) for answer in answers):
            people().print(f"Credentials were masked in {masked:,} of them.")


async def _in_batches(shell: Shell, drafts: Sequence[Draft], size: int) -> list[Remembered]:
    answers: list[Remembered] = []
    if len(drafts) <= size:
        return await shell(verbs.remember, drafts)
    with progress("Remembering", len(drafts)) as bar:
        for start in range(0, len(drafts), size):
            batch = drafts[start : start + size]
            try:
                answers += await shell(verbs.remember, batch)
            except LociError as error:
                where = f"{error} (In lines {start + 1} to {start + len(batch)}, blank ones aside."
                raise type(error)(f"{where} The {start:,} before are remembered.)") from error
            bar.advance(bar.task_ids[0], len(batch))
    return answers


def _statement(content: str) -> str:
    return _read(None) if content == "-" else content


def _lines(path: Path) -> list[str]:
    text = _read(None if str(path) == "-" else path)
    found = [line for line in text.splitlines() if line.strip()]
    if not found:
        raise InvalidInput(f"{path}: there is no line to remember.")
    return found


def _read(path: Path | None) -> str:
    """A file, or stdin."""
    if path is None and sys.stdin.isatty():
        sys.stderr.write("Say what to remember, and end with Ctrl-D.\n")
    try:
        return sys.stdin.read() if path is None else path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path or 'stdin'} is not text in UTF-8.") from error
    except OSError as error:
        raise InvalidInput(f"{path or 'stdin'} cannot be read: {error.strerror}.") from error


def _show(answer: Remembered) -> None:
    words = {
        "stored": "Remembered as",
        "duplicate": "Already known as",
        "superseded_others": "Remembered, in the place of what it supersedes, as",
    }
    people().print(f"{words[answer.status]} {answer.id}", soft_wrap=True)
    if answer.masked:
        people().print(Text(f"  masked: {', '.join(answer.masked)}"), soft_wrap=True)
    for near in answer.similar:
        like = f"  similar ({near.relevance:.2f}) {near.id}  "
        people().print(Text(like + near.content), soft_wrap=True)
