"""OpenTelemetry: the SDK makes a span of each message; who configures a provider gets them."""

from collections.abc import Generator

import pytest
from mcp import Client, MCPError
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from loci.server.access import Caller, as_caller
from loci.server.transports import LociServer

pytestmark = pytest.mark.anyio

SECRET = "Mara keeps her key under the third stone."


@pytest.fixture(scope="module")
def exporter() -> InMemorySpanExporter:
    """The process's provider: it can be set once."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return exporter


@pytest.fixture
def spans(exporter: InMemorySpanExporter) -> Generator[InMemorySpanExporter]:
    exporter.clear()
    yield exporter
    exporter.clear()


def served(spans: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    return {
        one.name: one for one in spans.get_finished_spans() if one.kind is trace.SpanKind.SERVER
    }


async def test_each_message_is_a_span_that_says_nothing_of_content_or_tenant(
    server: LociServer, spans: InMemorySpanExporter
) -> None:
    with as_caller(Caller(tenant="the-tenant-ada", agent="the-agent-planner")):
        async with Client(server) as client:
            await client.call_tool("remember", {"content": SECRET})
            await client.call_tool("recall", {"query": SECRET})
            refused = await client.call_tool("recall", {"query": SECRET, "limit": -1})
            with pytest.raises(MCPError):
                await client.read_resource("memory://memories/nothing")
    found = served(spans)
    attributes = dict(found["tools/call remember"].attributes or {})
    assert attributes["gen_ai.tool.name"] == "remember"
    assert refused.is_error
    assert "resources/read" in found
    told = "".join(one.to_json() for one in spans.get_finished_spans())
    for word in (SECRET, "third stone", "the-tenant-ada", "the-agent-planner"):
        assert word not in told
