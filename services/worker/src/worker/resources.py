"""What handlers may ask for beside payload and context: the platform and the ways to reach its people."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from service_kit.settings import SettingsError
from worker.delivery.contract import Senders
from worker.delivery.email import EmailSender
from worker.delivery.http import HttpProvider
from worker.delivery.push import PushSender
from worker.delivery.sms import SmsSender
from worker.platform.contract import Platform
from worker.platform.postgres import PostgresPlatform
from worker.settings import WorkerSettings


def open_resources(settings: WorkerSettings) -> tuple[Mapping[type, object], Callable[[], None]]:
    """The resources by type, and what closes them. Nothing needs to answer yet.

    Raises SettingsError when a setting they need is missing or cannot be used.
    """
    if not settings.platform_database_url:
        raise SettingsError("PLATFORM_DATABASE_URL: is missing; the jobs read and write the platform's database")
    try:
        email = EmailSender(settings.smtp_url, sender=settings.smtp_from)
    except ValueError as error:
        raise SettingsError(str(error)) from None
    sms = HttpProvider(settings.sms_url, token=settings.sms_token)
    push = HttpProvider(settings.push_url, token=settings.push_token)
    platform = PostgresPlatform(settings.platform_database_url, connections=settings.worker_threads)

    def close() -> None:
        platform.close()
        sms.close()
        push.close()

    return {Platform: platform, Senders: Senders(email, SmsSender(sms), PushSender(push))}, close
