"""Sessions for the shop's own pages: the refresh token is in a cookie that no script can read.

POST /session            signs in: `{"email": …, "password": …}`
POST /session/refresh    the next access token, by the cookie
POST /session/end        signs out
GET  /session/door       whom the demo lets in, and who may become an administrator

What is answered to scripts is the access token alone. The cookie goes to these paths only, and
only from a page of this very origin: `SameSite=Strict` keeps other sites out, and as another port
of the same host counts as the same site, what the browser says of the request is looked at too.
"""

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from api.demo_data import ADA, ADMIN, GRACE, PASSWORD
from api.failures import failure_of, retry_after
from api.graphql.services import Services
from infrastructure.identity.errors import EmailNotVerified, InvalidCredentials
from infrastructure.identity.rate_limits import client_of
from infrastructure.identity.sessions import REFRESH_TOKEN_LIFETIME, Session
from infrastructure.settings import Settings

COOKIE = "shop_session"
PATH = "/session"
LARGEST = 8_192  # bytes of a request
Handler = Callable[[Request], Awaitable[Response]]


class _Unreadable(Exception):
    """What was sent is no address and password."""


def session_routes(services: Services, settings: Settings) -> list[Route]:
    """The four of them."""
    identity = services.identity

    async def sign_in(http: Request) -> Response:
        email, password = await _credentials(http)
        client = client_of(http.client.host if http.client else "")
        return _opened(http, await identity.sign_in(email, password, client))

    async def refresh(http: Request) -> Response:
        token = http.cookies.get(COOKIE)
        if not token:
            return Response(status_code=204)  # nobody is signed in, which is no failure
        return _opened(http, await identity.refresh(token))

    async def end(http: Request) -> Response:
        if token := http.cookies.get(COOKIE):
            await identity.sign_out(token)
        return _forgotten(http, Response(status_code=204))

    door = JSONResponse(_door(settings))

    async def ask_door(_: Request) -> Response:
        return door

    return [
        Route(PATH, _guarded(sign_in), methods=["POST"]),
        Route(f"{PATH}/refresh", _guarded(refresh), methods=["POST"]),
        Route(f"{PATH}/end", _guarded(end), methods=["POST"]),
        Route(f"{PATH}/door", ask_door),
    ]


def _door(settings: Settings) -> dict[str, object]:
    people = (ADA, GRACE, ADMIN) if settings.demo else ()
    code = settings.required_admin_code
    return {
        "people": [
            {"name": p.name, "email": p.email, "role": p.role, "password": PASSWORD} for p in people
        ],
        "administrators": "NOBODY" if code is None else "WITH_CODE" if code else "ANYBODY",
    }


def _guarded(handler: Handler) -> Handler:
    """The handler, for pages of this origin alone, with what it raises told as JSON."""

    async def guarded(http: Request) -> Response:
        if not _from_here(http):
            return _refused(403, "FORBIDDEN", "Only the shop's own pages may do this.")
        try:
            return await handler(http)
        except _Unreadable:
            return _refused(400, "BAD_USER_INPUT", "Send an address and a password as JSON.")
        except EmailNotVerified as refusal:
            return _refused(401, "EMAIL_NOT_VERIFIED", str(refusal))
        except InvalidCredentials as refusal:
            answer = _refused(401, "INVALID_CREDENTIALS", str(refusal))
            return answer if handler.__name__ == "sign_in" else _forgotten(http, answer)
        except Exception as error:
            if not failure_of(error).ends_by_itself:
                raise
            return _failed(error)

    return guarded


def _failed(error: Exception) -> Response:
    """What may work in a moment."""
    failure = failure_of(error)
    seconds = retry_after(error)
    refused = _refused(failure.status, failure.code, str(error), seconds)
    if seconds is not None:
        refused.headers["Retry-After"] = str(seconds)
    return refused


def _from_here(http: Request) -> bool:
    """Whether it is a page of this origin that asks, as far as a browser says so: it always says
    one of the two, and no script can make it say another thing."""
    if not http.headers.get("content-type", "").startswith("application/json"):
        return False
    if site := http.headers.get("sec-fetch-site"):
        return site == "same-origin"
    origin = http.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == http.headers.get("host")


async def _credentials(http: Request) -> tuple[str, str]:
    body = b""
    async for chunk in http.stream():
        body += chunk
        if len(body) > LARGEST:
            raise _Unreadable
    try:
        sent = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise _Unreadable from error
    match sent:
        case {"email": str(email), "password": str(password)}:
            return email, password
        case _:
            raise _Unreadable


def _opened(http: Request, session: Session) -> Response:
    answer = JSONResponse(
        {
            "accessToken": session.access_token,
            "accessTokenExpiresAt": session.access_token_expires_at.isoformat(),
        }
    )
    _set_cookie(http, answer, session.refresh_token, int(REFRESH_TOKEN_LIFETIME.total_seconds()))
    return answer


def _forgotten(http: Request, answer: Response) -> Response:
    _set_cookie(http, answer, "", 0)
    return answer


def _set_cookie(http: Request, answer: Response, value: str, seconds: int) -> None:
    answer.set_cookie(
        COOKIE,
        value,
        max_age=seconds,
        path=PATH,
        httponly=True,
        samesite="strict",
        secure=http.url.scheme == "https",
    )


def _refused(status: int, code: str, message: str, seconds: int | None = None) -> JSONResponse:
    told: dict[str, object] = {"code": code, "message": message}
    if seconds is not None:
        told["retryAfter"] = seconds
    return JSONResponse(told, status)
