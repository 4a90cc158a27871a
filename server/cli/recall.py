"""`loci recall`: ask for what is known."""

from dataclasses import dataclass

from rich.text import Text

from ..access import verbs
from ..model import Filters, Kind, Query, Recall, Recollection, Tier, from_time, until_time
from ..model.render import recall_dict
from ..settings import Settings
from .ask import Flags, ask
from .exits import Exit
from .output import people, print_json

__all__ = ["Question", "recall", "show_recall"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question, as typed."""

    text: str
    limit: int
    max_tokens: int
    kind: Kind | None
    tier: Tier | None
    tags: tuple[str, ...]
    namespace: str | None
    entity: str | None
    session: str | None
    since: str | None
    until: str | None
    as_of: str | None
    known_at: str | None
    include_superseded: bool
    explain: bool

    def query(self, settings: Settings) -> Query:
        """The question as the engine takes it. Raises InvalidInput."""
        given = settings.namespace if self.namespace is None else self.namespace
        filters = Filters(
            kind=self.kind,
            tier=self.tier,
            tags=self.tags,
            namespace=given or None,
            entity=self.entity,
            session=self.session,
            since=from_time("since", self.since),
            until=until_time("until", self.until),
            as_of=until_time("as_of", self.as_of),
            known_at=until_time("known_at", self.known_at),
            include_superseded=self.include_superseded,
        )
        return Query(
            text=self.text,
            limit=self.limit,
            max_tokens=self.max_tokens,
            filters=filters,
            explain=self.explain,
        )


def recall(flags: Flags, question: Question) -> Exit:
    """Print what is known. Raises LociError."""
    settings = flags.settings()
    query = question.query(settings)
    answer = ask(flags, settings, "recall", lambda shell: shell(verbs.recall, query))
    if flags.as_json:
        print_json(recall_dict(answer))
    else:
        show_recall(answer)
    return Exit.OK if answer.recollections else Exit.NOTHING


def show_recall(answer: Recall) -> None:
    """For people."""
    console = people()
    for one in answer.recollections:
        console.print(_line(one), soft_wrap=True)
    if not answer.recollections:
        console.print("Nothing relevant is remembered.")
    elif answer.omitted:
        console.print(f"{answer.omitted} more, less likely or too long: --limit, --max-tokens")


def _line(one: Recollection) -> Text:
    memory = one.memory
    line = Text(f"{one.relevance:4.2f}  ", style="bold")
    line.append(f"{memory.id}  {memory.valid_from:%Y-%m-%d}  ", style="dim")
    line.append(f"{memory.speaker}: " if memory.speaker else "", style="cyan")
    line.append(" ".join(memory.content.split()), style="default not bold")
    if one.why is not None:
        line.append(f"  ({_signals(one)})", style="dim")
    return line


def _signals(one: Recollection) -> str:
    why = one.why
    pairs = {} if why is None else {"cosine": why.cosine, "bm25": why.bm25, "score": why.score}
    return ", ".join(f"{name} {value:.3f}" for name, value in pairs.items() if value is not None)
