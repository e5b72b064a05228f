"""How the working day must come out."""

from __future__ import annotations

EXPECTED: dict[str, object] = {
    # The backend's 15 jobs: 6 about Tom's ticket, 6 about Tina's, 2 about the lock, 1 escalation; OPS cancelled one.
    "tickets: completed": 14,
    "tickets: cancelled": 1,
    "tickets: still to do": 0,
    # Who is told, by how many messages: a created ticket Lena 1, Leo 2, Olga 1 (three times: 12); a quote Lena 1, Leo 2
    # (twice: 6); an approval Carl 2 and the tenant 2 (twice: 8); an assignment Carl 2 (twice: 4) or Cora 1; a visit
    # the tenant 2, Carl 2, Lena 1, Leo 2 (twice: 14); its reminder the same (once: 7); an escalation Olga 1; and the
    # backend's own two notes. That is 55, of which one stays dead.
    "notifications: completed": 54,
    "notifications: dead": 1,
    "notifications: still to do": 0,
    # Tina wants text messages and has no phone: her approval and her visit.
    "notifications: skipped for want of an address": 2,
    "dead-letter: entries": 1,
    "dead-letter: refused by the provider": 1,
    "visit of Tom: ticket": "IN_PROGRESS",
    "visit of Tina, moved: ticket": "IN_PROGRESS",
    "visits begun before their time": 0,
    "lamp after one escalation: priority": "HIGH",
    "sink: e-mails": 30,
    "sink: text messages": 10,
    "sink: push messages": 12,
    "sink: messages sent twice": 0,
    "a repeated call makes a second job": False,
    "audit: retries by OPS": 1,
    "audit: cancels by OPS": 1,
    "audit: other rows": 0,
    "a tenant asking for the queues is answered": 403,
}
