"""Write the Prometheus operator's manifest of the alerts: `make manifests`, after a change of rules.yml."""

from __future__ import annotations

from pathlib import Path

RULES = Path(__file__).with_name("rules.yml")
MANIFEST = Path(__file__).parents[1] / "kubernetes/components/prometheus-operator/rules.yaml"
HEAD = """\
# Made of deploy/prometheus/rules.yml by `make manifests`: change that file.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: jobqueue
spec:
"""


def manifest() -> str:
    """The rules' groups, with their comments, as the spec of a PrometheusRule."""
    _, _, groups = RULES.read_text().partition("\ngroups:\n")
    return HEAD + "".join(f"  {line}".rstrip() + "\n" for line in f"groups:\n{groups}".splitlines())


if __name__ == "__main__":
    MANIFEST.write_text(manifest())
