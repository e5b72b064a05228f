"""What a worker says about itself, as the store keeps it: JSON with the contract's field names."""

from __future__ import annotations

from google.protobuf import json_format

from jobqueue.queue.v1 import queue_admin_service_pb2


def encode_info(info: queue_admin_service_pb2.WorkerInfo) -> bytes:
    """The description to keep."""
    return json_format.MessageToJson(info, indent=None).encode()


def decode_info(kept: bytes) -> queue_admin_service_pb2.WorkerInfo:
    """The description as it was kept; fields a newer version added are left out."""
    return json_format.Parse(kept, queue_admin_service_pb2.WorkerInfo(), ignore_unknown_fields=True)
