"""The look that all pages share."""

from __future__ import annotations

from nicegui import ui

CSS = """
@layer base {  /* below Quasar's own */
  table { border-collapse:collapse } th, td { padding:0 } a { color:inherit; text-decoration:inherit }
  input, textarea { color:inherit; background:transparent } svg { vertical-align:middle }
  code, kbd, pre, samp { font-family:ui-monospace,'DejaVu Sans Mono',monospace }
}
:root { --bar:#ffffff; --page:#f5f6f8; --line:#d8dce2; --text:#1f2328; --soft:#57606a }
.body--dark { --bar:#161b22; --page:#0d1117; --line:#30363d; --text:#dce3ea; --soft:#a3acb8 }
body { background:var(--page); color:var(--text) }
.nicegui-content { padding:0; gap:0; height:100dvh; flex-wrap:nowrap; align-items:stretch }
.shell { display:flex; align-items:center; gap:4px 10px; padding:4px 14px; min-height:46px; background:var(--bar);
  border-bottom:1px solid var(--line); --q-primary:#1659c7 }
.brand { display:flex; align-items:center; gap:9px; color:var(--text); text-decoration:none; border-radius:6px }
.brand svg { display:block; width:26px; height:26px }
.places { display:flex; gap:2px; margin-left:8px }
.places a { padding:5px 10px; border-radius:6px; font-size:14px; color:var(--soft); text-decoration:none }
.places a:hover { color:var(--text); background:var(--page) }
.places a[aria-current] { color:var(--text); background:var(--page); font-weight:600 }
.fold { display:none } .q-menu .places { flex-direction:column; margin:0; padding:6px; min-width:160px }
.q-menu .places a { padding:10px 12px }
.shell .own { flex:1 1 0; min-width:0; display:flex; justify-content:flex-end; align-items:center }
.bar { display:flex; flex-wrap:wrap; align-items:center; gap:8px 12px; padding:8px 14px; background:var(--bar);
  border-bottom:1px solid var(--line) }
.bar .q-field { font-size:14px }
.title { font-weight:600; font-size:15px; white-space:nowrap }
:is(.q-btn, .q-toggle, .q-item, a):focus-visible { outline:2px solid var(--q-primary); outline-offset:1px }
.bar .actions { display:flex; align-items:center; gap:2px }
.body--dark .shell, .body--dark .bar, .body--dark .q-menu, .body--dark .q-dialog { --q-primary:#79b8ff }
.body--dark :is(.q-menu, .q-dialog) .q-btn.bg-primary { --q-primary:#1f6feb }
.q-menu a.nicegui-link { color:#1659c7 } .body--dark .q-menu a.nicegui-link { color:#79b8ff }
.search { flex:1 1 420px; display:flex; flex-wrap:wrap; align-items:center; gap:6px 12px }
.search .words { order:2; flex:1 1 100%; font-size:12px; color:var(--soft) } .search .words:empty { display:none }
.search .words.wrong { color:#b3261e } .body--dark .search .words.wrong { color:#ffb4ab }
.search .soft { max-width:152px; line-height:16px }
.service { width:260px } .tail { width:128px } .filter { flex:1 1 160px }
.badge { display:inline-flex; align-items:center; gap:8px; font-size:13px; white-space:nowrap; min-height:24px }
.badge .dot { background:#9a6700 }
.badge.live .dot { background:#1a7f37 } .badge.down .dot { background:#cf222e } .badge.idle .dot { background:#6e7781 }
.body--dark .badge.live .dot { background:#3fb950 } .body--dark .badge.down .dot { background:#f85149 }
/* the server can say nothing while the browser is cut off from it: the page has to */
.badge::after { content:'Reconnecting, try ' attr(data-attempt) ', next within 5 s'; display:none }
.badge[data-cut] > * { display:none }
.badge[data-cut]::before { content:''; width:9px; height:9px; border-radius:50%; background:#cf222e }
.badge[data-cut]::after { display:inline }
.soft { color:var(--soft); font-size:13px }
.banner { padding:8px 14px; font-size:14px; border-bottom:1px solid var(--line) }
.banner.error { background:#ffebe9; color:#82071e } .body--dark .banner.error { background:#3c1618; color:#ffc1ba }
.banner.demo { background:#ddf4ff; color:#0a3069 } .body--dark .banner.demo { background:#0f2a4a; color:#b6dcff }
.stage { position:relative; flex:1 1 0; min-height:0 }
.stage .log { position:absolute; inset:0; padding:6px 0; outline-offset:-2px }
.stage .empty { position:absolute; inset:0; display:flex; align-items:center; justify-content:center; text-align:center;
  padding:24px; color:var(--soft); pointer-events:none }
.stage .newer { position:absolute; bottom:14px; left:50%; transform:translateX(-50%) }
.welcome { position:absolute; inset:0; display:flex; flex-direction:column; align-items:center; justify-content:center;
  gap:10px; padding:24px; text-align:center; overflow:auto; --q-primary:#1659c7 }
.body--dark .welcome { --q-primary:#79b8ff }
.welcome > div { max-width:640px } .welcome .subheading { margin:0 }
.welcome .command { display:flex; flex-wrap:wrap; align-items:center; justify-content:center; gap:4px 10px;
  max-width:100% }
.welcome code { padding:8px 12px; border:1px solid var(--line); border-radius:8px; background:var(--bar);
  text-align:left; overflow-wrap:anywhere; user-select:all }
.services .q-item { align-items:center; gap:9px; min-height:34px }
.services .name { flex:1 1 auto; overflow-wrap:anywhere }
.services .words { color:var(--soft); font-size:13px; flex:none }
.services .group { min-height:30px; padding-top:10px; font-size:12px; font-weight:600; color:var(--soft) }
.dot { width:9px; height:9px; border-radius:50%; background:#6e7781; flex:none }
.dot.good { background:#1a7f37 } .dot.busy { background:#9a6700 } .dot.bad { background:#cf222e }
.body--dark .dot.good { background:#3fb950 } .body--dark .dot.busy { background:#d29922 }
.body--dark .dot.bad { background:#f85149 }
.foot { display:flex; justify-content:space-between; gap:12px; padding:4px 14px; background:var(--bar);
  border-top:1px solid var(--line); min-height:28px }
.sheet { width:100%; max-width:760px; margin:0 auto; padding:24px 16px 48px; display:flex; flex-direction:column;
  gap:8px; overflow-y:auto; --q-primary:#1659c7 }
.bar a { color:#1659c7 }
.heading { font-size:22px; font-weight:600 } .caption { font-size:18px; line-height:28px } .tight { gap:8px }
.subheading { font-size:16px; font-weight:600; margin-top:20px }
.rows { border:1px solid var(--line); border-radius:8px; background:var(--bar) } .rows:empty { display:none }
.row-of { display:flex; align-items:center; gap:4px 12px; padding:8px 12px; flex-wrap:wrap }
.row-of + .row-of { border-top:1px solid var(--line) } .row-of .what { flex:1 1 260px; overflow-wrap:anywhere }
.form { display:flex; flex-wrap:wrap; align-items:center; gap:8px 12px } .form .q-input { flex:1 1 200px }
.sheet .q-btn { align-self:flex-start } .body--dark .sheet, .body--dark .bar { --q-primary:#79b8ff }
.body--dark .bar a { color:#79b8ff }
@media (max-width:600px) {
  .shell { padding:2px 6px; gap:2px 6px } .title, .shell > .places { display:none } .fold { display:inline-flex }
  .bar { padding:6px 8px; gap:6px 8px }
  .auto .q-toggle__label { display:none }
  .service { flex:1 1 150px; width:auto } .tail { width:112px } .search { display:contents }
  .search .soft { order:1; flex:1 1 100%; max-width:none } .search .soft:empty { display:none }
  .bar > .q-input { flex:1 1 90px; width:auto }
  .bar .actions .q-btn { font-size:0 } .bar .actions .q-icon { font-size:22px; margin:0 }
  .badge { flex-wrap:wrap; gap:0 8px }
}
"""

# NiceGUI sets it at every update of a page: the browser would compute the style of all that is there again each time
_UNCHANGED = """
const scheme = document.getElementById('nicegui-color-scheme'), set = scheme.setAttribute.bind(scheme);
scheme.setAttribute = (name, value) => { if (scheme.getAttribute(name) !== value) set(name, value); };
"""


def apply() -> None:
    """Give the page its look; call once a page."""
    ui.add_css(CSS)
    ui.colors(primary='#1f6feb')
    ui.run_javascript(_UNCHANGED)
