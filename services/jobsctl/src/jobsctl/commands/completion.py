"""Completion in the shell."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

HOW = {
    "bash": 'eval "$(jobsctl completion bash)"      in ~/.bashrc',
    "zsh": 'eval "$(jobsctl completion zsh)"       in ~/.zshrc',
    "fish": "jobsctl completion fish | source       in ~/.config/fish/config.fish",
}


@click.command(epilog="\b\n" + "\n".join(HOW.values()))
@click.argument("shell", type=click.Choice(list(HOW)))
@click.pass_context
def completion(context: click.Context, *, shell: str) -> None:
    """Print the script that completes commands, options, queues and workers."""
    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"there is no completion for {shell}")
    click.echo(found(context.find_root().command, {}, "jobsctl", "_JOBSCTL_COMPLETE").source())
