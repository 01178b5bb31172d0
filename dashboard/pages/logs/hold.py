"""Keeps the view where it is while its reader selects text: nothing moves under the mouse.

The browser does it alone, for what is on its way from the server would come too late to be called back. As long as the
mouse button is down in the log, or something in it is selected, the view does not follow, and what is due to leave
stays. It goes on when the button is up again and nothing is selected, if it followed before or is at its end; or by
the ways that always lead to the newest line, which end the selection.

It also asks for what stands beyond an end of the window when its reader comes near: ``v.more`` says whether anything
follows its last row. What they look at stays in its place when rows come or go above it.
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
v.set_follow = on => {{
  if (on) v.asked = '';
  if (on !== v.follow) {{ v.follow = on; v.dispatchEvent(new Event('follow')); }}
}};
v.on_scroll = () => {{
  if (v.busy || v.scrollTop === v.placed) return;
  v.placed = null;
  const on = !v.pressed && !v.selected() && ((v.at_end() && !v.more) || (v.follow && v.scrollTop >= v.top));
  v.top = v.scrollTop;
  v.set_follow(on);
  v.look_beyond();
}};
v.more = false;
v.asked = '';  // what is on its way: older or newer
v.ask = what => {{
  if (v.asked) return;
  v.asked = what;
  v.dispatchEvent(new CustomEvent('beyond', {{ detail: what }}));
}};
v.look_beyond = () => {{
  if (v.follow !== false || v.pressed) return;
  if (v.scrollTop < v.clientHeight) v.ask('older');
  else v.near_end();
}};
v.near_end = () => {{
  if (v.more && v.scrollHeight - v.scrollTop - v.clientHeight < v.clientHeight) v.ask('newer');
}};
v.hold_still = change => {{
  const edge = v.getBoundingClientRect().top, below = e => e.getBoundingClientRect().bottom > edge;
  const block = [...v.children].find(below);
  const row = block && ([...block.querySelectorAll('[data-cursor]')].find(below) ?? block);
  const at = row?.getBoundingClientRect().top;
  change();
  const back = () => {{
    if (!row?.isConnected) return;
    v.scrollTop += row.getBoundingClientRect().top - at;
    v.placed = v.top = v.scrollTop;
  }};
  back();
  requestAnimationFrame(() => {{ if (v.scrollTop === v.placed) back(); }});  // it is laid out now
}};
v.addEventListener('wheel', e => {{
  if (e.deltaY < 0 && v.scrollTop < 1 && v.children.length) {{ v.stay(); v.ask('older'); }}
}}, {{ passive: true }});
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
