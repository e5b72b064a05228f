"""What is worth a picture: every page and dialog, and which of them are kept in docs/screenshots."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page

from screenshots.camera import HEIGHTS, Shot

DEAD, RUNNING = "rent-2026-12-002", "report-2026-11-hillside"
FAILED = "/job-queues/notifications?status=failed"
DRAWER = f"/job-queues/notifications/{DEAD}?status=failed"
ADMIN, NOBODY = "admin@local", ""
Act = Callable[[Page], object]


def asked(link: str) -> Act:
    """The dialog that a link opens."""

    def act(page: Page) -> None:
        page.get_by_role("link", name=link).first.click()
        page.wait_for_selector("dialog[open]")

    return act


def selected(button: str = "") -> Act:
    """Three jobs selected, and the dialog of what to do with them."""

    def act(page: Page) -> None:
        for number in range(3):
            page.locator("[data-row] input").nth(number).check()
        if button:
            page.locator("[data-bulk]").get_by_role("button", name=button).click()
            page.wait_for_selector("dialog[open]")

    return act


def scrolled(pixels: int) -> Act:
    """Further down in the drawer."""
    return lambda page: page.locator("#drawer").evaluate(f"drawer => drawer.scrollTo(0, {pixels})")


SHOTS = {
    shot.name: shot
    for shot in (
        Shot("login", "/login", seen_by=NOBODY),
        Shot("ended", "/login?ended=True", seen_by=NOBODY),
        Shot("overview", "/job-queues", seen_by=ADMIN),
        Shot("menu", "/job-queues", lambda page: page.locator("details.menu summary").click()),
        Shot("keys", "/job-queues", lambda page: page.keyboard.press("?")),
        Shot("waiting", "/job-queues/invoices"),
        Shot("active", "/job-queues/reports?status=active"),
        Shot("delayed", "/job-queues/tickets?status=delayed"),
        Shot("failed", FAILED),
        Shot("completed", "/job-queues/notifications?status=completed"),
        Shot("dead-letter", "/job-queues/dead-letter"),
        Shot("empty", "/job-queues/tickets?status=active"),
        Shot("selection", FAILED, selected()),
        Shot("bulk", FAILED, selected("Retry…")),
        Shot("job", DRAWER),
        Shot("job-attempts", DRAWER, scrolled(620)),
        Shot("running", f"/job-queues/reports/{RUNNING}?status=active"),
        Shot("why", "/job-queues/reports/bank-hillside-main?status=delayed"),
        Shot("retry", DRAWER, asked("Retry…")),
        Shot("edit", DRAWER, asked("Edit and retry…")),
        Shot("remove", DRAWER, asked("Remove…")),
        Shot("reschedule", "/job-queues/reports/bank-hillside-main?status=delayed", asked("Reschedule…")),
        Shot("pause", "/job-queues/tickets", asked("Pause queue")),
        Shot("document", f"/job-queues/notifications/~document?id={DEAD}"),
        Shot("audit", "/audit"),
        Shot("audit-empty", "/audit?actor=nobody"),
        Shot("workers", "/workers", seen_by=ADMIN),
        Shot("drain", "/workers", asked("Drain…"), seen_by=ADMIN),
        Shot("types", "/job-types", seen_by=ADMIN),
        Shot("schedules", "/schedules", seen_by=ADMIN),
        Shot("schedule", "/schedules/reports/each-night", seen_by=ADMIN),
        Shot("schedule-pause", "/schedules/reports/each-night", asked("Pause…"), seen_by=ADMIN),
        Shot("enqueue", "/job-types/notifications/send-notification/enqueue", seen_by=ADMIN),
        Shot("search", "/search?q=rent"),
        Shot("nothing-found", "/search?q=no-such-job"),
        Shot("no-such-queue", "/job-queues/no-such-queue"),
        Shot("gone", "/job-queues/tickets/no-such-job"),
        Shot("not-your-role", "/job-types/tickets/ticket.created/enqueue"),
    )
}
KEPT = [
    (SHOTS[name], theme, width)
    for name, theme, width in (
        ("overview", "light", 1440),
        ("overview", "dark", 1440),
        ("overview", "light", 320),
        ("waiting", "light", 1440),
        ("active", "light", 1440),
        ("failed", "light", 1440),
        ("failed", "light", 320),
        ("selection", "dark", 1440),
        ("job", "dark", 1440),
        ("why", "light", 1440),
        ("edit", "light", 1440),
        ("audit", "light", 1440),
        ("workers", "dark", 1440),
        ("types", "light", 1440),
        ("schedules", "light", 1440),
    )
]
EVERY = [(shot, theme, width) for width in HEIGHTS for theme in ("light", "dark") for shot in SHOTS.values()]
