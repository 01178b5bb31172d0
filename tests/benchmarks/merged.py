"""Many services on one page: how old their lines are when they are seen, and whether each is seen once and in order."""

from __future__ import annotations

import time
from dataclasses import dataclass

from playwright.sync_api import Page

from tests.benchmarks.machine import PAYLOAD, STAMP, boot_time

TICKS = 5  # a second: each is a process, and there are many containers
# goes on over every row that is added; a line that comes late was missing before, and is marked on the page
COUNT = """([stamp, boot]) => {
  const log = document.querySelector('.log'), missing = new Set(), pattern = new RegExp(stamp + ' (\\\\d+)');
  const told = new WeakSet();  // a block that is added in one go with its rows has them already
  const sum = window.sum = { ages: [], tasks: [] };
  for (const name of ['lines', 'twice', 'late', 'disordered', 'gaps', 'skipped', 'fills']) sum[name] = 0;
  let newest = '', last = {}, ever = {};  // the highest numbers since it was filled anew, and of all times
  new PerformanceObserver(l => l.getEntries().forEach(e => sum.tasks.push(e.duration)))
    .observe({entryTypes: ['longtask']});
  const look = row => {
    if (row.matches('.g')) {
      sum.gaps++;
      sum.skipped += Number(/([\\d,]+) lines? missed/.exec(row.textContent)?.[1].replaceAll(',', '') ?? 0);
      return;
    }
    const found = pattern.exec(row.textContent), name = row.querySelector('b[data-service]')?.dataset.service ?? '';
    if (!found) return;
    const number = Number(found[2]), key = `${name} ${number}`;
    const before = last[name] ?? Math.min(ever[name] ?? number, number - 1);
    const written = row.querySelector('time').title, late = row.matches('.late');
    sum.lines++;
    if (number > before) {
      for (let n = before + 1; n < number; n++) missing.add(`${name} ${n}`);
      last[name] = number;
      ever[name] = Math.max(ever[name] ?? 0, number);
    } else if (!missing.delete(key)) sum.twice++;
    sum.late += late;
    if (written < newest && !late) sum.disordered++;
    if (written > newest) newest = written;
    sum.last = Number(found[1]);
  };
  window.lost = () => missing.size;
  new MutationObserver(records => {
    for (const record of records) {
      if (record.target === log && record.removedNodes.length && !record.nextSibling && !record.previousSibling) {
        sum.fills++;  // all rows were taken away, to be shown anew
        [newest, last] = ['', {}];
      }
      for (const node of record.addedNodes) if (node.nodeType === 1)
        for (const row of node.matches('.l, .g') ? [node] : node.querySelectorAll('.l, .g'))
          if (!told.has(row) && told.add(row)) look(row);
    }
    sum.ages.push(Date.now() / 1000 - boot - sum.last);
  }).observe(log, {childList: true, subtree: true});
}"""


@dataclass(frozen=True, slots=True)
class Account:
    """What a page has shown for a while; ages in seconds, of the last line of each flush."""

    ages: list[float]
    lines: int
    lost: int
    twice: int
    disordered: int
    late: int  # shown where they came, and marked
    gaps: int
    skipped: int  # lines, as these rows say: they came faster than they could be shown
    fills: int  # how often all rows were shown anew
    longest_task: float  # milliseconds

    def __str__(self) -> str:
        marked = f', {self.late:,} late and marked' if self.late else ''
        gaps = f', {self.skipped:,} skipped as {self.gaps} gap rows say' if self.gaps else ''
        gaps += f', filled anew {self.fills} times' if self.fills else ''
        return f'{self.lost} lost / {self.twice} twice / {self.disordered} out of order of {self.lines:,}{marked}{gaps}'


def numbered(rate: int) -> str:
    """A shell command that writes numbered lines, stamped like those of :func:`machine.writer`."""
    lines = f'i=0; while [ $i -lt {rate // TICKS} ]; do i=$((i+1)); n=$((n+1)); echo "@$up $n {PAYLOAD}"; done'
    return f'n=0; while read up idle < /proc/uptime; do {lines}; usleep {1_000_000 // TICKS - 8_000}; done'


def account(page: Page, seconds: float) -> Account:
    """Watch the log for a while, from the rows on that come next."""
    page.evaluate(COUNT, [STAMP, boot_time()])
    time.sleep(seconds)
    found, lost = page.evaluate('[window.sum, window.lost()]')
    return Account(
        found['ages'],
        found['lines'],
        max(0, lost - found['skipped']),
        found['twice'],
        found['disordered'],
        found['late'],
        found['gaps'],
        found['skipped'],
        found['fills'],
        max(found['tasks'], default=0),
    )
