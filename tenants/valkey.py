"""The clients of Valkey, one server or a Redis Cluster: each call of redis-py goes through the
breaker.

A client is the one place that sees a call as a whole. redis-py's Retry, which also wraps connecting
and sending, takes a connection that is there for a success, sees a connect within a command twice,
and is not the one that a cluster gives its nodes.
"""

from __future__ import annotations

import threading
from typing import Any

from django_redis.client import DefaultClient
from redis.backoff import NoBackoff
from redis.client import Pipeline, Redis
from redis.cluster import ClusterPipeline, RedisCluster
from redis.exceptions import ConnectionError, TimeoutError  # noqa: A004
from redis.retry import Retry

from tenants.breaker import Away, valkey

_lock = threading.Lock()
_clusters: dict[str, Cluster] = {}


class GuardedPipeline(Pipeline):
    def execute(self, *args: Any, **kwargs: Any) -> Any:
        return valkey.call(super().execute, *args, **kwargs)

    def immediate_execute_command(self, *args: Any, **options: Any) -> Any:
        return valkey.call(super().immediate_execute_command, *args, **options)


class Client(Redis):
    """Of one server: django-redis' REDIS_CLIENT_CLASS."""

    def execute_command(self, *args: Any, **options: Any) -> Any:
        return valkey.call(super().execute_command, *args, **options)

    def pipeline(self, transaction: bool = True, shard_hint: Any = None) -> GuardedPipeline:
        return GuardedPipeline(
            self.connection_pool, self.response_callbacks, transaction, shard_hint
        )


class Cluster(RedisCluster):
    """Of all nodes of a cluster. It knows who has which slot, so a process has one."""

    def execute_command(self, *args: Any, **options: Any) -> Any:
        return valkey.call(super().execute_command, *args, **options)

    def pipeline(self, transaction: Any = None, shard_hint: Any = None) -> ClusterPipeline:
        pipeline: Any = super().pipeline(transaction or None, shard_hint)  # type: ignore[no-untyped-call]
        execute = pipeline.execute
        pipeline.execute = lambda *args, **kwargs: valkey.call(execute, *args, **kwargs)
        return pipeline  # type: ignore[no-any-return]


class ClusterClient(DefaultClient):
    """django-redis' CLIENT_CLASS where REDIS_URL names a node of a cluster."""

    def connect(self, index: int = 0) -> Cluster:
        url = self._server[index]
        with _lock:
            if url not in _clusters:
                _clusters[url] = self._reach(url)
            return _clusters[url]

    def _reach(self, url: str) -> Cluster:
        try:
            return valkey.call(
                Cluster,
                url=url,
                socket_timeout=self._options["SOCKET_TIMEOUT"],
                socket_connect_timeout=self._options["SOCKET_CONNECT_TIMEOUT"],
                retry=Retry(NoBackoff(), 0),
                require_full_coverage=False,  # a tenant whose node is there is served
            )
        except (ConnectionError, TimeoutError, OSError) as error:
            raise Away(str(error)) from error

    def disconnect(self, index: int = 0, client: Any = None) -> None:
        """Nothing: the others of this process use it too."""
