"""FastAPI: one client for the whole service, errors as HTTP responses. Run with `uvicorn fastapi_service:app`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from gong_tasks_async import (
    DailyQuotaError,
    DeadlineExceeded,
    GongError,
    GongTasksClient,
    RateLimitError,
    TaskNotFoundError,
    TaskUpdate,
    to_json,
)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Open the client with the service, and close it with it."""
    async with GongTasksClient.from_env() as gong:
        app.state.gong = gong.with_options(timeout=10)
        yield


app = FastAPI(lifespan=lifespan)


@app.exception_handler(GongError)
async def failed(_: Request, error: GongError) -> JSONResponse:
    """Turn what the client raises into what our callers can act on."""
    if isinstance(error, TaskNotFoundError):
        return JSONResponse({"error": "no such task"}, 404)
    if isinstance(error, DailyQuotaError | RateLimitError | DeadlineExceeded):
        return JSONResponse({"error": "busy"}, 503, headers={"Retry-After": "60"})
    return JSONResponse({"error": type(error).__name__}, 502)


@app.get("/users/{user_id}/tasks")
async def list_tasks(user_id: str) -> list[dict[str, object]]:
    """List a user's open tasks."""
    return [dict(to_json(task)) for task in await app.state.gong.list_tasks(user_id)]


@app.post("/users/{user_id}/tasks/{task_id}/done")
async def close_task(user_id: str, task_id: int) -> dict[str, object]:
    """Mark a task done."""
    return dict(to_json(await app.state.gong.update_task(TaskUpdate(task_id, user_id, status="DONE"))))
