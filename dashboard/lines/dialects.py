"""Where loggers write the level of a line of text: the families of their formats.  Knows no JSON and no colours.

A line is read from its start as its logger wrote it: perhaps a time, then what stands before the level in some format
(a host, a process, a thread, a module), then the level. The further from the start, and the more like a sentence what
stands before it, the clearer the level's own marks must be: ``[error]`` or ``ERROR:``, never a word among others.

Each pattern tries every place of the head once: none gives back what it has taken.
"""

from __future__ import annotations

import re
from collections.abc import Callable

LONGEST_HEAD = 2_048  # bytes in which a level is looked for; an access log has its status behind the whole address


def word_of(head: bytes) -> str | None:
    """``trace`` to ``fatal`` when the head of a line says so, else None.

    :param head: the first bytes of the line, without control sequences
    """
    if head[:1].isdigit():  # a time, mostly
        return _behind_head(head) or _told_by(_FIRST_NUMBER(head)) or _late(head)
    if head.startswith(b'['):
        return _told_by(_FIRST_BRACKET(head)) or _behind_head(head) or _late(head)
    if head.startswith((b'    ', b'\t')):  # it goes on with the message before it
        return None
    if head.find(b'=', 0, 16) > 0 and (word := _told_by(_LOGFMT(head))):
        return word
    return _told_by(_FIRST_WORD(head)) or _behind_head(head) or _late(head)


def begins_with_time(head: bytes) -> bool:
    """Whether the line begins as loggers begin theirs: with a time, perhaps behind a name or a bracket."""
    return _TIMED(head) is not None


def _late(head: bytes) -> str | None:
    """The level of a line that has it, or the status of a request, far from its beginning."""
    if b'"' in head and (match := _ACCESS(head)):
        return by_status(match[1].decode())
    return _told_by(_LOGFMT(head)) if b'=' in head else None


def _told_by(match: re.Match[bytes] | None) -> str | None:
    """What the word that a pattern has found means; groups with a name have a meaning of their own."""
    if not match:
        return None
    word = match[match.lastindex or 0]
    if match.lastgroup in _MEANINGS:
        return _MEANINGS[match.lastgroup](word.decode())
    level = _KNOWN.get(word)
    return None if level in _SEVERE and match.string[-1] in _ENDS and _counts(match) else level


def _counts(match: re.Match[bytes]) -> bool:
    """Whether the level that a pattern has found only names what is counted."""
    return _COUNTED_THERE(match.string, match.end(match.lastindex or 0)) is not None


def _behind_head(head: bytes) -> str | None:
    """The level of a line that begins with a time or with something in brackets."""
    if (start := _HEAD(head)) and (match := _BEHIND(head, start.end())) and _plain(start, match):
        level = _KNOWN[match[match.lastindex or 0]]
        return None if level in _SEVERE and head[-1] in _ENDS and _counts(match) else level
    return None


def _plain(start: re.Match[bytes], match: re.Match[bytes]) -> bool:
    """Whether the level is marked so well that it may stand behind the words of a sentence that stand before it."""
    end, level = start.end(), match.start(match.lastindex or 0)
    if level - end <= 3 or not _WORD.search(before := match.string[end:level]):
        return True
    words = len(_WORD.findall(_GROUPS.sub(b'[]', before)))
    if match.lastgroup in ('colon', 'after'):  # 'saw an ERROR: in it'
        return words <= 1
    return words == 0 or (words <= 2 and match.lastgroup is not None) or (words == 1 and start['fraction'] is not None)


def by_status(digits: str) -> str:
    """The level of a request that was answered with this HTTP status."""
    return {'4': 'warn', '5': 'error'}.get(digits[:1], 'info')


# every word that some logger writes for a level
WORDS = {
    word.replace('_', ' '): level
    for level, words in {
        'trace': 'trace trc trce verbose vrb verb silly finer finest all v t',
        'debug': 'debug dbg dbug debu fine config d',
        'info': 'info inf information informational notice note log system success ntc default audit i n',
        'warn': 'warn wrn wrng warning deprecated w',
        'error': 'error err erro severe fail failure parse_error e',
        'fatal': 'fatal fata ftl critical crit crt panic pani dpanic alert emerg emergency fatal_error f c a',
    }.items()
    for word in words.split()
}
_KNOWN = {  # as they are written, with the numbers of Apache's trace3 and PostgreSQL's debug1
    (form(word) + number).encode(): level
    for word, level in WORDS.items()
    for form in (str.lower, str.upper, str.title, str.capitalize)
    for number in ('', *'12345678')
}
_ANY = (  # in any case, where the logger's own marks stand around it; by first letter, which makes it fast
    '(?:(?=[TtVvDdIiNnWwEeSsCcFfPpAa])(?i:e(?:rr(?:or)?|merg(?:ency)?)|w(?:arn(?:ing)?|rn)|i(?:nfo(?:rmation(?:al)?)?|nf)'
    '|d(?:ebug[1-5]?|bu?g)|n(?:otice)|t(?:race[1-8]?|rce?)|f(?:atal|tl|ail)|c(?:rit(?:ical)?)|s(?:evere)|p(?:anic)'
    '|a(?:lert|udit)|v(?:erbose))|Note|System|note)'
)
_UPPER = (  # alone, in capitals
    '(?:(?=[A-Z])(?:E(?:RR(?:OR?)?|MERG(?:ENCY)?)|W(?:ARN(?:ING)?|RN)|IN(?:FO(?:RMATION)?|F)|D(?:EBUG?|BG|PANIC)'
    '|NOT(?:IC)?E|T(?:RACE|RC)|F(?:ATAL?|TL|INE(?:R|ST)?)|CR(?:IT(?:ICAL)?|T)|CONFIG|S(?:EVERE|UCCESS)|PANIC?|ALERT|LOG|AUDIT'
    '|V(?:ERBOSE|RB)))'
)
_MONTH = '(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)'
_CLOCK = r'(?:\d{1,2}:\d\d(?::\d\d)?(?P<fraction>[.,:]\d{1,9})?|\d{6}(?:\.\d{1,9})?)'
_DATE = rf"""(?:
    \d\d-\d\d(?=\ ) |
    \d{{4}}[-/.]\d\d[-/.]\d\d | \d\d?[-/.](?:\d\d|{_MONTH})[-/.]\d{{2,4}} | \d{{6}}(?:\d\d)?
  | (?:[A-Z][a-z]{{2}},?\ +)? {_MONTH}\ +\d{{1,2}},?(?:\ \d{{4}},?)? | \d{{1,2}}\ {_MONTH}(?:\ \d{{4}})?
)"""
_ZONE = r'(?:\ ?(?:Z|UTC|GMT|[+-]\d\d:?\d\d))?(?:\ [AP]M)?(?:\ \d{4}(?=[\]\ ]))?'
_TIME = rf'(?:(?:{_DATE}(?:T|_|:|,?\ +(?:-\ )?))?{_CLOCK}{_ZONE}|\d{{10}}(?:\.\d{{1,9}}|\d{{3}})?(?=[\]:\ ]))'
_GROUP = r'(?:\[[^\]\r\n]{0,100}\]|\([^)]{0,80}\)|\{[^}]{0,80}\}|<[^>]{0,60}>)'
_GAP = r'[\]\s|:,;>-]*+'
_MARK = r'(?:[AP]M(?=\ )|[A-Za-z]{0,60}+[^\]A-Za-z\s\[("<{][^\s\["]{0,80}(?<![.,!?]))'  # a word that no sentence has
_WORD = re.compile(rb'(?<![^\]\s|:,;>-])[A-Za-z]+(?=[\s|-])(?<!AM)(?<!PM)(?<!PHP)')
_GROUPS = re.compile(_GROUP.encode())
_END = r'(?=[\]\s|:/\[(,;-]|$)'
_PHP = r'(?:NOTICE:\ )?(?:PHP\ message:\ )?PHP\ (Fatal\ error|Parse\ error|Warning|Notice|Deprecated)(?=:)'
_COUNTED = r'(?!\ \w+[\ =:]+\d+(?:[,;|/]|\s*$))'  # FATAL rows 0
_COUNTED_THERE = re.compile(  # the same behind a time, where only these words say so: ERROR attempt 3 is an error
    rb'(?: (?:rows|records|entries|events|messages|count|total|rate|ratio|budget)(?: \w+)?[ =:]+\d[\d.]*+%?'
    rb'(?:[,;|/]|$)|: *0%?$)'
).match
_ENDS = b'0123456789%'  # of a line that counts: most do not, and need no second look
_SEVERE = frozenset({'warn', 'error', 'fatal'})
_METHOD = '(?:GET|POST|PUT|HEAD|DELETE|PATCH|OPTIONS|CONNECT|TRACE|PROPFIND|REPORT|MKCOL|PRI)'
_KEY = '(?:level|lvl|severity|loglevel|log_level|log[.]level|at)'


def _pattern(text: str) -> Callable[..., re.Match[bytes] | None]:
    return re.compile(text.encode(), re.VERBOSE).match


_NAMED = rf'[\w./-]{{1,40}}+(?:\[\d+\])?+:\ (?:\[({_ANY})\]|({_ANY})(?=:(?:\s|$)))'
_FIRST_NUMBER = _pattern(rf"""
    \d+:[XCSM]\ \d\d\ \w{{3}}(?:\ \d{{4}})?\ [\d:]+(?:\.\d+)?\ (?P<redis>[.*\#-])\ | {_NAMED}
  | {_CLOCK}\ \|\ (?P<status>\d{{3}})\ \|
""")
_FIRST_BRACKET = _pattern(rf"""\[(?>
    \ *(?:[\w-]{{1,40}}[:/])?({_ANY})\ *\]
  | (?P<tornado>[DIWEC])\ (?:\d{{4}}-\d\d-\d\d\ |\d{{6}}\ )?\d\d:\d\d:\d\d
  | GIN\]\ [\d/]+\ -\ [\d:]+\ \|\s*(?P<gin>\d{{3}})\s*\|
  | [^\]]{{1,60}}\]\ (?:\[[^\]]{{1,60}}\]\ )*+Completed\ (?P<rails>\d{{3}})\ [A-Z]
)""")
_FIRST_WORD = _pattern(rf"""\s*+(?>
    {_PHP} | ({_ANY})(?=:(?:\s|$)|\ +-\ |\ +\[\d{{4}}-|\[E\d) | (?P<apt>[WEN]):\ [A-Z]
  | ({_UPPER})(?=\[\d|:\ *[\w.]+:|\ +[\[(|<-]|\ {{2,}}|\t|:|\ *\|)
  | (TRACE|DEBUG|INFO|(?:WARN|WARNING|ERROR|CRITICAL|FATAL|SEVERE)(?=\ ){_COUNTED})(?=\ )
  | (?P<klog>[DIWEF])(?:\d{{4}}|\d{{6}}|\d{{8}})\ \d\d:\d\d:\d\d[.,]\d+[ ]
  | (?P<ruby>[DIWEFA]),\ \[\d{{4}}-
  | (?P<android>[VDIWEF])/[^:(]{{1,60}}\(\ *\d+\):[ ]
  | <(?P<syslog>\d{{1,3}})>
  | =(?P<report>\w+)\ REPORT====
  | npm\ (?P<npm>ERR|error|WARN|warn|notice|http|info)[!\ ]
  | {_METHOD}\ /\S*\ (?P<morgan>\d{{3}})[ ]
  | Completed\ (?P<done>\d{{3}})\ [A-Z]
  | (?P<dead>panic:\ |fatal\ error:\ )
  | (?P<crash>Traceback\ \(most\ recent\ call\ last\):|Exception\ in\ thread\ "|Unhandled\ (?:exception|rejection)\b
    | thread\ '[^']{{0,80}}'\ (?:\(\d+\)\ )?panicked\ at
    | Uncaught\ (?!(?:exception|error|rejection)s\b)
    | (?:[\w.$]++:\ )?[\w.$]*?[A-Z]\w*?(?:Error|Exception)(?::\ |$))
  | \[\ *({_ANY})\ *\] | \w{{1,40}}:({_ANY})(?=\ +\d{{4}}-) | {_NAMED}
)""")
_HEAD = _pattern(rf"""\s*+(?!\d+:[XCSM]\ )(?>
    (?:(?>[\w./@:-]{{1,60}}\ )(?=[\d\[]))?\[?(?:[A-Z]+\ )?{_TIME}(?!\ \|\ \d{{3}}\ \|) | {_GROUP}
)""")
_TIMED = _pattern(rf'\s*+(?:[\w./@:-]{{1,60}}\ )?\[?{_TIME}')
_BEHIND = _pattern(rf"""{_GAP}(?:(?>{_GROUP}|{_MARK}|[A-Za-z]{{1,40}}(?=[\s:|\[-])){_GAP}){{0,6}}?(?>
    \[\ *(?:[^\]\[/:]{{1,40}}[:/])?(?P<squared>{_ANY})\ *\] | <(?P<angled>{_ANY})> | \((?P<rounded>{_ANY})\)
  | [\w-]{{1,40}}\.(?P<dotted>{_UPPER})(?=:) | (?<=\t)(?P<tabbed>{_ANY})(?=\t) | {_PHP}
  | (?<=[\]:]\ )(?P<after>{_ANY})(?=\ *:(?:\s|$)) | (?<=[-|]\ )(?P<between>{_ANY})(?=\ +[-|]) | (?P<colon>{_UPPER})(?=:)
  | ({_ANY})(?=\ *:(?:\s|$)|\t|\ {{2}}|\ ?\|) | ({_UPPER}){_END}
  | ([DIWEF])\d?(?=\ {{1,2}}[A-Z]+\ +\[|\ \||!|\ [a-z]\w*[./][\w./]+[\ :])
  | \[([TDIWECF])\](?=\ ) | (?<=\d\ )([VDIWEF])(?=\ [\w.$/-]{{1,60}}\ *:)
)""")
_ACCESS = _pattern(rf"""[^"]{{1,160}}+"(?:(?<=\]\ ")(?:[^"\\]|\\.)*+|{_METHOD}\ [^"]*+)"\ (?:-\ )?(\d{{3}})(?=\s|$)""")
_LOGFMT = _pattern(rf"""(?:(?>{_TIME})\ |[\w.-]{{1,40}}\s*\|\s*)?
    (?>(?!{_KEY}=)[\w.@/-]{{1,60}}=(?>"(?:[^"\\]|\\.)*+"|[^\s"]*+),?\s+)*+{_KEY}="?([A-Za-z]+)""")


def _worded(word: str) -> str | None:
    return WORDS.get(word.lower())


def _priority(digits: str) -> str:
    """Of the priority of syslog (RFC 5424) and of systemd: the facility times eight, and the severity."""
    return ('fatal', 'fatal', 'fatal', 'error', 'warn', 'info', 'info', 'debug')[int(digits) % 8]


_MEANINGS: dict[str, Callable[[str], str | None]] = {
    **dict.fromkeys(('klog', 'android', 'report', 'npm', 'apt', 'tornado'), _worded),
    **dict.fromkeys(('morgan', 'rails', 'gin', 'done', 'status'), by_status),
    'ruby': lambda letter: 'info' if letter == 'A' else _worded(letter),
    'redis': lambda sign: {'.': 'debug', '-': 'trace', '*': 'info', '#': 'warn'}[sign],
    'syslog': _priority,
    'dead': lambda _: 'fatal',
    'crash': lambda _: 'error',
}
