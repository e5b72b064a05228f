"""The alerts of deploy/prometheus/rules.yml with their times shortened, so that they can be watched as they fire.

Every time in them is a thirtieth of what it is in production: the ranges that they look back over, how long they wait
(`for`), and the ages they compare with. All else is the same text.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from prometheus.manifest import RULES

FASTER = 30
SCRAPE_SECONDS = 2  # a busy machine answers within that
LEAST_RANGE_SECONDS = 5 * SCRAPE_SECONDS  # over fewer scrapes a rate is chance
UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
RANGE = re.compile(r"\[(\d+)([smhd])\]")
AGE = re.compile(r"(_seconds\)? > )(\d+)\b")


def faster(text: str) -> str:
    """An expression with shorter times."""
    text = RANGE.sub(lambda found: f"[{max(_shortened(found[1], found[2]), LEAST_RANGE_SECONDS)}s]", text)
    return AGE.sub(lambda found: f"{found[1]}{int(found[2]) / FASTER:g}", text)


def rendered() -> str:
    """All rules with shorter times, as a rule file."""
    rules: dict[str, Any] = yaml.safe_load(RULES.read_text())
    for group in rules["groups"]:
        for rule in group["rules"]:
            rule["expr"] = faster(rule["expr"])
            if "for" in rule:
                rule["for"] = f"{_shortened(rule['for'][:-1], rule['for'][-1])}s"
    return str(yaml.safe_dump(rules))


def _shortened(number: str, unit: str) -> int:
    return max(1, int(number) * UNITS[unit] // FASTER)
