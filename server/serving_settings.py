"""The settings of `loci serve`: where it listens, whom it lets in, and how much of it each may have."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator
from pydantic_settings import BaseSettings

from .setting_rules import (
    about,
    algorithms,
    folder,
    host_names,
    keys_place,
    number,
    origin,
    origins,
)

__all__ = ["ServingSettings"]

_CLAIM = "the name of a claim"


class ServingSettings(BaseSettings):
    """Half of `settings.Settings`."""

    host: str = about(
        "`loci serve`: the address to listen at. Others than this machine's need credentials.",
        "an address or a host name",
        "127.0.0.1",
        min_length=1,
    )
    port: int = number("`loci serve`: the port; 0 takes a free one.", 0, 65_535, 8765)
    public_url: Annotated[str, AfterValidator(origin)] | None = about(
        "The server's address as clients know it. Its host is allowed, and tokens are issued for it.",
        "an address without a path, such as https://memory.example.com",
        None,
    )
    allowed_hosts: Annotated[str, AfterValidator(host_names)] = about(
        "Other names that requests may be addressed to; this machine's own are.",
        "host names with commas between them; NAME:* for any port",
        "",
    )
    allowed_origins: Annotated[str, AfterValidator(origins)] = about(
        "Web pages that may ask; those of this machine may.",
        "origins such as https://chat.example.com, with commas between them",
        "",
    )
    tls_cert: Annotated[Path, AfterValidator(folder)] | None = about(
        "Serve TLS with this certificate; without, a proxy does.", "a file in PEM", None
    )
    tls_key: Annotated[Path, AfterValidator(folder)] | None = about(
        "The certificate's key, where it is not in its file.", "a file in PEM", None
    )
    sse: bool = about(
        "Serve /sse as well, for clients from before Streamable HTTP.", "true or false", True
    )
    auth: Literal["auto", "required"] = about(
        "Whether a credential is needed: from the first token or jwt_keys on, or always.",
        "auto or required",
        "auto",
    )
    jwt_keys: Annotated[str, AfterValidator(keys_place)] | None = about(
        "JWTs: the keys of the authorization server.",
        "the https address of a JWKS, or a file with a public key or a JWKS",
        None,
    )
    jwt_issuer: str | None = about("JWTs: who issues them (`iss`).", "a text", None, min_length=1)
    jwt_audience: str | None = about(
        "JWTs: whom they are for (`aud`); public_url with /mcp by default.",
        "a text",
        None,
        min_length=1,
    )
    jwt_algorithms: Annotated[str, AfterValidator(algorithms)] = about(
        "JWTs: how they may be signed.",
        "some of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384 and EdDSA, with commas",
        "RS256,ES256",
    )
    jwt_tenant_claim: str = about("JWTs: says whose memories.", _CLAIM, "tenant", min_length=1)
    jwt_agent_claim: str = about("JWTs: says which agent.", _CLAIM, "agent", min_length=1)
    jwt_scope_claim: str = about("JWTs: says what it may do.", _CLAIM, "scope", min_length=1)
    rate: float = number("Requests of one tenant in a second.", 0.1, 100_000, 50.0)
    burst: int = number("Requests of one tenant at once, after a pause.", 1, 100_000, 100)
    concurrency: int = number(
        "Calls of one tenant that are worked on at once; each five texts of one count as a call.",
        1,
        10_000,
        16,
    )
    streams: int = number("Streams and sessions that one tenant may hold open.", 1, 10_000, 64)
    max_body_kb: int = number("Kilobytes of one request.", 16, 65_536, 4096)
    metrics: Literal["off", "on", "tenants"] = about(
        "`/metrics` for Prometheus; `tenants` names tenants in it.", "off, on or tenants", "on"
    )
