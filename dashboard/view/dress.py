"""Secrets that only their dress tells: a header, a name before a value, a place in a URL or on a command line.

A name and its value stand together in many ways: ``password=x``, ``"password": "x"``, ``('authorization', 'Basic x')``,
``{"name":"Cookie","value":"x"}``, ``<password>x</password>``, ``Authorization%3A%20Basic%20x``, ``--password x``.
"""

from __future__ import annotations

from collections.abc import Iterator

from dashboard.lines import fixed

Span = tuple[int, int]  # from, up to and not including, in characters

_QUOTE = r'(?:\\{0,3}["\x27`]|%22|%27|&quot;|&#3[49];|\\u0022)'  # JSON in JSON escapes its quotes
_GAP = r'(?:\s|%20|\+){0,9}'
_IS = (
    rf'(?:{_QUOTE}?{_GAP}(?:=>|:=|==|[:=]|%3[aAdD]){_GAP}(?:b?{_QUOTE}|\[|\()*'
    rf'|{_QUOTE}?\s*,?\s*{_QUOTE}?[vV]alue{_QUOTE}?\s*[:=]\s*{_QUOTE}'  # HAR, attributes of XML
    rf'|{_QUOTE}\s*,\s*b?{_QUOTE}'  # a pair
    rf'|{_QUOTE}?(?:\s+[\w:.-]+=[\"\x27][^<>\"\x27]*[\"\x27])*>)'  # an element of XML
)
_WORD = r'[^\s"\x27`\\,;&<>\]]+'
# a value: what its quotes hold, or a word; a comma or bracket belongs to it when more of the word follows
_PLAIN = r'[^\s"\x27`\\,;&<>(){}\[\]|]'
_VALUE = (
    r'(?:b?\\+"([^"\\]+)|b?"((?:[^"\\]|\\.)+)|b?\\+\x27([^\x27\\]+)|b?\x27((?:[^\x27\\]|\\.)+)'
    r'|`([^`]+)|(?:%2[27]|&quot;|&#3[49];)([^%&\s]+)'
    rf'|((?:{_PLAIN}|[\[(\{{|][^\s"\x27`]|[,)\]\}}|]{_PLAIN})+))'
)
_IS_OPEN = (  # as above, up to the quote before the value
    rf'(?:{_QUOTE}?{_GAP}(?:=>|:=|==|[:=]|%3[aAdD]){_GAP}(?:\[|\()?'
    rf'|{_QUOTE}?\s*,?\s*{_QUOTE}?[vV]alue{_QUOTE}?\s*[:=]\s*'
    rf'|{_QUOTE}\s*,\s*'
    rf'|{_QUOTE}?(?:\s+[\w:.-]+=[\"\x27][^<>\"\x27]*[\"\x27])*>)'
)

# the value of several schemes is a list of parameters up to the line's end; else a scheme and a word, or a word
AUTHORIZATION = (
    rf'(?i:authorization{_IS}((?:digest|aws4-[a-z0-9-]+|hawk|oauth|signature)\s.+|{_WORD}(?:(?:[ \t]+|%20){_WORD})?))'
)
BEARER = r'(?i:(?:bearer(?:[\s:="\x27\\]|%20)+)+([a-z0-9._~+/=%-]{6,}))'
COOKIE = rf'(?i:\b(?:set-)?cookie2?{_IS}([^\s=;,"\x27]+=[^"\x27\\\r\n<]+))'
OWN_COOKIE = r'\b(?:__(?:Host|Secure)-)?dashboard_[a-z]+=([^\s;"\x27\\,&]{8,})'

_LOCK_NAMES = (
    r'(?:passw(?:or)?d|passphrase|passwort|pwd|contrase(?:n|ñ)a|mot_?de_?passe|requirepass'
    r'|(?:^|[^0-9A-Za-z])(?:db_?pass|t?otp|(?:mfa|one_?time)[_-]?code)|[_.?&]pass)'
)
PASSWORD = rf'(?i:{_LOCK_NAMES}[0-9]?{_IS_OPEN}{_VALUE})'
SPOKEN = (
    r'(?i:(?:^|\s)--?(?:[a-z]+-)*(?:password|passwd|pass|passphrase|secret|token|api-?key)[ =]+'
    rf'{_VALUE}|\b(?:identified\s+(?:with\s+\w+\s+)?by|(?:with|encrypted|user\s+\S+)\s+password)\s+(?:password\s+)?{_VALUE}'
    rf'|\blogin\s+\S+\s+password\s+(\S+)|\bcurl\b.*?\s(?:-u|--user)[ =]?["\x27]?[^\s:"\x27]+:([^\s"\x27]+)'
    r'|\blogin\b.*?\s-p[ =]?(\S+)|\bsshpass\s+-p\s*(\S+)|\bmysql\w*\b.*?\s-p([^\s"\x27]+))'
)

_KEY_NAMES = (
    r'(?:(?:access|account|admin|api|app|application|auth|authentication|bot|client|consumer|deploy|encrypt|encryption'
    r'|functions?|ingest|insert|integration|license|master|private|project|read|rest|routing|secret|server|service|shared'
    r'|signing|ssh|storage|subscription|user|webhook|write)[ _.-]?key(?:[_-]?base)?'
    r'|[a-z0-9]*secret(?:[_.-]?key(?:[_-]?base)?|[_.-]?token)?|credentials?|creds'
    r'|(?:access|account|admin|agent|api|app|auth|bearer|bootstrap|bot|cluster|csrf|deploy|device|id|job|join|jwt|oauth'
    r'|personal|private|push|refresh|registration|reset|security|service|session|user|vault|verification|xsrf'
    r'|[a-z0-9]+[_.-])[ _.-]?token'
    r'|webhook[_-]?url|[?&](?:apikey|auth|jwt|secret|sid|sig|token)|phpsessid|jsessionid|connect\.sid|[a-z]+_session'
    r'|recovery[_-]?code)'
)
SECRET = rf'(?i:{_KEY_NAMES}{_IS_OPEN}{_VALUE})'
_WEAK_NAMES = r'\b(?:token|jwt|[?&]key|cookie|auth)[0-9]?'
TOKEN_BY_NAME = rf'(?i:{_WEAK_NAMES}{_IS_OPEN}{_VALUE})'
TOKEN_BY_NAME_HINT = rf'(?i:{_WEAK_NAMES}{_IS_OPEN}(?:b?\\*["\x27`]|%2[27]|&quot;|&#3[49];)?[^\s"\x27`]{{16}})'

_SLASH = r'\\{0,3}/'  # JSON may escape slashes as well
_USER = r'[^\s/?#"\x27<>@:\[]*'
URL = (
    # a password may hold / and @; then its part before the first / must not be a port
    rf':{_SLASH}{_SLASH}({_USER}:(?:[0-9]*[^0-9\s/?#"\x27<>@]|[0-9]{{6}})[^\s"\x27<>]*'
    rf'|{_USER}:[^\s/?#"\x27<>]*)@'
)
URL_TOKEN = rf':{_SLASH}{_SLASH}([^\s/?#"\x27<>@:]{{16,}})@'
URL_IN_URL = r'(?i:%3a%2f%2f([^\s"\x27<>&/?]*%3a[^\s"\x27<>&/?]*)%40)'
DSN = r'\b[\w.-]+:([^\s:@/()"\x27]+)@(?:tcp|unix|udp)\('  # of Go's MySQL driver

AWS_SESSION = rf'(?i:(?:session|security)[_-]?token{_IS}([a-z0-9/+=%]{{100,}}))'
AWS_ID = r'(?:AKIA|ASIA|AROA|AIDA|AGPA|ANPA|ANVA|AIPA|ABIA|ACCA|A3T[A-Z0-9])[A-Z0-9]{16}'
AWS_NAMED = rf'(?i:secret_?(?:access_?)?key(?:{_IS}|\s+)([a-z0-9/+]{{40}}))'
AWS_ALONE = r'[A-Za-z0-9/+]{40,}'
_SOON_NO_DIGEST = '|'.join(rf'[0-9A-Fa-f/+]{{{count}}}[G-Zg-z][A-Za-z0-9/+]{{{39 - count}}}' for count in range(12))
AWS_ALONE_HINT = rf'(?:^|[^A-Za-z0-9/+])(?:{_SOON_NO_DIGEST})(?:$|[^A-Za-z0-9/+=])'


# which of what a pattern has found are secrets


def keys(text: str, run: Span) -> Iterator[Span]:
    """An AWS secret key that nothing names: 40 characters in all, of upper and lower case and with digits.

    One without a letter beyond F among the first twelve is taken for a digest.
    """
    found = text[slice(*run)]
    kinds = (str.islower, str.isupper, str.isdigit)
    if (
        len(found) == 40
        and _BEYOND_F.search(found[:12])
        and text[run[1] : run[1] + 1] != '='
        and all(any(map(kind, found)) for kind in kinds)
    ):
        yield run


def tokens(text: str, run: Span) -> Iterator[Span]:
    """A bearer token; ordinary words follow "bearer" too."""
    found = text[slice(*run)]
    if len(found) >= 20 or not _WORDS.fullmatch(found):
        yield run


def passwords(text: str, run: Span) -> Iterator[Span]:
    """A password, unless it is a placeholder or a remark about one."""
    found = text[slice(*run)]
    quoted = text[run[0] - 1 : run[0]] in _QUOTES
    if not _STANDS_FOR_ANOTHER.fullmatch(found[:200]) and (quoted or not _REMARK.fullmatch(found[:200])):
        yield run


def named(text: str, run: Span) -> Iterator[Span]:
    """What a name says to be a key or a token, if it can be one: 8 characters and more, with a digit or long."""
    found = text[slice(*run)]
    able = len(found) >= 6 and (
        _DIGIT.search(found) is not None or len(found) >= 24 or _MIXED.search(found) is not None
    )
    if able and not _NUMBER_OR_PLACE.fullmatch(found[:200]):
        yield from passwords(text, run)


def long_named(text: str, run: Span) -> Iterator[Span]:
    """What a name says that is used for other things as well: 16 characters and more, with a digit."""
    if run[1] - run[0] >= 16 and _DIGIT.search(text[slice(*run)]):
        yield from named(text, run)


def with_digit(text: str, run: Span) -> Iterator[Span]:
    """A token in place of a user's name; many systems have long names for their own users."""
    if _DIGIT.search(text[slice(*run)]):
        yield run


def old_vault(text: str, run: Span) -> Iterator[Span]:
    """A token of Vault before 1.10, which looks like a method of an object called s."""
    found = text[run[0] + 2 : run[1]]
    if all(any(map(kind, found)) for kind in (str.islower, str.isupper, str.isdigit)):
        yield run


_QUOTES = ('"', '\x27', '`')
_WORDS = fixed(r'[A-Za-z]?[a-z._=-]*|[a-z_]+=[0-9]{1,9}')
_BEYOND_F = fixed('[G-Zg-z]')
_DIGIT = fixed(r'[0-9]')
_MIXED = fixed(r'[^0-9A-Za-z_.:/-]|[a-z][A-Z].*[A-Z][a-z].*[a-z][A-Z]')
_NUMBER_OR_PLACE = fixed(r'[0-9.:,-]{1,15}[a-z]{0,2}|[0-9a-z.-]+\.[a-z]{2,}:[0-9]+|[A-Za-z_$]+(?:[./:][A-Za-z_$]+)+')
# a variable, a template, a mask, nothing, a path
_STANDS_FOR_ANOTHER = fixed(
    r'(?i)bearer(?:\s|%20|:).*|\$[A-Z_]+[0-9]?|\$?\{.*\}?|\$\(.*\)?|%[A-Z_]+%|%[sdvqr]|<.*>?|\[.*\]?|\(.*\)?|\*+\S{0,4}|x{3,}|\.{3,}|-+|_+|#+|•+|…|'
    r'null|none|nil|true|false|undefined|void|unset|empty|redacted|filtered|masked|hidden|secret|protected|n/a|'
    r'/(?:bin|etc|home|opt|tmp|usr|var|app|srv|run|root|data|mnt|proc|dev|secrets?|config)(?:/.*)?|/|\.{1,2}/.*|[a-z]:\\.*|'
    r'(?:string|bytes?|str|int|object|array|char|varchar)(?:\([0-9]*\))?'
)
_REMARK = fixed(
    r'(?i)(?:in)?(?:correct|valid|secure|sufficient)\W?|(?:has|is|was|are|were|will|must|may|can|can\x27t|cannot|could|should|'
    r'shall|does|did|do|not|no|yes|ok|too|at|by|for|from|in|of|on|or|and|the|a|an|to|with|if|when|as|only|your|you|please|'
    r'use|using|see|enter|type|new|old|wrong|bad|good|weak|strong|expired?|expires|expiring|required|missing|needed|mandatory|'
    r'optional|changed?|updated?|reset|set|given|provided|supplied|accepted|rejected|refused|denied|failed|failure|success|'
    r'successful|mismatch|match(?:es|ed)?|authentication|authenticated|auth|login|check(?:ed|ing)?|verif\w+|encrypted|plain(?:text)?|'
    r'default|disabled|enabled|unknown|error|warning|info|debug|created|deleted|removed|revoked|renewed|refreshed|generated|'
    r'loaded|found|unexpected|malformed|length|minimum|maximum|characters?|received|sent|contains?|input|field|prompt|'
    r'password|passwd|hash(?:ed)?|policy|type|kind|user(?:name)?|entry|value|sha[0-9]+|md5|scram-sha-256|peer|trust|ident|[0-9])\W?'
)
