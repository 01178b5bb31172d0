"""Signing in and out over HTTP."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request, Response
from fastapi.security import OAuth2PasswordBearer
from pydantic import BaseModel, Field, ValidationError
from starlette.concurrency import run_in_threadpool

from dashboard.access import Accounts, Audit, Identity, Role
from dashboard.errors import BadRequest
from dashboard.web import HEADER, address_of, agent_of, cookie_tokens, device_tokens, forget, remember

# For the OpenAPI page only: the gate has checked the token before a route is reached.
BEARER = OAuth2PasswordBearer(
    tokenUrl='/api/auth/login', auto_error=False, description='Or the cookie of the pages, with its key.'
)
SIGNED_IN = [Depends(BEARER)]


class SetupStatus(BaseModel):
    """Whether the first account is still to be made."""

    needs_setup: bool = Field(description='True while there is no account at all.')


class Login(BaseModel):
    """A user name and its password."""

    username: str = Field(max_length=256)
    password: str = Field(max_length=4096)


class Setup(Login):
    """The first account."""

    code: str = Field(max_length=256, description='The set-up code that the console printed at the start.')


class PasswordChange(BaseModel):
    """A password, old and new."""

    current_password: str = Field(max_length=4096)
    new_password: str = Field(max_length=4096, description='At least 8 characters, at most 1024 bytes.')


class User(BaseModel):
    """Who is signed in."""

    username: str
    is_admin: bool


class Me(User):
    """Who is signed in, and what they may do."""

    role: Role
    scope: list[str] | None = Field(description='Patterns of the services that may be seen; null: everything.')


class Token(User):
    """A token and whose it is."""

    access_token: str = Field(description='Send it as `Authorization: Bearer …`; valid for 24 hours.')
    token_type: Literal['bearer'] = 'bearer'  # noqa: S105 - no password, OAuth2's name of a kind


class Done(BaseModel):
    """It worked."""

    ok: Literal[True] = True


class Problem(BaseModel):
    """What went wrong, in words."""

    detail: str


REFUSED: dict[int | str, dict[str, Any]] = {
    401: {'model': Problem, 'description': 'The user name, the password or the token is wrong.'},
    429: {'model': Problem, 'description': 'Too many failures: `Retry-After` says how many seconds to wait.'},
}
UNFIT: dict[int | str, dict[str, Any]] = {
    400: {'model': Problem, 'description': 'The account cannot be made or changed like this; `detail` says why.'}
}
ABSENT: dict[int | str, dict[str, Any]] = {404: {'model': Problem, 'description': 'There is none of that name.'}}
LOGIN_BODY = {  # written by hand, because FastAPI cannot declare one body in two encodings
    'requestBody': {
        'required': True,
        'content': {
            'application/json': {'schema': Login.model_json_schema()},
            'application/x-www-form-urlencoded': {'schema': Login.model_json_schema()},
        },
    }
}


def router(accounts: Accounts, audit: Audit) -> APIRouter:
    """The routes under /api/auth; ``answer_error`` has to be registered beside them."""
    routes = APIRouter(prefix='/api/auth', tags=['accounts'])

    def token(value: str) -> Token:
        identity = accounts.identify(value)
        return Token(access_token=value, username=identity.username, is_admin=identity.is_admin)

    @routes.get('/setup-status')
    async def setup_status() -> SetupStatus:
        """Tell whether the first account is still to be made."""
        return SetupStatus(needs_setup=accounts.needs_setup())

    @routes.post('/setup', responses=REFUSED | UNFIT)
    async def setup(request: Request, body: Setup) -> Token:
        """Make the first account, an administrator."""
        arguments = (body.code, body.username, body.password, address_of(request), agent_of(request))
        with audit.attempt('setup', body.username, address_of(request)):
            return token(await accounts.aside(accounts.setup, *arguments))

    @routes.post('/login', responses=REFUSED, openapi_extra=LOGIN_BODY)
    async def login(request: Request) -> Token:
        """Sign in with a JSON body or an OAuth2 password form."""
        body = await _login_body(request)
        origin = (address_of(request), agent_of(request), device_tokens(request.scope))
        with audit.attempt('sign-in', body.username, address_of(request), via='api'):
            return token(await accounts.aside(accounts.login, body.username, body.password, *origin))

    @routes.get('/me', responses=REFUSED, dependencies=SIGNED_IN)
    async def me(identity: Caller) -> Me:
        """Tell who is signed in."""
        patterns = identity.scope.patterns
        scope = None if patterns is None else list(patterns)
        return Me(username=identity.username, is_admin=identity.is_admin, role=identity.role, scope=scope)

    @routes.post('/change-password', responses=REFUSED | UNFIT, dependencies=SIGNED_IN)
    async def change_password(request: Request, response: Response, identity: Caller, body: PasswordChange) -> Token:
        """Change your password. Ends all your sessions and tokens, this one too; the answer brings a new token."""
        arguments = (identity, body.current_password, body.new_password)
        with audit.attempt('password-change', identity, address_of(request)):
            await accounts.aside(accounts.change_password, *arguments)
        fresh = accounts.issue(identity.username, address=address_of(request), agent=agent_of(request))
        changed = token(fresh)
        if cookie_tokens(request.scope):  # a browser's: its cookie ended with the others
            device = accounts.device(identity.username, device_tokens(request.scope))
            remember(request, response, changed.access_token, device)
            response.headers[HEADER] = accounts.sessions.origin_key(accounts.identify(fresh))
        return changed

    @routes.post('/logout', responses=REFUSED, dependencies=SIGNED_IN)
    async def logout(request: Request, response: Response, identity: Caller) -> Done:
        """End the token this was called with."""
        await run_in_threadpool(accounts.logout, identity)
        audit.record('sign-out', identity, address_of(request))
        forget(request, response)
        return Done()

    return routes


def _caller(request: Request) -> Identity:
    identity: Identity = request.state.identity  # the gate's
    return identity


Caller = Annotated[Identity, Depends(_caller)]


async def _login_body(request: Request) -> Login:
    try:
        if request.headers.get('content-type', '').startswith('application/json'):
            return Login.model_validate_json(await request.body())  # json.loads has no limit of depth of its own
        async with request.form() as form:
            return Login.model_validate(dict(form))
    except (ValidationError, ValueError):
        raise BadRequest('Signing in takes "username" and "password", as JSON or as a form.') from None
