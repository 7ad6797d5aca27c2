"""What the words of the page mean, in plain English."""

from __future__ import annotations

from qevd_bio.reporting.html import Html, fold, tag

_WORDS = {
    "repetition": "One whole movement, from rest to rest, found on the angle by which the exercise is told. Movements "
    "to both sides count as people count them: two of them may make one.",
    "similarity to the reference": "How alike a repetition runs to the exercise's reference movement, from 0 to 1. It "
    "tells how typical a repetition is, not how good.",
    "reference": "The movement of the exercise as it is meant to be, in joint angles over one repetition.",
    "fault": "A rule of the exercise that a repetition breaks, with enough certainty.",
    "soft": "Said of a fault that matters less: worth a hint, not a warning.",
    "measured, allowed, goal": "The rule's quantity in this repetition, the range in which it is no fault, and what to "
    "aim for.",
    "sure": "How likely the rule is broken, given how exactly a camera shows the angle.",
    "severity": "How far beyond the allowed range, from 0 to 1.",
    "not sure": "The measurement is too uncertain to say whether the rule is broken. It counts neither way.",
    "could not be judged": "The body part is not seen, or the quantity cannot be measured from this view.",
    "outside a textbook range": "A number that differs from textbooks without being a fault of the exercise.",
    "trainer": "The feedback of the data set, spoken by its trainer.",
    "system": "A program whose feedback was scored: a coach, a model, a baseline.",
    "met, matched": "The system spoke close enough in time to a feedback of the trainer; the best pairing counts.",
    "official, strict": "Two rules for pairing and averaging: that of the published scores, and a stricter one.",
    "T-F-score": "How well the moments of feedback agree with the trainer's, from 0 to 1: precision and recall in one.",
    "interval": "The range in which a score would mostly lie if other people had been filmed.",
    "intent": "What a feedback is for: a correction, praise, a count, an announcement.",
    "rewritten": "The trainer's correction was replaced by one that names what was measured. Kept: it was no "
    "correction. Unsupported: no measurement supports a correction, so its words stay.",
    "kinematics": "The joint angles of every frame, found in a video or read from a recording.",
}


def glossary() -> Html:
    """The words, folded."""
    entries = [tag("div", tag("dt", word), tag("dd", meaning)) for word, meaning in _WORDS.items()]
    listed = tag("dl", *entries, class_="words")
    return tag("section", tag("h2", "Words", id="words"), fold("What the words on this page mean", listed))
