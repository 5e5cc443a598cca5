"""The servers that a database URL names: which of them is the primary, and which are silent.

All connections of a process to the same servers share what is known here. Of several that call
themselves primary, the one of the latest timeline is: another was replaced, and does not know it.
"""

import threading
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any
from weakref import WeakSet

import psycopg
import structlog
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from domain.message import message
from infrastructure.postgres.greeting import Greeting, greet
from infrastructure.postgres.pulse import Place, Pulse

log = structlog.get_logger()

ANSWER = 2  # seconds that a server has to say what it is
OTHERS = 0.5  # seconds that the others have, when one has said that it is the primary
SILENT_FOR = 30.0  # seconds for which one that gave no answer is not waited for
WRITABLE = frozenset({"any", "read-write", "primary"})  # what libpq may be told to look for
OURS = ("application_name", "options")  # of one connection; all else is of its servers


@message
class Answer:
    """What a server says of itself, or why it lets nobody in."""

    place: Place
    greeting: Greeting | None = None
    error: str = ""


class Servers:
    """Those of one URL, one object a process; for threads and asyncio alike."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo
        self.places = _places(conninfo)
        self.tells_lineage = True
        self._system = ""
        self._timeline = 0
        self._known = self.places[0] if len(self.places) == 1 else None
        self._silent: dict[Place, float] = {}
        self._pulses: WeakSet[Pulse] = WeakSet()
        self._lock = threading.Lock()
        self._search: Future[Place] | None = None

    @property
    def are_several(self) -> bool:
        """Whether the primary is one of several."""
        return len(self.places) > 1

    def primary(self) -> Place | Future[Place]:
        """Where the primary is: where it was last, or what comes of a search, which serves all who
        want it and raises psycopg.OperationalError where there is none."""
        with self._lock:
            if self._known is not None:
                return self._known
            if self._search is None:
                self._search = Future()
                self._search.set_running_or_notify_cancel()  # no caller's end is the others' too
                _in_background(self._find, self._search)
            return self._search

    def met(self, place: Place, greeting: Greeting, pulse: Pulse) -> None:
        """A connection to a server is there. Raises psycopg.OperationalError where that is not the
        one that is wanted."""
        if greeting.timeline is None and self.are_several:
            raise psycopg.OperationalError(f"{place.name} is a standby")
        self._saw(greeting)
        if self._is_outdated(greeting):
            raise psycopg.OperationalError(f"{place.name} was replaced by another primary")
        pulse.place = place
        pulse.history = (greeting.system, greeting.timeline or 0)
        with self._lock:
            self._pulses.add(pulse)
            self._silent.pop(place, None)

    def is_elsewhere(self, place: Place, found: Place | Future[Place]) -> bool:
        """There it is not: forget it, and say whether to look elsewhere, which is useless just
        after a search."""
        self._forget(place)
        return self.are_several and not isinstance(found, Future)

    def _forget(self, place: Place) -> None:
        with self._lock:
            if self._known == place and self.are_several:
                self._known = None

    def pulses(self) -> list[Pulse]:
        """Of all connections that are open."""
        with self._lock:
            return [*self._pulses]

    def question(self, place: Place) -> None:
        """Somebody has waited long for the server there. Give up all connections to it where it
        answers nobody else either, and those to a primary that was replaced."""
        began = monotonic()
        answers, missing = self._ask_all(), set(self.places)
        while missing and (left := began + ANSWER - monotonic()) > 0:
            try:
                missing.discard(answers.get(timeout=left).place)
            except Empty:
                break
        if place not in missing:
            return
        pulses = [pulse for pulse in self.pulses() if pulse.place == place]
        if any(pulse.heard > began for pulse in pulses):
            return  # it lets nobody in, but it works
        self._forget(place)
        log.warning("database server is silent", server=place.name, connections=len(pulses))
        for pulse in pulses:
            pulse.give_up(f"{place.name} does not answer")

    def _find(self, found: Future[Place]) -> None:
        place, failure = None, None
        try:
            place = self._search_all()
        except Exception as error:  # whoever waits for it is told, whatever it was
            failure = error
        with self._lock:
            self._known, self._search = place, None
        if place is not None:
            found.set_result(place)
        else:
            found.set_exception(failure)

    def _search_all(self) -> Place:
        answers, missing = self._ask_all(), set(self.places)
        said: dict[Place, str] = {}
        found: dict[Place, Greeting] = {}
        until = monotonic() + ANSWER
        while missing and (left := until - monotonic()) > 0:
            try:
                answer = answers.get(timeout=left)
            except Empty:
                break
            missing.discard(answer.place)
            if answer.greeting is not None and answer.greeting.timeline is not None:
                found[answer.place] = answer.greeting
            else:
                said[answer.place] = answer.error or "a standby"
            if found or missing <= self._silent_ones():
                until = min(until, monotonic() + OTHERS)
        for place, greeting in found.items():
            if not self._is_outdated(greeting):  # each answer was looked at: the latest is left
                return place
            said[place] = "replaced"
        all_said = ", ".join(f"{p.name}: {said.get(p, 'no answer')}" for p in self.places)
        raise psycopg.OperationalError(f"no server is the primary ({all_said})")

    def _ask_all(self) -> SimpleQueue[Answer]:
        """Ask all at once; answers come as they come, and none of who is silent."""
        answers: SimpleQueue[Answer] = SimpleQueue()
        for place in self.places:
            _in_background(self._ask, place, answers)
        return answers

    def _ask(self, place: Place, answers: SimpleQueue[Answer]) -> None:
        began = monotonic()
        conninfo = make_conninfo(
            place.conninfo(self._conninfo), target_session_attrs="any", connect_timeout=ANSWER
        )
        try:
            with _Asking.connect(conninfo, autocommit=True) as connection:
                greeting = greet(connection, lineage=self.tells_lineage)
        except psycopg.Error as error:
            silent = monotonic() - began >= ANSWER
            answer = Answer(place, error=str(error).strip())
        else:
            self._saw(greeting)
            silent, answer = False, Answer(place, greeting)
        with self._lock:
            self._silent.pop(place, None)
            if silent:
                self._silent[place] = monotonic()
        if not silent:
            answers.put(answer)

    def _saw(self, greeting: Greeting) -> None:
        """Give up the connections to primaries that were replaced by this one."""
        if greeting.timeline is None:
            return
        with self._lock:
            if not greeting.system:
                self.tells_lineage = False
                return
            history = (greeting.system, greeting.timeline)
            if greeting.system == self._system and greeting.timeline <= self._timeline:
                return
            self._system, self._timeline = history
            self._known = self._known if len(self.places) == 1 else None
            replaced = [p for p in self._pulses if p.history[1] and p.history != history]
        for pulse in replaced:
            pulse.give_up("the server was replaced by another primary")

    def _is_outdated(self, greeting: Greeting) -> bool:
        if greeting.timeline is None:
            return False
        with self._lock:
            return greeting.system == self._system and greeting.timeline < self._timeline

    def _silent_ones(self) -> set[Place]:
        with self._lock:
            since = monotonic() - SILENT_FOR
            return {place for place, at in self._silent.items() if at > since}


class _Asking(psycopg.Connection[Any]):
    """A connection on which nothing takes longer than `ANSWER` seconds."""

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        return super().wait(gen, interval, ANSWER if timeout is None else timeout)


_all: dict[str, Servers] = {}
_all_lock = threading.Lock()


def servers_of(conninfo: str) -> Servers:
    """The servers that it names, which all who name them share. Raises psycopg.ProgrammingError."""
    named = {k: v for k, v in conninfo_to_dict(conninfo).items() if k not in OURS}
    key = make_conninfo("", **named)
    with _all_lock:
        if key not in _all:
            _all[key] = Servers(key)
        return _all[key]


def all_servers() -> list[Servers]:
    """Of all URLs that this process has connected to."""
    with _all_lock:
        return [*_all.values()]


def _places(conninfo: str) -> tuple[Place, ...]:
    """Where `conninfo` looks for a primary. What looks for something else is one place: libpq's
    rules hold for it."""
    wanted = conninfo_to_dict(conninfo).get("target_session_attrs", "any")
    return places_of(conninfo) if wanted in WRITABLE else (Place("any of them", ()),)


def places_of(conninfo: str) -> tuple[Place, ...]:
    """Where each server is looked for that `conninfo` names. Raises psycopg.ProgrammingError."""
    named = {k: str(v) for k, v in conninfo_to_dict(conninfo).items()}
    lists = {key: named[key].split(",") for key in ("host", "hostaddr", "port") if named.get(key)}
    count = max(len(lists.get("host", [])), len(lists.get("hostaddr", [])))
    if count < 2:
        return (Place(_name(named), ()),)
    if any(len(values) not in {1, count} for values in lists.values()):
        raise psycopg.ProgrammingError("host, hostaddr and port must name as many servers each")
    places = []
    for n in range(count):
        address = {key: values[n % len(values)] for key, values in lists.items()}
        places.append(Place(_name(address), tuple(address.items())))
    return tuple(places)


def _name(address: dict[str, str]) -> str:
    host = address.get("host") or address.get("hostaddr") or "local"
    return f"{host}:{address['port']}" if "port" in address else host


def _in_background(run: Any, *arguments: Any) -> None:
    threading.Thread(target=run, args=arguments, daemon=True).start()
