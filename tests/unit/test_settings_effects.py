"""Each setting takes effect: a setting without a proof here fails."""

import io
import json
import logging
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Awaitable, Callable, Generator, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import anyio
import anyio.lowlevel
import pytest
from support.sites import Web, jwt_settings, mint, open_web, private_key

from loci.server import embedding
from loci.server.access import Caller, as_caller
from loci.server.app import App, open_app
from loci.server.engine import Memories
from loci.server.errors import InvalidInput, LimitExceeded, LociError, ModelError, SettingsError
from loci.server.model import (
    Actor,
    BoardQuery,
    CellWrite,
    Draft,
    NewNote,
    Note,
    Op,
    Query,
    Section,
    Tier,
    utc_now,
)
from loci.server.retrieval import Matrices
from loci.server.serve import run_server
from loci.server.settings import Settings, load_settings
from loci.server.telemetry import configure_logs
from loci.server.wiring import embedder_for, reranker_for
from loci.server.workspace import Boards
from loci.server.workspace.scratchpads import PadLimits

T = TypeVar("T")


class Proofs:
    """One for each setting, under its name. `given` sets it in the environment."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        self._patch = monkeypatch
        self._folder = tmp_path
        self.given("home", str(tmp_path / "home"))
        self.given("embedder", "hash")

    def given(self, name: str, value: object) -> Settings:
        self._patch.setenv(f"LOCI_{name.upper()}", str(value))
        return load_settings()

    def ask(self, verb: Callable[[Memories], Awaitable[T]]) -> T:
        settings = load_settings()

        async def main() -> T:
            found: list[T | LociError] = []
            async with open_app(settings, warm=False) as app:
                try:
                    found.append(await self._asked(app, settings, verb))
                except LociError as error:
                    found.append(error)
            if isinstance(found[0], LociError):
                raise found[0]
            return found[0]

        return anyio.run(main)

    async def _asked(
        self, app: App, settings: Settings, verb: Callable[[Memories], Awaitable[T]]
    ) -> T:
        with as_caller(Caller(tenant=settings.tenant)), anyio.fail_after(30):
            return await verb(await app.memories())

    def remember(self, *contents: str) -> list[Any]:
        drafts = [Draft(content=content) for content in contents]
        return list(self.ask(lambda memories: memories.remember(drafts)))

    def home(self) -> None:
        self.given("home", self._folder / "elsewhere")
        self.remember("here")
        assert (self._folder / "elsewhere" / "ledger.db").is_file()
        assert not (self._folder / "home").exists()

    def profile(self) -> None:
        assert self.given("profile", "prod").log_format == "json"
        assert self.given("profile", "dev").log_level == "debug"

    def tenant(self) -> None:
        self.given("tenant", "mara")
        (stored,) = self.remember("Mara likes tea")
        self.given("tenant", "tomas")
        assert self.ask(lambda m: m.page()).memories == ()
        self.given("tenant", "mara")
        assert [one.id for one in self.ask(lambda m: m.page()).memories] == [stored.id]

    def namespace(self) -> None:
        self.given("namespace", "work/loci")
        self._command("remember", "It has a namespace")
        assert [one.namespace for one in self.ask(lambda m: m.page()).memories] == ["work/loci"]

    def _command(self, *arguments: str, stdin: str = "") -> str:
        command = [sys.executable, "-m", "loci.server", *arguments]
        done = subprocess.run(
            command, input=stdin, capture_output=True, encoding="utf-8", check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def tools(self) -> None:
        assert "revise" in self._listed("full")
        assert "revise" not in self._listed("core")

    def _listed(self, tools: str) -> list[str]:
        self.given("tools", tools)
        return [tool["name"] for tool in self._answer("tools/list", {})["tools"]]

    def _answer(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        client = {"name": "test", "version": "1"}
        version = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client}
        messages: list[dict[str, Any]] = [
            {"id": 1, "method": "initialize", "params": version},
            {"method": "notifications/initialized"},
            {"id": 2, "method": method, "params": params},
        ]
        lines = [json.dumps({"jsonrpc": "2.0", **message}) + "\n" for message in messages]
        command = [sys.executable, "-m", "loci.server", "stdio", "--in-process"]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, encoding="utf-8") as server:
            assert server.stdin is not None
            assert server.stdout is not None
            server.stdin.writelines(lines)
            server.stdin.flush()
            # The end of its input would give it a second and a half for all that.
            answers = map(json.loads, server.stdout)
            return next(a["result"] for a in answers if a.get("id") == 2)

    def agent(self) -> None:
        self.given("agent", "planner")
        call = {"name": "remember", "arguments": {"content": "It has a provenance"}}
        assert not self._answer("tools/call", call)["isError"]
        assert [one.agent for one in self.ask(lambda m: m.page()).memories] == ["planner"]

    def signals(self) -> None:
        self.given("signals", "words")
        self.remember("Green tea", "Tea")

        async def why(memories: Memories) -> set[str]:
            answer = await memories.recall(Query(text="green tea", explain=True))
            reasons = [one.why for one in answer.recollections]
            return {name for one in reasons if one for name, part in one.signals.items() if part}

        assert self.ask(why) == {"words"}
        self.given("signals", "meaning")
        assert self.ask(why) == {"meaning"}

    def _recalled(self, text: str) -> list[str]:
        answer = self.ask(lambda memories: memories.recall(Query(text=text)))
        return [one.memory.content for one in answer.recollections]

    def least_relevance(self) -> None:
        self.remember("Green tea and green gardens", "Mara likes green tea")
        assert len(self._recalled("green tea")) == 2
        self.given("least_relevance", 0.4)
        assert self._recalled("green tea") == ["Green tea and green gardens"]

    def diversity(self) -> None:
        other = "Green tea and green gardens"
        self.remember("Mara likes green tea", "Mara likes green tea now", other)
        assert self._recalled("Mara, green tea").index(other) == 2
        self.given("diversity", 0.9)
        assert self._recalled("Mara, green tea").index(other) == 1

    def idle_seconds(self) -> None:
        (self._folder / "home").mkdir(mode=0o700)
        toml = 'embedder = "hash"\nidle_seconds = 1\n'
        (self._folder / "home" / "loci.toml").write_text(toml, encoding="utf-8")
        # Nobody connects: it is there for so long, and then it is not.
        assert self._command("daemon", "run", "--home", str(self._folder / "home")) == ""
        assert not (self._folder / "home" / "daemon.sock").exists()

    def embedder(self) -> None:
        assert embedder_for(self.given("embedder", "hash")).identity.startswith("hash/")
        assert "MiniLM" in embedder_for(self.given("embedder", "minilm")).identity
        shipped = Path(str(embedding.__file__)).parent / "minilm"
        folder = self._folder / "compiled"
        shutil.copytree(shipped, folder)
        manifest = (folder / "manifest.json").read_text(encoding="utf-8")
        renamed = json.dumps({**json.loads(manifest), "name": "renamed"})
        (folder / "manifest.json").write_text(renamed, encoding="utf-8")
        assert embedder_for(self.given("embedder", folder)).identity.startswith("renamed/")

    def _sentence_transformers(self, name: str, value: object) -> None:
        """The extra is tested in its own room: here, that it is told what was set."""
        told: dict[str, object] = {}

        class Told(embedding.HashEmbedder):
            def __init__(self, model: str, **options: object) -> None:
                super().__init__()
                told.update(options, model=model)

        self._patch.setattr(embedding, "SentenceTransformersEmbedder", Told)
        self.given("embedder", "sentence-transformers:a/model")
        embedder_for(self.given(name, value))
        assert told["model"] == "a/model"
        assert told[name] == value

    def device(self) -> None:
        self._sentence_transformers("device", "cuda")

    def backend(self) -> None:
        self._sentence_transformers("backend", "onnx")

    def truncate_dim(self) -> None:
        self._sentence_transformers("truncate_dim", 128)

    def revision(self) -> None:
        self._sentence_transformers("revision", "v2")

    def query_prompt(self) -> None:
        self._sentence_transformers("query_prompt", "query: ")

    def document_prompt(self) -> None:
        self._sentence_transformers("document_prompt", "passage: ")

    def reranker(self) -> None:
        assert reranker_for(load_settings()) is None
        given = reranker_for(self.given("reranker", "some/cross-encoder"))
        self.given("device", "cpu")
        assert isinstance(given, embedding.CrossEncoderReranker)
        # Without the extra, or without the model, the first question says so.
        self.ask(lambda memories: memories.remember([Draft(content="anything")]))
        with pytest.raises(ModelError, match=r"reranker"):
            self.ask(lambda memories: memories.recall(Query(text="anything")))

    def threads(self) -> None:
        told: list[int | None] = []
        shipped = embedding.shipped

        def noting(*, threads: int | None = None) -> embedding.Embedder:
            told.append(threads)
            return shipped(threads=threads)

        self._patch.setattr(embedding, "shipped", noting)
        self.given("embedder", "minilm")
        embedder_for(self.given("threads", 3))
        assert told == [3]

    def index(self) -> None:
        self.given("index", "none")
        self.remember("compared")
        assert self._reindexed()["state"] == "off"
        assert not (self._folder / "home" / "index").exists()
        self.given("index", "chroma")
        assert self._reindexed()["state"] == "current"
        assert (self._folder / "home" / "index").is_dir()
        self.given("index", "none")
        self.remember("compared again")
        assert not (self._folder / "home" / "index").exists()

    def _reindexed(self) -> dict[str, Any]:
        return json.loads(self._command("reindex", "--json"))

    def exact_up_to(self) -> None:
        self.remember("one", "two", "three")
        self.given("exact_up_to", 3)
        assert self._reindexed()["searched"] == "exactly"
        self.given("exact_up_to", 2)
        assert self._reindexed()["searched"] == "through the index"

    def vectors_mb(self) -> None:
        told: list[int] = []

        class Noting(Matrices):
            def __init__(self, budget: int) -> None:
                super().__init__(budget)
                told.append(budget)

        self._patch.setattr("loci.server.engine.engine.Matrices", Noting)
        self.given("vectors_mb", 7)
        self.remember("one")
        assert told == [7 << 20]

    def board_value(self) -> None:
        self.given("board_value", 100)
        with pytest.raises(InvalidInput, match="a cell has at most 100"):
            self.ask(lambda m: _board(m).write("b", CellWrite(key="a", value="x" * 100)))

    def board_history(self) -> None:
        self.given("board_history", 2)

        async def versions(memories: Memories) -> int:
            for number in range(5):
                await _board(memories).write("b", CellWrite(key="a", value=number))
            return len((await _board(memories).versions("b", "a")).cells)

        assert self.ask(versions) == 2

    def board_cells(self) -> None:
        self.given("board_cells", 2)

        async def write(memories: Memories) -> None:
            boards = _board(memories)
            await boards.write("a", CellWrite(key="one", value=1))
            await boards.write("b", CellWrite(key="two", value=2))
            await boards.write("b", CellWrite(key="two", value=3))
            with pytest.raises(LimitExceeded, match="2 of 2"):
                await boards.write("c", CellWrite(key="three", value=3))
            await boards.write("a", CellWrite(key="one", op=Op.DELETE))
            await boards.write("c", CellWrite(key="three", value=3))
            with pytest.raises(LimitExceeded, match="2 of 2"):
                await boards.write("a", CellWrite(key="one", value=1))

        self.ask(write)

    def board_wait(self) -> None:
        self.given("board_wait", 2)
        with pytest.raises(InvalidInput, match="wait: give 0 to 2 seconds"):
            self.ask(lambda m: _board(m).read("b", BoardQuery(since_version=0, wait=3)))

    def max_content(self) -> None:
        self.given("max_content", 100)
        self.remember("a" * 100)
        with pytest.raises(InvalidInput, match="at most 100"):
            self.remember("a" * 101)

    def max_batch(self) -> None:
        self.given("max_batch", 2)
        self.remember("one", "two")
        with pytest.raises(InvalidInput, match="send 1 to 2"):
            self.remember("one", "two", "three")

    def restore_days(self) -> None:
        self.given("restore_days", 3)
        (stored,) = self.remember("For three days")
        receipt = self.ask(lambda memories: memories.forget([stored.id]))
        assert receipt.restorable_until is not None
        left = receipt.restorable_until - utc_now()
        assert timedelta(days=3, minutes=-1) < left <= timedelta(days=3)

    def hot_tokens(self) -> None:
        self.remember(
            *(f"Statement {number} of a good many words to fill it" for number in range(30))
        )
        assert self.ask(lambda memories: memories.hot()).tokens > 100
        self.given("hot_tokens", 100)
        assert self.ask(lambda memories: memories.hot()).tokens <= 100

    def hot_count(self) -> None:
        self.remember("One", "Two", "Three")
        self.given("hot_count", 2)
        assert len(self.ask(lambda memories: memories.hot()).seqs) == 2

    def hot_bytes(self) -> None:
        self.remember(*(f"Statement {number} of many words" for number in range(30)))
        self.given("hot_bytes", 500)
        assert 0 < len(self.ask(lambda memories: memories.hot()).text.encode()) <= 500

    def _cold(self, **given: object) -> int:
        """How many of three memories of 5 bytes are archived by rule, none of them being hot."""
        self.given("hot_tokens", 100)
        self.given("hot_bytes", 500)
        self.given("hot_count", 1)
        self.given("young_days", 0)
        for name, value in given.items():
            self.given(name, value)
        self.remember("One a", "Two b", "Tri c")
        self._aged(3)

        async def look(memories: Memories) -> int:
            await memories.tidy()
            return len((await memories.page(Tier.COLD)).memories)

        return self.ask(look)

    def warm_count(self) -> None:
        assert self._cold(warm_count=2) == 1

    def warm_bytes(self) -> None:
        assert self._cold(warm_bytes=5) == 2

    def warm_tokens(self) -> None:
        assert self._cold(warm_tokens=4) == 1

    def eviction(self) -> None:
        """Nobody's time is up."""
        assert self._cold(warm_count=1, eviction="ttl:9d") == 0

    def cold_after_days(self) -> None:
        assert self._cold(cold_after_days=4) == 0
        assert self._cold(cold_after_days=2) == 2

    def young_days(self) -> None:
        assert self._cold(warm_count=1, young_days=4) == 0
        assert self._cold(warm_count=1, young_days=2) == 2

    def _aged(self, days: float) -> None:
        """Let all that is remembered be so much older."""
        with closing(sqlite3.connect(self._folder / "home" / "ledger.db")) as ledger:
            past = int(timedelta(days=days).total_seconds()) * 1_000_000
            ledger.execute(
                "UPDATE memories SET valid_from = valid_from - ?, remembered_at = remembered_at - ?, "
                "used_at = used_at - ?",
                (past, past, past),
            )
            ledger.commit()

    def _tidied(self) -> list[str]:
        """The log after the next tending."""

        async def look(memories: Memories) -> list[str]:
            await memories.tidy()
            return [cycle.summary for cycle in await memories.cycles()]

        return self.ask(look)

    def reflect_hours(self) -> None:
        self.remember("Tea", "tea")
        self._aged(2)
        assert self._tidied() == []
        self.given("reflect_hours", 1)
        assert self._tidied() == ["1 merged"]

    def reflect_most(self) -> None:
        self.given("reflect_most", 1)
        self.remember("Tea", "tea", "Milk", "milk")
        done = self.ask(lambda memories: memories.reflect())
        assert (done.changes, done.left) == (1, 1)

    def retention(self) -> None:
        self.remember("A note")
        self._aged(3)
        assert self._tidied() == []
        self.given("retention", "*: delete after 2d")
        assert self._tidied() == ["1 retired (*: delete after 2d)"]
        assert self.ask(lambda m: m.page()).memories == ()

    def similar_from(self) -> None:
        self.remember("Mara likes green tea")
        assert self.remember("Mara likes black tea with milk")[0].similar == ()
        self.given("similar_from", 0.1)
        assert self.remember("Mara likes white tea and honey")[0].similar != ()

    def _note(self, *contents: str) -> list[Note]:
        async def notes(memories: Memories) -> list[Note]:
            for content in contents:
                new = NewNote(session="s", section=Section.REASONING, content=content)
                await memories.note(new)
            return list((await memories.pad("s")).notes)

        return self.ask(notes)

    def _promoted(self) -> list[str]:
        done = self.ask(lambda memories: memories.promote("s", dry_run=True))
        return [one.verdict for one in done.decisions.values()]

    def pad_chars(self) -> None:
        self.given("pad_chars", 1000)
        assert len(self._note(*"abcde")) == 5
        assert len(self._note("f")) < 6

    def _pad_limits(self) -> PadLimits:
        """What the engine is told: what days and minutes do is tested with its clock."""
        told: list[PadLimits] = []

        class Noting(PadLimits):
            def __init__(self, **limits: Any) -> None:
                super().__init__(**limits)
                told.append(self)

        self._patch.setattr("loci.server.workspace.scratchpads.PadLimits", Noting)
        self._note("a")
        return told[0]

    def pad_days(self) -> None:
        self.given("pad_days", 3)
        assert self._pad_limits().days == 3

    def session_minutes(self) -> None:
        self.given("session_minutes", 7)
        assert self._pad_limits().idle == timedelta(minutes=7)

    def promotion_weights(self) -> None:
        self._note("Small talk")
        # Nothing but its novelty speaks for it.
        assert self._promoted() == ["left"]
        self.given("promotion_weights", "novelty=1, recurrence=0, salience=0, use=0, outcome=0")
        assert self._promoted() == ["promoted"]
        for wrong in ("novelty=1", "novelty", "novelty=2 recurrence=0 salience=0 use=0 outcome=0"):
            with pytest.raises(SettingsError, match="a weight from 0 to 1 for each"):
                self.given("promotion_weights", wrong)

    def promotion_from(self) -> None:
        self._note("Small talk")
        assert self._promoted() == ["left"]
        self.given("promotion_from", 0.1)
        assert self._promoted() == ["promoted"]

    def updates(self) -> None:
        self.remember("Mara works at Siemens.")
        assert self.remember("Mara works at Bosch.")[0].status == "stored"
        self.given("updates", "supersede")
        assert self.remember("Mara works at Miele.")[0].status == "superseded_others"

    def _logged(self, settings: Settings) -> str:
        stderr = io.StringIO()
        self._patch.setattr(sys, "stderr", stderr)
        configure_logs(settings.log_level, settings.log_format)
        logging.getLogger("loci.test").info("it happened")
        return stderr.getvalue()

    def log_level(self) -> None:
        assert "it happened" in self._logged(self.given("log_level", "info"))
        assert self._logged(self.given("log_level", "warning")) == ""

    def log_format(self) -> None:
        self.given("log_level", "info")
        assert json.loads(self._logged(self.given("log_format", "json")))["event"] == "it happened"
        assert not self._logged(self.given("log_format", "console")).startswith("{")

    def secrets(self) -> None:
        text = "Deploy with ghp_" + "a1B2" * 9
        self.remember(text)
        assert "masked" in self.ask(lambda m: m.page()).memories[0].content
        self.given("secrets", "refuse")
        with pytest.raises(InvalidInput, match="GitHub token"):
            self.remember(text)
        board = CellWrite(key="a", value=text)
        with pytest.raises(InvalidInput, match="GitHub token"):
            self.ask(lambda m: m.boards(Actor(agent="ann")).write("plan", board))

    def max_memories(self) -> None:
        self.given("max_memories", 1)
        self.remember("One.")
        with pytest.raises(LimitExceeded, match="1 of 1"):
            self.remember("Two.")

    def max_megabytes(self) -> None:
        self.given("max_megabytes", 1)
        texts = [f"{number}" * 40_000 for number in range(9)]
        self.remember(*texts[:5], *(text * 1 + "x" for text in texts[:9]))
        with pytest.raises(LimitExceeded, match="Too much text"):
            self.remember(*(f"{text}y" for text in texts), *(f"{text}z" for text in texts))

    def audit(self) -> None:
        for wanted, count in ((False, 0), (True, 1)):
            settings = self.given("audit", wanted)

            async def entries(app: App) -> int:
                return len(await app.administration.audit("local", 0))

            self.remember(f"It is {wanted}.")
            assert self._with_app(settings, entries) == count

    def _with_app(self, settings: Settings, work: Callable[[App], Awaitable[T]]) -> T:
        async def main() -> T:
            async with open_app(settings, warm=False) as app:
                return await work(app)

        return anyio.run(main)

    def _web(self, work: Callable[[Web], Awaitable[T]], **more: object) -> T:
        """Ask the network door under these settings."""
        home = self._folder / "web"
        home.mkdir(exist_ok=True)

        async def main() -> T:
            async with open_web(home, **more) as web:
                return await work(web)

        return anyio.run(main)

    def _status(self, headers: dict[str, str], **more: object) -> int:
        async def ask(web: Web) -> int:
            return (await web.ask("tools/list", headers=headers)).status_code

        return self._web(ask, **more)

    def host(self) -> None:
        with pytest.raises(SettingsError, match="this machine alone"):
            self._serve(self.given("host", "0.0.0.0"))
        with pytest.raises(SettingsError, match="cannot be"):
            self._serve(self.given("host", "192.0.2.1"))

    def port(self) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            with pytest.raises(SettingsError, match="cannot be listened at"):
                self._serve(self.given("port", taken.getsockname()[1]))

    def _serve(self, settings: Settings) -> None:
        anyio.run(partial(run_server, settings, say=print))

    def public_url(self) -> None:
        with pytest.raises(SettingsError, match="nobody else"):
            self._serve(self.given("public_url", "https://memory.example.com"))
        host = {"Host": "memory.example.com"}
        assert self._status(host) == 421
        assert self._status(host, public_url="https://memory.example.com") == 200

    def allowed_hosts(self) -> None:
        assert self._status({"Host": "inner"}) == 421
        assert self._status({"Host": "inner"}, allowed_hosts="other, inner") == 200

    def allowed_origins(self) -> None:
        page = "https://chat.example.com"
        assert self._status({"Origin": page}) == 403
        assert self._status({"Origin": page}, allowed_origins=page) == 200

    def tls_cert(self) -> None:
        with pytest.raises(FileNotFoundError):
            self._serve(self.given("tls_cert", self._folder / "no.pem"))

    def tls_key(self) -> None:
        with pytest.raises(SettingsError, match="no tls_cert"):
            self._serve(self.given("tls_key", self._folder / "no.pem"))

    def sse(self) -> None:
        async def ask(web: Web) -> int:
            return (await web.client.post("/messages/")).status_code

        assert self._web(ask) == 400
        assert self._web(ask, sse=False) == 404

    def auth(self) -> None:
        assert self._status({}) == 200
        assert self._status({}, auth="required") == 401

    def _jwt(self, token: str, **more: object) -> str:
        """The agent of what is remembered with a token; empty if it is not valid."""

        async def ask(web: Web) -> str:
            params = {"name": "remember", "arguments": {"content": "It is known."}}
            answer = await web.ask("tools/call", params, token=token)
            if answer.status_code != 200:
                return ""
            with as_caller(Caller(tenant="ada")):
                return (await (await web.app.memories()).page()).memories[0].agent or ""

        return self._web(ask, **{**jwt_settings(self._folder), **more})

    def jwt_keys(self) -> None:
        assert self._jwt(mint()) == "agent"
        assert self._jwt(mint(key=private_key("theirs"))) == ""

    def jwt_issuer(self) -> None:
        assert self._jwt(mint(iss="other")) == ""
        assert self._jwt(mint(iss="other"), jwt_issuer="other") == "agent"

    def jwt_audience(self) -> None:
        assert self._jwt(mint(aud="other")) == ""
        assert self._jwt(mint(aud="other"), jwt_audience="other") == "agent"

    def jwt_algorithms(self) -> None:
        assert self._jwt(mint(algorithm="PS256")) == ""
        assert self._jwt(mint(algorithm="PS256"), jwt_algorithms="PS256") == "agent"

    def jwt_tenant_claim(self) -> None:
        assert self._jwt(mint(None, org="ada")) == ""
        assert self._jwt(mint(None, org="ada"), jwt_tenant_claim="org") == "agent"

    def jwt_agent_claim(self) -> None:
        assert self._jwt(mint(bot="planner"), jwt_agent_claim="bot") == "planner"

    def jwt_scope_claim(self) -> None:
        assert self._jwt(mint(scope="", scp=["memory:write"])) == ""
        assert self._jwt(mint(scope="", scp=["memory:write"]), jwt_scope_claim="scp") == "agent"

    def _statuses(self, **more: object) -> list[int]:
        async def ask(web: Web) -> list[int]:
            return [(await web.ask("tools/list")).status_code for _ in range(3)]

        return self._web(ask, **more)

    def rate(self) -> None:
        async def ask(web: Web) -> tuple[int, str, str]:
            await web.ask("tools/list")
            answer = await web.ask("tools/list")
            return answer.status_code, answer.headers["retry-after"], answer.text

        status, after, text = self._web(ask, rate=0.1, burst=1)
        assert (status, after) in ((429, "10"), (429, "9"))
        assert "0.1 a second and 1 at once are allowed" in text

    def burst(self) -> None:
        assert self._statuses(rate=0.1, burst=2) == [200, 200, 429]
        assert self._statuses(rate=0.1, burst=3) == [200, 200, 200]

    def concurrency(self) -> None:
        async def ask(web: Web) -> list[str]:
            texts: list[str] = []

            async def one(number: int) -> None:
                params = {"name": "remember", "arguments": {"content": f"Number {number}."}}
                texts.append((await web.ask("tools/call", params)).text)

            async with anyio.create_task_group() as tasks:
                for number in range(4):
                    tasks.start_soon(one, number)
            return [text for text in texts if "calls under way" in text]

        assert self._web(ask, concurrency=1) != []
        assert self._web(ask, concurrency=4) == []

    def streams(self) -> None:
        listening = {"notifications": {"resourceSubscriptions": ["memory://tiers/hot"]}}

        async def ask(web: Web) -> list[int]:
            statuses: list[int] = []
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(web.ask, "subscriptions/listen", listening)
                while not len(web.site.streams):
                    await anyio.lowlevel.checkpoint()
                statuses.append((await web.ask("subscriptions/listen", listening)).status_code)
                web.site.streams.leave()
            return statuses

        assert self._web(ask, streams=1) == [429]

    def max_body_kb(self) -> None:
        async def ask(web: Web) -> int:
            params = {"name": "remember", "arguments": {"content": "x" * 20_000}}
            return (await web.ask("tools/call", params)).status_code

        assert self._web(ask) == 200
        assert self._web(ask, max_body_kb=16) == 413

    def metrics(self) -> None:
        async def ask(web: Web) -> str:
            await web.call("recall", query="x", tier="hot")
            answer = await web.client.get("/metrics")
            return answer.text if answer.status_code == 200 else ""

        shown = self._web(ask, tenant="mara")
        assert 'loci_call_seconds_count{outcome="done",tier="hot",verb="recall"} 1.0' in shown
        for name in ("loci_recall_answers_total", "loci_index_lag", "loci_write_queue"):
            assert f"\n{name}" in shown
        assert "mara" not in shown
        assert 'tenant="mara"' in self._web(ask, tenant="mara", metrics="tenants")
        assert self._web(ask, metrics="off") == ""


def _board(memories: Memories) -> Boards:
    return memories.boards(Actor())


@pytest.fixture
def proofs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Proofs]:
    for name in [name for name in os.environ if name.upper().startswith("LOCI_")]:
        monkeypatch.delenv(name)
    with root_logger_kept():
        yield Proofs(monkeypatch, tmp_path)


@contextmanager
def root_logger_kept() -> Generator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


SLOW = {"exact_up_to", "index"}
"""They are shown by what an index does, which a process of its own must build."""


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else [])
        for name in Settings.model_fields
    ],
)
def test_the_setting_takes_effect(name: str, proofs: Proofs) -> None:
    getattr(proofs, name)()
