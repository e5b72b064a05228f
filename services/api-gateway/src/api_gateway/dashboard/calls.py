"""The contract's methods, called by their request: the method that takes it is known from the descriptors."""

from __future__ import annotations

from typing import Any

from google.protobuf import message_factory
from google.protobuf.message import Message

from api_gateway.auth.bearer import Authenticated
from api_gateway.clients import Clients
from jobqueue.audit.v1 import audit_service_pb2
from jobqueue.queue.v1 import queue_admin_service_pb2
from service_kit.contract import methods_of
from service_kit.validation import validate

_METHODS = {
    method.descriptor.input_type.full_name: (
        method.path,
        message_factory.GetMessageClass(method.descriptor.output_type),
    )
    for method in methods_of(
        queue_admin_service_pb2.DESCRIPTOR.services_by_name["QueueAdminService"],
        audit_service_pb2.DESCRIPTOR.services_by_name["AuditService"],
    ).values()
}


class Calls:
    """Calls in one person's name; queue-admin and audit check their role again."""

    def __init__(self, clients: Clients, by: Authenticated, request_id: str) -> None:
        self._clients, self._by, self._request_id = clients, by, request_id

    async def __call__(self, request: Message) -> Any:
        """The response of the method whose request this is. Raises ServiceError."""
        path, response = _METHODS[request.DESCRIPTOR.full_name]
        validate(request)
        return await self._clients.call(path, request, response, by=self._by, id_=self._request_id)
