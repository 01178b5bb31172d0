"""Users, for administrators."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from dashboard.access import EVERYTHING, Accounts, Audit, Role, Scope, require_admin
from dashboard.access import User as Account
from dashboard.api.auth import ABSENT, REFUSED, SIGNED_IN, UNFIT, Caller, Done, Problem
from dashboard.api.notes import Note, Notes
from dashboard.api.sessions import Ended, Sessions, sessions_out

FORBIDDEN: dict[int | str, dict[str, Any]] = {403: {'model': Problem, 'description': 'Only for administrators.'}}
Patterns = Annotated[
    list[str] | None,
    Field(description='Patterns of `project/service`, such as `shop/*`, `*/web` or `/redis`; null: everything.'),
]


class UserOut(BaseModel):
    """An account."""

    username: str
    role: Role
    scope: Patterns
    created: datetime


class Users(BaseModel):
    """All accounts, by name."""

    users: list[UserOut]


class UserIn(BaseModel):
    """A new account."""

    username: str = Field(max_length=256)
    password: str = Field(max_length=4096)
    role: Role = 'viewer'
    scope: Patterns = None


class UserChange(BaseModel):
    """What is to change; what is left out stays."""

    role: Role | None = None
    scope: Patterns = None
    password: str | None = Field(
        None, min_length=8, max_length=4096, description='Ends all sessions and tokens of the user.'
    )


def router(accounts: Accounts, audit: Audit) -> APIRouter:
    """The routes below ``/api/users``."""
    notes = Notes(audit)
    routes = APIRouter(
        prefix='/api/users',
        tags=['users'],
        responses=REFUSED | UNFIT | FORBIDDEN | ABSENT,
        dependencies=[*SIGNED_IN, Depends(_admin)],
    )

    @routes.get('')
    def users() -> Users:
        """All users."""
        return Users(users=[_user_out(user) for user in accounts.users.all()])

    @routes.post('')
    async def add(body: UserIn, note: Note = Depends(notes)) -> UserOut:
        """Add a user."""
        scope = Scope.of(body.scope)
        await accounts.aside(accounts.users.add, body.username, body.password, body.role == 'admin', scope)
        note('user-add', name=body.username, admin=body.role == 'admin', scope=scope)
        return _user_out(accounts.users.known(body.username))

    @routes.patch('/{name}')
    async def change(name: str, body: UserChange, note: Note = Depends(notes)) -> UserOut:
        """Change a role, a scope or a password. What the user has open follows within a second."""
        accounts.users.known(name)
        if body.role is not None or 'scope' in body.model_fields_set:
            is_admin = None if body.role is None else body.role == 'admin'
            scope = Scope.of(body.scope) if 'scope' in body.model_fields_set else None
            user = accounts.users.set_rights(name, is_admin=is_admin, scope=scope)
            note('user-change', name=name, admin=user.is_admin, scope=user.scope)
        if body.password is not None:
            await accounts.aside(accounts.users.set_password, name, body.password)
            note('password-set', name=name)
        return _user_out(accounts.users.known(name))

    @routes.delete('/{name}')
    def remove(name: str, note: Note = Depends(notes)) -> Done:
        """Remove a user, with all sessions and tokens."""
        accounts.users.remove(name)
        note('user-remove', name=name)
        return Done()

    @routes.get('/{name}/sessions')
    def sessions(name: str, identity: Caller) -> Sessions:
        """List the sessions of a user, the latest first."""
        return sessions_out(accounts.sessions.of(accounts.users.known(name).username), identity)

    @routes.delete('/{name}/sessions')
    def end_all(name: str, note: Note = Depends(notes)) -> Ended:
        """End all sessions of a user."""
        ended = accounts.sessions.end_all(accounts.users.known(name).username)
        note('session-end', name=name, ended=ended)
        return Ended(ended=ended)

    @routes.delete('/{name}/sessions/{id}')
    def end(name: str, id: str, note: Note = Depends(notes)) -> Done:
        """End one session of a user."""
        accounts.sessions.end(accounts.users.known(name).username, id)
        note('session-end', name=name, session=id)
        return Done()

    return routes


async def _admin(identity: Caller) -> None:
    require_admin(identity)


def _user_out(user: Account) -> UserOut:
    patterns = None if user.scope == EVERYTHING else list(user.scope.patterns or ())
    created = datetime.fromtimestamp(user.created, UTC)
    return UserOut(username=user.username, role=user.role, scope=patterns, created=created)
