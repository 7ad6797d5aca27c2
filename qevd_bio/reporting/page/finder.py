"""Finding things on the page: a table of every exercise, the fields that search and filter it, two systems compared."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from qevd_bio.reporting.content.views import IndexRow, LaneSummary
from qevd_bio.reporting.html import Html, join, number, short, table, tag

Names = Callable[[IndexRow], Iterable[str]]
_FILTERS: tuple[tuple[str, str, Names], ...] = (
    ("e", "Exercise", lambda row: (row.exercise,)),
    ("f", "Fault", lambda row: row.rules),
    ("p", "Participant", lambda row: (row.participant,) if row.participant else ()),
    ("s", "System that spoke", lambda row: (lane.run for lane in row.lanes if lane.met or lane.others)),
    ("i", "Intent of the trainer", lambda row: row.intents),
    ("d", "Trainer's words were", lambda row: row.decisions),
)
_DECISIONS = {"kept": "kept (no correction)", "unsupported": "kept (no measurement supports a new text)"}
_LONGEST = 60


class Finder:
    """The index of a page. Names from data become options with numbers; marks in the page hold only these numbers."""

    def __init__(self, rows: Sequence[IndexRow]) -> None:
        self.rows = list(rows)
        self._names = {
            kind: sorted({name for row in rows for name in names(row)}, key=str.casefold)
            for kind, _, names in _FILTERS
        }  # fmt: skip
        self._numbers = {kind: {name: k for k, name in enumerate(found)} for kind, found in self._names.items()}
        self._marks = {(row.video, row.segment): self._mark(row) for row in rows}

    def _mark(self, row: IndexRow) -> str:
        return " ".join(f"{kind}{self._numbers[kind][name]}" for kind, _, names in _FILTERS for name in names(row))

    def marks(self, video: int) -> list[str]:
        """The marks of a video's exercises in order, as the filters choose by them."""
        return [self._marks[row.video, row.segment] for row in self.rows if row.video == video]

    def section(self) -> Html:
        """Search, filters, and the table of every exercise."""
        if not self.rows:
            return Html("")
        return tag("section", tag("h2", "Search", id="search"), self._form(), self._table())

    def _form(self) -> Html:
        fields: list[Html] = [
            tag("label", "Search", tag("input", type="search", id="query", autocomplete="off", spellcheck="false"))
        ]
        for kind, label, _ in _FILTERS:
            names = self._names[kind]
            if len(names) < 1 + (kind == "e"):
                continue
            options = [tag("option", "all", value="")]
            options += [
                tag("option", short(_DECISIONS.get(name, name) if kind == "d" else name, _LONGEST), value=f"{kind}{k}")
                for k, name in enumerate(names)
            ]
            fields.append(tag("label", label, tag("select", *options)))
        fields.append(tag("button", "Clear", type="reset"))
        status = tag("p", id="found", role="status", class_="soft")
        return tag("form", *fields, status, id="find", role="search", class_="find", hidden=True)

    def _table(self) -> Html:
        people = bool(self._names["p"])
        runs = list(dict.fromkeys(lane.run for row in self.rows for lane in row.lanes))
        head = ["video", "exercise", *(["participant"] if people else [])]
        text = len(head)
        head += ["begins", "repetitions", "faults", "similarity", "trainer's feedbacks"]
        head += [f"{short(run, 30)}: met" for run in runs]
        lines = []
        for row in self.rows:
            met = {lane.run: lane for lane in row.lanes}
            lines.append(
                [
                    tag("a", tag("bdi", short(row.name, _LONGEST)), href=f"#{segment_anchor(row.video, row.segment)}"),
                    tag("bdi", short(row.exercise, _LONGEST)),
                    *([tag("bdi", short(row.participant or "–", _LONGEST))] if people else []),
                    f"{row.start_s:.0f} s",
                    "–" if row.repetitions is None else f"{row.repetitions:g}",
                    "–" if row.faults is None else row.faults,
                    number(row.similarity, 2),
                    row.feedbacks,
                    *(f"{len(met[run].met)}" if run in met else "–" for run in runs),
                ]
            )
        at = [segment_anchor(row.video, row.segment) for row in self.rows]
        about = "A link leads to the exercise's timeline. A dash: not known, or not analysed."
        made = table(head, lines, caption="Every exercise", text=text, class_="all", at=at, file="exercises")
        more = tag("button", id="more", type="button", hidden=True)
        return join((tag("p", about, class_="soft"), made, more))

    def differences(self) -> Html:
        """What each of several systems met, exercise by exercise; a script shows two, and where they differ."""
        runs = list(dict.fromkeys(lane.run for row in self.rows for lane in row.lanes))
        if len(runs) < 2:
            return Html("")
        lines = []
        for row in self.rows:
            found = {lane.run: lane for lane in row.lanes}
            if found:
                where = tag("bdi", short(f"{row.name}, {row.exercise}, {row.start_s:.0f} s", 120))
                link = tag("a", where, href=f"#{segment_anchor(row.video, row.segment)}")
                lines.append([link, row.feedbacks, *(_did(found.get(run)) for run in runs)])
        options = [tag("option", short(run, _LONGEST), value=k + 2) for k, run in enumerate(runs)]
        second = [tag("option", short(run, _LONGEST), value=k + 2, selected=k == 1) for k, run in enumerate(runs)]
        form = tag(
            "form",
            tag("label", "One system", tag("select", *options)), tag("label", "The other", tag("select", *second)),
            tag("p", id="differ", role="status", class_="soft"), id="pair", class_="find", hidden=True,
        )  # fmt: skip
        head = ["exercise", "trainer's feedbacks", *(short(run, _LONGEST) for run in runs)]
        about = (
            "Numbers: the trainer's feedbacks, in order, that a system met. Exercises in which both met the same but "
            "in other words count as different, too; a link leads to what was said."
        )
        made = table(head, lines, caption="What each system met", text=len(head), class_="all", file="systems")
        title = tag("h2", "Where the systems differ", id="systems")
        return tag("section", title, form, tag("p", about, class_="soft"), tag("div", made, id="differences"))


def segment_anchor(video: int, segment: int) -> str:
    """The anchor of an exercise: numbers, so that no name from data becomes one."""
    return f"video-{video}-{segment}"


def _did(lane: LaneSummary | None) -> Html | str:
    if lane is None:
        return "–"
    met = ", ".join(str(k + 1) for k in lane.met) or "none"
    others = f"{lane.others} more said" if lane.others else "nothing else said"
    return tag("span", f"met {met}; {others}", data_said=lane.said)
