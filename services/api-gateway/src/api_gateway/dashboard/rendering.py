"""Templates: everything is escaped, and a name that is not there is an error."""

from __future__ import annotations

import re
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from api_gateway.dashboard import formatting, links
from api_gateway.dashboard.deeds import deed_of
from api_gateway.dashboard.static_files import StaticFiles
from api_gateway.root_path import at

_CODE = re.compile("`([^`]+)`")


def prose(text: str) -> Markup:
    """A text in which words between backticks are code."""
    parts = _CODE.split(text)  # every second one stood between backticks
    return Markup().join(
        Markup("<code>{}</code>").format(part) if place % 2 else escape(part) for place, part in enumerate(parts)
    )


class Templates:
    """All templates, compiled once."""

    def __init__(self, static: StaticFiles) -> None:
        self._environment = Environment(
            loader=PackageLoader("api_gateway.dashboard", "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.globals.update(static=static.address, at=at, links=links, statuses=links.QUEUE_STATUSES)
        self._environment.filters.update(
            number=formatting.number,
            duration=formatting.duration,
            coarse=formatting.coarse,
            exact=formatting.exact,
            iso=formatting.iso,
            count=formatting.count,
            short=formatting.short,
            queue_title=formatting.queue_title,
            relative=formatting.relative,
            in_zone=formatting.in_zone,
            prose=prose,
            told=lambda action: deed_of(action).told,
        )
        for name in self._environment.list_templates():
            self._environment.get_template(name)  # a mistake shows when the gateway starts

    def render(self, template: str, **values: Any) -> str:
        """A template as HTML."""
        return self._environment.get_template(template).render(**values)
