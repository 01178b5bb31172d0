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
LATELY = 500  # milliseconds for which it is remembered where the end was
SETTLING = 400  # milliseconds after a change of its width in which its heights may change
MOVED = 80  # pixels that the view may be moved from its end by blocks that turn out less high than was thought
# ``v`` is the log; ``v.follow`` says whether it follows, and the event of that name tells the server
HOLD = f"""
v.selected = () => {{
  const chosen = getSelection();
  return !chosen.isCollapsed && chosen.getRangeAt(0).intersectsNode(v);
}};
v.to_go = () => v.scrollHeight - v.scrollTop - v.clientHeight;
v.at_end = () => v.to_go() < {AT_BOTTOM};
v.ends = [];  // where its end was lately: its reader can scroll no further until the browser has laid out new rows
v.late_ends = () => v.ends.filter(end => performance.now() - end.at < {LATELY});
v.note_end = () => {{
  if (!v.is_settled() || v.follow !== false) return;
  v.ends = [...v.late_ends(), {{ height: v.scrollHeight, at: performance.now() }}];
}};
v.is_settled = () => {{  // when its width changes, lines wrap anew, and the browser moves them without its reader
  if (v.clientWidth !== v.width) [v.width, v.ends, v.settles] = [v.clientWidth, [], performance.now() + {SETTLING}];
  return performance.now() > v.settles;
}};
new ResizeObserver(v.is_settled).observe(v);
v.reached_end = () =>
  v.scrollTop > v.top && v.late_ends().some(end => end.height - v.scrollTop - v.clientHeight < {AT_BOTTOM});
v.grow = (html, height) => {{
  const last = v.lastElementChild;
  last.insertAdjacentHTML('beforeend', html);
  last.style.containIntrinsicHeight = height;
}};
v.seeks = false;  // its reader wants to be at a line or a moment that is not shown yet: this is not their place
v.leaving = 0;  // blocks that the server has let go
v.let_go = () => {{ for (; v.follow && v.leaving > 0; v.leaving--) v.firstElementChild.remove(); }};
v.to_end = () => {{ v.scrollTop = v.height = v.scrollHeight; v.top = v.scrollTop; }};
v.set_follow = on => {{
  if (on) v.asked = '';
  if (on === v.follow) return;
  v.follow = on;
  if (on) v.seeks = false;
  v.dispatchEvent(new Event('follow'));
}};
v.on_scroll = () => {{ if (!v.busy) v.scrolled(); }};
v.at_last = () => {{ if (!v.busy) v.scrolled(true); }};  // nothing follows any more: its end may be the newest line
v.scrolled = (moved = v.scrollTop !== v.top) => {{  // or it is where it was put, and follows or not as it did
  if (v.scrollTop === v.placed) return;
  v.placed = null;
  const shrank = v.scrollHeight < v.height;
  v.height = v.scrollHeight;
  if (v.follow && shrank && v.to_go() < {MOVED} && !v.pressed && !v.selected()) return v.to_end();  // not its reader
  const newest = (v.is_settled() || v.follow) && !v.more && (v.at_end() || v.reached_end());
  const on = !v.pressed && !v.selected() && (newest || (v.follow && v.scrollTop >= v.top));
  v.top = v.scrollTop;
  if (moved) v.set_follow(on);
  v.look_beyond();
}};
v.notice = () => {{  // rows come; its reader may have scrolled away, and the event of that is still to come
  if (v.follow && v.scrollTop < v.top) v.scrolled();
  v.note_end();
}};
v.catch_up = () => {{  // rows have come; its reader may have scrolled on meanwhile, when nobody listened
  if (!v.follow && v.scrollTop > v.top) v.scrolled();
}};
v.empty = () => {{  // it is filled anew
  v.replaceChildren();
  delete v.dataset.past;
  [v.leaving, v.ends, v.asked] = [0, [], ''];
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
  if (v.more && v.to_go() < v.clientHeight) v.ask('newer');
}};
v.first_seen = (rows, slack = 0) => {{  // of blocks first: one that is not laid out may be less high than its rows
  const edge = v.getBoundingClientRect().top + slack, below = e => e.getBoundingClientRect().bottom > edge;
  const block = [...v.children].find(below);
  return {{ block, row: block && [...block.querySelectorAll(rows)].find(below) }};
}};
v.hold_still = change => {{
  const seen = v.first_seen('[data-cursor]'), row = seen.row ?? seen.block;
  const at = row?.getBoundingClientRect().top;
  v.ends = [];
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
  if (e.deltaY < 0 && v.scrollTop < 1 && (v.children.length || v.dataset.past)) {{ v.stay(); v.ask('older'); }}
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
