"""The faults, each as what is done to a :class:`Scene` while it writes 2,000 lines a second."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser

from dashboard.app import RECONNECT
from dashboard.model import SECOND
from tests.faults.account import Account
from tests.faults.kept import GIBIBYTE
from tests.faults.scene import EVEN_WRITER, FAST_WRITER, SHARING_WRITER, SLOW_WRITER, WRITER, Scene, logging
from tests.faults.viewers import RESUME_EVERY
from tests.support.docker_engine import TINY, PrivateEngine
from tests.support.podman import MISSING, PodmanEngine, has_podman


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong."""

    name: str
    act: Callable[[Scene], None]
    ends_engine: bool = False  # which then is one of its own, else one that other faults use too
    options: tuple[str, ...] = ()  # of its own engine
    podman: bool = False  # whether that is Podman
    environ: dict[str, str] = field(default_factory=dict)  # settings of the dashboard
    writer: str = WRITER
    others: tuple[str, ...] = ()  # services that are watched together with the writer's
    log: dict[str, str] = field(default_factory=dict)  # options of the writer's log, and its driver
    tcp: bool = False  # how the dashboard reaches the engine, else by a unix socket
    rotates: bool = False  # the engine itself loses lines, or may
    lost: int = 0  # lines that it has lost at least
    in_order: bool = False  # what is true is the order of the log, not its timestamps
    crowded: bool = False  # on a busy machine starting containers makes lines late: each writer's own order counts
    badge: str = ''  # words that the badge must have said
    keeps: bool = False  # whether the dashboard keeps lines; what it has kept is compared as well

    @property
    def kind(self) -> type[PrivateEngine]:
        """Of its own engine."""
        return PodmanEngine if self.podman else PrivateEngine

    @property
    def missing(self) -> str:
        """In words, what this machine lacks for it; '' when it can be staged."""
        return MISSING if self.podman and not has_podman() else ''


def streams_end(scene: Scene) -> None:
    for _ in range(3):
        scene.to_engine.drop()
        scene.to_engine.restore()
        scene.rest(0.7)


def engine_stops(scene: Scene) -> None:
    scene.engine.stop()
    scene.rest(1)
    scene.engine.start()
    if scene.answers().status != 'running':  # without live-restore it ended with its engine
        scene.web.start()


def engine_is_killed(scene: Scene) -> None:
    scene.engine.kill()
    scene.rest(1)
    scene.engine.start()
    if scene.answers().status != 'running':
        scene.web.start()


def engine_hangs(scene: Scene) -> None:
    scene.engine.freeze()
    try:
        scene.until_badge('Engine unreachable')
    finally:
        scene.engine.thaw()
    scene.until_reachable()


def socket_is_missing(scene: Scene) -> None:
    scene.to_engine.drop()
    scene.until_badge('Engine unreachable')
    scene.to_engine.restore()
    scene.until_reachable()


def network_drops(scene: Scene) -> None:
    scene.to_engine.silence()
    scene.until_badge('Engine unreachable')
    scene.to_engine.restore(forget=True)
    scene.until_reachable()


def container_restarts(scene: Scene) -> None:
    scene.web.restart(timeout=0)


def container_stops(scene: Scene) -> None:
    scene.web.kill()
    scene.until_badge('Stopped')
    scene.web.start()


def container_is_recreated(scene: Scene) -> None:
    scene.remove(scene.web)
    scene.client.images.get(TINY).tag('docker-log-dashboard/tiny', '2')
    scene.web = scene.write(image='docker-log-dashboard/tiny:2')


def service_is_scaled(scene: Scene) -> None:
    second = scene.write(2)
    scene.rest(2)
    second.kill()
    scene.rest(0.5)  # of one that fails and is removed at once nobody could know whether it had last words
    scene.remove(second)


def services_restart_and_are_scaled(scene: Scene) -> None:
    api, _ = scene.others
    api.restart(timeout=0)
    second = scene.write(2, SHARING_WRITER, service='db')
    scene.rest(2)
    api.restart(timeout=0)
    second.kill()
    scene.rest(0.5)
    scene.remove(second)


def container_is_paused(scene: Scene) -> None:
    scene.web.pause()
    scene.until_badge('Container paused')
    scene.web.unpause()


def log_is_rotated_meanwhile(scene: Scene) -> None:
    scene.to_engine.drop()
    scene.rest(5)
    scene.to_engine.restore()


def log_is_rotated_all_the_time(scene: Scene) -> None:
    scene.rest(8)


def log_is_emptied(scene: Scene) -> None:
    for _ in range(3):
        scene.web.pause()  # what nobody has read would go with it
        scene.rest(0.5)
        scene.empty_log(scene.web)
        scene.web.unpause()
        scene.rest(1)


def containers_end_without_a_newline(scene: Scene) -> None:
    command = 'run=$(cut -c 1-8 /proc/sys/kernel/random/uuid); echo "$run begins"; usleep 100000; printf "$run panics"'
    kinds = [logging(), logging('local'), {'tty': True}, {'tty': True, **logging('local')}]
    for number, kind in enumerate(kinds * 3, 2):
        scene.write(number, command, **kind)


def container_is_removed_unread(scene: Scene) -> None:
    scene.to_engine.drop()
    scene.rest(1)
    scene.remove(scene.web)
    scene.to_engine.restore()
    scene.web = scene.write()


def clock_is_set_back(scene: Scene) -> None:
    scene.to_engine.drop()
    dropped = time.time_ns()  # what was read before stays as it was
    scene.rest(1.5)
    scene.web.kill()
    scene.web.wait()
    scene.set_back(scene.web, since=dropped + SECOND // 2, seconds=60)
    scene.web.start()
    scene.to_engine.restore()
    scene.until_reachable()


def container_is_recreated_quietly(scene: Scene) -> None:
    scene.remove(scene.web)
    quiet = scene.write(command='echo "I am quiet"; sleep 1000')
    scene.rest(RESUME_EVERY + 1)
    quiet.kill()
    scene.rest(2 * RESUME_EVERY)
    scene.remove(quiet)
    scene.web = scene.write()


def replicas_end(scene: Scene) -> None:
    others = [scene.write(number, SLOW_WRITER) for number in range(2, 21)]
    for replica in others[2:]:
        replica.kill()
    scene.rest(2 * RESUME_EVERY)


def client_is_away(scene: Scene) -> None:
    scene.to_server.drop()
    scene.rest(3)
    scene.to_server.restore()
    scene.until_badge('Live', 60)


def browser_is_offline(length: float) -> Callable[[Scene], None]:
    def act(scene: Scene) -> None:
        scene.to_server.drop()
        scene.rest(length)
        scene.to_server.restore()
        scene.until_badge('Live', 60)

    return act


def network_of_the_browser_drops(scene: Scene) -> None:
    scene.to_server.silence()
    scene.rest(30)
    scene.to_server.restore()
    scene.until_badge('Live', 60)


def server_is_restarted(scene: Scene) -> None:
    scene.restart_server(lambda: scene.rest(1))
    scene.until_badge('Live', 60)


def container_is_recreated_unseen(scene: Scene) -> None:
    def recreate() -> None:
        scene.rest(1)
        container_is_recreated(scene)

    scene.restart_server(recreate)
    scene.until_badge('Live', 60)


def laptop_sleeps(scene: Scene) -> None:
    browser = _chromium()
    for pid in browser:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(30)
    for pid in browser:
        os.kill(pid, signal.SIGCONT)
    scene.until_badge('Live', 60)


FAULTS = [
    Fault('the streams end', streams_end),
    Fault('the engine is stopped and started', engine_stops, True, badge='unreachable'),
    Fault('the same with live-restore', engine_stops, True, ('--live-restore',), badge='unreachable'),
    Fault('the engine is killed (kill -9)', engine_is_killed, True, badge='unreachable', keeps=True),
    Fault('the same with live-restore, killed', engine_is_killed, True, ('--live-restore',), badge='unreachable'),
    Fault('the engine hangs (SIGSTOP)', engine_hangs, badge='unreachable'),
    Fault('the socket is missing and comes back', socket_is_missing, badge='unreachable'),
    Fault('the network to the engine drops (tcp)', network_drops, tcp=True, badge='unreachable'),
    Fault('the container is restarted', container_restarts),
    Fault('the container is stopped and started', container_stops, badge='Stopped'),
    Fault('the container is recreated', container_is_recreated, keeps=True),
    Fault('the service is scaled up and down', service_is_scaled, crowded=True),
    Fault(
        'three services are watched together, one is restarted, and one is scaled up and down',
        services_restart_and_are_scaled,
        writer=SHARING_WRITER,
        others=('api', 'db'),
        crowded=True,
    ),
    Fault('the container is paused', container_is_paused, badge='Container paused'),
    Fault(
        'the log is rotated while the engine is away',
        log_is_rotated_meanwhile,
        log={'max-size': '200k', 'max-file': '2'},
        rotates=True,
        lost=1_000,
    ),
    Fault(
        'the log is rotated all the time',
        log_is_rotated_all_the_time,
        log={'max-size': '100k', 'max-file': '4'},
        rotates=True,
    ),
    Fault(
        'the log is rotated and compressed all the time',
        log_is_rotated_all_the_time,
        log={'max-size': '100k', 'max-file': '3', 'compress': 'true'},
        rotates=True,
    ),
    Fault(
        'a log of the driver local is rotated all the time',
        log_is_rotated_all_the_time,
        log={'driver': 'local', 'max-size': '100k', 'max-file': '3'},
        rotates=True,
    ),
    Fault(
        'a log is rotated faster than the engine can follow it',
        log_is_rotated_all_the_time,
        writer=FAST_WRITER,
        log={'max-size': '100k', 'max-file': '3'},
        rotates=True,
    ),
    Fault('the log is emptied', log_is_emptied, rotates=True),
    Fault('twelve containers end without a newline', containers_end_without_a_newline, crowded=True),
    Fault('the container is removed while the streams are cut', container_is_removed_unread, lost=100, keeps=True),
    Fault('the clock is set back while the streams are cut', clock_is_set_back, in_order=True),
    Fault('the container is recreated, and the new one is quiet', container_is_recreated_quietly),
    Fault('17 of 20 replicas end', replicas_end, crowded=True),
    Fault(
        'a client is away for longer than the history reaches',
        client_is_away,
        environ={'DASHBOARD_HISTORY_LINES': '1000'},
    ),
    Fault("Podman: a stream's beginning, and its end", streams_end, True, podman=True, in_order=True),
    Fault('Podman: its service is killed', engine_is_killed, True, podman=True, in_order=True, badge='unreachable'),
    Fault('the browser is offline for 5 s', browser_is_offline(5), badge='Reconnecting'),
    Fault(
        'the browser is offline until nothing is kept for it',
        browser_is_offline(RECONNECT + 10),
        environ={'DASHBOARD_LINGER': '2', 'DASHBOARD_HISTORY_LINES': '20000'},  # of its stream, and of 40,000 lines
        badge='Reconnecting',
    ),
    Fault('the network of the browser drops for 30 s', network_of_the_browser_drops, badge='Reconnecting'),
    Fault('the dashboard is restarted', server_is_restarted, badge='Reconnecting'),
    Fault('the container is recreated while the dashboard is away', container_is_recreated_unseen, lost=100),
    Fault('the laptop sleeps for 30 s', laptop_sleeps),
]


def _chromium() -> list[int]:
    """The browser's processes: those that this one has started."""
    parents = {}
    for entry in Path('/proc').glob('[0-9]*/stat'):
        with suppress(OSError):  # it has ended meanwhile
            name, _, rest = entry.read_text().partition('(')[2].rpartition(')')
            parents[int(entry.parent.name)] = (int(rest.split()[1]), name)
    ours = {os.getpid()}
    while more := {pid for pid, (parent, _) in parents.items() if parent in ours} - ours:
        ours |= more
    return sorted(pid for pid in ours if pid in parents and parents[pid][1].startswith('chrom'))


def run(
    fault: Fault, directory: Path, browser: Browser, engine: PrivateEngine
) -> tuple[dict[str, Account], list[str], int]:
    """Do it in the middle of the writing; the accounts, what the badge said, and how often the client resumed."""
    writer = EVEN_WRITER if fault.podman else fault.writer
    environ = fault.environ | ({'DASHBOARD_STORE_BYTES': GIBIBYTE} if fault.keeps else {})
    options = {'tcp': fault.tcp, 'log': fault.log, 'environ': environ, 'others': fault.others}
    scene = Scene(directory, browser, engine, writer=writer, **options)
    try:
        scene.rest(2)
        fault.act(scene)
        scene.rest(2)
        accounts = scene.compare(fault.rotates, fault.in_order, fault.crowded, fault.keeps)
        return accounts, scene.watcher.badge, scene.follower.resumed
    finally:
        scene.close()
