"""What `loci eval` reads: corpora and questions, as JSON lines, gzipped or not.

A corpus has a memory a line: `tenant`, `id`, `text`; if known `session`, `speaker`, `role`, `ts` (ISO
8601) and `meta`, of which `tags`, `aliases`, `scope`, `pinned`, `resolved_at` (ISO 8601, after `ts`:
from then on it did not hold) and `superseded_by` (the id of the memory that took its place) are read. Questions have
`id`, `tenant`, `question`, `evidence` (groups of ids: a group is found when any of its ids is); if
known `category`, `question_date`, `stale` (groups of outdated versions), `forbidden` (ids), `abstain`
(nothing answers it) and `scope`. Other columns are not looked at.
"""

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from ..errors import InvalidInput
from ..model import from_time

__all__ = ["Asked", "Corpus", "Row", "corpora_in", "read_corpus"]

_CORPUS, _QUERIES = ".corpus.jsonl", ".queries.jsonl"


def _said(text: str) -> str:
    if not text.strip():
        raise ValueError("it is empty")
    return text


def _time(text: str | None) -> str | None:
    try:
        from_time("the time", text)
    except InvalidInput as error:
        raise ValueError(str(error)) from None
    return text


Said = Annotated[str, AfterValidator(_said)]
Time = Annotated[str | None, AfterValidator(_time)]
Ids = list[str]
Groups = list[Annotated[Ids, Field(min_length=1)]]


class _Line(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")


class Meta(_Line):
    """What a row says beside its text."""

    tags: Ids | None = None
    aliases: Ids | None = None
    scope: Ids | None = None
    pinned: bool | None = None
    resolved_at: Time = None
    superseded_by: str | None = None


class Row(_Line):
    """One memory."""

    tenant: Said
    id: Said
    text: Said
    session: str | None = None
    speaker: str | None = None
    role: str | None = None
    ts: Time = None
    meta: Meta | None = None

    @property
    def more(self) -> Meta:
        """`meta`, which may be left out."""
        return self.meta or Meta()


class Asked(_Line):
    """One question, and what answers it."""

    id: Said
    tenant: Said
    question: str
    category: Said = "all"
    question_date: Time = None
    evidence: Groups = []
    stale: Groups = []
    forbidden: Ids | None = None
    abstain: bool = False
    scope: Ids | None = None

    @property
    def answerable(self) -> bool:
        """Whether something answers it."""
        return bool(self.evidence) and not self.abstain


@dataclass(frozen=True, slots=True)
class Corpus:
    """Memories and questions about them, by tenant. Each tenant has both."""

    name: str
    rows: dict[str, list[Row]]
    """In the order to remember them in: that of the file, but what is superseded first."""
    questions: dict[str, list[Asked]]


def corpora_in(folder: Path) -> list[tuple[Path, Path]]:
    """Each NAME.corpus.jsonl of a folder that has a NAME.queries.jsonl, gzipped or not.

    Raises:
        InvalidInput: there is none.
    """
    pairs: list[tuple[Path, Path]] = []
    for corpus in sorted([*folder.glob(f"*{_CORPUS}"), *folder.glob(f"*{_CORPUS}.gz")]):
        queries = corpus.with_name(corpus.name.partition(_CORPUS)[0] + _QUERIES)
        found = [one for one in (queries, queries.with_name(f"{queries.name}.gz")) if one.is_file()]
        pairs += [(corpus, one) for one in found[:1]]
    if not pairs:
        raise InvalidInput(f"{folder}: no NAME{_CORPUS}[.gz] with NAME{_QUERIES}[.gz] in it.")
    return pairs


def read_corpus(corpus: Path, questions: Path, limit: int | None = None) -> Corpus:
    """The corpus and its questions, or the first `limit` of them.

    Raises:
        InvalidInput: a file cannot be read; or a line is wrong: the text names it.
    """
    rows: dict[str, dict[str, Row]] = {}
    for place, row in _lines(corpus, Row):
        if row.id in rows.setdefault(row.tenant, {}):
            raise InvalidInput(f"{place}: the id {row.id!r} is there twice.")
        rows[row.tenant][row.id] = row
    asked: dict[str, list[Asked]] = {}
    for number, (place, question) in enumerate(_lines(questions, Asked)):
        _check_ids(place, question, rows.get(question.tenant, {}))
        if limit is None or number < limit:
            asked.setdefault(question.tenant, []).append(question)
    if not asked:
        raise InvalidInput(f"{questions}: no questions in it.")
    needed = {tenant: _olds_first(corpus, rows[tenant]) for tenant in asked}
    return Corpus(corpus.name.partition(_CORPUS)[0].partition(".jsonl")[0], needed, asked)


def _check_ids(place: str, question: Asked, rows: dict[str, Row]) -> None:
    if not rows:
        raise InvalidInput(f"{place}: the corpus has no tenant {question.tenant!r}.")
    groups = [*question.evidence, *question.stale, question.forbidden or []]
    for one in (one for group in groups for one in group):
        if one not in rows:
            raise InvalidInput(f"{place}: the corpus has no {one!r} of {question.tenant!r}.")


def _olds_first(corpus: Path, rows: dict[str, Row]) -> list[Row]:
    """A memory is remembered after those whose place it takes, for `supersedes` names these."""
    olds: dict[str, list[Row]] = {}
    for row in rows.values():
        if (newer := row.more.superseded_by) is not None:
            if newer not in rows:
                raise InvalidInput(f"{corpus}: {row.id!r} is superseded by {newer!r}: not there.")
            olds.setdefault(newer, []).append(row)
    ordered: dict[str, Row] = {}
    for row in rows.values():
        chain = [row]
        for one in chain:
            chain += [old for old in olds.get(one.id, []) if old.id not in ordered]
            if len(chain) > len(rows):
                raise InvalidInput(f"{corpus}: {row.id!r} supersedes itself, by way of others.")
        ordered |= {one.id: one for one in reversed(chain) if one.id not in ordered}
    return list(ordered.values())


Line = TypeVar("Line", bound=_Line)


def _lines(path: Path, kind: type[Line]) -> Iterator[tuple[str, Line]]:
    """Each line, and where it stands. Raises InvalidInput."""
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    place = f"{path}, line {number}"
                    yield place, _parsed(place, line, kind)
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror or error}.") from error
    except (EOFError, zlib.error) as error:
        raise InvalidInput(f"{path} is a damaged gzip file: {error}.") from error


def _parsed(place: str, line: bytes, kind: type[Line]) -> Line:
    try:
        return kind.model_validate_json(line)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"]))
        said = first["msg"].removeprefix("Value error, ").rstrip(".")
        raise InvalidInput(f"{place}: {where and f'{where}: '}{said}.") from None
