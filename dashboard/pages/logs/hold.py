"""Keeps the view where it is while its reader selects text: nothing moves under the mouse.

The browser does it alone, for what is on its way from the server would come too late to be called back. As long as the
mouse button is down in the log, or something in it is selected, the view does not follow, and what is due to leave
stays. It goes on when the button is up again and nothing is selected, if it followed before or is at its end; or by
the ways that always lead to the newest line, which end the selection.
"""

from __future__ import annotations

AT_BOTTOM = 24  # pixels from the end that still count as the end
# ``v`` is the log; ``v.follow`` says whether it follows, and the event of that name tells the server
HOLD = f"""
v.selected = () => {{
  const chosen = getSelection();
  return !chosen.isCollapsed && chosen.getRangeAt(0).intersectsNode(v);
}};
v.at_end = () => v.scrollHeight - v.scrollTop - v.clientHeight < {AT_BOTTOM};
v.leaving = 0;  // blocks that the server has let go
v.let_go = () => {{ for (; v.follow && v.leaving > 0; v.leaving--) v.firstElementChild.remove(); }};
v.to_end = () => {{ v.scrollTop = v.scrollHeight; v.top = v.scrollTop; }};
v.set_follow = on => {{ if (on !== v.follow) {{ v.follow = on; v.dispatchEvent(new Event('follow')); }} }};
v.on_scroll = () => {{
  if (v.busy || v.scrollTop === v.placed) return;
  v.placed = null;
  const on = !v.pressed && !v.selected() && (v.at_end() || (v.follow && v.scrollTop >= v.top));
  v.top = v.scrollTop;
  v.set_follow(on);
}};
v.stay = () => {{ v.stays = true; v.set_follow(false); }};
v.addEventListener('scroll', v.on_scroll, {{ passive: true }});
v.addEventListener('pointerdown', e => {{
  if (e.button || e.pointerType === 'touch') return;  // a finger scrolls
  v.followed = v.follow !== false;
  [v.pressed, v.stays] = [true, false];
  v.set_follow(false);
}});
const release = () => {{
  if (!v.pressed) return;
  v.pressed = false;
  setTimeout(() => {{  // a click comes first, and may want to stay
    if (v.stays || v.pressed || v.selected()) return;
    if (v.followed || v.at_end()) {{ v.set_follow(true); v.to_end(); }}
  }});
}};
for (const end of ['pointerup', 'pointercancel', 'blur']) addEventListener(end, release);
document.addEventListener('selectionchange', () => {{ if (v.selected()) v.set_follow(false); }});
"""
