"""Start it: `jobsctl`, or `python -m jobsctl`."""

from __future__ import annotations

from jobsctl.cli import jobsctl


def main() -> None:
    """Run the command of the command line; exits with the status that docs/jobsctl.md lists."""
    jobsctl(prog_name="jobsctl")


if __name__ == "__main__":
    main()
