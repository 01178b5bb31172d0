"""Keeps open what the reader has unfolded, also when the view is filled anew: by another filter, and back again."""

from __future__ import annotations

MOST_OPEN = 1_000  # messages that the browser knows to be open; of more the oldest are folded again
# ``v`` is the log; a fold is known by the cursor of a line in it
FOLDS = f"""
v.opened = new Set();
v.addEventListener('toggle', e => {{
  const names = [...e.target.querySelectorAll('[data-cursor]')].map(row => row.dataset.cursor);
  names.forEach(name => v.opened.delete(name));
  if (e.target.open && names.length) v.opened.add(names[0]);
  if (v.opened.size > {MOST_OPEN}) v.opened.delete(v.opened.values().next().value);
}}, true);
v.reopen = () => {{
  if (!v.opened.size) return;
  for (const fold of v.querySelectorAll('details:not([open])'))
    fold.open = [...fold.querySelectorAll('[data-cursor]')].some(row => v.opened.has(row.dataset.cursor));
}};
"""
