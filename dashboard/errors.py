"""Every error of the product, each with the words its user reads.

DashboardError
├── ConfigError            a setting is wrong: says which and what it takes
│   └── AccountsUnavailable the accounts cannot be read or written now: says where, why and what to do
├── EngineError
│   ├── EngineUnavailable  the engine cannot be reached: says where it was sought, why it failed and what to do
│   │   └── RequestRefused it answers, but not what was asked: says which request, how it answered and what to do
│   ├── ContainerGone      the container was removed
│   └── LogsUnreadable     its log driver keeps nothing that can be read
├── StoreUnavailable       stored lines cannot be read now: says why
├── ServiceNotFound        no service of that name, or more than one
├── BadRequest             a parameter is wrong: says what it takes
├── RightsChanged          what the asker may see became less while it was read
├── BrokenOff              a download was cancelled by its own user
├── LimitReached           too much of something at once: says of what, and when to try again
│   └── NoStreamLeft       that of everybody together
└── AuthError
    ├── InvalidCredentials wrong user name or password: never says which
    ├── InvalidToken       the token is missing, expired, revoked or not ours
    ├── TooManyAttempts    too many failures in a row: says when to try again
    ├── NotAllowed         signed in, but not permitted
    └── AccountError       an account cannot be made or changed as asked: says why
        └── UnknownAccount no account, session or token of that name
"""


class DashboardError(Exception):
    """The root: ``str(error)`` is a sentence for the user."""


class ConfigError(DashboardError):
    """A setting is wrong."""


class AccountsUnavailable(ConfigError):
    """The database of the accounts cannot be used at the moment; ``retry_after`` in seconds."""

    retry_after = 5

    def __init__(self, path: object, reason: str, advice: str) -> None:
        super().__init__(f'The accounts in {path} cannot be used: {reason}. {advice}')


class EngineError(DashboardError):
    """The engine refused, or could not do, what was asked."""


class EngineUnavailable(EngineError):
    """The engine cannot be reached."""

    def __init__(self, address: str, reason: str, advice: str) -> None:
        super().__init__(f'No Docker engine at {address}: {reason}. {advice}')
        self.address = address
        self.reason = reason
        self.advice = advice


class RequestRefused(EngineUnavailable):
    """The engine, or a proxy before it, answered a request with an error.

    :param request: as ``GET /containers/{id}/logs``, the form in which a proxy may be told of it
    :param answer: status and words
    """

    def __init__(self, address: str, request: str, answer: str, advice: str) -> None:
        super().__init__(address, f'{request} was refused: {answer}', advice)
        self.request = request
        self.status = answer[:3]
        self.args = (f'The Docker engine at {address} refused {request}: {answer}. {advice}',)


class ContainerGone(EngineError):
    """The container no longer exists."""


class LogsUnreadable(EngineError):
    """The container's log driver cannot be read back."""

    def __init__(self, container: str, driver: str) -> None:
        super().__init__(
            f'The log of {container} cannot be read: its log driver ({driver}) keeps nothing that can be read back. '
            'Use the driver json-file or local for it (docker run --log-driver, or logging: in compose.yaml).'
        )
        self.container = container
        self.driver = driver


class StoreUnavailable(DashboardError):
    """Stored lines cannot be read, or removed, at the moment."""

    def __init__(self, reason: str, doing: str = 'read', hint: str = 'Try again in a moment.') -> None:
        super().__init__(f'The stored lines cannot be {doing}: {reason}. {hint}')


class ServiceNotFound(DashboardError):
    """The name fits no service, or fits several."""


class BadRequest(DashboardError):
    """A parameter of a request is wrong."""


class RightsChanged(DashboardError):
    """What the asker may see of a log has become less while it was being read."""

    def __init__(self) -> None:
        super().__init__('What you may see has changed while this was read: ask again.')


class BrokenOff(DashboardError):
    """Its own user has cancelled a download."""

    def __init__(self) -> None:
        super().__init__('You have cancelled this download.')


class LimitReached(DashboardError):
    """Too much of something at once; ``retry_after`` in seconds."""

    retry_after = 10


class NoStreamLeft(LimitReached):
    """As many streams of the engine are open as may be."""


class AuthError(DashboardError):
    """The root of what sign-in and accounts refuse."""


class InvalidCredentials(AuthError):
    """The user name or the password is wrong."""

    def __init__(self) -> None:
        super().__init__('The user name or the password is wrong.')


class InvalidToken(AuthError):
    """The token is missing, expired, revoked or not ours."""

    def __init__(self) -> None:
        super().__init__('Sign in first: the token is missing, has expired or is not valid.')


class TooManyAttempts(AuthError):
    """Too many failures in a row; ``retry_after`` in seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f'Too many attempts: wait {retry_after} s, then try again.')
        self.retry_after = retry_after


class NotAllowed(AuthError):
    """The identity may not do this."""

    def __init__(self) -> None:
        super().__init__('Only an administrator may do this.')


class AccountError(AuthError):
    """An account cannot be made or changed as asked."""


class UnknownAccount(AccountError):
    """There is no account, session or token of that name."""
