"""Commands beside serving: keys, users and tokens. Passwords are typed or piped in, never arguments."""

from __future__ import annotations

import argparse
import getpass
import sys
import uuid
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from api_gateway.auth.passwords import Passwords
from api_gateway.auth.signing import Signer, load_key, make_keys
from api_gateway.auth.users import User, UsersFile, normal
from api_gateway.files import PRIVATE, write_whole
from api_gateway.settings import GatewaySettings
from service_kit.roles import INTERNAL_ROLES, OUR_ROLES
from service_kit.settings import SettingsError

DAY_SECONDS = 86_400
MOST_DAYS = 3_650


def run(arguments: Sequence[str], settings: GatewaySettings) -> int:
    """Run one command; returns the exit status. Raises SettingsError and ValueError with one clear line."""
    options = _parser().parse_args(arguments)
    return int(options.run(options, settings))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="api_gateway", description="Without a command: serve.")
    commands = parser.add_subparsers(required=True)
    keys = commands.add_parser("keys", help="make the signing key and the public key set, keep what is there")
    keys.add_argument("--rotate", action="store_true", help="make a new signing key; tokens of the old one stay good")
    keys.set_defaults(run=_keys)
    users = commands.add_parser("users", help="who may log in").add_subparsers(required=True)
    add = users.add_parser("add", help="add or replace a user; the password is asked for, or read from a pipe")
    add.add_argument("email")
    add.add_argument("--role", action="append", required=True, choices=sorted(OUR_ROLES - INTERNAL_ROLES))
    add.add_argument("--id", help="the `sub` of the user's tokens; the present or a random one by default")
    add.set_defaults(run=_add_user)
    users.add_parser("list", help="list the users").set_defaults(run=_list_users)
    passwd = users.add_parser("passwd", help="give a user another password, asked for or read from a pipe")
    passwd.add_argument("email")
    passwd.set_defaults(run=_change_password)
    remove = users.add_parser("remove", help="remove a user")
    remove.add_argument("email")
    remove.set_defaults(run=_remove_user)
    token = commands.add_parser("token", help="sign a token for a service")
    token.add_argument("--subject", required=True, help="the `sub`, the name by which it is known")
    token.add_argument("--role", action="append", required=True, choices=sorted(OUR_ROLES))
    token.add_argument("--days", type=int, required=True, help=f"1 to {MOST_DAYS}")
    token.add_argument("--out", type=Path, help="write it to this file (mode 0600) instead of printing it")
    token.set_defaults(run=_token)
    return parser


def _keys(options: argparse.Namespace, settings: GatewaySettings) -> int:
    if not settings.gateway_signing_key_file or not settings.auth_jwks:
        raise SettingsError("GATEWAY_SIGNING_KEY_FILE and AUTH_JWKS: are needed, the two files to make")
    if "://" in settings.auth_jwks:
        raise SettingsError("AUTH_JWKS: must be a file here, the one to make")
    make_keys(Path(settings.gateway_signing_key_file), Path(settings.auth_jwks), rotate=options.rotate)
    return 0


def _users(settings: GatewaySettings) -> UsersFile:
    if not settings.gateway_users_file:
        raise SettingsError("GATEWAY_USERS_FILE: is needed")
    return UsersFile(Path(settings.gateway_users_file))


def _add_user(options: argparse.Namespace, settings: GatewaySettings) -> int:
    users = _users(settings)
    email = normal(options.email)
    if "@" not in email or len(email.split()) != 1:
        raise ValueError(f"{options.email} is no email address")
    present = users.by_email(email)
    user_id = options.id or (present.id if present else uuid.uuid4().hex)
    taken = users.by_id(user_id)
    if taken is not None and taken.email != email:
        raise ValueError(f"the id {user_id} belongs to {taken.email}")
    users.put(User(user_id, email, frozenset(options.role), Passwords().hash(_password())))
    return 0


def _change_password(options: argparse.Namespace, settings: GatewaySettings) -> int:
    users = _users(settings)
    user = users.by_email(options.email)
    if user is None:
        raise ValueError(f"there is no user {options.email}")
    users.put(replace(user, password_hash=Passwords().hash(_password())))
    return 0


def _password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass.getpass("Password: ")
    if getpass.getpass("The same again: ") != first:
        raise ValueError("the two passwords differ")
    return first


def _list_users(_options: argparse.Namespace, settings: GatewaySettings) -> int:
    for user in _users(settings).all():
        sys.stdout.write(f"{user.email}\t{','.join(sorted(user.roles))}\t{user.id}\n")
    return 0


def _remove_user(options: argparse.Namespace, settings: GatewaySettings) -> int:
    if not _users(settings).remove(options.email):
        raise ValueError(f"there is no user {options.email}")
    return 0


def _token(options: argparse.Namespace, settings: GatewaySettings) -> int:
    if not 1 <= options.days <= MOST_DAYS:
        raise ValueError(f"--days must be from 1 to {MOST_DAYS}")
    signer = Signer(load_key(settings.gateway_signing_key_file), settings.auth_issuer, settings.auth_audience)
    token = signer.sign(options.subject, options.role, seconds=options.days * DAY_SECONDS)
    if options.out:
        write_whole(options.out, token + "\n", mode=PRIVATE)
    else:
        sys.stdout.write(token + "\n")
    return 0
