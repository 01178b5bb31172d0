"""What a reader wants to see at a glance: questions beside the filter, each in a colour of its own.

They are kept with the account, and those that are on are in the page's address as well.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from zlib import crc32

from dashboard.errors import BadRequest
from dashboard.lines import Question, parse
from dashboard.pages.preferences import Preferences

MOST = 12  # as many as there are colours
KEPT = 'highlight '  # what their names begin with among the preferences
# Dark text on each is legible in both themes, and none looks like another or like a match of the filter.
COLOURS = (
    '#ffc7c6', '#ee8545', '#cfa77b', '#abac1d', '#a0f08f', '#00c296',
    '#00f4fe', '#00b4f0', '#c1d9ff', '#a492fb', '#f5c2ff', '#e97ab2',
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Highlight:
    """One of them; ``problem`` says in words why there is no question, or what of it is searched as text."""

    text: str
    colour: int
    on: bool
    question: Question | None
    problem: str


class Highlights:
    """Those of one tab.

    An address that names some shows these and no others; the user's own are there as well, and off. So a link looks
    the same to whoever opens it, and costs nobody what they have kept.
    """

    def __init__(self, preferences: Preferences, asked: Iterable[str] = ()) -> None:
        self._preferences = preferences
        self.items: list[Highlight] = []
        self.chosen = ''  # the one whose matches are walked; '' for none
        named = list(dict.fromkeys(asked))
        for text, on in {**dict.fromkeys(named, True), **self._kept(named)}.items():
            if len(self.items) < MOST:
                self.items.append(self._made(text, on))

    @property
    def on(self) -> list[Highlight]:
        """Those that are seen."""
        return [item for item in self.items if item.on]

    @property
    def walked(self) -> Highlight | None:
        """The one that was chosen to be walked."""
        return next((item for item in self.on if item.text == self.chosen), None)

    def add(self, text: str) -> None:
        """Have another one, or switch it on.

        :raises BadRequest: when it asks nothing, is no question, or one too many
        """
        text = text.strip()
        if not parse(text):
            raise BadRequest('Say first in the filter what to highlight.')
        if text in [item.text for item in self.items]:
            self.switch(text, True)
        elif len(self.items) == MOST:
            raise BadRequest(f'There are {MOST} highlights, which is the limit: remove one first.')
        else:
            self.items.append(self._made(text, True))
            self._preferences.save(KEPT + text, True)

    def switch(self, text: str, on: bool) -> None:
        """Let one be seen, or not."""
        self.items = [replace(item, on=on and item.question is not None) if item.text == text else item
                      for item in self.items]  # fmt: skip
        self._preferences.save(KEPT + text, on)

    def remove(self, text: str) -> None:
        """Have one no longer."""
        self.items = [item for item in self.items if item.text != text]
        self._preferences.save(KEPT + text, None)

    def choose(self, text: str) -> None:
        """Walk the matches of this one, which is switched on for that; '' for none."""
        self.chosen = text
        if text and self.walked is None:
            self.switch(text, True)

    def choose_colour(self, colour: str) -> Highlight | None:
        """The same of the one in this colour, if there is one."""
        self.chosen = next((item.text for item in self.on if str(item.colour) == colour), '')
        return self.walked

    def _kept(self, named: list[str]) -> dict[str, bool]:
        kept = self._preferences.beginning_with(KEPT)
        return {text: text in named if named else bool(on) for text, on in kept.items()}

    def _made(self, text: str, on: bool) -> Highlight:
        try:
            question = parse(text)
        except BadRequest as error:
            return Highlight(text, self._free(text), False, None, str(error))
        return Highlight(text, self._free(text), on and bool(question), question or None, question.problem)

    def _free(self, text: str) -> int:
        """The colour that a text has everywhere, or where another has it already the next one."""
        taken = {item.colour for item in self.items}
        wanted = crc32(text.encode()) % len(COLOURS)
        every = [(wanted + step) % len(COLOURS) for step in range(len(COLOURS))]
        return next(colour for colour in every if colour not in taken)
