"""`GET /`: where things are."""

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Shop</title>
<style>body { font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto }</style>
<h1>Shop</h1>
<p>This is a shop's API. Operations of GraphQL are sent to <code>/graphql</code>, by
<code>POST</code> with JSON; subscriptions go over a websocket there
(<code>graphql-transport-ws</code>), or are answered as server-sent events.</p>
</html>
"""


def front_routes(*, graphiql: bool) -> list[Route]:
    """The page, or GraphiQL where that is on."""

    async def front(_: Request) -> Response:
        if graphiql:
            return RedirectResponse("/graphql", 307)
        return HTMLResponse(PAGE, headers={"Content-Security-Policy": POLICY})

    return [Route("/", front)]
