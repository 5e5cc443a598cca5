"""GraphiQL, with the documents of the tour in its tabs."""

from importlib.resources import files

import orjson

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src data:;"
    " img-src data: 'self'; connect-src 'self'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'"
)
NO_TABS = '<script id="tabs" type="application/json">[]</script>'


def tour() -> list[str]:
    """The tour's GraphQL documents, in their order."""
    documents = sorted((files("api") / "tour").iterdir(), key=lambda document: document.name)
    return [document.read_text() for document in documents]


def graphiql_page() -> tuple[str, str]:
    """The page, and the Content-Security-Policy that lets it do what it must and nothing else."""
    tabs = orjson.dumps([{"query": document} for document in tour()]).decode()
    # Within a script element, `<` could end it.
    filled = NO_TABS.replace("[]", tabs.replace("<", r"\u003c"))
    return (files("api") / "graphiql.html").read_text().replace(NO_TABS, filled), POLICY
