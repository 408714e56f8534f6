"""The client, and the pool of many companies' clients: the public API."""

from gong_tasks_async.client.client import GongTasksClient
from gong_tasks_async.client.pool import GongTasksPool

__all__ = ["GongTasksClient", "GongTasksPool"]
