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
settings.register_profile(
    "without-tracing", settings.default, phases=tuple(phase for phase in Phase if phase is not Phase.explain)
)
settings.load_profile("without-tracing")
