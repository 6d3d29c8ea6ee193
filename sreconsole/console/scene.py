"""How things stand, painted: the current screen and the bars around it."""

from __future__ import annotations

from sreconsole.console import bars, clock, footer
from sreconsole.console.draw import Ink, Line, line, say
from sreconsole.console.floor import Floor
from sreconsole.console.screen import Listing, Reading, Sight


class Scene:
    """Paints the floor onto its easel. Nothing here changes what is decided or chosen."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor

    def paint(self, width: int, everything: bool) -> None:
        """All zones, at a width in cells; without `everything` the list, its peek and the page stay as they are."""
        floor, easel = self._floor, self._floor.easel
        sight = floor.sight()
        state = "a copy" if floor.copy else "live" if sight.up else "stale" if sight.stale else "connecting"
        easel.status.show([bars.status(sight, self._word(sight), state, floor.read_only, width)])
        easel.tabs.show([self._tabs(sight, width)])
        easel.banner.show([self._banner(sight, width)])
        if everything:
            self._middle(sight, width)
        self._bottom(width)

    def _middle(self, sight: Sight, width: int) -> None:
        current, easel = self._floor.stage.current, self._floor.easel
        if isinstance(current, Listing):
            easel.listing(current, sight)
            easel.rule.show([bars.rule(width)])
        else:
            easel.reading(current, sight)

    def _word(self, sight: Sight) -> bars.Word | None:
        word, countdown = self._floor.word, self._floor.desk.countdown(sight.now)
        if word is None and countdown:
            return bars.Word(countdown, Ink.NOTICE, sight.now)
        return word

    def _tabs(self, sight: Sight, width: int) -> Line:
        stage, current = self._floor.stage, self._floor.stage.current
        if not isinstance(current, Listing):
            return current.title(sight)
        if stage.above:
            return line(say(f" {current.title} ", Ink.CHIP), say(f" {current.heading()}", Ink.ACCENT))
        counts, key = {"home": len(stage.home.waiting), "reviews": stage.home.unread}, self._floor.keyboard.shown
        titles = [(id, key(id), tab.title, counts.get(id, 0)) for id, tab in stage.tabs.items()]
        return bars.tabs(titles, stage.tab, current.heading(), width)

    def _banner(self, sight: Sight, width: int) -> Line:
        floor = self._floor
        tried = floor.wire.up or floor.down_since is not None or floor.copy is not None
        if floor.watch.problem and tried:
            path = floor.reader.path
            return line(say(f" {floor.watch.problem.replace(str(path), path.name)}", Ink.ALARM))
        read_only = ""
        if floor.copy is not None:
            last = clock.hour(floor.stage.home.calm.last, sight.now)
            read_only = f"a copy of the store, {floor.copy.name}; its last event is of {last}"
        elif floor.read_only and floor.down_since is None:
            read_only = "you can look, nothing can be decided here"
        return bars.banner(sight, floor.down_since, floor.wire.why_down, read_only, width)

    def _more(self) -> str:
        """What is below the lines in view."""
        current, easel = self._floor.stage.current, self._floor.easel
        key = self._floor.keyboard.shown
        if isinstance(current, Reading):
            return f"{current.rest} more lines below ({key('page-down')})" if current.rest else ""
        return "" if easel.whole else f"not all of it fits: {key('open')} opens it"

    def _bottom(self, width: int) -> None:
        floor, asking = self._floor, self._floor.asking
        if asking is not None:
            floor.easel.about.show([line(say(f" {asking.about}", Ink.STRONG))])
            floor.easel.keys.show([asking.draw(width)])
            return
        floor.easel.about.show([bars.rule(width, self._more())])
        available = footer.available(floor.keyboard, floor.stage, floor.desk, floor.standing())
        floor.easel.keys.show([bars.keys(available, width)])
