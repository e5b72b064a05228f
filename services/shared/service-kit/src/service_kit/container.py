"""Process 1 of a container: `python -m service_kit.container worker` runs the module `worker` like `python -m worker`.

The kernel drops signals that process 1 has no handler for. A SIGTERM while a service is still importing its modules
would be lost, and the engine would kill the container after its whole grace. Imports little, to be early.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
from types import FrameType
from typing import NoReturn


def end_at_once(number: int, _frame: FrameType | None) -> NoReturn:
    """What a signal does to a process by default, for process 1; the status is the one that a shell would report."""
    os._exit(128 + number)


def main(module: str) -> None:
    """Run `module`, which may set handlers of its own."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end_at_once)
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    del sys.argv[0]
    main(sys.argv[0])
