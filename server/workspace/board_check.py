"""What is asked of boards, checked once, for every door. Each refusal says what to do instead."""

import json
import re
from typing import Any, cast

from ..errors import InvalidInput
from ..ledger import Address
from ..model import PRIVATE, RIGHTS, Actor, BoardQuery, CellWrite, Op
from .board_limits import BoardLimits

__all__ = ["address_of", "check_query", "check_value", "check_write"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_KEY = 200
_DEPTH = 64
_TTL = 10 * 366 * 86_400
_LIMIT = 1000
_TOKENS = range(100, 100_001)
_KV_CACHE = ("engine", "model", "prefix_hash")


def address_of(board: str, private: bool, actor: Actor) -> Address:
    """Which board a name means to whom. Raises InvalidInput."""
    name = board.removeprefix(PRIVATE)
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            "board: use 1 to 100 letters, digits and .-_, with one of the first two first."
        )
    if not private and name == board:
        return Address(name)
    if not actor.agent:
        raise InvalidInput(
            "private: nobody knows which agent you are. Set LOCI_AGENT, let the client say its name, or "
            "use a credential that names an agent."
        )
    return Address(name, actor.agent)


def check_write(write: CellWrite, address: Address, limits: BoardLimits) -> None:
    """Raises InvalidInput for what cannot be written as it is."""
    _check_key(write.key)
    if write.key.startswith("@") and (write.key != RIGHTS or address.agent):
        raise InvalidInput(f"key: those with @ are reserved; a public board has {RIGHTS}.")
    if write.op in (Op.EXPIRE, Op.ERASE):
        raise InvalidInput("op: use set, append, merge or delete.")
    if write.if_version is not None and write.if_version < 0:
        raise InvalidInput("if_version: give the cell's version, or 0 if it must not be there.")
    if write.ttl is not None and (not 0 < write.ttl <= _TTL or write.op is Op.DELETE):
        raise InvalidInput("ttl: give seconds above 0, up to ten years, for what is not deleted.")
    if write.ttl is not None and write.key == RIGHTS:
        raise InvalidInput(f"ttl: {RIGHTS} does not expire; delete it to open the board.")
    if write.request is not None and not _is_name(write.request):
        raise InvalidInput(f"idempotency_key: give 1 to {_KEY} printable characters.")
    if write.op is not Op.DELETE:
        check_value(write.value, limits)


def check_value(value: Any, limits: BoardLimits) -> None:
    """Raises InvalidInput for what is no JSON value or too large for a cell."""
    _check_depth(value)
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        size = len(text.encode())
    except UnicodeEncodeError:
        raise InvalidInput(
            "value: it contains half a character (a lone surrogate); remove it."
        ) from None
    except ValueError:
        raise InvalidInput("value: a number in it is not finite, or too long for JSON.") from None
    if size > limits.value:
        raise InvalidInput(
            f"value: {size:,} bytes; a cell has at most {limits.value:,}. Use several cells."
        )


def check_meaning(key: str, value: Any, expires: bool) -> None:
    """Raises InvalidInput where a cell's value is not what its key or its kind promises."""
    if key == RIGHTS:
        _check_rights(value)
    if isinstance(value, dict) and cast("dict[str, Any]", value).get("kind") == "kv_cache":
        _check_kv_cache(cast("dict[str, Any]", value), expires)


def check_query(query: BoardQuery, limits: BoardLimits) -> None:
    """Raises InvalidInput for what cannot be read."""
    if query.key is not None:
        _check_key(query.key)
    if query.since_version is not None and query.since_version < 0:
        raise InvalidInput("since_version: give the version of your last read, or 0.")
    if not 0 <= query.wait <= limits.wait:
        raise InvalidInput(f"wait: give 0 to {limits.wait} seconds, and call again.")
    if query.wait and query.since_version is None:
        raise InvalidInput(
            "wait: give since_version too, the version of your last read (0 at first)."
        )
    if query.history and (query.key is None or query.since_version is not None):
        raise InvalidInput("history: give key, and no since_version.")
    if not 1 <= query.limit <= _LIMIT:
        raise InvalidInput(f"limit: give 1 to {_LIMIT:,}.")
    if query.max_tokens not in _TOKENS:
        raise InvalidInput(f"max_tokens: give {_TOKENS.start} to {_TOKENS.stop - 1}.")


def _check_key(key: str) -> None:
    if not _is_name(key):
        raise InvalidInput(f"key: give 1 to {_KEY} printable characters.")


def _is_name(text: str) -> bool:
    # Half a character and NUL are not printable.
    return bool(text.strip()) and len(text) <= _KEY and text.isprintable()


def _check_depth(value: Any) -> None:
    level: list[Any] = [value]
    for _ in range(_DEPTH):
        level = [inner for one in level for inner in _inside(one)]
        if not level:
            return
    raise InvalidInput(f"value: it is nested more than {_DEPTH} deep; flatten it.")


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(cast("dict[str, Any]", value).values())
    return cast("list[Any]", value) if isinstance(value, list) else []


def _check_rights(value: Any) -> None:
    allowed = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    lists = [cast("list[Any]", one) for one in allowed.values() if isinstance(one, list)]
    texts = all(isinstance(name, str) for one in lists for name in one)
    if (
        not allowed
        or not allowed.keys() <= {"agents", "scopes"}
        or len(lists) != len(allowed)
        or not texts
    ):
        raise InvalidInput(f'{RIGHTS}: set {{"agents": [names], "scopes": [names]}}, one or both.')


def _check_kv_cache(value: dict[str, Any], expires: bool) -> None:
    for name in _KV_CACHE:
        if not isinstance(value.get(name), str) or not value[name].strip():
            raise InvalidInput(f"value: a kv_cache has {', '.join(_KV_CACHE)}, each a text.")
    if not expires:
        raise InvalidInput("ttl: a kv_cache needs one, the seconds until its engine may drop it.")
