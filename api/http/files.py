"""Files that are served as they are: the demo's pictures, and GraphiQL, which needs no internet."""

from os import PathLike, stat_result
from pathlib import Path

from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

FOLDER = Path(__file__).parents[1] / "static"


class Files(StaticFiles):
    """Browsers may keep them for an hour."""

    def file_response(
        self,
        full_path: str | PathLike[str],
        stat_result: stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers["Cache-Control"] = "public, max-age=3600"
        return response


def static_files() -> Mount:
    """The route to them."""
    return Mount("/static", Files(directory=FOLDER))
