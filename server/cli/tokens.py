"""`loci token`: Loci's own tokens, for agents that have no authorization server."""

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.text import Text

from ..access import Scope, Shell, verbs
from ..model import Issued, Token, iso, utc_now
from .ask import Flags, ask
from .exits import Exit
from .output import failing, people, print_json, table
from .verbs import AsJson, Home, Profile

__all__ = ["token_app"]

T = TypeVar("T")

token_app = typer.Typer(help="Tokens that Loci gives out itself.", no_args_is_help=True)

_DEFAULT = [Scope.MEMORY_READ, Scope.MEMORY_WRITE, Scope.BOARD_READ, Scope.BOARD_WRITE]


@token_app.command("create")
def create(
    tenant: Annotated[str, typer.Option("--tenant", help="Whose memories it leads to.")],
    scope: Annotated[
        list[Scope] | None, typer.Option(help="What it allows; give it again for more.")
    ] = None,
    agent: Annotated[str | None, typer.Option(help="Which agent uses it.")] = None,
    days: Annotated[float, typer.Option(help="How long it is valid.")] = 90,
    home: Home = None,
    profile: Profile = None,
    as_json: AsJson = False,
) -> None:
    """Make a token and print it, this once. Without --scope: everything but memory:admin."""
    with failing(as_json=as_json):
        scopes = [one.value for one in scope or _DEFAULT]
        issued = _ask(home, profile, "create", partial(_create, tenant, scopes, agent, days))
        if as_json:
            print_json(issued)
        else:
            _show_new(issued)


@token_app.command("list")
def list_(
    tenant: Annotated[str | None, typer.Option("--tenant", help="Only this tenant's.")] = None,
    home: Home = None,
    profile: Profile = None,
    as_json: AsJson = False,
) -> None:
    """Show the tokens; never their secrets. Exits with 3 if there are none."""
    with failing(as_json=as_json):
        found = _ask(home, profile, "list", partial(_list, tenant))
        if as_json:
            print_json(found)
        else:
            _show(found)
        raise SystemExit(Exit.OK if found else Exit.NOTHING)


@token_app.command("revoke")
def revoke(
    name: Annotated[str, typer.Argument(metavar="ID", help="The token's id, not its secret.")],
    home: Home = None,
    profile: Profile = None,
    as_json: AsJson = False,
) -> None:
    """End a token, and every stream that is open with it, at once."""
    with failing(as_json=as_json):
        token = _ask(home, profile, "revoke", partial(_revoke, name))
        if as_json:
            print_json(token)
        else:
            people().print(Text(f"{token.id} of {token.tenant} is revoked."))


def _ask(
    home: Path | None, profile: str | None, command: str, verb: Callable[[Shell], Awaitable[T]]
) -> T:
    flags = Flags(home=home, profile=profile)
    return ask(flags, flags.settings(), f"token {command}", verb)


async def _create(
    tenant: str, scopes: list[str], agent: str | None, days: float, shell: Shell
) -> Issued:
    return await shell(verbs.create_token, tenant, scopes, agent, days)


async def _list(tenant: str | None, shell: Shell) -> list[Token]:
    return await shell(verbs.tokens, tenant)


async def _revoke(name: str, shell: Shell) -> Token:
    return await shell(verbs.revoke_token, name)


def _show_new(issued: Issued) -> None:
    token = issued.token
    people(stderr=True).print(
        Text(
            f"{token.id} for {token.tenant}: {', '.join(token.scopes)}, until "
            f"{iso(token.expires_at)}. It is shown this once:"
        )
    )
    typer.echo(issued.secret)


def _show(found: list[Token]) -> None:
    shown = table("id", "until", "state", "scopes", "agent", "tenant")
    for token in found:
        cells = (" ".join(token.scopes), token.agent or "", token.tenant)
        shown.add_row(token.id, iso(token.expires_at), _state(token), *map(Text, cells))
    people().print(shown)


def _state(token: Token) -> str:
    if token.revoked_at is not None:
        return "revoked"
    return "valid" if utc_now() < token.expires_at else "expired"
