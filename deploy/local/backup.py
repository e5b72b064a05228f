"""Copies of the stack's own store and database, taken while it runs, and putting them into a stack that is empty.

A copy holds store.rdb (a snapshot by Valkey), database.dump (by pg_dump), keys/ and credentials.json; it is as secret
as the stack itself.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import redis

from local import postgres, valkey
from local.credentials import Credentials
from local.ports import HOST, free_port
from local.process import Child
from local.state import StateFolder

STORE, DATABASE = "store.rdb", "database.dump"
SNAPSHOT_SECONDS = 600
MANIFEST = "file appendonly.aof.1.base.rdb seq 1 type b\n"
"""An append-only file whose base is the snapshot: the server loads it and goes on from there."""


class BackupFailed(Exception):
    """A copy could not be made or put back; nothing of it counts."""


def backup(folder: StateFolder, target: Path, *, say: Callable[[str], None]) -> None:
    """Copy what the running stack keeps into `target`, which must not exist. Raises BackupFailed."""
    state = folder.read_state()
    if state is None:
        raise BackupFailed("it does not run; start it with: make up")
    ports = state["ports"]
    if not {"VALKEY_PORT", "POSTGRES_PORT"} <= ports.keys():
        raise BackupFailed("the store or the database is not the stack's own: see docs/operations.md for others")
    if target.exists():
        raise BackupFailed(f"{target} exists already: a copy never overwrites another")
    scratch = target.with_name(f"{target.name}.part")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(mode=0o700, parents=True)
    credentials = Credentials(folder)
    _snapshot(folder, valkey.url(ports["VALKEY_PORT"], credentials.secret("valkey")), scratch / STORE)
    password = credentials.secret("postgres")
    _run("pg_dump", ("--format=custom", f"--file={scratch / DATABASE}"), port=ports["POSTGRES_PORT"], password=password)
    shutil.copytree(folder.keys, scratch / folder.keys.name)
    shutil.copy2(folder.credentials, scratch)
    scratch.rename(target)
    say(f"copied into {target}: store {_size(target / STORE)}, database {_size(target / DATABASE)}, keys and users")


def restore(folder: StateFolder, source: Path, *, say: Callable[[str], None]) -> None:
    """Put a copy into a stopped stack without data. Raises BackupFailed, AlreadyRunning and ProgramFailed."""
    if not (source / STORE).is_file() or not (source / DATABASE).is_file():
        raise BackupFailed(f"{source} is no copy made by make backup")
    with folder.held():
        kept = [name for name in ("valkey", "postgres") if (folder.path / name).exists()]
        if kept:
            raise BackupFailed(f"{folder.path} holds data ({', '.join(kept)}): make reset deletes it")
        shutil.copytree(source / folder.keys.name, folder.keys, dirs_exist_ok=True)
        shutil.copy2(source / folder.credentials.name, folder.credentials)
        files = folder.path / "valkey" / "appendonlydir"
        files.mkdir(mode=0o700, parents=True)
        shutil.copy2(source / STORE, files / "appendonly.aof.1.base.rdb")
        (files / "appendonly.aof.manifest").write_text(MANIFEST)
        _restore_database(folder, source / DATABASE)
    say(f"restored from {source}; start it with: make up")


def _snapshot(folder: StateFolder, url: str, target: Path) -> None:
    made = folder.path / "valkey" / "dump.rdb"
    before = made.stat().st_mtime_ns if made.exists() else 0
    with redis.Redis.from_url(url) as client:
        client.execute_command("BGSAVE", "SCHEDULE")
        deadline = time.monotonic() + SNAPSHOT_SECONDS
        while not made.exists() or made.stat().st_mtime_ns == before:
            if client.info("persistence")["rdb_last_bgsave_status"] != "ok" or time.monotonic() > deadline:
                raise BackupFailed(f"the store made no snapshot: see {folder.logs / 'valkey.log'}")
            time.sleep(0.05)
    made.rename(target)


def _restore_database(folder: StateFolder, dump: Path) -> None:
    password, port = Credentials(folder).secret("postgres"), free_port()
    data = folder.path / "postgres"
    postgres.initialise(data, password=password, log=folder.logs / "initdb.log")
    server = Child(postgres.program(data, port=port, password=password), folder.logs / "postgres.log")
    server.start()
    try:
        server.wait_ready()
        _run("pg_restore", ("--exit-on-error", "--single-transaction", str(dump)), port=port, password=password)
    finally:
        server.stop()


def _run(program: str, arguments: tuple[str, ...], *, port: int, password: str) -> None:
    """One of PostgreSQL's own; the password shows in no process list."""
    where = (f"--host={HOST}", f"--port={port}", f"--username={postgres.USER}", f"--dbname={postgres.DATABASE}")
    done = subprocess.run(
        [str(postgres.binary(program)), *where, "--no-password", *arguments],
        env={"PATH": os.defpath, "PGPASSWORD": password},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise BackupFailed(f"{program} failed: {done.stderr.strip()}")


def _size(path: Path) -> str:
    return f"{path.stat().st_size / 1_000_000:.1f} MB"
