"""Keys that rotate, tokens of Loci's own, and how much each tenant may ask."""

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import RSAAlgorithm
from support.sites import private_key, public_pem

from loci.server.access import Scope
from loci.server.access.keys import FixedKey, PublishedKeys
from loci.server.access.limits import Allowance, Limiter
from loci.server.access.tokens import id_of, is_same, new_token
from loci.server.errors import InvalidInput, LimitExceeded, SettingsError, Unauthorized
from loci.server.model import utc_now

pytestmark = pytest.mark.anyio


def jwks(*names: str) -> str:
    keys = [
        {
            **json.loads(RSAAlgorithm.to_jwk(private_key(name).public_key())),
            "kid": name,
            "use": "sig",
        }
        for name in names
    ]
    return json.dumps({"keys": keys})


class Issuer:
    """Publishes keys, and counts who asks."""

    def __init__(self, *names: str) -> None:
        self.names = names
        self.asked = 0
        self.is_down = False
        self.now = 0.0

    def __call__(self) -> str:
        self.asked += 1
        if self.is_down:
            raise OSError("no route")
        return jwks(*self.names)

    def keys(self) -> PublishedKeys:
        return PublishedKeys(self, lambda: self.now)


async def test_a_published_set_is_asked_for_once_and_again_when_a_key_is_new() -> None:
    issuer = Issuer("one")
    keys = issuer.keys()
    for _ in range(5):
        assert (await keys.key("one")).key_id == "one"
    assert issuer.asked == 1
    issuer.names = ("one", "two")
    issuer.now = 11
    assert (await keys.key("two")).key_id == "two"
    assert issuer.asked == 2


async def test_names_that_are_made_up_do_not_have_the_issuer_asked_each_time() -> None:
    issuer = Issuer("one")
    keys = issuer.keys()
    for number in range(50):
        with pytest.raises(Unauthorized):
            await keys.key(f"no-{number}")
    assert issuer.asked == 1


async def test_a_key_that_was_withdrawn_ceases_to_be_valid() -> None:
    issuer = Issuer("one", "two")
    keys = issuer.keys()
    await keys.key("one")
    issuer.names = ("two",)
    issuer.now = 301
    with pytest.raises(Unauthorized):
        await keys.key("one")


async def test_an_issuer_that_is_down_is_bridged_for_an_hour() -> None:
    issuer = Issuer("one")
    keys = issuer.keys()
    await keys.key("one")
    issuer.is_down = True
    issuer.now = 3500
    assert await keys.key("one")
    issuer.now = 3700
    with pytest.raises(Unauthorized):
        await keys.key("one")


async def test_a_file_may_hold_a_key_or_a_set_but_no_secret() -> None:
    assert await FixedKey(public_pem().decode()).key("whatever")
    assert (await FixedKey(jwks("one")).key(None)).key_id == "one"
    with pytest.raises(Unauthorized):
        await FixedKey(jwks("one", "two")).key(None)
    for text in ("-----BEGIN PRIVATE KEY-----", "nonsense", "{}", '{"keys": [{"kty": "oct"}]}'):
        with pytest.raises(SettingsError):
            FixedKey(text)


def test_a_token_is_known_by_its_digest_alone() -> None:
    issued, digest = new_token("ada", [Scope.MEMORY_READ], None, utc_now(), timedelta(days=1))
    assert id_of(issued.secret) == issued.token.id
    assert is_same(issued.secret, digest)
    assert not is_same(issued.secret[:-1] + "A", digest) or issued.secret.endswith("A")
    assert issued.secret.encode() not in digest
    for bad in ("", "loci_", issued.secret + "x", issued.secret.upper()):
        assert id_of(bad) is None
    for scopes, days in (([], 1), ([Scope.MEMORY_READ], 0), ([Scope.MEMORY_READ], 4000)):
        with pytest.raises(InvalidInput):
            new_token("ada", scopes, None, utc_now(), timedelta(days=days))


def refused(limiter: Limiter) -> float:
    """Ask once; the seconds to wait, or 0."""
    try:
        limiter.request("ada")
    except LimitExceeded as error:
        return error.retry_after or -1.0
    return 0.0


@given(
    st.lists(st.floats(0, 2, allow_subnormal=False), max_size=200),
    st.sampled_from([0.5, 1.0, 10.0, 50.0]),
    st.integers(1, 20),
)
def test_a_tenant_has_its_burst_and_its_rate_and_no_more(
    pauses: list[float], rate: float, burst: int
) -> None:
    """In no span of time more than the burst and what the rate gives; and who waits is let in."""
    now = 0.0
    let_in: list[float] = []
    limiter = Limiter(Allowance(rate=rate, burst=burst), lambda: now)
    for pause in pauses:
        now += pause
        wait = refused(limiter)
        assert 0 <= wait <= burst / rate + 1e-6
        if wait:
            now += wait + 1e-6
            limiter.request("ada")
        let_in.append(now)
    for start, first in enumerate(let_in):
        for end in range(start, len(let_in)):
            assert end - start + 1 <= burst + (let_in[end] - first) * rate + 1e-3


@pytest.mark.parametrize("kind", ["call", "stream"])
def test_what_is_under_way_is_counted_for_each_tenant(kind: str) -> None:
    limiter = Limiter(Allowance(concurrency=1, streams=1), lambda: 0.0)
    enter = {"call": limiter.call, "stream": limiter.stream}[kind]
    with enter("ada"):
        with pytest.raises(LimitExceeded, match="1 are allowed"), enter("ada"):
            raise NotImplementedError
        with enter("bob"):
            assert sum(limiter.under_way()) == 2
    with enter("ada"):
        pass
    assert limiter.under_way() == (0, 0)


def test_a_call_counts_once_for_every_five_texts() -> None:
    limiter = Limiter(Allowance(concurrency=4), lambda: 0.0)
    with limiter.call("ada", 15):
        with pytest.raises(LimitExceeded, match="4 are allowed"), limiter.call("ada", 6):
            raise NotImplementedError
        with limiter.call("ada", 5), limiter.call("bob", 20):
            assert limiter.under_way() == (8, 0)
    # Alone it comes in, however much it brings.
    with limiter.call("ada", 100):
        assert limiter.under_way() == (4, 0)
    assert limiter.under_way() == (0, 0)
