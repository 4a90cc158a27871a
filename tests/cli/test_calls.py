"""Verbs in lines of JSON: what is read is what was written, and what the daemon's end means."""

import json
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, cast

import anyio
import anyio.to_thread
import pytest

from loci.server.access import Caller, ShellDesk, current_caller, verbs
from loci.server.access.administration import Administration
from loci.server.access.calls import (
    LONGEST,
    Answer,
    Call,
    answer_line,
    call_line,
    error_line,
)
from loci.server.cli.remote import remote_shell
from loci.server.engine import Memories
from loci.server.errors import InvalidInput, LociError, NotFound, StoreFull
from loci.server.model import (
    Answered,
    AuditEntry,
    Board,
    BoardPage,
    BoardQuery,
    Card,
    Cards,
    CardsStatus,
    Cell,
    CellWrite,
    Change,
    Cycle,
    Decision,
    Deed,
    Draft,
    EntityType,
    Filters,
    ForgetMode,
    Forgotten,
    IndexStatus,
    Issued,
    Kind,
    Memory,
    Merged,
    Near,
    Note,
    NoteOutcome,
    Op,
    Pad,
    Page,
    Query,
    Recall,
    Recollection,
    Reflection,
    Remembered,
    Residue,
    Section,
    Selection,
    Source,
    State,
    Status,
    TenantErased,
    TenantRow,
    Tier,
    Token,
    Undone,
    Update,
    Why,
    Written,
)
from loci.server.transports import LinesIn, LinesOut, serve_verbs
from loci.server.transports.wire import MAX_LINE

pytestmark = pytest.mark.anyio

THEN = datetime(2026, 3, 2, 10, 11, 12, 345678, tzinfo=UTC)

MEMORY = Memory(
    id="m1",
    version=2,
    content="Tea, 日本語 🐙\u2028 half \udcff\n",
    kind=Kind.PROCEDURAL,
    tier=Tier.HOT,
    namespace="work/loci",
    tags=("a", "b"),
    entities=(),
    importance=0.1,
    pinned=True,
    source=Source.WEB,
    speaker=None,
    agent="x",
    session="",
    metadata={"deep": [1, 2.5, None, {"at": "2026-01-01"}], "n": True},
    valid_from=THEN,
    valid_until=datetime.max.replace(tzinfo=UTC),
    remembered_at=datetime(1, 1, 1, tzinfo=UTC),
    recorded_at=THEN,
    replaced_at=None,
    superseded_by=None,
    deleted_at=None,
    restorable_until=None,
    uses=3,
    used_at=THEN,
)
INDEX = IndexStatus(
    state="building", searched="exactly", vectors=9, built=(3, 9), built_at=THEN, reason="r"
)
DRAFT = Draft(
    content="Tea \udcff",
    kind=Kind.EPISODIC,
    tags=("x",),
    importance=1 / 3,
    at=datetime(2026, 3, 2, tzinfo=timezone(timedelta(hours=2))),
    expires_in=1e-9,
    supersedes=("m2",),
    metadata={"k": "v"},
)
QUERY = Query(
    text="Who?", filters=Filters(kind=Kind.SEMANTIC, tier=Tier.COLD, tags=("t",), since=THEN)
)
RECALL = Recall(
    recollections=(
        Recollection(
            memory=MEMORY,
            tier=Tier.COLD,
            relevance=0.1 + 0.2,
            why=Why(cosine=None, bm25=-1.5, score=1e-300),
        ),
    ),
    considered=1,
    omitted=0,
    tokens=7,
    nothing_relevant=False,
)
RECEIPT = Forgotten(
    mode=ForgetMode.ERASE,
    ids=("m1",),
    restorable_until=THEN,
    residue=Residue(scanned=("ledger.db",), found=()),
)
REMEMBERED = Remembered(
    id="m1",
    status="duplicate",
    entities=("e",),
    similar=(Near(id="m2", content="c", relevance=0.9),),
    updates=(Update(id="m2", entity="e", attribute="a", was="b", now="c", when=THEN),),
)
STATUS = Status(
    tiers={"hot": 1},
    kinds={},
    embedder="e",
    waiting=0,
    index=INDEX,
    answers=Answered(again=2, sought=1),
    cards=CardsStatus(entities=3, cards=2, card_tokens=40, memory_tokens=90),
    healthy=True,
    canary="sings",
)

PAD = Pad(
    session="monday",
    notes=(
        Note(
            id="n1",
            section=Section.EXAMPLE,
            content="Tea \udcff",
            namespace="",
            agent=None,
            importance=0.1,
            outcome=NoteOutcome.FAILURE,
            at=THEN,
            uses=2,
            memory="m1",
            decision=Decision(
                verdict="promoted", score=0.5, scores={"use": 1 / 3}, reason="r", near="n2"
            ),
        ),
    ),
    omitted=0,
    dropped=3,
    tokens=0,
)

CELL = Cell(key="k", value={"a": [1, None]}, version=3, op=Op.SET, by="ada", at=THEN)
BOARD = Board(name="plan", private=True, version=3, cells=1, made_by=None, changed_at=THEN)
BOARD_PAGE = BoardPage(board="plan", private=False, version=3, cells=(CELL,), hidden={3: 99})
CELL_WRITE = CellWrite(key="k", value=["\udcff"], op=Op.APPEND, if_version=2, ttl=0.5)
TOKEN = Token(
    id="0f",
    tenant="ada",
    scopes=("memory:read",),
    agent=None,
    created_at=THEN,
    expires_at=THEN,
    revoked_at=THEN,
)
ERASED = TenantErased(
    tenant="ada",
    at=THEN,
    memories=3,
    versions=4,
    tokens=1,
    audit=9,
    sought=3,
    residue=Residue(scanned=("ledger.db",), found=()),
)
DEED = Deed(credential="token 0f", agent="a", action="remember", ids=("m1",), count=1)

REFLECTION = Reflection(
    cycle=1, dry_run=False, looked=2, merged=(Merged(into="m2", ids=("m1",), content="Tea."),)
)

CARD = Card(
    id="e1",
    name="e",
    type=EntityType.PERSON,
    aliases=("f",),
    states=(State(attribute="a", value="b", since=THEN, until=None, memory="m1"),),
    memories=("m1",),
    mentions=1,
)

EXCHANGES: dict[str, tuple[dict[str, Any], Any]] = {
    "remember": ({"drafts": [DRAFT, DRAFT]}, [REMEMBERED]),
    "recall": ({"query": QUERY}, RECALL),
    "forget": ({"ids": ["m1"], "mode": ForgetMode.ERASE}, RECEIPT),
    "restore": ({"ids": ("m1",)}, ("m1",)),
    "select": ({"selection": Selection(before=THEN), "mode": ForgetMode.DELETE}, (["m1"], "token")),
    "get": ({"name": "m1"}, MEMORY),
    "history": ({"name": "m1"}, [MEMORY, MEMORY]),
    "page": ({"tier": None, "cursor": "7", "limit": 3}, Page(memories=(MEMORY,), cursor=None)),
    "pads": ({}, ["monday"]),
    "pad": ({"session": "monday"}, PAD),
    "boards": ({}, [BOARD]),
    "board": ({"name": "plan", "query": BoardQuery(key="k", wait=0.5)}, BOARD_PAGE),
    "board_write": (
        {"name": "plan", "write": CELL_WRITE},
        Written(board="plan", private=False, cell=CELL),
    ),
    "entities": (
        {"query": "e", "kind": EntityType.PERSON, "limit": 3, "max_tokens": 100},
        Cards(cards=(CARD,), omitted=1, tokens=9),
    ),
    "merge": ({"into": "e1", "others": ["e2"], "undo": True}, CARD),
    "status": ({}, STATUS),
    "index": ({}, INDEX),
    "reindex": ({}, INDEX),
    "reflect": ({"namespace": None, "dry_run": True}, REFLECTION),
    "undo": ({}, Undone(cycle=1, ids=("m1",))),
    "cycles": ({}, [Cycle(id=1, at=THEN, summary="1 merged", undone_at=None)]),
    "tenants": ({}, [TenantRow(name="ada", created_at=THEN, memories=3, tokens=1)]),
    "create_tenant": ({"name": "ada"}, True),
    "erase_tenant": ({"name": "ada"}, ERASED),
    "tokens": ({"tenant": None}, [TOKEN]),
    "create_token": (
        {"tenant": "ada", "scopes": ["memory:read"], "agent": None, "days": 0.5},
        Issued(token=TOKEN, secret="loci_secret"),
    ),
    "revoke_token": ({"name": "0f"}, TOKEN),
    "audit": ({"tenant": "ada", "after": 7}, [AuditEntry(number=8, at=THEN, deed=DEED)]),
}


def listed(value: object) -> object:
    """A sequence of either kind: an argument may be given as any."""
    return list(cast("Sequence[object]", value)) if isinstance(value, tuple | list) else value


@pytest.mark.parametrize("name", verbs.VERBS)
async def test_what_is_read_is_what_was_written(name: str) -> None:
    arguments, answer = EXCHANGES[name]
    verb = verbs.VERBS[name]
    line = call_line(7, verb, **arguments)
    assert line.count(b"\n") == 1
    call = Call.read(line)
    assert (call.number, call.verb) == (7, name)
    assert {k: listed(v) for k, v in call.arguments.items()} == {
        k: listed(v) for k, v in arguments.items()
    }
    line = answer_line(call, answer)
    assert line.count(b"\n") == 1
    read = Answer.read(line)
    assert read.number == 7
    assert read.of(verb) == answer


@pytest.mark.parametrize("error", [NotFound("No memory."), StoreFull("Full."), LociError("\udcff")])
async def test_an_error_comes_back_as_what_it_was(error: LociError) -> None:
    call = Call.read(call_line(1, verbs.status))
    read = Answer.read(error_line(call, error))
    with pytest.raises(type(error)) as raised:
        read.of(verbs.status)
    assert type(raised.value) is type(error)
    assert str(raised.value) == str(error)


async def test_an_error_that_nobody_knows_is_an_expected_one() -> None:
    for kind in ("NewerError", "Exception", "__doc__"):
        line = json.dumps({"call": 1, "error": {"kind": kind, "text": "why"}}).encode()
        with pytest.raises(LociError, match="why"):
            Answer.read(line).of(verbs.status)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[]",
        b'{"call": 1, "verb": "status"}',
        b'{"call": 1, "verb": "on_change", "arguments": {}}',
        b'{"call": 1, "verb": "index", "arguments": {"tenant": "other"}}',
        b'{"call": 1, "verb": "recall", "arguments": {"query": {"text": 1}}}',
        b'{"call": 1, "verb": "get", "arguments": {"desk": {}, "name": "x"}}',
        b'{"call": 1, "verb": "status", "arguments": []}',
        b"\xff",
    ],
)
async def test_what_is_no_call_is_not_carried_out(line: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of any text
        Call.read(line)


async def test_a_call_that_is_too_long_is_not_sent() -> None:
    assert LONGEST == MAX_LINE
    with pytest.raises(InvalidInput, match="split it"):
        call_line(1, verbs.remember, [Draft(content="x" * LONGEST)])


class GatedDesk:
    """A desk whose building waits."""

    def __init__(self) -> None:
        self.building = anyio.Event()
        self.gate = anyio.Event()
        self.tenants: list[str] = []

    async def memories(self) -> Memories:
        raise StoreFull("The disk is full.")

    async def status(self) -> Status:
        return STATUS

    async def index(self) -> IndexStatus:
        self.tenants.append(current_caller().tenant)
        return INDEX

    async def reindex(self) -> IndexStatus:
        self.building.set()
        await self.gate.wait()
        return INDEX

    @property
    def administration(self) -> Administration:
        raise NotImplementedError

    def on_change(self, listener: Callable[[Change], Awaitable[None]]) -> None:
        pass


@asynccontextmanager
async def served(desk: ShellDesk, *, grace: float = 10) -> AsyncGenerator[socket.socket]:
    """A desk behind a connection; the guest's end of it. It is served to its end with this."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)

    async def serve(out: LinesOut) -> None:
        lines, caller = LinesIn(ours.fileno()), Caller(tenant="ada")
        await serve_verbs(desk, caller, lines, out, grace=grace)
        tasks.cancel_scope.cancel()

    with ours, theirs, anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            out = LinesOut(ours.fileno())
            tasks.start_soon(out.run)
            tasks.start_soon(serve, out)
            yield theirs
            theirs.close()


async def test_one_call_does_not_wait_for_another_and_each_is_the_callers() -> None:
    desk = GatedDesk()
    async with (
        served(desk) as connection,
        remote_shell(connection) as shell,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(shell, verbs.reindex)
        await desk.building.wait()
        assert await shell(verbs.index) == INDEX
        with pytest.raises(StoreFull, match="The disk is full"):
            await shell(verbs.get, "m1")
        desk.gate.set()
    assert desk.tenants == ["ada"]


async def test_more_calls_than_are_worked_on_at_once_are_all_answered() -> None:
    desk = GatedDesk()
    answers: list[Status] = []
    async with served(desk) as connection, remote_shell(connection) as shell:

        async def ask() -> None:
            answers.append(await shell(verbs.status))

        async with anyio.create_task_group() as tasks:
            for _ in range(100):
                tasks.start_soon(ask)
    assert answers == [STATUS] * 100


async def test_who_was_interrupted_is_not_waited_for_long() -> None:
    desk = GatedDesk()
    async with (
        served(desk, grace=0) as connection,
        remote_shell(connection) as shell,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(shell, verbs.reindex)
        await desk.building.wait()
        tasks.cancel_scope.cancel()
    assert not desk.gate.is_set()


@pytest.mark.parametrize(
    "line", [b'{"call": 2, "verb": "rem', b"nonsense\n", b"x" * (MAX_LINE + 1)]
)
async def test_half_a_call_is_the_end_and_holds_up_none_before_it(line: bytes) -> None:
    async with served(GatedDesk()) as connection:
        sent = call_line(1, verbs.status) + line
        await anyio.to_thread.run_sync(connection.sendall, sent)
        connection.shutdown(socket.SHUT_WR)
        await anyio.wait_readable(connection)
        assert Answer.read(connection.recv(10_000)).of(verbs.status) == STATUS


async def test_what_was_asked_before_the_end_is_answered() -> None:
    async with served(GatedDesk()) as connection:
        connection.sendall(call_line(1, verbs.status))
        connection.shutdown(socket.SHUT_WR)
        connection.setblocking(False)
        await anyio.wait_readable(connection)
        assert Answer.read(connection.recv(10_000)).of(verbs.status) == STATUS


async def test_a_daemon_that_ends_before_it_answers_leaves_nobody_waiting() -> None:
    ours, theirs = socket.socketpair()
    with ours, anyio.fail_after(30):
        async with remote_shell(theirs) as shell:

            async def ask() -> None:
                with pytest.raises(LociError, match="may or may not have been done"):
                    await shell(verbs.status)

            async with anyio.create_task_group() as tasks:
                for _ in range(3):
                    tasks.start_soon(ask)
                await anyio.wait_readable(ours)
                ours.close()
            await ask()
