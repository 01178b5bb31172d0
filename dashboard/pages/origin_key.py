"""The browser's part in showing the key of its origin; see ``dashboard/web/origin_key.py`` for why there is one."""

from __future__ import annotations

import json

STORED = 'dashboard-key:'  # and the base path: another dashboard may have the same origin
SIGN_IN = 'The key of the origin is missing'  # the reason for which a socket is refused

# before NiceGUI's own script: each socket that it opens shows the key, and not in its address, which proxies log
SHOW_KEY = f"""<script type="module">
const open = window.io;
window.io = (url, options) => {{
  const base = options.path.slice(0, -'/_nicegui_ws/socket.io'.length);
  window.originKey = () => localStorage.getItem('{STORED}' + base) ?? '';
  window.onRefusal = (error) => {{
    if (error.message !== '{SIGN_IN}') return;
    const here = location.pathname.slice(base.length) + location.search;
    location.replace(`${{base}}/login?again=1&next=${{encodeURIComponent(here)}}`);
  }};
  const socket = open(url, {{ ...options, auth: (show) => show({{ key: window.originKey() }}) }});
  socket.on('connect_error', window.onRefusal);
  return socket;
}};
</script>"""
KEEP_KEY = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="color-scheme" content="light dark">
<title>Docker Log Dashboard</title></head>
<body><noscript>The dashboard needs JavaScript.</noscript>
<script nonce="{nonce}">localStorage.setItem({name}, {key}); location.replace({wanted});</script></body></html>
"""


def key_page(nonce: str, key: str, base: str, wanted: str) -> str:
    """The page that follows signing in: it keeps the key, and goes on to what was wanted."""
    texts = {'name': STORED + base, 'key': key, 'wanted': wanted}
    return KEEP_KEY.format(nonce=nonce, **{name: _literal(text) for name, text in texts.items()})


def _literal(text: str) -> str:
    """As a string of a script in a page, which no text can end."""
    return json.dumps(text).replace('<', '\\u003c')
