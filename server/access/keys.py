"""The keys that JWTs are signed with: one from a file, or a set that an issuer publishes (RFC 7517).

A published set is kept for five minutes. A token that names another key has the set fetched once more,
but not more often than every ten seconds: whoever makes up names of keys must not make us ask the
issuer each time. While it cannot be fetched, the last one is used for an hour.
"""

import json
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any, Protocol
from urllib.error import URLError

import anyio
import jwt
import structlog
from anyio import to_thread

from ..errors import SettingsError, Unauthorized

__all__ = ["FixedKey", "Keys", "PublishedKeys", "fetch_keys"]

_FRESH = 300.0
_STALE = 3600.0
_PAUSE = 10.0
_PATIENCE = 5.0
_LARGEST = 1 << 20

_log = structlog.get_logger("loci.access")


class Keys(Protocol):
    """Finds the key that a token names."""

    async def key(self, name: str | None) -> Any:
        """What PyJWT verifies with. Raises Unauthorized: there is no such key."""
        ...


class FixedKey:
    """One key in PEM, or a set of keys in a file (JWKS)."""

    def __init__(self, text: str) -> None:
        """Raises SettingsError: it is neither."""
        self._keys: Mapping[str | None, Any]
        if text.lstrip().startswith("{"):
            self._keys = _parsed(text)
        elif "PRIVATE" in text:
            raise SettingsError("jwt_key: this is a private key; give the public one.")
        elif "BEGIN PUBLIC KEY" in text or "BEGIN RSA PUBLIC KEY" in text:
            self._keys = {None: text}
        else:
            raise SettingsError("jwt_key: give a file with a public key in PEM, or with a JWKS.")

    async def key(self, name: str | None) -> Any:
        return _named(self._keys, name)


class PublishedKeys:
    """The set at an address. `fetch` answers its text, in a thread; `clock` in seconds."""

    def __init__(
        self, fetch: Callable[[], str], clock: Callable[[], float] = anyio.current_time
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._keys: Mapping[str | None, Any] = {}
        self._fetched = float("-inf")
        self._tried = float("-inf")
        self._lock = anyio.Lock()

    async def key(self, name: str | None) -> Any:
        if self._clock() - self._fetched > _FRESH:
            await self._refresh(_FRESH)
        try:
            return _named(self._keys, name)
        except Unauthorized:
            await self._refresh(_PAUSE)
            return _named(self._keys, name)

    async def _refresh(self, older_than: float) -> None:
        """Fetch the set, unless that was just tried."""
        async with self._lock:
            now = self._clock()
            if now - self._fetched <= older_than or now - self._tried <= _PAUSE:
                return
            self._tried = now
            try:
                self._keys = _parsed(await to_thread.run_sync(self._fetch))
                self._fetched = now
            except (OSError, SettingsError) as error:
                _log.error("the issuer's keys cannot be fetched", error=str(error))
                if now - self._fetched > _STALE:
                    self._keys = {}


def fetch_keys(url: str) -> Callable[[], str]:
    """What fetches a set of keys. Raises OSError when called."""

    def fetch() -> str:
        request = urllib.request.Request(url, headers={"Accept": "application/json"})
        # The settings allow https, and http on this machine alone.
        with urllib.request.urlopen(request, timeout=_PATIENCE) as answer:
            if answer.url != url:
                raise URLError("it leads elsewhere")
            return answer.read(_LARGEST).decode()

    return fetch


def _parsed(text: str) -> Mapping[str | None, Any]:
    """Public keys by their names. Raises SettingsError."""
    try:
        found = jwt.PyJWKSet.from_dict(json.loads(text))
    except (jwt.PyJWTError, ValueError, AttributeError, KeyError, TypeError) as error:
        raise SettingsError("This is no set of keys (JWKS).") from error
    # A secret has no place in what is published, and one for encryption signs nothing.
    signing = (k for k in found.keys if k.key_type != "oct" and k.public_key_use in (None, "sig"))
    return {key.key_id: key for key in signing}


def _named(keys: Mapping[str | None, Any], name: str | None) -> Any:
    """A token that names no key may mean the only one."""
    if name is None and len(keys) == 1:
        return next(iter(keys.values()))
    if name is not None and set(keys) == {None}:
        return keys[None]
    if name is None or name not in keys:
        raise Unauthorized("The token is not valid here.")
    return keys[name]
