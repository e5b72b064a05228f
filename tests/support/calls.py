"""Reading what a refused call said."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import grpc
import pytest

from service_kit.errors import ServiceError, from_rpc_error


class Refused:
    """Filled when the block ends."""

    error: ServiceError

    @property
    def fields(self) -> dict[str, str]:
        """What is wrong by field."""
        return {field.field: field.problem for field in self.error.fields}


@contextmanager
def refused(reason: str) -> Iterator[Refused]:
    """The block's call is refused with this ErrorReason."""
    found = Refused()
    with pytest.raises(grpc.RpcError) as caught:
        yield found
    found.error = from_rpc_error(caught.value)
    assert found.error.reason == reason, found.error
