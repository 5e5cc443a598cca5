"""HTTP requests as they are written by hand."""

from typing import Any

import httpx
import orjson

from tests.api.shop import PATIENCE, Shop

JSON = "application/json"
GRAPHQL_JSON = "application/graphql-response+json"
EVENT_STREAM = "text/event-stream"
TYPENAME = "{ __typename }"


async def ask(shop: Shop, method: str, path: str = "/graphql", **options: Any) -> httpx.Response:
    async with httpx.AsyncClient(verify=False, timeout=PATIENCE) as http:
        return await http.request(method, f"http://{shop.api.address}{path}", **options)


async def post(shop: Shop, body: object, *, accept: str | None = None, **headers: str) -> Any:
    """The answer to a POST with JSON; bytes are sent as they are."""
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    headers = {"Content-Type": JSON, **headers}
    async with httpx.AsyncClient(verify=False, timeout=PATIENCE) as http:
        del http.headers["Accept"]
        if accept is not None:
            headers["Accept"] = accept
        return await http.post(
            f"http://{shop.api.address}/graphql", content=content, headers=headers
        )
