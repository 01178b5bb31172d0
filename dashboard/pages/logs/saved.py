"""The filters that are kept by name: choose one, keep what is in force, name it anew, let it go."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from nicegui import ui

from dashboard.access import LONGEST_NAME, Accounts, Identity, SavedFilter, Visit
from dashboard.errors import InvalidToken
from dashboard.pages.logs.tab import Part, Tab
from dashboard.pages.parts import button, telling

Result = TypeVar('Result')

CSS = """
.saved { min-width:280px; max-width:min(520px,96vw); padding:6px 0; font-size:14px }
.saved .one { display:flex; align-items:center; padding:0 6px 0 4px }
.saved .what { flex:1 1 0; min-width:0; padding:7px 10px; border-radius:6px; font-weight:inherit; line-height:inherit }
.saved .what .q-btn__content { display:block; min-width:0 }
.saved .what .q-btn__content > div { text-align:left; overflow:hidden; text-overflow:ellipsis; white-space:nowrap }
.saved > .soft { padding:4px 14px } .saved > .q-btn { margin:4px 8px 0 }
"""


class Shelf:
    """The saved filters as their user may see and change them.

    :param note: tells the audit log what an administrator has done for everybody
    """

    def __init__(self, accounts: Accounts, visit: Visit, note: Callable[..., None]) -> None:
        self._accounts = accounts
        self._visit = visit
        self._note = note

    @property
    def is_admin(self) -> bool:
        """Whether the user may keep filters for everybody."""
        return self._visit.identity.is_admin

    async def all(self) -> list[SavedFilter]:
        """Those that there are for the user."""
        return await self._do(self._accounts.filters.of)

    async def save(self, saved: SavedFilter) -> None:
        """Keep one, in place of that of the same name."""
        await self._do(self._accounts.filters.save, saved)
        self._tell('filter-save', saved, filter=saved.filter, level=saved.level)

    async def rename(self, saved: SavedFilter, name: str) -> None:
        """Give one another name."""
        await self._do(self._accounts.filters.rename, saved, name)
        self._tell('filter-rename', saved, new=name)

    async def remove(self, saved: SavedFilter) -> None:
        """Keep one no longer."""
        await self._do(self._accounts.filters.remove, saved)
        self._tell('filter-remove', saved)

    async def _do(self, work: Callable[..., Result], *arguments: object) -> Result:
        if self._visit.ended:
            raise InvalidToken
        who: Identity = self._visit.identity
        return await self._accounts.patiently(work, who, *arguments)

    def _tell(self, event: str, saved: SavedFilter, **details: object) -> None:
        if saved.for_all:
            self._note(event, name=saved.name, **details)


class Saved(Part):
    """A menu of them, and the form that asks for a name."""

    def __init__(self, tab: Tab, shelf: Shelf) -> None:
        super().__init__(tab)
        self._shelf = shelf
        self._known: list[SavedFilter] = []
        self._shown: tuple[list[SavedFilter], bool] | None = None  # in the menu, and whether to an administrator
        self._renamed: SavedFilter | None = None  # the one that gets another name; None while one is saved
        self._chosen = ''  # the name of the one that was chosen last, which may be saved again
        with ui.button(icon='bookmark_border').props(
            'flat dense round aria-label="Saved filters" title="Saved filters"'
        ):
            self._menu = ui.menu().props('aria-label="Saved filters"').on('before-show', telling(self._fill))
        with self._menu:
            self._list = ui.element('div').classes('saved')
        with ui.dialog() as self._form, ui.card().style('width: 420px'):
            self._title = ui.label().classes('subheading').props('role=heading aria-level=2')
            self._name = ui.input('Name', on_change=self._say).classes('full-width')
            self._name.props(f'maxlength={LONGEST_NAME} autofocus').on('keyup.enter', telling(self._save))
            self._for_all = ui.switch('For everybody', on_change=self._say)
            self._words = ui.label().classes('soft').props('role=status')
            with ui.row():
                button('Save', self._save)
                ui.button('Cancel', on_click=self._form.close).props('flat dense no-caps')

    async def _fill(self) -> None:
        """Show what there is now; what is the same stays, for somebody may be about to click it."""
        now = (await self._shelf.all(), self._shelf.is_admin)
        if now == self._shown:
            return
        self._shown, self._known = now, now[0]
        self._list.clear()
        with self._list:
            if not self._known:
                ui.label('No filter is saved yet.').classes('soft')
            for saved in self._known:
                self._row(saved)
            button('Save this filter …', partial(self._open, None))

    def _row(self, saved: SavedFilter) -> None:
        with ui.element('div').classes('one'):
            # a button of the library acts when the key comes up: the menu's own button, which has the focus once
            # the menu is closed, would otherwise see the key come up and open the menu again
            see = ui.button(on_click=telling(lambda: self._see(saved)), color=None)
            with see.props('flat no-caps').classes('what'):
                ui.label(f'{saved.name} · for everybody' if saved.for_all else saved.name)
                ui.label(_asks(saved)).classes('soft')
            if self._shelf.is_admin or not saved.for_all:
                for icon, words, act in (('edit', 'Rename', self._open), ('close', 'Remove', self._remove)):
                    name = saved.name.replace('\\', '').replace('"', "'")
                    ui.button(icon=icon, on_click=telling(partial(act, saved))).props(
                        f'flat dense round size=sm aria-label="{words} {name}"'
                    )

    def _see(self, saved: SavedFilter) -> None:
        self._menu.close()
        self.tab.filter(saved.filter, saved.level)
        self._chosen = saved.name
        self.tab.remember()
        self.tab.refresh()

    def _open(self, renamed: SavedFilter | None) -> None:
        """Ask for a name: for what is in force, or another one for a filter that is saved."""
        self._menu.close()
        self._renamed = renamed
        self._title.set_text(f'Rename {renamed.name}' if renamed else 'Save the filter')
        self._for_all.set_visibility(self._shelf.is_admin and renamed is None)
        self._for_all.set_value(False)
        self._name.set_value(renamed.name if renamed else self._chosen)
        self._say()
        self._form.open()

    def _say(self) -> None:
        """What will be saved, and whether in place of another."""
        now = self._made()
        same = [saved for saved in self._known if (saved.name.casefold(), saved.for_all) == _key(now)]
        words = f'It replaces the filter {same[0].name!r}. ' if same and self._renamed is None else ''
        self._words.set_text(words + _asks(now))

    async def _save(self) -> None:
        now = self._made()
        if self._renamed:
            await self._shelf.rename(self._renamed, now.name)
        else:
            await self._shelf.save(now)
            self._chosen = now.name
        self._form.close()
        await self._fill()
        ui.notify(f'Saved as {now.name!r}.', position='bottom')

    async def _remove(self, saved: SavedFilter) -> None:
        await self._shelf.remove(saved)
        await self._fill()

    def _made(self) -> SavedFilter:
        """What the form says."""
        name = ' '.join(str(self._name.value or '').split())
        if old := self._renamed:
            return SavedFilter(name, old.filter, old.level, old.for_all)
        for_all = bool(self._for_all.value) and self._shelf.is_admin
        return SavedFilter(name, self.tab.link.filter, self.tab.link.level, for_all)


def _asks(saved: SavedFilter) -> str:
    levels = f'levels: {saved.level.replace(",", ", ")}' if saved.level else ''
    return ' · '.join(filter(None, (saved.filter, levels)))


def _key(saved: SavedFilter) -> tuple[str, bool]:
    return saved.name.casefold(), saved.for_all
