"""The store on Redis or Valkey."""

from __future__ import annotations

import sys

# Where OpenTelemetry is installed redis-py imports its metrics, 0.3 s and 5 MB, for figures that we never ask it for.
# It goes without when an import is refused; a process that traces imports what it needs later.
_UNUSED = [name for name in ("opentelemetry.metrics", "opentelemetry.sdk.metrics") if name not in sys.modules]
for _name in _UNUSED:
    sys.modules[_name] = None  # type: ignore[assignment]  # the documented way to refuse an import
import redis  # noqa: E402, F401 - see above

for _name in _UNUSED:
    del sys.modules[_name]
