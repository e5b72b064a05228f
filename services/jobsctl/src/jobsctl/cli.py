"""The command line: its settings, and the commands in the order in which the help lists them."""

from __future__ import annotations

from pathlib import Path

import click

from jobsctl.commands import (
    access,
    acting,
    audit,
    changing,
    completion,
    erase,
    jobs,
    queues,
    reconcile,
    schedules,
    tail,
    workers,
)
from jobsctl.config import DEFAULT_URL, wants_no_color
from jobsctl.opening import open_gateway

COMMANDS = (
    access.login, access.logout,
    queues.queues, queues.pause, queues.resume,
    jobs.jobs, jobs.find, jobs.errors, jobs.show, jobs.types, tail.tail,
    acting.retry, acting.cancel, acting.remove, changing.reschedule, changing.enqueue,
    schedules.schedules,
    workers.workers, workers.drain, workers.resume_worker,
    audit.audit, reconcile.reconcile, erase.erase,
    access.users, access.token, completion.completion,
)  # fmt: skip


class InOrder(click.Group):
    """Lists its commands as they were added."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - signature of click
        """Names."""
        return list(self.commands)


@click.group(cls=InOrder, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option("--url", envvar="JOBSCTL_URL", help=f"The gateway; {DEFAULT_URL} unless set or logged in elsewhere.")
@click.option("--token-file", envvar="JOBSCTL_TOKEN_FILE", help="Holds the token to send, instead of a login's.")
@click.option("--timeout", envvar="JOBSCTL_TIMEOUT", type=click.FloatRange(0.1, 600), help="Seconds per call; 10.")
@click.option(
    "--config",
    envvar="JOBSCTL_CONFIG",
    type=click.Path(path_type=Path),
    help="Settings; ~/.config/jobsctl/config.toml.",
)
@click.version_option(package_name="jobsctl")
@click.pass_context
def jobsctl(
    context: click.Context, *, url: str | None, token_file: str | None, timeout: float | None, config: Path | None
) -> None:
    """See, repair and steer the job queue. Every change needs a reason and stands in the audit log.

    Exit status: 0 done, 1 error, 2 wrong usage or request, 3 not found, 4 refused by the state, 5 unavailable,
    6 not logged in or not allowed, 7 damage found.
    """
    if wants_no_color():
        context.color = False
    context.obj = gateway = open_gateway(url=url, token_file=token_file, timeout=timeout, config=config)
    context.call_on_close(gateway.close)


for command in COMMANDS:
    jobsctl.add_command(command)
