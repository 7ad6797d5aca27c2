"""The page as a stream of pieces: one self-contained file, whole without its script, no request, all text escaped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from qevd_bio.reporting.content.views import Overview, VideoView
from qevd_bio.reporting.html import Html, clean, join, tag
from qevd_bio.reporting.page import about_part
from qevd_bio.reporting.page.finder import Finder
from qevd_bio.reporting.page.glossary import glossary
from qevd_bio.reporting.page.not_read_part import not_read_part
from qevd_bio.reporting.page.scores_part import scores_part
from qevd_bio.reporting.page.script import HASH, SCRIPT
from qevd_bio.reporting.page.style import STYLE, policy
from qevd_bio.reporting.page.video_part import video

FEW_VIDEOS = 12
"""Up to so many videos are printed with all their timelines; of more, those that are open."""


def page(overview: Overview, videos: Iterable[VideoView], clips: bool = False) -> Iterator[str]:
    """The page in pieces, in order, so that a long one is never held whole. `videos` as in `overview.videos`.

    clips: whether any of them may hold films.
    """
    finder = Finder(overview.index)
    few = len(overview.videos) <= FEW_VIDEOS
    yield head(overview.title, HASH, clips) + f"<body{' class=' + chr(34) + 'few' + chr(34) if few else ''}>"
    yield tag("a", "Skip to the content", href="#content", class_="skip")
    yield tag(
        "header", tag("h1", tag("bdi", overview.title)), tag("p", overview.made, class_="soft"), _contents(overview)
    )
    yield '<main id="content">'
    yield about_part.simulated(overview)
    yield about_part.notes(overview)
    yield about_part.facts(overview)
    if overview.runs:
        yield tag("section", tag("h2", "Scores", id="scores"), scores_part(overview.runs))
    yield finder.differences()
    yield finder.section()
    if overview.videos:
        yield f"<section>{tag('h2', 'Timelines', id='timelines')}"
        for place, view in enumerate(videos):
            yield video(view, place, opened=place == 0, marks=finder.marks(place))
        yield "</section>"
    yield about_part.rewriting(overview.rewritten)
    yield not_read_part(overview.not_read)
    yield glossary()
    yield about_part.missing(overview)
    yield about_part.manifests(overview.manifests)
    yield f"</main><script>{SCRIPT}</script></body></html>\n"


def head(title: str, script: str = "", clips: bool = False) -> str:
    """The beginning of a page up to its body: policy (with the hash of its script, if any), style and title."""
    parts = (
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy(script, clips)),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="referrer", content="no-referrer"),
        # Without it a browser asks the page's server for an icon.
        tag("link", rel="icon", href="data:,"),
        tag("title", clean(title)),
        Html(f"<style>{STYLE}</style>"),
    )
    return f'<!doctype html><html lang="en"><head>{join(parts)}</head>'


def _contents(overview: Overview) -> Html:
    links = [
        ("scores", "Scores", bool(overview.runs)),
        ("systems", "Where the systems differ", len({lane.run for row in overview.index for lane in row.lanes}) > 1),
        ("search", "Search", bool(overview.index)),
        ("timelines", "Timelines", bool(overview.videos)),
        ("rewriting", "The rewritten data set", overview.rewritten is not None),
        ("not-read", "Who was not read", overview.not_read is not None),
        ("words", "Words", True),
        ("manifests", "Manifests", bool(overview.manifests)),
        ("missing", "Not on this page", bool(overview.missing)),
    ]
    items = [tag("li", tag("a", text, href=f"#{name}")) for name, text, there in links if there]
    return tag("nav", tag("ul", *items), aria_label="Contents")
