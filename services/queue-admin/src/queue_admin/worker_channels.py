"""Channels to the workers: one per address, kept while the worker lives."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection

import grpc

from jobqueue.worker.v1 import worker_service_pb2_grpc


class WorkerChannels:
    """Thread-safe. `open_channel` makes the channel to an address."""

    def __init__(self, open_channel: Callable[[str], grpc.Channel]) -> None:
        self._open_channel = open_channel
        self._open: dict[str, grpc.Channel] = {}
        self._lock = threading.Lock()

    def stub(self, address: str) -> worker_service_pb2_grpc.WorkerServiceStub:
        """The worker that answers at `address` (`host:port`)."""
        with self._lock:
            channel = self._open.get(address)
            if channel is None:
                channel = self._open[address] = self._open_channel(address)
        return worker_service_pb2_grpc.WorkerServiceStub(channel)

    def keep_only(self, addresses: Collection[str]) -> None:
        """Close the channels to workers that are gone."""
        with self._lock:
            gone = [self._open.pop(address) for address in set(self._open) - set(addresses)]
        for channel in gone:
            channel.close()

    def close(self) -> None:
        """Close all."""
        self.keep_only(())
