"""keys: API keys for readers' programs: create, list, revoke.

What belongs here: asking and printing. What does not: what a key is (findata_serving.auth.keys), the book
(findata_resources.stores.api_keys).

A key is on standard output once, and nowhere else: not in a table, a log or an argument of a process.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from findata_cli import opening, screen
from findata_cli.exits import FindataCommand, FindataGroup
from findata_core.errors import ConfigurationError

if TYPE_CHECKING:
    from findata_resources.stores.api_keys import ApiKey

LONGEST_NAME = 100

app = typer.Typer(
    cls=FindataGroup, no_args_is_help=True, help="API keys for readers' programs: create, list, revoke."
)


def create(
    scopes: Annotated[
        list[str],
        typer.Option("--scope", help="read:market, read:rates or admin; several times for several."),
    ],
    name: Annotated[str, typer.Option("--name", help="What it is for, shown in lists.")] = "",
    expires: Annotated[
        datetime | None,
        typer.Option(
            "--expires",
            formats=["%Y-%m-%d"],
            help="The day (UTC) from whose start on it is refused. Default: never.",
        ),
    ] = None,
) -> None:
    """Make a key and print it, this once: only its hash is kept."""
    settings = opening.settings_in_force()
    from findata_assets.steps.holding import operator_name
    from findata_resources.stores import api_keys
    from findata_resources.stores.api_keys import ApiKey
    from findata_serving.auth.audit import AuditFile, note_act
    from findata_serving.auth.keys import new_key

    key, operator = new_key(), operator_name(settings.operator)
    with opening.platform(settings) as platform:
        now = platform.clock.now()
        made = ApiKey(
            key_id=key.key_id,
            name=_name(name),
            secret_sha256=key.secret_sha256,
            scopes=_known(scopes),
            created_time=now,
            created_by=operator,
            expires_time=_later(expires, now),
        )
        api_keys.add(platform.store.database, made)
    note_act(
        AuditFile(settings.home),
        now,
        operator,
        "key created",
        key_id=made.key_id,
        scopes=made.scopes,
        expires=expires,
    )
    typer.echo(key.text)
    typer.echo(f"key {made.key_id} may {', '.join(made.scopes)}; it is not shown again", err=True)


def list_keys() -> None:
    """Show which keys there are, what they may read, and when they were used last."""
    settings = opening.settings_in_force()
    from findata_resources.stores import api_keys

    with opening.platform(settings) as platform:
        now, keys = platform.clock.now(), api_keys.listed(platform.store.database)
    if not keys:
        screen.say("There are no keys; findata keys create makes one")
        return
    screen.show(
        ("key", "name", "scopes", "state", "made", "by", "expires", "last used"),
        [_row(key, now) for key in keys],
    )


def revoke(
    key_id: Annotated[str, typer.Argument(help="The key's id, as findata keys list shows it.")],
) -> None:
    """Have a key refused from now on: a running server knows of it within seconds."""
    settings = opening.settings_in_force()
    from findata_assets.steps.holding import operator_name
    from findata_resources.stores import api_keys
    from findata_serving.auth.audit import AuditFile, note_act
    from findata_serving.auth.keys import PREFIX

    if key_id.startswith(PREFIX):
        # It stands in the shell's history by now, which is one more reason to revoke it.
        only_id = key_id.removeprefix(PREFIX).partition("_")[0]
        raise ConfigurationError("that is a key, not its id", f"findata keys revoke {only_id}")
    operator = operator_name(settings.operator)
    with opening.platform(settings) as platform:
        now = platform.clock.now()
        found = api_keys.revoke(platform.store.database, key_id, now, operator)
    if found is None:
        raise ConfigurationError("there is no key of that id", "see findata keys list")
    note_act(AuditFile(settings.home), now, operator, "key revoked", key_id=found.key_id)
    screen.say(f"key {found.key_id} is revoked since {found.revoked_time:%Y-%m-%d %H:%M} UTC")


def _row(key: ApiKey, now: datetime) -> tuple[str, ...]:
    return (
        key.key_id,
        key.name,
        " ".join(key.scopes),
        key.state(now),
        f"{key.created_time:%Y-%m-%d}",
        key.created_by,
        f"{key.expires_time:%Y-%m-%d}" if key.expires_time else "",
        str(key.last_used_date or ""),
    )


def _known(scopes: list[str]) -> tuple[str, ...]:
    from findata_serving.auth.scopes import SCOPES

    wrong = [scope for scope in scopes if scope not in SCOPES]
    if wrong:
        raise ConfigurationError(f"{wrong[0]!r} is no scope", f"name one of {', '.join(SCOPES)}")
    return tuple(sorted(set(scopes)))


def _name(name: str) -> str:
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise ConfigurationError(
            "that is no name for a key", f"give one of up to {LONGEST_NAME} printable characters"
        )
    return name


def _later(expires: datetime | None, now: datetime) -> datetime | None:
    if expires is None:
        return None
    instant = expires.replace(tzinfo=UTC)
    if instant <= now:
        raise ConfigurationError(f"{expires:%Y-%m-%d} has begun already", "name a later day with --expires")
    return instant


app.command(cls=FindataCommand)(create)
app.command("list", cls=FindataCommand)(list_keys)
app.command(cls=FindataCommand)(revoke)
