"""Downloads that take long: how much of each was sent so far, how it ended, and a button that breaks it off."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from nicegui import ui

from dashboard.pages.logs.tab import Part, Tab
from dashboard.pages.parts import size_in_words
from dashboard.web import Transfer, Transfers

SOON = 1.0  # seconds after which it is worth telling that a download is under way
TOLD = 6.0  # seconds for which is told how it ended
UNASKED = 10.0  # seconds after which the browser does not come for it any more
MOST = 5  # downloads that are told of
REFUSED = 'Your browser has not begun it: it may not be allowed to, or too many of your downloads are open.'
CSS = """
.transfers { position:fixed; right:14px; bottom:42px; z-index:20; display:flex; flex-direction:column; gap:6px;
  max-width:min(420px,calc(100vw - 28px)); --q-primary:#1659c7 }
.body--dark .transfers { --q-primary:#79b8ff }
.transfers .one { display:flex; align-items:center; gap:10px; padding:6px 6px 6px 14px; font-size:14px;
  border:1px solid var(--line); border-radius:8px; background:var(--bar); color:var(--text);
  box-shadow:0 2px 12px #0004 }
.transfers .one > div { flex:1 1 0; min-width:0; overflow-wrap:anywhere }
"""


class UnderWay(Part):
    """A list of them above the foot of the page, of which nothing is seen as long as there is none."""

    def __init__(self, tab: Tab, transfers: Transfers) -> None:
        super().__init__(tab)
        self._transfers = transfers
        self._files: list[_File] = []
        self._box = ui.element('div').classes('transfers').props('role=group aria-label="Downloads"')

    def begin(self, name: str) -> Transfer:
        """A download of what is called so begins: the browser is about to ask for it."""
        transfer = self._transfers.begin(self.tab.hub.visitor.username)
        self._files.append(_File(transfer, name))
        for old in self._files[:-MOST]:
            old.close()
        del self._files[:-MOST]
        return transfer

    def refresh(self) -> None:
        """Say how far they are; what is told long enough goes."""
        for one in list(self._files):
            one.look()
            if one.is_over:
                self._files.remove(one)
                one.close()
            elif one.is_long:
                one.tell(self._box)


@dataclass(slots=True)
class _File:
    """A download, and the row that tells of it once it has taken a while."""

    transfer: Transfer
    name: str
    begun: float = field(default_factory=time.monotonic)
    ended: float | None = None  # when that was seen
    row: ui.element | None = None
    words: ui.label | None = None
    cancel: ui.button | None = None

    @property
    def is_long(self) -> bool:
        """Whether it is worth telling of: it takes a while, or has failed, or was told of before."""
        return bool(self.row or self.transfer.error) or time.monotonic() >= self.begun + SOON

    @property
    def is_over(self) -> bool:
        """Whether there is nothing more to tell."""
        return self.ended is not None and (not self.is_long or time.monotonic() >= self.ended + TOLD)

    def look(self) -> None:
        """Note when it has ended."""
        if not self.transfer.asked and time.monotonic() >= self.begun + UNASKED:
            self.transfer.error, self.transfer.ended = REFUSED, True
        if self.transfer.ended and self.ended is None:
            self.ended = time.monotonic()

    def tell(self, box: ui.element) -> None:
        """Say how far it is."""
        if self.row is None:
            with box, ui.element('div').classes('one') as self.row:
                self.words = ui.label()
                self.cancel = ui.button('Cancel', on_click=self.transfer.cancel).props('flat dense no-caps')
                self.cancel.props(f'padding="2px 10px" aria-label="Cancel the download of {_plainly(self.name)}"')
        if self.words and self.cancel:
            self.words.set_text(f'{self.name}: {self._state()}')
            self.cancel.set_visibility(self.ended is None)
            if self.ended is not None:
                self.words.props('role=status')  # not before: figures that change all the time would be read out

    def _state(self) -> str:
        transfer = self.transfer
        if transfer.error:
            return transfer.error
        if transfer.ended:
            return f'{size_in_words(transfer.bytes)}, complete'
        return f'{size_in_words(transfer.bytes)} so far' if transfer.bytes else 'waiting for its first lines …'

    def close(self) -> None:
        """Tell no more of it; it goes on."""
        if self.row:
            self.row.delete()


def _plainly(name: str) -> str:
    return name.replace('\\', '').replace('"', "'")
