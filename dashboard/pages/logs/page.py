"""Joins the parts of the page, and tells them when something has changed."""

from __future__ import annotations

import asyncio
from functools import partial

from nicegui import Client, background_tasks, ui
from starlette.requests import Request
from starlette.responses import Response

from dashboard.access import Accounts, Audit
from dashboard.config import Settings
from dashboard.pages import clients
from dashboard.pages.logs.actions import Actions
from dashboard.pages.logs.badge import Badge
from dashboard.pages.logs.chips import CSS as CHIPS
from dashboard.pages.logs.chips import Chips
from dashboard.pages.logs.clock import zone_of
from dashboard.pages.logs.counting import Counts
from dashboard.pages.logs.desk import Desk
from dashboard.pages.logs.desk_css import CSS as DESK_CSS
from dashboard.pages.logs.details import Details
from dashboard.pages.logs.downloads import CSS as DOWNLOADS
from dashboard.pages.logs.downloads import Downloads
from dashboard.pages.logs.filter_bar import FilterBar
from dashboard.pages.logs.histogram import CSS as HISTOGRAM
from dashboard.pages.logs.histogram import HistogramStrip, is_tall
from dashboard.pages.logs.jump import CSS as JUMP
from dashboard.pages.logs.jump import Jump
from dashboard.pages.logs.keys import Keys
from dashboard.pages.logs.lights import CSS as LIGHTS
from dashboard.pages.logs.lights import Lights
from dashboard.pages.logs.link import Link
from dashboard.pages.logs.pins import Context, Pins
from dashboard.pages.logs.place import place_of, watch_connection
from dashboard.pages.logs.range_bar import CSS as RANGE_BAR
from dashboard.pages.logs.range_bar import RangeBar
from dashboard.pages.logs.render import CSS
from dashboard.pages.logs.saved import CSS as SAVED
from dashboard.pages.logs.saved import Saved, Shelf
from dashboard.pages.logs.selector import CSS as SELECTOR
from dashboard.pages.logs.selector import Selector
from dashboard.pages.logs.stage import Banner, Foot, Stage
from dashboard.pages.logs.surveyor import Surveyor
from dashboard.pages.logs.switches import Switches
from dashboard.pages.logs.tab import Tab
from dashboard.pages.logs.tally import Tallies
from dashboard.pages.logs.title import Title
from dashboard.pages.logs.under_way import CSS as UNDER_WAY
from dashboard.pages.logs.under_way import UnderWay
from dashboard.pages.logs.welcome import Welcome
from dashboard.pages.presence import stay
from dashboard.pages.shell import KEEP_VIEW, TITLE, Frame, shell
from dashboard.view import Views
from dashboard.web import Transfers, address_of

STYLES = ''.join([CSS, JUMP, SELECTOR, CHIPS, LIGHTS, DESK_CSS, SAVED, HISTOGRAM, RANGE_BAR, DOWNLOADS, UNDER_WAY])
CONNECT_TIMEOUT = 60.0  # seconds a browser may take to open its socket after it has fetched the page
REFRESH = 0.5  # seconds between looks at what the numbers and the badge should say


def install(views: Views, accounts: Accounts, settings: Settings, audit: Audit, transfers: Transfers) -> None:
    """Register the page."""
    tallies, counts, turn = Tallies(), Counts(), asyncio.Lock()

    @ui.page('/logs', title=TITLE)
    def logs(request: Request) -> Response | None:
        if refusal := clients.make_room(settings):
            return refusal
        visit = stay(accounts, request.state.identity)
        watching = partial(audit.watching, visit.identity, address_of(request), via='page')
        ui.add_css(
            CSS + JUMP + SELECTOR + CHIPS + LIGHTS + DESK_CSS + SAVED + HISTOGRAM + DOWNLOADS + UNDER_WAY + RANGE_BAR
        )
        with shell(visit, request, accounts, audit) as frame:
            tab = Tab(views.of(visit), Link.of(request.query_params), frame.preferences, watching)
            note = partial(audit.record, who=visit.identity, address=address_of(request))
            tab.parts += [Surveyor(tab, turn)]
            build(tab, frame, tallies, counts, Shelf(accounts, visit, note), transfers)
        start(tab)
        return None


def build(tab: Tab, frame: Frame, tallies: Tallies, counts: Counts, shelf: Shelf, transfers: Transfers) -> None:
    """Put the parts where they are seen; each is told what it is about when it is made."""
    desk = Desk(tab)
    tab.parts += [under_way := UnderWay(tab, transfers)]
    with frame.menu:
        tab.parts += [Switches(tab)]
    with frame.bar:
        tab.parts += [Badge(tab)]
    if tab.hub.settings.demo:
        ui.label('Demo: these services and their logs are made up.').classes('banner demo')
    with ui.element('div').classes('bar'):
        tab.parts += [Selector(tab), FilterBar(tab)]
        with ui.element('div').classes('actions'):
            tab.parts += [Jump(tab), Saved(tab, shelf), Actions(tab), Downloads(tab, under_way)]
    with ui.element('div').classes('over') as over:
        tab.parts += [Chips(tab, tallies)]
    tab.parts += [Lights(tab, counts), HistogramStrip(tab, tallies, over)]
    tab.parts += [RangeBar(tab), Banner(tab), Context(tab, desk), Pins(tab, desk)]
    with ui.element('div').classes('desk'):
        tab.parts += [stage := Stage(tab), Details(tab, desk)]
    tab.parts += [Foot(tab), Title(tab), Keys(tab, desk)]
    with stage.box:
        tab.parts += [Welcome(tab)]


def start(tab: Tab) -> None:
    """Begin to watch, for as long as the tab is open."""
    client = ui.context.client
    watching = background_tasks.create(_watch_services(tab, client), name='page: services')
    client.on_delete(watching.cancel)
    client.on_delete(tab.close)
    watch_connection(client)
    client.run_javascript(KEEP_VIEW)
    client.on_connect(tab.note_connected)
    ui.timer(REFRESH, tab.refresh)


async def _watch_services(tab: Tab, client: Client) -> None:
    await client.connected(CONNECT_TIMEOUT)
    tab.place, tab.zone, tab.tall = await asyncio.gather(place_of(client), zone_of(client), is_tall(client))
    tab.apply_preferences()
    async with tab.hub.changes() as changes:
        async for _ in changes:
            with client:
                tab.look_at_services()
