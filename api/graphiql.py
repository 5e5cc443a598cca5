"""GraphiQL, with the documents of the tour in its tabs."""

import re
from base64 import b64encode
from hashlib import sha256
from importlib.resources import files

import orjson

INLINE_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def tour() -> list[str]:
    """The tour's GraphQL documents, in their order."""
    documents = (files("api") / "tour").iterdir()
    return [
        document.read_text()
        for document in sorted(documents, key=lambda document: document.name)
        if document.name.endswith(".graphql")
    ]


def graphiql_page() -> tuple[str, str]:
    """The page, and the Content-Security-Policy that lets it do what it must and nothing else."""
    tabs = orjson.dumps([{"query": document} for document in tour()]).decode()
    # Within a script element, `<` could end it.
    page = (files("api") / "graphiql.html").read_text()
    page = page.replace("/* tabs */ []", tabs.replace("<", r"\u003c"))
    script = INLINE_SCRIPT.findall(page)[-1]
    digest = b64encode(sha256(script.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; script-src 'sha256-{digest}' https://unpkg.com;"
        " style-src 'unsafe-inline' https://unpkg.com; font-src data: https://unpkg.com;"
        " img-src data: 'self'; connect-src 'self'; base-uri 'none'; form-action 'none';"
        " frame-ancestors 'none'"
    )
    return page, policy
