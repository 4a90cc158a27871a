"""`loci tenant`: whose memories there are, and their end."""

import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.text import Text

from ..access import Shell, verbs
from ..errors import InvalidInput
from ..model import AuditEntry, TenantErased, TenantRow, iso
from ..model.render import compact
from ..model.shown import audit_dict
from .ask import Flags, ask
from .exits import Exit
from .output import failing, people, print_json, table
from .verbs import AsJson, Home, Profile

__all__ = ["tenant_app"]

tenant_app = typer.Typer(help="The tenants of a data directory.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="TENANT", help="The tenant's name.")]


@tenant_app.command("create")
def create(name: Name, home: Home = None, profile: Profile = None, as_json: AsJson = False) -> None:
    """Enter a tenant. One that is there stays as it is."""
    with failing(as_json=as_json):
        is_new = _ask(home, profile, "create", partial(_create, name))
        if as_json:
            print_json({"tenant": name, "created": is_new})
        else:
            people().print(f"{name} is {'a new tenant' if is_new else 'a tenant already'}.")


@tenant_app.command("list")
def list_(home: Home = None, profile: Profile = None, as_json: AsJson = False) -> None:
    """Show all tenants. Exits with 3 if there are none."""
    with failing(as_json=as_json):
        rows = _ask(home, profile, "list", lambda shell: shell(verbs.tenants))
        if as_json:
            print_json(rows)
        else:
            _show(rows)
        raise SystemExit(Exit.OK if rows else Exit.NOTHING)


@tenant_app.command("erase")
def erase(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    home: Home = None,
    profile: Profile = None,
    as_json: AsJson = False,
) -> None:
    """Remove a tenant: memories, vectors, tokens, audit. There is no way back. Prints a receipt."""
    with failing(as_json=as_json):
        if not yes:
            _confirm(name)
        receipt = _ask(home, profile, "erase", partial(_erase, name))
        if as_json:
            print_json(receipt)
        else:
            _show_receipt(receipt)
        raise SystemExit(Exit.FAILED if receipt.residue.found else Exit.OK)


@tenant_app.command("audit")
def audit(
    name: Name,
    after: Annotated[int, typer.Option(min=0, help="Only beyond an entry's number.")] = 0,
    home: Home = None,
    profile: Profile = None,
) -> None:
    """Print what was done in a tenant, oldest first: one JSON object in each line, no content."""
    with failing():
        while True:
            entries = _ask(home, profile, "audit", partial(_audit, name, after))
            for entry in entries:
                sys.stdout.write(compact(audit_dict(entry)) + "\n")
            if not entries:
                break
            after = entries[-1].number


T = TypeVar("T")


def _ask(
    home: Path | None, profile: str | None, command: str, verb: Callable[[Shell], Awaitable[T]]
) -> T:
    flags = Flags(home=home, profile=profile)
    return ask(flags, flags.settings(), f"tenant {command}", verb)


async def _create(name: str, shell: Shell) -> bool:
    return await shell(verbs.create_tenant, name)


async def _erase(name: str, shell: Shell) -> TenantErased:
    return await shell(verbs.erase_tenant, name)


async def _audit(name: str, after: int, shell: Shell) -> list[AuditEntry]:
    return await shell(verbs.audit, name, after)


def _confirm(name: str) -> None:
    if not sys.stdin.isatty():
        raise InvalidInput("This cannot be undone. Say that you mean it: --yes")
    typed = typer.prompt(f"Everything of {name} will be gone. Its name, to go on", err=True)
    if typed != name:
        raise InvalidInput("That is another name. Nothing was erased.")


def _show(rows: list[TenantRow]) -> None:
    shown = table("since", "memories", "tokens", "tenant")
    for row in rows:
        shown.add_row(iso(row.created_at), f"{row.memories:,}", str(row.tokens), Text(row.name))
    people().print(shown)


def _show_receipt(receipt: TenantErased) -> None:
    found = receipt.residue.found
    people().print(
        Text(
            f"{receipt.tenant} is gone since {iso(receipt.at)}: {receipt.memories:,} memories in "
            f"{receipt.versions:,} versions, {receipt.tokens:,} tokens, {receipt.audit:,} entries "
            f"of the audit.\nLooked for {receipt.sought:,} of them in "
            f"{', '.join(receipt.residue.scanned)}: "
            + (f"found {', '.join(found)}." if found else "nothing was found.")
        )
    )
