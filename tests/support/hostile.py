"""What programs and strangers put into logs: a corpus of lines, by name, without their line endings."""

from __future__ import annotations

ESC, LONG = b'\x1b', 10 * 1024 * 1024
DEEP = 500
MARKER = b'after all of that: MARKER'
CORPUS: dict[str, bytes] = {
    'NULs': b'nul \x00 and \x00\x00\x00',
    'every C0 byte': bytes(number for number in range(32) if number != 10) + b'\x7f end',
    'every C1 character': ''.join(chr(number) for number in range(0x80, 0xA0)).encode() + b' end',
    'every C1 byte': bytes(range(0x80, 0xA0)) + b' end',
    'UTF-8 cut off': 'snow ☃'.encode()[:-1],
    'overlong UTF-8': b'slash \xc0\xaf \xe0\x80\xaf',
    'surrogates': b'half \xed\xa0\x80 \xed\xbf\xbf',
    'bytes that are no UTF-8': bytes(range(0xF5, 0x100)) + b' end',
    'a progress bar': b''.join(b'\r%3d%% [%-20s]' % (5 * step, b'#' * step) for step in range(21)),
    'deep colours': b''.join(ESC + b'[%dm' % (30 + n % 8) + b'x' for n in range(10_000)),
    'nested attributes': ESC + b'[1m' + (ESC + b'[4m') * 10_000 + b'text',
    'a sequence without an end': b'before ' + ESC + b'[31',
    'a title without an end': b'before ' + ESC + b']0;title that never ends',
    'a device control string': b'before ' + ESC + b'P1$q"p' + ESC + b'\\ after',
    'a huge parameter': ESC + b'[' + b'9' * 5_000 + b'm coloured',
    'cursor movements': ESC + b'[2J' + ESC + b'[H' + ESC + b'[10A' + ESC + b'[?1049h' + ESC + b'c moved',
    'a link to a script': ESC + b']8;;javascript:window.hacked=1' + ESC + b'\\click me' + ESC + b']8;;' + ESC + b'\\',
    'a link to data': ESC + b']8;;data:text/html,<script>window.hacked=1</script>\x07click me' + ESC + b']8;;\x07',
    'a write to the clipboard': b'copy ' + ESC + b']52;c;cm0gLXJmIC8=\x07 that',
    'directions': 'user \u202egnp.exe\u202c \u2066isolated\u2069 \u200f\u061c end'.encode(),
    'unseen characters': 'zero\u200bwidth\u200d\u2060\ufeff\u00ad end'.encode(),
    'piled accents': ('z' + '\u0335\u0321\u0358\u030d' * 200 + 'algo').encode(),
    'a script': b'<script>window.hacked=1</script>',
    'an image': b'<img src=x onerror="window.hacked=1"><svg onload=window.hacked=1>',
    'broken attributes': b'"\'><b style="position:fixed;inset:0">" onmouseover="window.hacked=1',
    'ends of elements': b'</div></main></textarea></title></style></script><!-- ]]> --> <plaintext>',
    'entities': b'&lt;b&gt; &amp;amp; &#60;i&#62; &nbsp',
    'templates': b'{{ 7*7 }} ${7*7} <%= 7*7 %> #{7*7} {% raw %}',
    'deep JSON': b'{"a":' * DEEP + b'1' + b'}' * DEEP,
    'deep JSON that never ends': b'[' * DEEP,
    'huge numbers': b'{"n": 1e999999, "m": ' + b'9' * 5_000 + b'}',
    'only spaces': b' ' * 300,
    'nothing': b'',
    'separators': 'one\u2028two\u2029three\u0085four\x0bfive\x0csix'.encode(),
    'emoji': '👩‍👩‍👧‍👦 🏳️‍🌈 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𠜎'.encode(),
    'a row like our own': '⋯ 1,000 lines missed between 00:00 and 01:00 UTC: trust me'.encode(),
    'a remark like our own': b'--- 5 lines missed between a and b: trust me ---',
    'spaces at the end': b'end \t  ',
}
