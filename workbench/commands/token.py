"""``token``: keys to the HTTP API. A token is shown once, when it is made; only its hash is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.commands import console
from workbench.core.errors import InvalidInputError

if TYPE_CHECKING:
    from workbench.core.library.database import Database
    from workbench.core.library.tokens import Token

app = typer.Typer(help="Make, list and revoke tokens of the HTTP API.", no_args_is_help=True)


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="Who will use it.")],
    requests_a_minute: Annotated[int, typer.Option(min=0, help="How often it may be used; 0 is no limit.")] = 60,
    tokens_a_day: Annotated[
        int, typer.Option(min=0, help="Model tokens that it may use a day; 0 is no limit.")
    ] = 1_000_000,
    as_json: Annotated[bool, typer.Option("--json", help="Print the token and its limits as JSON.")] = False,
) -> int:
    """Make a token and print it. It cannot be shown again."""
    from workbench.core.library.tokens import create_token

    token, secret = create_token(_database(), name, requests_a_minute=requests_a_minute, tokens_a_day=tokens_a_day)
    if as_json:
        console.print_json({**_plain(token), "token": secret})
    else:
        print(secret)
        console.note("Keep it now: only its hash is stored. Send it as Authorization: Bearer TOKEN.")
    return 0


@app.command("list")
def show(as_json: Annotated[bool, typer.Option("--json", help="Print them as JSON.")] = False) -> int:
    """List the tokens, without the tokens themselves."""
    from workbench.core.library.tokens import all_tokens

    tokens = all_tokens(_database())
    if as_json:
        console.print_json([_plain(token) for token in tokens])
        return 0
    for token in tokens:
        state = "revoked" if token.revoked_at else "in use"
        print(
            f"{token.id}  {token.name:24}  {token.requests_a_minute or 'no limit'} a minute  "
            f"{token.tokens_a_day or 'no limit'} a day  {state}"
        )
    return 0


@app.command("revoke")
def revoke(name: Annotated[str, typer.Argument(help="The token's name or id.")]) -> int:
    """Make a token worthless at once."""
    from workbench.core.library.tokens import revoke_token

    count = revoke_token(_database(), name)
    if not count:
        raise InvalidInputError(f"There is no token {name[:60]!r} in use.", hint="See: python -m workbench token list.")
    console.note(f"{count} revoked.")
    return 0


def _database() -> Database:
    from workbench.core.library.database import shared_database
    from workbench.core.settings import load_settings

    return shared_database(load_settings())


def _plain(token: Token) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "requests_a_minute": token.requests_a_minute,
        "tokens_a_day": token.tokens_a_day,
        "created_at": token.created_at.isoformat(),
        "revoked_at": token.revoked_at and token.revoked_at.isoformat(),
    }
