"""A user's own sessions, and the API tokens for their scripts."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from dashboard.access import DAYS, NAME_LENGTH, Accounts, Audit, Identity, Session
from dashboard.api.auth import ABSENT, REFUSED, SIGNED_IN, UNFIT, Caller, Done
from dashboard.api.notes import Note, Notes

DEFAULT_DAYS = 90


class SessionOut(BaseModel):
    """A place where somebody is signed in."""

    id: str = Field(description='Ends the session at `DELETE /api/auth/sessions/{id}`, and grants nothing else.')
    created: datetime
    expires: datetime
    last_used: datetime = Field(description='To a few minutes.')
    address: str = Field(description='Where the session was begun.')
    agent: str = Field(description='The browser or program that began it.')
    current: bool = Field(description='Whether it is the one that asks.')


class Sessions(BaseModel):
    """Sessions of a user, the latest first."""

    sessions: list[SessionOut]


class Ended(BaseModel):
    """How many sessions have ended."""

    ended: int


class TokenOut(BaseModel):
    """An API token, without its secret."""

    id: str
    name: str
    created: datetime
    expires: datetime
    last_used: datetime | None = Field(description='To a few minutes; null: never.')


class TokensOut(BaseModel):
    """API tokens of a user, the latest first."""

    tokens: list[TokenOut]


class TokenIn(BaseModel):
    """What a new token is called, and how long it lasts."""

    name: str = Field(min_length=1, max_length=NAME_LENGTH)
    days: int = Field(DEFAULT_DAYS, ge=DAYS[0], le=DAYS[1])


class TokenMade(TokenOut):
    """A new token; its secret is shown only here."""

    token: str = Field(description='Send it as `Authorization: Bearer …`. It reads logs and does nothing else.')


def router(accounts: Accounts, audit: Audit) -> APIRouter:
    """The routes ``/api/auth/sessions`` and ``/api/auth/tokens``."""
    routes = APIRouter(prefix='/api/auth', tags=['accounts'], responses=REFUSED, dependencies=SIGNED_IN)
    own, notes = accounts.sessions, Notes(audit)

    @routes.get('/sessions')
    def sessions(identity: Caller) -> Sessions:
        """List your sessions, the latest first."""
        return sessions_out(own.of(identity.username), identity)

    @routes.delete('/sessions')
    def end_others(identity: Caller, note: Note = Depends(notes)) -> Ended:
        """End all your sessions except the one that asks."""
        ended = own.end_others(identity)
        note('session-end', ended=ended)
        return Ended(ended=ended)

    @routes.delete('/sessions/{id}', responses=UNFIT | ABSENT)
    def end(id: str, identity: Caller, note: Note = Depends(notes)) -> Done:
        """End one of your sessions, with its open pages and WebSockets."""
        own.end(identity.username, id)
        note('session-end', session=id)
        return Done()

    @routes.get('/tokens')
    def tokens(identity: Caller) -> TokensOut:
        """List your API tokens, the latest first."""
        return TokensOut(tokens=[_token_out(token) for token in own.tokens_of(identity.username)])

    @routes.post('/tokens', responses=UNFIT)
    def make_token(body: TokenIn, identity: Caller, note: Note = Depends(notes)) -> TokenMade:
        """Make an API token for a script: read-only, and with your own scope."""
        made = own.make_token(accounts.users.known(identity.username), body.name, body.days)
        note('token-make', token=body.name, days=body.days)
        return TokenMade(token=made.secret, **_token_out(made.session).model_dump())

    @routes.delete('/tokens/{id}', responses=UNFIT | ABSENT)
    def revoke(id: str, identity: Caller, note: Note = Depends(notes)) -> Done:
        """Revoke one of your API tokens."""
        own.revoke(identity.username, id)
        note('token-revoke', token=id)
        return Done()

    return routes


def sessions_out(sessions: list[Session], identity: Identity) -> Sessions:
    """As the API tells them to somebody."""
    return Sessions(
        sessions=[
            SessionOut(
                id=session.id,
                created=_time(session.created),
                expires=_time(session.expires),
                last_used=_time(session.last_used),
                address=session.address,
                agent=session.agent,
                current=session.id == identity.session_id,
            )
            for session in sessions
        ]
    )


def _token_out(token: Session) -> TokenOut:
    last_used = _time(token.last_used) if token.last_used else None
    return TokenOut(
        id=token.id, name=token.label, created=_time(token.created), expires=_time(token.expires), last_used=last_used
    )


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
