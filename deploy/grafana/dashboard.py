"""Write the Grafana dashboard, for the compose stack and for Kubernetes: `make manifests`, after a change here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

DASHBOARD = Path(__file__).with_name("jobqueue.json")
IN_KUBERNETES = Path(__file__).parents[1] / "kubernetes/components/prometheus-operator/dashboard.json"
SOURCE = {"type": "prometheus", "uid": "${source}"}
QUEUE = 'queue=~"$queue"'
COLUMNS, HEIGHT = 3, 8
WIDTH = 24 // COLUMNS
Query = tuple[str, str]
"""An expression and the legend of its lines."""


def _each(metric: str, *labels: str, more: str = "") -> str:
    """A figure that every queue-admin exports: one of them."""
    return f"max by ({', '.join(('queue', *labels))}) ({metric}{{{QUEUE}{more}}})"


def _rate(metric: str, *labels: str) -> str:
    return f"max by ({', '.join(('queue', *labels))}) (rate({metric}{{{QUEUE}}}[$__rate_interval]))"


def _quantiles(metric: str) -> list[Query]:
    buckets = f"sum by (queue, le) (rate({metric}_bucket{{{QUEUE}}}[$__rate_interval]))"
    return [
        (f"histogram_quantile({q}, {buckets})", f"{{{{queue}}}} p{name}")
        for q, name in ((0.5, 50), (0.95, 95), (0.99, 99))
    ]


def _p95(metric: str, label: str) -> str:
    return f"histogram_quantile(0.95, sum by ({label}, le) (rate({metric}_bucket[$__rate_interval])))"


PANELS: list[tuple[str, str, list[Query]]] = [
    ("Time to start", "s", _quantiles("queue_wait_duration_seconds")),
    ("Oldest runnable job", "s", [(_each("queue_oldest_runnable_age_seconds"), "{{queue}}")]),
    ("Jobs by state", "short", [(_each("queue_depth", "state"), "{{queue}} {{state}}")]),
    ("What happens to jobs", "ops", [(_rate("queue_jobs_total", "status"), "{{queue}} {{status}}")]),
    ("Failed attempts by reason", "ops", [(_rate("queue_failures_total", "reason"), "{{queue}} {{reason}}")]),
    ("Retries", "ops", [(_rate("queue_retries_total"), "{{queue}}")]),
    ("Time in the handler", "ms", _quantiles("queue_processing_duration_ms")),
    ("Dead jobs", "short", [(_each("queue_dead_letter_depth"), "{{queue}}")]),
    ("Dead jobs: part of their bound", "percentunit", [(_each("queue_dead_letter_fill_ratio"), "{{queue}}")]),
    (
        "Jobs taken back from lost workers",
        "ops",
        [(f'max by (queue) (rate(queue_jobs_total{{{QUEUE}, status="rescued"}}[$__rate_interval]))', "{{queue}}")],
    ),
    ("Busy threads", "short", [("worker_busy_threads", "{{instance}}")]),
    (
        "Workers: last answer of the store",
        "s",
        [("time() - worker_last_fetch_timestamp_seconds", "{{instance}} {{queue}}")],
    ),
    ("Audit records not shipped: oldest", "s", [(_each("queue_audit_outbox_age_seconds"), "{{queue}}")]),
    ("Schedules overdue", "s", [(_each("queue_schedule_overdue_seconds"), "{{queue}}")]),
    ("Store answers", "bool", [("queue_store_up", "{{instance}}")]),
    ("REST: time p95", "s", [(_p95("http_request_duration_seconds", "route"), "{{route}}")]),
    (
        "REST: answers by status",
        "reqps",
        [("sum by (status) (rate(http_request_duration_seconds_count[$__rate_interval]))", "{{status}}")],
    ),
    ("gRPC: time p95", "s", [(_p95("grpc_server_handling_seconds", "method"), "{{method}}")]),
]


def dashboard() -> str:
    """The dashboard as JSON."""
    found = {
        "uid": "jobqueue",
        "title": "Job queue",
        "schemaVersion": 39,
        "editable": False,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "tags": ["jobqueue"],
        "templating": {"list": _variables()},
        "panels": [_panel(number, *panel) for number, panel in enumerate(PANELS)],
    }
    return json.dumps(found, indent=2) + "\n"


def _variables() -> list[dict[str, Any]]:
    return [
        {"name": "source", "type": "datasource", "query": "prometheus", "label": "Source"},
        {
            "name": "queue",
            "type": "query",
            "label": "Queue",
            "datasource": SOURCE,
            "query": "label_values(queue_depth, queue)",
            "refresh": 2,
            "multi": True,
            "includeAll": True,
            "allValue": ".*",
            "current": {"text": "All", "value": "$__all"},
        },
    ]


def _panel(number: int, title: str, unit: str, queries: list[Query]) -> dict[str, Any]:
    row, column = divmod(number, COLUMNS)
    return {
        "id": number + 1,
        "title": title,
        "type": "timeseries",
        "datasource": SOURCE,
        "gridPos": {"x": column * WIDTH, "y": row * HEIGHT, "w": WIDTH, "h": HEIGHT},
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + n), "datasource": SOURCE, "expr": expr, "legendFormat": legend}
            for n, (expr, legend) in enumerate(queries)
        ],
    }


if __name__ == "__main__":
    for path in (DASHBOARD, IN_KUBERNETES):
        path.write_text(dashboard())
