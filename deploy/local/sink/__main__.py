"""`python -m local.sink --smtp-port 1025 --http-port 8025`: run the sink until it is told to stop."""

from __future__ import annotations

import argparse
import signal
import sys

from local.sink.server import LOCALHOST, Sink


def main() -> None:
    """Run it; the page's address is printed once it answers."""
    parser = argparse.ArgumentParser(prog="python -m local.sink", description=__doc__)
    parser.add_argument("--smtp-port", type=int, default=1025, help="port of the mail server; 0: a free one")
    parser.add_argument("--http-port", type=int, default=8025, help="port of the page and the providers; 0: a free one")
    parser.add_argument("--host", default=LOCALHOST, help="address to listen on; 0.0.0.0: all, as in a container")
    given = parser.parse_args()
    stop = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, stop)
    try:
        sink = Sink(smtp_port=given.smtp_port, http_port=given.http_port, host=given.host)
    except OSError as error:
        sys.exit(f"sink: ports {given.smtp_port} and {given.http_port}: {error.strerror}")
    sink.start()
    print(f"sink: {sink.http_url} shows what {sink.smtp_url} and the SMS and push providers take", flush=True)
    signal.sigwait(stop)
    sink.stop()


if __name__ == "__main__":
    main()
