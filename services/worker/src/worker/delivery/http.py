"""What SMS and push providers have in common: one POST that carries the notification id as its idempotency key."""

from __future__ import annotations

from collections.abc import Mapping

import httpx

from worker.delivery.contract import DeliveryRefused, ProviderUnavailable
from worker.shield import undisturbed

TIMEOUT = httpx.Timeout(10.0, connect=3.0, pool=3.0)
NOT_NOW = frozenset({408, 425, 429})
LONGEST_PAUSE_SECONDS = 3_600.0


class HttpProvider:
    """A provider at `url` (empty: none is set up), called with `token` as bearer when there is one. Thread-safe."""

    def __init__(self, url: str, *, token: str = "") -> None:
        self._url = url
        headers = {"authorization": f"Bearer {token}"} if token else {}
        self._client = httpx.Client(timeout=TIMEOUT, headers=headers, follow_redirects=False)

    def post(self, body: Mapping[str, str], *, key: str) -> str:
        """Hand a message over; returns the provider's id for it, or the key.

        The provider recognises a repeated key, so a broken connection counts as not delivered. Raises DeliveryRefused
        and ProviderUnavailable.
        """
        if not self._url:
            raise ProviderUnavailable("no provider is set up for it")
        try:
            with undisturbed():
                response = self._client.post(self._url, json=body, headers={"idempotency-key": key})
        except httpx.HTTPError as error:
            raise ProviderUnavailable(
                f"the provider cannot be reached: {str(error) or type(error).__name__}"
            ) from error
        if response.is_success:
            return reference(response) or key
        words = f"{response.status_code} {response.text[:200]}".strip()
        if response.is_client_error and response.status_code not in NOT_NOW:
            raise DeliveryRefused(f"the provider refused it: {words}")
        raise ProviderUnavailable(f"the provider answered {words}", retry_after_seconds=retry_after(response))

    def close(self) -> None:
        """Close all connections."""
        self._client.close()


def reference(response: httpx.Response) -> str:
    """The `id` of a JSON answer, empty when there is none."""
    try:
        answer = response.json()
    except ValueError:
        return ""
    return str(answer.get("id", "")) if isinstance(answer, dict) else ""


def retry_after(response: httpx.Response) -> float | None:
    """Seconds the provider asks to wait, None when it does not say or says a date."""
    value = response.headers.get("retry-after", "")
    return min(float(value), LONGEST_PAUSE_SECONDS) if value.isdecimal() else None
