"""What Prometheus is told: how much is asked and how long it takes, and how the engine is doing.

No tenant is named, unless that is wanted: who is served is nobody's business who only watches.
"""

import time
from collections.abc import Callable, Iterable

import anyio
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ..model import Pulse

__all__ = ["CONTENT_TYPE", "Metrics"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
_BEAT = 0.5
"""Seconds between two looks at the event loop."""
_VERBS = frozenset(
    {
        "blackboard_read",
        "blackboard_write",
        "completion/complete",
        "entities",
        "entity_merge",
        "forget",
        "initialize",
        "promote",
        "prompts/get",
        "prompts/list",
        "recall",
        "reflect",
        "remember",
        "resources/list",
        "resources/read",
        "resources/templates/list",
        "revise",
        "scratchpad_read",
        "scratchpad_write",
        "server/discover",
        "tools/list",
    }
)
"""Anything else is `other`: a client must not make up series."""
_TIERS = frozenset({"hot", "warm", "cold"})


class Metrics:
    """The numbers of one process."""

    def __init__(
        self,
        pulse: Callable[[], Pulse | None],
        under_way: Callable[[], tuple[int, int]],
        *,
        names_tenants: bool,
        whose: Callable[[], str],
    ) -> None:
        """`under_way` counts calls and streams; `whose` names the tenant at hand."""
        self._registry = CollectorRegistry()
        self._whose = whose if names_tenants else None
        more = ["tenant"] if names_tenants else []
        self._calls = Histogram(
            "loci_call_seconds",
            "Seconds from a request to its answer, by verb and tier.",
            ["verb", "tier", "outcome", *more],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._requests = Counter(
            "loci_http_requests",
            "Requests over HTTP, by route and status.",
            ["method", "route", "status"],
            registry=self._registry,
        )
        self._lag = Gauge(
            "loci_event_loop_lag_seconds",
            "How much later than it was due the event loop woke up, at the last look.",
            registry=self._registry,
        )
        self._registry.register(_Engine(pulse, under_way))

    def called(self, verb: str, tier: str, succeeded: bool, seconds: float) -> None:
        """Count a call (`transports.turnstile.Called`)."""
        labels = [
            verb if verb in _VERBS else "other",
            tier if tier in _TIERS else "any",
            "done" if succeeded else "refused",
        ]
        if self._whose is not None:
            labels.append(self._whose())
        self._calls.labels(*labels).observe(seconds)

    def seen(self, method: str, route: str, status: int, _seconds: float) -> None:
        """Count a request (`transports.web.entrance.Seen`)."""
        method = method if method in ("GET", "POST", "DELETE") else "other"
        self._requests.labels(method, route, str(status)).inc()

    async def watch(self) -> None:
        """Look at the event loop, for ever."""
        while True:
            due = time.perf_counter() + _BEAT
            await anyio.sleep(_BEAT)
            self._lag.set(max(0.0, time.perf_counter() - due))

    def text(self) -> bytes:
        """All numbers, in Prometheus' text format."""
        return generate_latest(self._registry)


class _Engine(Collector):
    def __init__(
        self, pulse: Callable[[], Pulse | None], under_way: Callable[[], tuple[int, int]]
    ) -> None:
        self._pulse = pulse
        self._under_way = under_way

    def collect(self) -> Iterable[Metric]:
        calls, streams = self._under_way()
        yield GaugeMetricFamily("loci_calls_under_way", "Calls being worked on.", calls)
        yield GaugeMetricFamily("loci_streams_open", "Streams that are open.", streams)
        pulse = self._pulse()
        if pulse is None:
            return
        answers = CounterMetricFamily(
            "loci_recall_answers", "Recalls, by where the answer came from.", labels=["from"]
        )
        answers.add_metric(["cache"], pulse.answers_again)
        answers.add_metric(["search"], pulse.answers_sought)
        yield answers
        for name, text, value in (
            ("loci_index_lag", "Changes that the indexes are behind by.", pulse.index_waiting),
            ("loci_write_queue", "Writes that wait for the writer.", pulse.writes_waiting),
            ("loci_tenants_open", "Tenants that were served so far.", pulse.tenants_open),
        ):
            yield GaugeMetricFamily(name, text, value)
