"""The suite's tools that ask the client something back: in the protocol of 2026-07-28 by an answer that
requires input, in that of 2025-11-25 by a request of the server's own."""

from collections.abc import Callable, Coroutine, Mapping
from typing import Annotated, Any

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.resolve import Resolve, Sample
from mcp.types import (
    CreateMessageRequest,
    CreateMessageRequestParams,
    CreateMessageResult,
    CreateMessageResultWithTools,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    InputRequest,
    InputRequests,
    InputRequiredResult,
    ListRootsRequest,
    ListRootsResult,
    SamplingMessage,
    TextContent,
)

__all__ = ["ASKING", "ask_before_prompt"]

Properties = Mapping[str, Mapping[str, Any]]
Asker = Callable[[Context], Coroutine[Any, Any, str | InputRequiredResult]]

_ANSWERS = {
    "elicitation/create": ElicitResult,
    "sampling/createMessage": (CreateMessageResult, CreateMessageResultWithTools),
    "roots/list": ListRootsResult,
}
_TEXT = {"type": "string"}


def _form(message: str, properties: Properties) -> ElicitRequest:
    schema = {"type": "object", "properties": properties, "required": [*properties]}
    return ElicitRequest(params=ElicitRequestFormParams(message=message, requested_schema=schema))


def _sample(text: str, tokens: int = 100) -> CreateMessageRequest:
    params = CreateMessageRequestParams(messages=[_said(text)], max_tokens=tokens)
    return CreateMessageRequest(params=params)


def _said(text: str) -> SamplingMessage:
    return SamplingMessage(role="user", content=TextContent(type="text", text=text))


NAME = _form("What is your name?", {"name": _TEXT})
CONFIRM = _form("Please confirm", {"ok": {"type": "boolean"}})
CAPITAL = _sample("What is the capital of France?")


def _asks(state: str | None = None, **requests: InputRequest) -> Asker:
    """A tool that asks this until all of it is answered, and its state is given back."""

    async def ask(ctx: Context) -> str | InputRequiredResult:
        if ctx.request_state == state and _answered(ctx, requests):
            return f"state-ok: {', '.join(requests)} answered"
        return InputRequiredResult(input_requests=requests, request_state=state)

    return ask


def _answered(ctx: Context, requests: InputRequests) -> bool:
    given = ctx.input_responses or {}
    return all(isinstance(given.get(key), _ANSWERS[one.method]) for key, one in requests.items())


async def _two_rounds(ctx: Context) -> str | InputRequiredResult:
    steps = {
        None: ("step1", _form("Step 1: What is your name?", {"name": _TEXT})),
        "step1": ("step2", _form("Step 2: What is your favorite color?", {"color": _TEXT})),
    }
    if ctx.request_state not in steps:
        return "Both steps are answered"
    key, request = steps[ctx.request_state]
    return InputRequiredResult(input_requests={key: request}, request_state=key)


async def _what_it_can(ctx: Context) -> str | InputRequiredResult:
    able = ctx.client_capabilities
    requests: InputRequests = {}
    if able is not None and able.sampling is not None:
        requests["capital_question"] = CAPITAL
    if able is not None and able.elicitation is not None:
        requests["user_name"] = NAME
    if not requests or _answered(ctx, requests):
        return "Nothing is left to ask"
    return InputRequiredResult(input_requests=requests)


async def ask_before_prompt(ctx: Context) -> str | InputRequiredResult:
    """A prompt that asks first."""
    form = _form("What context should the prompt use?", {"context": _TEXT})
    return await _asks(user_context=form)(ctx)


async def _sampled(prompt: str) -> Sample:
    return Sample([_said(prompt)], max_tokens=100)


async def _samples(prompt: str, answer: Annotated[CreateMessageResult, Resolve(_sampled)]) -> str:
    return f"LLM response to {prompt}: {answer.content}"


async def _anything_sampled() -> Sample:
    return Sample([_said("Anything?")], max_tokens=100)


async def _needs_sampling(
    answer: Annotated[CreateMessageResult, Resolve(_anything_sampled)],
) -> str:
    return f"LLM response: {answer.content}"


async def _elicits(message: str, ctx: Context) -> str:
    person = {"username": _TEXT, "email": _TEXT}
    return await _elicited(ctx, message, person, required=[*person])


def _elicits_form(properties: Properties) -> Callable[[Context], Coroutine[Any, Any, str]]:
    async def ask(ctx: Context) -> str:
        return await _elicited(ctx, "Please fill in the form", properties, required=[])

    return ask


async def _elicited(
    ctx: Context, message: str, properties: Properties, *, required: list[str]
) -> str:
    schema = {"type": "object", "properties": properties, "required": required}
    result = await ctx.session.elicit_form(message, schema, related_request_id=ctx.request_id)
    return f"Elicitation completed: action={result.action}, content={result.content}"


def _titled(*names: str) -> list[dict[str, str]]:
    return [{"const": name, "title": name.title()} for name in names]


_DEFAULTS: Properties = {
    "name": {"type": "string", "default": "John Doe"},
    "age": {"type": "integer", "default": 30},
    "score": {"type": "number", "default": 95.5},
    "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
    "verified": {"type": "boolean", "default": True},
}
"""Defaults of every primitive type (SEP-1034)."""
_OPTIONS = ["option1", "option2", "option3"]
_VALUES = _titled("value1", "value2", "value3")
_ENUMS: Properties = {
    "untitledSingle": {"type": "string", "enum": _OPTIONS},
    "titledSingle": {"type": "string", "oneOf": _VALUES},
    "legacyEnum": {"type": "string", "enum": ["opt1", "opt2"], "enumNames": ["One", "Two"]},
    "untitledMulti": {"type": "array", "items": {"type": "string", "enum": _OPTIONS}},
    "titledMulti": {"type": "array", "items": {"anyOf": _VALUES}},
}
"""Every way to say which values there are (SEP-1330)."""

_ROUNDS = "test_input_required_result_"
ASKING: dict[str, Callable[..., Any]] = {
    f"{_ROUNDS}elicitation": _asks(user_name=NAME),
    f"{_ROUNDS}sampling": _asks(capital_question=CAPITAL),
    f"{_ROUNDS}list_roots": _asks(client_roots=ListRootsRequest()),
    f"{_ROUNDS}request_state": _asks("asked", confirm=CONFIRM),
    f"{_ROUNDS}tampered_state": _asks("asked", confirm=CONFIRM),
    f"{_ROUNDS}multiple_inputs": _asks(
        "asked",
        user_name=NAME,
        greeting=_sample("Generate a greeting", 50),
        client_roots=ListRootsRequest(),
    ),
    f"{_ROUNDS}multi_round": _two_rounds,
    f"{_ROUNDS}capabilities": _what_it_can,
    "test_streaming_elicitation": _asks(user_name=NAME),
    "test_missing_capability": _needs_sampling,
    "test_sampling": _samples,
    "test_elicitation": _elicits,
    "test_elicitation_sep1034_defaults": _elicits_form(_DEFAULTS),
    "test_elicitation_sep1330_enums": _elicits_form(_ENUMS),
}
