"""A process that has imported all a worker needs and forks workers on demand: `python -m faults.support.nursery`.

A worker takes seconds to start, nearly all of it for imports; two hundred kills want two hundred of them. The forked
process runs the same `main` with the same signals. Each line on standard input is a JSON object of settings; the
answer is the worker's process id. When the input ends, so do all workers.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys

import orjson

from faults.support import worker_app

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Fork a worker per line."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the dead need no burial here
    for line in sys.stdin.buffer:
        pid = os.fork()
        if pid == 0:
            _become_worker(orjson.loads(line))
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


def _become_worker(settings: dict[str, str]) -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.environ.update(settings)  # noqa: TID251 - this is the environment the worker is started with
    log = os.open(settings["LOG"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    silence = os.open(os.devnull, os.O_RDONLY)
    for target, source in ((0, silence), (1, log), (2, log)):
        os.dup2(source, target)
    status = 1
    with contextlib.suppress(BaseException):
        worker_app.run()
        status = 0
    os._exit(status)


if __name__ == "__main__":
    main()
