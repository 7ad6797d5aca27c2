"""The intent of a coach's sentence by transparent rules: its kind, the body parts and directions it names.

Sources: feedback structure of the QEVD paper (Sec. 3.1: acknowledge or remind, correct, acknowledge the correction,
count, encourage, summarise) and the split of the BioCoach supplement (Sec. 6.1). A sentence that praises and
corrects is corrective; one that only acknowledges a correction is motivational.
"""

import re
from dataclasses import dataclass
from typing import Literal, get_args

from qevd_bio.feedback.parts import avoided, body_parts, directions
from qevd_bio.feedback.patterns import NUM, PART, PRAISE
from qevd_bio.feedback.rules import clause_act
from qevd_bio.feedback.text import clauses, normalise
from qevd_bio.feedback.whole import is_count, is_demand, is_reminder, is_summary, is_transition

Label = Literal["corrective", "motivational", "count", "transition", "reminder", "summary"]
LABELS: tuple[Label, ...] = get_args(Label)
# Feedback has a handful of words; a longer text is judged by its beginning, so that none takes long.
MOST_CHARACTERS = 600
UNCERTAIN_BELOW = 0.7  # `--method both` asks a language model below this confidence


@dataclass(frozen=True)
class Intent:
    """One sentence's intent.

    `directions` are those mentioned, wanted or not; `avoid` is the subset named as the mistake ("too low" mentions
    "lower" and wants the opposite). `method` is "rules" or "llm"; `rule` names what decided.
    """

    label: Label
    body_parts: tuple[str, ...]
    directions: tuple[str, ...]
    confidence: float
    method: str = "rules"
    rule: str = ""
    avoid: tuple[str, ...] = ()


def classify_intent(text: str) -> Intent:
    """Intent of one feedback. Never fails: a text without words is motivational with confidence 0."""
    plain = normalise(text[:MOST_CHARACTERS])
    label, rule, confidence = _decide(plain)
    return Intent(label, body_parts(plain), directions(plain), confidence, "rules", rule, avoided(plain))


def _decide(plain: str) -> tuple[Label, str, float]:
    parts = clauses(plain)
    if not parts:
        return "motivational", "no_words", 0.0
    transition = is_transition(plain)
    if transition:
        return "transition", transition, 0.95
    acts = [clause_act(part) for part in parts]
    wants = [act for act in acts if act[0] == "correct"]
    cheers = [act for act in acts if act[0] == "cheer"]
    reminder = is_reminder(plain)
    if reminder:
        return "reminder", reminder, 0.9
    summary = is_summary(plain, bool(cheers))
    if summary:
        return "summary", summary, 0.85
    # "Flat back, nice." approves; "Flat back!" alone asks for one.
    if wants and all(strength < 0.6 for _, _, strength in wants) and cheers:
        return "motivational", "approved_quality", 0.75
    count = is_count(plain)
    if count and (
        is_demand(plain)
        or not any(
            strength >= 0.7 and rule not in ("comparative",) for _, rule, strength in wants if rule != "question"
        )
    ):
        return "count", count, 0.9
    if wants:
        best = max(wants, key=lambda act: act[2])
        return "corrective", best[1], best[2]
    if cheers:
        return "motivational", cheers[0][1], max(act[2] for act in cheers)
    # Nothing applied. A sentence about a body part without a word of praise is more often a correction than not.
    if re.search(rf"\b{PART}\b", plain) and not re.search(rf"\b{PRAISE}\b", plain):
        return "corrective", "names_a_body_part", 0.5
    if re.fullmatch(rf"(?:{NUM}\W*)+", plain):
        return "count", "numbers", 0.8
    return "motivational", "nothing_else", 0.4
