"""The page ``/search``: one question of days of kept lines, of all services that may be seen."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from functools import partial
from typing import Any
from urllib.parse import urlencode

from nicegui import background_tasks, ui
from nicegui.events import GenericEventArguments, ValueChangeEventArguments
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from dashboard.access import Accounts, Audit
from dashboard.config import Settings
from dashboard.errors import DashboardError
from dashboard.lines import Message, Question, Range, parse, parse_range
from dashboard.model import ServiceKey
from dashboard.pages import clients
from dashboard.pages.hits import CSS, Hits
from dashboard.pages.logs.clock import zone_of
from dashboard.pages.logs.link import LONGEST_FILTER, LONGEST_SERVICES
from dashboard.pages.parts import size_in_words
from dashboard.pages.presence import stay
from dashboard.pages.shell import LOGS, shell
from dashboard.store import Found, Place
from dashboard.view import Finder, Views
from dashboard.web import address_of, path_for

AT_ONCE = 500  # messages that are shown before somebody asks for more
MOST = 5_000  # lines on the page
SHOWN_EVERY = 0.2  # seconds
DRAWN_EVERY = 1.0  # seconds, what is only counted
COUNTING = 30.0  # seconds for which those are counted that are not shown
LONGEST_TIME = 100  # characters
EXAMPLE = '2 d ago, 14:32'
NOTHING = 'Type what you look for: words, level:error, status:>=500 or /an expression/.'


@dataclass(frozen=True, slots=True)
class Asked:
    """What the page's URL says."""

    filter: str = ''
    service: str = ''  # names with commas; '' for all
    start: str = ''
    end: str = ''

    @classmethod
    def of(cls, query: QueryParams) -> Asked:
        """Read the parameters."""
        names = ','.join(query.getlist('service'))[:LONGEST_SERVICES]
        start, end = (query.get(name, '')[:LONGEST_TIME] for name in ('from', 'to'))
        return cls(query.get('filter', '')[:LONGEST_FILTER], names, start, end)

    def __str__(self) -> str:
        given = {'filter': self.filter, 'service': self.service, 'from': self.start, 'to': self.end}
        return urlencode({name: value for name, value in given.items() if value}, safe='*,:')


def install(views: Views, accounts: Accounts, settings: Settings, audit: Audit) -> None:
    """Register the page."""

    @ui.page('/search', title='Search · Docker Log Dashboard')
    async def page(request: Request) -> Response | None:
        if refusal := clients.make_room(settings):
            return refusal
        visit = stay(accounts, request.state.identity)
        ui.add_css(CSS)
        with shell(visit, request, accounts, audit) as frame:
            if await clients.arrived():
                client = ui.context.client
                zone = UTC if frame.preferences.on('utc') else await zone_of(client)
                finder, asked = views.of(visit).kept, Asked.of(request.query_params)
                note = partial(audit.record, 'search', visit.identity, address_of(request))
                search = SearchPage(finder, asked, zone, path_for(request.scope, LOGS), note)
                search.build()
                client.on_delete(search.stop)
        return None


class SearchPage:
    """One browser tab.

    :param logs: the address of the page of logs
    """

    def __init__(self, finder: Finder, asked: Asked, zone: tzinfo, logs: str, note: Callable[..., None]) -> None:
        self._finder = finder
        self._asked = asked
        self._zone = zone
        self._logs = logs
        self._note = note
        self._task: asyncio.Task[None] | None = None
        self._found = 0  # messages that are shown
        self._counted = 0  # and those that are only counted
        self._before: Place | None = None  # where it goes on

    def build(self) -> None:
        """Make the page, and search for what its address asks."""
        services = self._names()
        with ui.element('div').classes('bar').props('role=search'):
            box = ui.input(
                placeholder='Search kept lines...', value=self._asked.filter, on_change=partial(self._set, 'filter')
            )
            box.props(f'dense outlined clearable autofocus debounce=300 aria-label="Search" maxlength={LONGEST_FILTER}')
            box.classes('filter')
            chosen = self._chosen(services)
            self._select = ui.select(services, multiple=True, value=chosen, on_change=partial(self._set, 'service'))
            self._select.props('dense outlined options-dense use-chips clearable aria-label=Services')
            self._select.props('label="Services"' if services else 'label="No services"').classes('which')
            for label, name in (('From', 'start'), ('To', 'end')):
                change = partial(self._set, name)
                field = ui.input(label, value=getattr(self._asked, name), placeholder=EXAMPLE, on_change=change)
                field.props(f'dense outlined clearable debounce=500 maxlength={LONGEST_TIME}').classes('when')
        with ui.element('div').classes('bar state'):
            self._words = ui.label().props('role=status')
            self._stop = ui.button('Stop', on_click=self.stop).props('flat dense no-caps')
        self._hits = Hits(self._finder, self._zone, self._logs, self._choose)
        with ui.element('div').classes('bar state') as self._foot:
            ui.button('Show more', on_click=self._go_on).props('flat dense no-caps')
        self._begin()

    def _names(self) -> dict[str, str]:
        name = self._finder.naming()
        there = {service.key: bool(service.containers) for service in self._finder.services}
        return {key.qualified: name(key) if is_there else f'{name(key)} (no longer there)'
                for key, is_there in there.items()}  # fmt: skip

    def _chosen(self, services: dict[str, str]) -> list[str]:
        with suppress(DashboardError):
            if self._asked.service:
                return [key.qualified for key in self._finder.keys_of(self._asked.service) if key.qualified in services]
        return []

    # what the reader does

    def _set(self, name: str, change: ValueChangeEventArguments[Any]) -> None:
        """A field of what is asked has another value: a text, or the names of services."""
        value = change.value or ''
        self._change(replace(self._asked, **{name: value if isinstance(value, str) else ','.join(value)}))

    def _choose(self, event: GenericEventArguments) -> None:
        """The name of a service was clicked: only of this one."""
        if str(event.args) in (self._select.options or {}):
            self._select.set_value([str(event.args)])

    def _change(self, asked: Asked) -> None:
        if asked != self._asked:
            self._asked = asked
            ui.navigate.history.replace(f'?{asked}')
            self._begin()

    def stop(self) -> None:
        """Search no more."""
        if self._task and not self._task.done():
            self._task.cancel()

    # the search

    def _begin(self) -> None:
        """Begin anew; what was being searched is broken off."""
        self.stop()
        self._found, self._before = 0, None
        self._hits.clear()
        self._say('')
        self._foot.set_visibility(False)
        self._stop.set_visibility(False)
        if not self._finder.is_on:
            self._say('Nothing is kept here, so there is nothing to search: see Help, kept lines.')
        elif not self._asked.filter.strip():
            self._say(NOTHING)
        else:
            self._go_on()

    def _go_on(self) -> None:
        try:
            question = parse(self._asked.filter)
            times = parse_range(self._asked.start, self._asked.end, self._zone, datetime.now(UTC))
            keys = self._finder.keys_of(self._asked.service)
        except DashboardError as error:
            self._say(str(error), wrong=True)
            return
        self._hits.ask(question)
        self.stop()
        self._task = background_tasks.create(self._run(question, keys, times, self._task), name='page: search')

    async def _run(
        self, question: Question, keys: Sequence[ServiceKey], times: Range, last: asyncio.Task[None] | None
    ) -> None:
        """Show what is found, as much as is shown at once, and count the rest."""
        if last:
            await asyncio.wait([last])  # it would count as one under way
        self._show(searching=True)
        asked, whole, self._counted = self._asked, False, 0
        try:
            async with aclosing(self._finder.search(question, keys, times, self._before)) as steps:
                words = await self._go_through(steps)
            whole = True
            self._show(more=self._counted > 0 and self._hits.lines < MOST)
            self._say(f'{words}: {self._found + self._counted:,} found.{self._shown}')
        except TimeoutError:
            self._say(f'More than {self._found + self._counted:,} found.{self._shown}')
        except asyncio.CancelledError:
            if self._is_last(asked):
                self._say(f'Stopped. {self._found + self._counted:,} found.{self._shown}')
            raise
        except DashboardError as error:
            self._say(f'{error} {self._found + self._counted:,} found so far.', wrong=True)
        finally:
            if self._is_last(asked):
                self._stop.set_visibility(False)
                self._hits.draw(whole=whole)
            sides = {'since': asked.start or None, 'until': asked.end or None}
            self._note(filter=asked.filter, service=asked.service or None, found=self._found, **sides)

    async def _go_through(self, steps: AsyncIterator[Found]) -> str:
        """Take all steps, and tell how much was searched.

        :raises TimeoutError: when to count the rest takes long
        """
        most, said, due, drawn = self._found + AT_ONCE, 'Nothing was searched', 0.0, 0.0
        async with asyncio.timeout(None) as limit:
            async for step in steps:
                said = f'Searched {size_in_words(step.total)}'
                if not self._is_full(most):
                    rest = self._take(step, most - self._found)
                    if self._is_full(most):
                        self._show(searching=True, more=self._hits.lines < MOST)
                        limit.reschedule(asyncio.get_running_loop().time() + COUNTING)
                else:
                    rest = step.messages
                if rest:
                    self._counted += len(rest)
                    self._hits.count(rest)
                if time.monotonic() >= due:
                    self._tell(step)
                    due = time.monotonic() + SHOWN_EVERY
                if self._counted and time.monotonic() >= drawn:
                    self._hits.draw(whole=False)
                    drawn = time.monotonic() + DRAWN_EVERY
        return said

    def _is_last(self, asked: Asked) -> bool:
        """Whether nothing was begun after the search that runs, nor asked."""
        return self._asked is asked and self._task is asyncio.current_task()

    def _is_full(self, most: int) -> bool:
        """Whether as many are shown as are to be."""
        return self._found >= most or self._hits.lines >= MOST

    @property
    def _shown(self) -> str:
        """In words, which of those that were found are shown."""
        return f' The newest {self._found:,} are shown.' if self._counted else ''

    def _take(self, step: Found, most: int) -> Sequence[Message]:
        """Show so many of what has been found; the rest."""
        messages = step.messages[:most]
        self._found += len(messages)
        self._before = step.places[len(messages) - 1] if messages and len(messages) == most else step.place
        self._hits.add(messages)
        return step.messages[most:]

    def _tell(self, step: Found) -> None:
        back = '' if step.back_to is None else f' back to {self._hits.tell(step.back_to)}'
        size = f'{size_in_words(step.done)} of {size_in_words(step.total)}'
        self._say(f'Searched{back}, {size}, {self._found + self._counted:,} found.{self._shown}')

    def _show(self, *, searching: bool = False, more: bool = False) -> None:
        self._stop.set_visibility(searching)
        self._foot.set_visibility(more)

    def _say(self, words: str, wrong: bool = False) -> None:
        self._words.set_text(words)
        self._words.classes(**{'add' if wrong else 'remove': 'wrong'})
