from __future__ import annotations

from hypothesis import Phase, settings

pytest_plugins = [
    "fixtures.valkey",
    "fixtures.valkey_cluster",
    "fixtures.valkey_sentinel",
    "fixtures.postgres",
    "fixtures.stack",
    "fixtures.platform",
    "fixtures.queue_admin",
    "fixtures.worker",
    "fixtures.explored",
]

# Without the phase that traces: under a tracer Python 3.11 loops for ever once any thread has ended before an exception
# that was raised in it from outside (an interrupted job's) arrived, and the workers under test do that.
# The same examples in each run: a change is judged by what it changed. `make test-explore` goes further, with models.
settings.register_profile(
    "the-same",
    settings.default,
    phases=tuple(phase for phase in Phase if phase is not Phase.explain),
    derandomize=True,
)
settings.load_profile("the-same")
