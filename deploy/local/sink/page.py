"""The sink's page: who was told what."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="refresh" content="3">
<title>Messages</title>
<style>
body {{ font: 15px/1.45 system-ui, sans-serif; margin: 2rem; color: #1d2733; background: #f7f8fa }}
table {{ border-collapse: collapse; width: 100%; background: #fff }}
th, td {{ text-align: left; vertical-align: top; padding: .45rem .8rem; border-bottom: 1px solid #e3e7ec }}
th {{ background: #eef1f5 }}
td.text {{ white-space: pre-wrap; overflow-wrap: anywhere }}
small {{ color: #5a6675; overflow-wrap: anywhere }}
</style>
<h1>Messages</h1>
<p>What the local mail server and the local SMS and push providers were given, newest first.
Nothing leaves this machine.
Addresses with <code>refused</code> in them are refused for good,
those with <code>busy</code> for now.
As JSON: <a href="/messages">/messages</a></p>
<table>
<thead><tr><th>Time</th><th>By</th><th>To</th><th>Message</th><th>Id given to the provider</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
</html>
"""
ROW = (
    '<tr><td>{time}</td><td>{channel}</td><td>{to}</td><td class="text"><strong>{subject}</strong>\n{text}</td>'
    "<td><small>{key}{repeats}</small></td></tr>"
)
NOTHING = '<tr><td colspan="5">Nothing yet.</td></tr>'


def page(messages: Iterable[Mapping[str, Any]]) -> str:
    """The page as HTML; everything that came from outside is escaped."""
    return PAGE.format(rows="\n".join(map(row, messages)) or NOTHING)


def row(message: Mapping[str, Any]) -> str:
    """One message."""
    shown = {name: escape(str(message[name])) for name in ("channel", "to", "subject", "text", "key")}
    at = time.strftime("%H:%M:%S", time.localtime(message["at_ms"] / 1000))
    repeats = f"<br>repeated {message['repeats']} times, counted once" if message["repeats"] else ""
    return ROW.format(**shown, time=at, repeats=repeats)
