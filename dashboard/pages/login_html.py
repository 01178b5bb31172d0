"""How the sign-in page looks: one file without scripts, fonts or images from anywhere."""

from __future__ import annotations

from html import escape
from string import Template

from dashboard.pages.mark import mark

PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" type="image/svg+xml" href="$icon">
<title>$title · Docker Log Dashboard</title>
<style>
$style
</style>
</head>
<body>
<main>
$mark
<h1>Docker Log Dashboard</h1>
<p class="lead">$lead</p>
$alert
<form method="post" action="$action">
<input type="hidden" name="next" value="$next">
$fields
<button type="submit">$button</button>
</form>
</main>
</body>
</html>
""")

CODE = """<label for="code">Set-up code</label>
<input id="code" name="code" required autocomplete="one-time-code" autocapitalize="characters" spellcheck="false"
 placeholder="XXXX-XXXX-XXXX-XXXX" aria-describedby="code-hint"$code_focus>
<p class="hint" id="code-hint">The code was printed on the console where the dashboard started.</p>"""

CREDENTIALS = """<label for="username">User name</label>
<input id="username" name="username" value="$username" required maxlength="64" autocomplete="username"
 autocapitalize="none" spellcheck="false"$username_focus>
<label for="password">Password</label>
<input id="password" name="password" type="password" required autocomplete="$autocomplete"$rules$password_focus>"""

RULES = ' minlength="8" aria-describedby="password-hint"'
RULES_HINT = '<p class="hint" id="password-hint">At least 8 characters. This account is an administrator.</p>'

STYLE = """
:root { --ground: #f1f4f8; --glow: #dbe7f6; --card: #ffffff; --edge: #dde3ec; --field: #ffffff; --field-edge: #7c8798;
  --ink: #141b27; --soft: #515c6d; --accent: #1d5fc4; --accent-over: #174d9f; --on-accent: #ffffff;
  --bad: #a01c1c; --bad-ground: #fdeeee; --bad-edge: #f0c4c4; --shadow: 0 18px 50px -18px #1b2d4a40; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #0c1119; --glow: #15233a; --card: #141b26; --edge: #263142; --field: #0e141e;
    --field-edge: #6b788d; --ink: #e7ecf4; --soft: #a3afc1; --accent: #7fb2ff; --accent-over: #a5c9ff;
    --on-accent: #0b1628; --bad: #ffb4ab; --bad-ground: #331a1c; --bad-edge: #6b3034;
    --shadow: 0 18px 50px -18px #000000b0; }
}
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; min-height: 100dvh; display: grid; place-items: center; padding: 24px 16px;
  background: radial-gradient(60rem 40rem at 50% -10rem, var(--glow), transparent) var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif; }
main { width: 100%; max-width: 400px; padding: 36px 32px 32px; background: var(--card); border: 1px solid var(--edge);
  border-radius: 16px; box-shadow: var(--shadow); }
main > svg { display: block; width: 44px; margin-bottom: 20px; }
h1 { margin: 0; font-size: 1.375rem; line-height: 1.25; font-weight: 650; letter-spacing: -0.012em; }
.lead { margin: 6px 0 0; color: var(--soft); }
.alert { margin: 20px 0 0; padding: 11px 14px; border: 1px solid var(--bad-edge); border-radius: 10px;
  background: var(--bad-ground); color: var(--bad); font-size: 0.9375rem; overflow-wrap: anywhere; }
form { margin-top: 24px; display: grid; }
label { margin-bottom: 6px; font-size: 0.875rem; font-weight: 600; }
input { width: 100%; margin-bottom: 18px; padding: 10px 12px; border: 1px solid var(--field-edge); border-radius: 9px;
  background: var(--field); color: var(--ink); font: inherit; }
input::placeholder { color: var(--soft); opacity: 1; }
#code { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; letter-spacing: 0.03em; }
.hint { margin: -11px 0 18px; color: var(--soft); font-size: 0.875rem; }
button { margin-top: 6px; padding: 12px; border: 0; border-radius: 9px; background: var(--accent);
  color: var(--on-accent); font: inherit; font-weight: 650; cursor: pointer; }
button:hover { background: var(--accent-over); }
input:focus-visible, button:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
input:focus-visible { outline-offset: 0; border-color: var(--accent); }
@media (max-width: 420px) { main { padding: 28px 22px 24px; } }
"""


def login_page(needs_setup: bool, action: str, icon: str, wanted: str, username: str = '', problem: str = '') -> str:
    """The whole page; every argument is text from a stranger and is escaped here."""
    return PAGE.substitute(
        title='Set up' if needs_setup else 'Sign in',
        lead='Make the first account.' if needs_setup else 'Sign in to watch the logs.',
        button='Create account' if needs_setup else 'Sign in',
        style=STYLE.strip(),
        alert=f'<p class="alert" role="alert">{escape(problem)}</p>' if problem else '',
        mark=mark('var(--accent)', 'var(--on-accent)'),
        icon=escape(icon),
        action=escape(action),
        next=escape(wanted),
        fields=_fields(needs_setup, username),
    )


def _fields(needs_setup: bool, username: str) -> str:
    focus = 'code' if needs_setup else 'password' if username else 'username'
    values = {f'{name}_focus': ' autofocus' if name == focus else '' for name in ('code', 'username', 'password')}
    values |= {'username': escape(username), 'rules': RULES if needs_setup else ''}
    values |= {'autocomplete': 'new-password' if needs_setup else 'current-password'}
    parts = (CODE, CREDENTIALS, RULES_HINT) if needs_setup else (CREDENTIALS,)
    return Template('\n'.join(parts)).substitute(values)
