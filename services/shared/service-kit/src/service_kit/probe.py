"""`python -m service_kit.probe URL`: 0 when it answers 200, else 1 and what it said. A container's own health check.

It needs the standard library only: images have no curl, and it is run every few seconds.
"""

from __future__ import annotations

import sys
import urllib.error
import urllib.request

TIMEOUT_SECONDS = 3.0


def main(arguments: list[str]) -> int:
    """The exit status."""
    if len(arguments) != 1 or not arguments[0].startswith("http://"):
        sys.stderr.write("usage: python -m service_kit.probe http://HOST:PORT/PATH\n")
        return 2
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a proxy is not asked about ourselves
    try:
        with opener.open(arguments[0], timeout=TIMEOUT_SECONDS) as answer:
            said, well = answer.read(500), answer.status == 200  # noqa: PLR2004 - HTTP's OK
    except urllib.error.HTTPError as error:
        said, well = error.read(500), False
    except OSError as error:
        said, well = str(error).encode(), False
    sys.stdout.write(said.decode(errors="replace") + "\n")
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
