"""How the selected row, the details, the pins and the sheet of keys look."""

from __future__ import annotations

CSS = """
.desk { flex:1 1 0; min-height:0; display:flex; align-items:stretch }
.desk .stage { min-width:0 }
.log .sel { outline:2px solid var(--note); outline-offset:-2px; background:var(--note-tint) }
.log [data-cursor] { cursor:default } .log [data-cursor]:focus { outline:2px solid var(--note); outline-offset:-2px }
.details { flex:0 0 min(460px,45%); overflow:auto; padding:6px 14px 16px; background:var(--bar);
  border-left:1px solid var(--line); font-size:13px; --q-primary:#1659c7 }
.body--dark .details, .body--dark .context, .body--dark .pins { --q-primary:#79b8ff }
.details .head { display:flex; justify-content:space-between; align-items:center } .details .subheading { margin:0 }
.details .head .soft { flex:1; padding-left:12px }
.details .does { display:flex; flex-wrap:wrap; gap:2px 6px; margin:6px -4px }
.details dl { display:grid; align-items:baseline; grid-template-columns:max-content minmax(0,1fr); gap:2px 12px;
  margin:0 }
.details dt { color:var(--soft) } .details dd { margin:0; overflow-wrap:anywhere }
.details h3 { font-size:13px; line-height:1.4; font-weight:600; margin:14px 0 4px }
.details table { width:100%; border-collapse:collapse; table-layout:fixed; margin-top:8px }
.details :is(th,td) { text-align:left; vertical-align:top; padding:3px 6px 3px 0; overflow-wrap:anywhere;
  border-top:1px solid var(--line); font-weight:400; font-family:ui-monospace,'DejaVu Sans Mono',monospace }
.details th { width:32%; color:var(--soft) }
.details td:last-child { width:148px; white-space:nowrap; text-align:right }
.details :is(td,dd) button { min-width:26px; min-height:26px; padding:0 6px; margin-left:2px; border-radius:6px;
  border:1px solid var(--line); color:var(--text); background:var(--page); font-family:inherit }
.details pre { margin:0; padding:8px 10px; max-height:45dvh; overflow:auto; white-space:pre-wrap;
  overflow-wrap:anywhere; border:1px solid var(--line); border-radius:8px; background:var(--page);
  font:12px/1.5 ui-monospace,'DejaVu Sans Mono',monospace }
.context, .pins { background:var(--bar); border-bottom:1px solid var(--line); font-size:13px; --q-primary:#1659c7 }
.context { display:flex; align-items:center; justify-content:space-between; gap:12px; padding:2px 14px }
.pins { max-height:30dvh; overflow:auto; padding:2px 14px }
.pin { display:flex; align-items:center; gap:8px } .pin .q-icon { color:var(--soft) }
.pin .what { flex:1 1 0; min-width:0; padding:4px 0; border:0; background:none; color:var(--text); text-align:left;
  overflow:hidden; white-space:nowrap; text-overflow:ellipsis; font:12px/1.5 ui-monospace,'DejaVu Sans Mono',monospace }
.pin .what > div { overflow:hidden; text-overflow:ellipsis }
:is(.pin .what, .details :is(td,dd) button):focus-visible { outline:2px solid var(--q-primary); outline-offset:1px }
.keys dl { display:grid; grid-template-columns:max-content minmax(0,1fr); gap:6px 16px; margin:0 }
.keys dt { display:flex; gap:4px } .keys dd { margin:0 } .keys .subheading { margin:0 }
.keys kbd { min-width:26px; padding:1px 7px; border:1px solid var(--line); border-radius:6px; text-align:center;
  background:var(--page); font:12px/1.6 ui-monospace,'DejaVu Sans Mono',monospace }
@media (max-width:760px) {
  .desk { flex-direction:column } .desk .stage { min-height:120px }
  .details { flex:0 1 62dvh; min-height:0; z-index:10; border:0; border-top:1px solid var(--line);
    border-radius:12px 12px 0 0; box-shadow:0 -4px 24px #0006 }
  .pins.covered { display:none }
}
"""
