"""The candidates of each question with what they are ranked by, from the real retrieval over memories
that the real server keeps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import anyio
import numpy as np
from numpy.typing import NDArray

from loci.server.cli.evaluation_data import Asked as Line
from loci.server.cli.evaluation_data import Corpus
from loci.server.cli.evaluation_filling import filled, namespace_of
from loci.server.cli.output import progress
from loci.server.embedding import shipped
from loci.server.engine import Limits
from loci.server.home import DATABASE, owned
from loci.server.ledger import Sight, TenantLedger, open_ledger
from loci.server.model import Filters, utc_now
from loci.server.retrieval import Acquaintance, Dense, Matrices
from loci.server.retrieval.gathering import Gathering
from loci.server.retrieval.ordering import ordered
from loci.server.retrieval.question import read_question
from loci.server.retrieval.signs import ASKS
from loci.server.retrieval.traits import Traits
from loci.server.retrieval.weights import SIGNALS

__all__ = ["Case", "collect"]

_TENANT = "local"
"""Whose memories `loci stdio` keeps where nobody says."""


@dataclass(frozen=True, slots=True)
class Case:
    """A question with its n candidates, the newest first: so a stable sort by score breaks ties as
    the ranking does."""

    corpus: str
    tenant: str
    answerable: bool
    signals: NDArray[np.float64]
    """Shape (n, signals), as `ranking` makes them."""
    cosines: NDArray[np.float64]
    """0 where the vectors did not find it."""
    before: NDArray[np.int64]
    after: NDArray[np.int64]
    """The candidates beside each in its session, as places among these; -1 where there is none."""
    asking: NDArray[np.bool_]
    """Whether the one before is a question."""
    evidence: NDArray[np.bool_]
    """Shape (n, groups)."""


def collect(corpus: Corpus, folder: Path) -> list[Case]:
    """The cases of a corpus, whose memories are kept in `folder` and taken from there the next time.

    Questions with nothing to look for are left out.
    """
    cases: list[Case] = []
    with progress(corpus.name, sum(map(len, corpus.rows.values()))) as bar:
        for tenant, asked in corpus.questions.items():
            home, ids, _ = filled(folder, corpus.rows[tenant], bar)
            cases += anyio.run(_cases, corpus.name, home, ids, asked)
    return cases


async def _cases(
    corpus: str, home: Path, ids: Mapping[str, str], asked: Sequence[Line]
) -> list[Case]:
    cases: list[Case] = []
    embedder = shipped()
    with owned(home, "fitting"):
        async with open_ledger(home / DATABASE) as ledger:
            mine = await ledger.for_tenant(
                _TENANT, model=embedder.identity, dimension=embedder.dimension
            )
            limits = Limits()
            dense = Dense(mine, Matrices(limits.matrices), limits.exact_up_to)
            looking = _Looking(mine, Gathering(mine, dense, embedder, "all"), Acquaintance(mine))
            for line in asked:
                if line.question.strip():
                    cases.append(await looking.case(corpus, line, ids))
    await embedder.aclose()
    return cases


class _Looking:
    """Does for one tenant what `recall` does, as far as the order of its candidates."""

    def __init__(
        self, ledger: TenantLedger, gathering: Gathering, acquaintance: Acquaintance
    ) -> None:
        self._ledger = ledger
        self._gathering = gathering
        self._acquaintance = acquaintance

    async def case(self, corpus: str, line: Line, ids: Mapping[str, str]) -> Case:
        """The question's case."""
        sight = Sight(filters=Filters(namespace=namespace_of(line.scope) or None), now=utc_now())
        people, extent = await self._acquaintance.people(), await self._acquaintance.extent()
        # What is relative to now is relative to the last memory: the day of fitting says nothing.
        question = read_question(line.question, people, extent[1], extent)
        found = await self._gathering.gather(question, sight)
        ranked = await ordered(self._acquaintance, question, found)
        rows = await self._ledger.by_seq(ranked.seqs.tolist(), sight)
        order = np.array([one for one in np.argsort(-ranked.seqs) if int(ranked.seqs[one]) in rows])
        order = order.astype(np.int64)
        seqs, signals = ranked.seqs[order], ranked.signals[order]
        traits = await self._acquaintance.traits()
        before, after, asking = _beside(traits, seqs, signals)
        names = [rows[seq].memory.id for seq in seqs.tolist()]
        groups = [{ids[one] for one in group} for group in line.evidence]
        evidence = np.array([[name in group for group in groups] for name in names], np.bool_)
        return Case(
            corpus=corpus,
            tenant=line.tenant,
            answerable=line.answerable,
            signals=signals,
            cosines=ranked.cosines[order],
            before=before,
            after=after,
            asking=asking,
            evidence=evidence.reshape(len(names), len(groups)),
        )


def _beside(
    traits: Traits, seqs: NDArray[np.int64], signals: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    places = traits.places(seqs)
    at = {place: number for number, place in enumerate(places.tolist())}
    before, after = (
        np.array([at.get(one, -1) for one in column[places].tolist()], np.int64)
        for column in (traits.prev, traits.next)
    )
    if not signals[:, SIGNALS.index("beside")].any():
        # The ranking does not look beside: an assistant speaks.
        before, after = np.full_like(before, -1), np.full_like(after, -1)
    asking = (before >= 0) & ((traits.signs[places[before]] & ASKS) > 0)
    return before, after, asking
