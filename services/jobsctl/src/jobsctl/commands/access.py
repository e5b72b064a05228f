"""Logging in; and, beside the gateway's own files, users and tokens."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import click

from jobsctl.config import environment_with
from jobsctl.output import at, json_option, note, print_json, print_table
from jobsctl.parameters import pass_gateway
from jobsctl.refusals import Exit, Refused
from jobsctl.rest import Gateway
from jobsctl.session import forget_session

ROLES = click.Choice(["ADMIN", "OPS", "SERVICE"], case_sensitive=False)
users_file = click.option(
    "--users-file", envvar="GATEWAY_USERS_FILE", type=click.Path(dir_okay=False), required=True,
    help="The gateway's file of users (GATEWAY_USERS_FILE).",
)  # fmt: skip


@click.command()
@click.argument("email")
@json_option
@pass_gateway
def login(gateway: Gateway, /, *, email: str, as_json: bool) -> None:
    """Open a session; the password is asked for, or read from a pipe."""
    user = gateway.login(email, _password(again=False))
    print_json(user) if as_json else click.echo(f"{user['email']} ({', '.join(user['roles'])}) at {gateway.url}")


@click.command()
def logout() -> None:
    """Forget the session on this machine."""
    note("logged out" if forget_session() else "nobody was logged in")


@click.group()
def users() -> None:
    """Say who may log in, on the gateway's machine: the users are in a file of its own."""


@users.command(name="list")
@users_file
@json_option
def list_(*, users_file: str, as_json: bool) -> None:
    """List the users."""
    lines = [line.split("\t") for line in _gateway("users", "list", users_file=users_file).splitlines()]
    rows = [{"email": email, "roles": roles.split(","), "id": id_} for email, roles, id_ in lines]
    if as_json:
        print_json(rows)
    else:
        print_table(rows, [("email", at("email")), ("roles", lambda row: ",".join(row["roles"])), ("id", at("id"))])


@users.command()
@click.argument("email")
@click.option("--role", "roles", multiple=True, required=True, type=ROLES)
@click.option("--id", "user_id", help="The name in tokens and audit records; random when absent.")
@users_file
def add(*, email: str, roles: tuple[str, ...], user_id: str | None, users_file: str) -> None:
    """Add or replace a user; the password is asked for, or read from a pipe."""
    given = [word for role in roles for word in ("--role", role)] + (["--id", user_id] if user_id else [])
    _gateway("users", "add", email, *given, users_file=users_file, typed=_password(again=True))
    note(f"{email} may log in")


@users.command()
@click.argument("email")
@users_file
def passwd(*, email: str, users_file: str) -> None:
    """Give a user another password; it is asked for, or read from a pipe."""
    _gateway("users", "passwd", email, users_file=users_file, typed=_password(again=True))
    note(f"{email} has another password")


@users.command()
@click.argument("email")
@users_file
def remove(*, email: str, users_file: str) -> None:
    """Remove a user; sessions end when their token does."""
    _gateway("users", "remove", email, users_file=users_file)
    note(f"{email} may not log in any more")


@click.command()
@click.argument("subject")
@click.option("--role", "roles", multiple=True, type=ROLES, default=["SERVICE"], show_default=True)
@click.option("--days", type=click.IntRange(1, 3_650), default=90, show_default=True, help="How long it is good.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write it there, readable by you only.")
@click.option(
    "--signing-key-file", envvar="GATEWAY_SIGNING_KEY_FILE", type=click.Path(dir_okay=False), required=True,
    help="The gateway's private key (GATEWAY_SIGNING_KEY_FILE).",
)  # fmt: skip
@json_option
def token(
    *, subject: str, roles: tuple[str, ...], days: int, out: Path | None, signing_key_file: str, as_json: bool
) -> None:
    """Sign a token for a backend, on the gateway's machine. SUBJECT is the name by which it is known."""
    given = ["--subject", subject, "--days", str(days), *(word for role in roles for word in ("--role", role))]
    signed = _gateway("token", *given, *(["--out", str(out.absolute())] if out else []), key=signing_key_file).strip()
    if as_json:
        print_json({"subject": subject, "roles": list(roles), "days": days, **({} if out else {"token": signed})})
    elif signed:
        click.echo(signed)


def _password(*, again: bool) -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=again, err=True))


def _gateway(*words: str, users_file: str = "", key: str = "", typed: str = "") -> str:
    """What a command of the gateway prints: it alone knows its files. `typed` shows in no process list."""
    if importlib.util.find_spec("api_gateway") is None:
        command = f"python -m api_gateway {' '.join(words[:2])}"
        raise Refused(
            "NOT_HERE", f"the gateway is not installed here; run `{command}` where it is", exit_code=Exit.ERROR
        )
    files = {"GATEWAY_USERS_FILE": users_file, "GATEWAY_SIGNING_KEY_FILE": key}
    given = {name: str(Path(file).resolve()) for name, file in files.items() if file}
    done = subprocess.run(  # noqa: S603 - our own program, no shell
        [sys.executable, "-m", "api_gateway", *words],
        input=typed + "\n",
        env=environment_with(given),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Refused("GATEWAY_COMMAND", done.stderr.strip(), exit_code=done.returncode)
    return done.stdout
