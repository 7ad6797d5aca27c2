"""What one clause of a coach's sentence does: ask for a change, approve, count, or none of these.

Each rule has a name; the first that applies decides, and its name is reported. Clauses are normalised
(`intent_text`), so "don't" reads "do not" and a slip of the pen is already mended.
"""

import re

from qevd_bio.feedback.patterns import (
    ACT,
    ACTION,
    APPROVE,
    BARE,
    BODY_CUE,
    CHEER,
    COMP,
    COMPARE,
    ENDLESS,
    FAULT,
    FORBID,
    GOOD,
    IMPROVED,
    LABEL,
    MET,
    MOVE,
    NEG,
    NOT_ENOUGH,
    PART,
    PART_BAD,
    PRAISE,
    PURE_FAULT,
    QUALITY,
    QUESTION,
    REQUEST,
    STATE,
    STRONG_WISH,
    TARGET,
    TOO,
    WEAK,
    WISH,
)


def clause_act(clause: str) -> tuple[str, str, float]:
    """(act, rule, strength) of one clause: act is "correct", "cheer" or "none"; strength in 0..1.

    Order matters: encouragement that sounds like an order comes first, then approval of a fault that is gone, then
    faults and prohibitions, then requests and instructions, then bare cues, and plain approval last.
    """
    if CHEER.match(clause):
        return "cheer", "encouragement", 0.9
    improved = _improved(clause)
    if improved:
        return "cheer", improved, 0.85
    for act in (_fault(clause), _instruction(clause), _cue(clause)):
        if act:
            return "correct", act[0], act[1]
    if APPROVE.match(clause) or re.search(rf"\b{PRAISE}\b", clause):
        return "cheer", "approval", 0.85
    return "none", "no_rule", 0.0


def _improved(clause: str) -> str | None:
    """A fault that is gone or a wish that is met: "your knees are not caving in now", "that is lower"."""
    if re.search(r"\bnot (?:lost|dropped|slowed|missed|stopped|faded)\b", clause):
        return "fault_gone"
    wish = re.search(rf"\b(?:{WISH})\b", re.sub(r"\bnot bad\b|\byou can see\b", "", clause))
    still = re.search(r"\b(?:still|but|keeps?|almost|nearly|not quite|starting to)\b", clause)
    must = re.search(r"\b(?:should|must|need|needs|want)\b", clause)
    if (
        re.search(
            rf"\b(?:not|no) (?:\w+ ){{0,2}}(?:too |going )?(?:{PURE_FAULT}|too \w+)\b.*\b(?:any ?more|now|at all)$",
            clause,
        )
        and not must
    ):
        return "fault_gone"
    if (
        not must
        and re.search(rf"\b(?:{NEG})\b(?:(?! enough)\W+\w+){{0,3}}?\W+(?:too|{PURE_FAULT})\b", clause)
        and not re.search(r"\benough\b", clause)
    ):
        if not still and STATE.match(clause) and not _good_denied(clause):
            return "fault_gone"
        if re.match(r"^(?:no longer|not too|no more|not so)\b", clause) and not still:
            return "fault_gone"
    if re.search(rf"\bstopped {FAULT}\b", clause) or re.search(r"\byou (?:fixed|corrected|sorted|adjusted)\b", clause):
        return "fault_gone"
    if re.search(r"\b(?:be|is) better (?:if|with|when|to)\b", clause):
        return None
    if wish or still or TOO.search(clause) or re.search(rf"\b{NEG}\b", clause):
        return None
    if re.search(r"\b(?:thanks|thank you) for\b|\bgood to see\b", clause) or (
        IMPROVED.search(clause) and not ACTION.match(clause)
    ):
        return "improved"
    if APPROVE.match(clause) and not _late_request(clause):
        return "approval"
    if PART_BAD.search(clause) or "flat footed" in clause:
        return None
    good = (
        rf"\b(?:{MET}|{COMP}|{PRAISE}|on point|in line|over your toes|all the way|the (?:hang|depth|height"
        rf"|speed|pace|form))\b"
    )
    if (
        re.match(
            r"^(?:now |and |so |see )?(?:that is|you are|you look|you make|you have got|you got|those are|it is"
            r"|your|this is|these are|that was|i see you|i can see|i like|i love|the|those)\b",
            clause,
        )
        and re.search(good, clause)
        and not re.search(
            rf"\b(?:{FAULT}|but|only|coming off|lower than|higher than|could|going past|past your)\b", clause
        )
    ):
        return "wish_met"
    return None


def _good_denied(clause: str) -> bool:
    return bool(re.search(rf"\bnot (?:\w+ ){{0,2}}(?:{MOVE}|{GOOD})\b", clause)) and not re.search(
        rf"\bnot (?:\w+ )?(?:{FAULT}|too)\b", clause
    )


def _late_request(clause: str) -> bool:
    """An order that follows approval without punctuation: "great work lower your hips more"."""
    return bool(re.search(rf"\b(?:{WISH}|more|needs?)\b", clause)) and bool(
        re.search(
            rf"\b(?:need to|should|must|try|could|make sure|remember to|can you|a (?:bit|little) (?:more"
            rf"|{COMP})|focus on|work on)\b",
            clause,
        )
    )


def _fault(clause: str) -> tuple[str, float] | None:
    if TOO.search(clause) and not re.search(r"\bnot too\b", clause):
        return "too_much", 0.95
    if NOT_ENOUGH.search(clause):
        return "not_enough", 0.95
    forbid = FORBID.match(clause)
    if (
        forbid
        and re.search(r"[a-z]{2,}", forbid.group("rest"))
        and not re.match(
            r"^(?:no|not) (?:long|pain|gain|bad|problem|worries|doubt|way|stopping|excuses|matter|one|long|need"
            r"|need to)\b",
            clause,
        )
    ):
        return "forbidden", 0.9
    if ENDLESS.search(clause):
        return "fault_seen", 0.85
    if PART_BAD.search(clause) or (
        re.match(rf"^(?:still |keep |getting |now |a bit |and )*(?:{FAULT})\b", clause)
        and not re.match(rf"^{PRAISE}\b", clause)
        and not QUALITY.match(clause)
    ):
        return "fault", 0.9
    return None


def _instruction(clause: str) -> tuple[str, float] | None:
    if (
        REQUEST.match(clause)
        or STRONG_WISH.match(clause)
        or re.search(
            r"\b(?:needs? to|should|must|has to|have to|could be|ought to|supposed to|want you to|need you to"
            r"|would help|keep in mind|flat footed|(?:be|is) better (?:if|with|when|to))\b",
            clause,
        )
    ):
        return "request", 0.9
    action = ACTION.match(clause)
    if action:
        verb, rest = action.group("verb"), action.group("rest")
        if verb not in WEAK and not re.match(r"^ing\b", rest):
            return "instruction", 0.9 if TARGET.search(rest) else 0.7
        if TARGET.search(rest):
            return "instruction", 0.85
    if re.search(rf"\b(?:now|and|then|please|just|so|but) (?:{ACT}) (?:\w+ )*(?:{PART}|{COMP}|up|down)\b", clause):
        return "late_instruction", 0.8
    return None


def _cue(clause: str) -> tuple[str, float] | None:
    if re.search(
        rf"\b(?:a (?:bit|little|touch|tad)|even|slightly|some|much|far) (?:more )?{COMP}\b", clause
    ) or COMPARE.match(clause):
        return "comparative", 0.85
    if BODY_CUE.match(clause) and not re.search(r"\b(?:is|are|looks?|look|was|were)\b", clause):
        return "body_cue", 0.85
    if LABEL.match(clause) or QUALITY.match(clause):
        return "quality_cue", 0.55
    if BARE.match(clause):
        return "bare_cue", 0.6
    if QUESTION.match(clause):
        return "question", 0.7
    return None
