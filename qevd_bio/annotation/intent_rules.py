"""What one clause of a coach's sentence does: ask for a change, approve, count, or none of these.

Each rule is a pattern with a name; the first that applies decides, and its name is reported. Clauses are normalised
(`intent_text`), so "don't" reads "do not" and a slip of the pen is already mended.
"""

import re
from collections.abc import Iterable

from . import intent_words as w


def _any(words: Iterable[str]) -> str:
    return r"(?:" + "|".join(sorted(set(words), key=lambda x: (-len(x), x))) + r")"


PART = _any(w.BODY_WORDS)
_ACT = _any(w.ACTIONS)
_FAULT = _any(w.FAULTS)
_MOVE = _any(w.MOVES)
# Words that fault one part and praise another ("touching"): denied, they are faults.
_PURE_FAULT = _any(set(w.FAULTS) - set(w.MOVES))
_GOOD = _any(w.GOODS)
_COMP = _any(w.COMPARATIVES)
PRAISE = _any(w.PRAISE)
_PERF = _any(w.PERFORMANCE)
NUM = rf"(?:\d+|{_any(set(w.NUMBER_WORDS) - {'half', 'halfway', 'first', 'second'})})"
_DET = r"(?:your|you|the|that|this|those|these|both|each|a|one|them|it)"
_LEAD = (
    r"^(?:(?:hey|hmm|oh|ooh|ah|okay|alright|all right|right|well|yes|yeah|yep|no|nope|so|and|then|now|just|also|please|come on|again|look"
    r"|really|always|maybe|next|this time|also|first|if you can|almost|nearly|try|but|not quite|not bad|to finish|careful|a bit more|okay so|still"
    r"|on the (?:next|way) (?:one|rep|up|down)|for (?:the|your) next (?:one|rep|ones|reps)|next rep|next one)\s+)*"
)
_WISH = (
    r"(?:make sure(?: that)?|be sure to|try(?: to| and)?|remember(?: to)?|do not forget(?: to| your| about)?|let us(?: try to| try and| see| get)?"
    r"|let me see|show me|i (?:would|want|need|really want|really need|do want)(?: like| love| you| to see| to)*|you (?:have|need|ought|want|got) to"
    r"|you (?:should|must|could|can|might want to|may want to|need|will want to|are supposed to|better)|(?:can|could|would|will) (?:you|we)"
    r"|how about|what about|focus(?:ing)? on|concentrat(?:e|ing) on|think (?:about|of)|work(?:ing)? on|aim (?:to|for)|see if you can|be careful"
    r"|careful|beware|be mindful|mind|watch(?: out)?|check|pay attention to|be aware of|it would be|would be|needs?(?: to)?"
    r"|should|must|has to|have to|ought to|could be|could use|want to see|could do with|would like|supposed to|want them|want those|want that|if you)"
)
_NEG = r"(?:not|never|no longer|no more|hardly|barely|without|zero|neither)"

# Things that sound like instructions and are encouragement.
_CHEER = re.compile(
    _LEAD
    + r"(?:keep (?:it )?(?:up|going|moving|pushing|working|at it|fighting|smiling|on|pumping|lifting|reaching|jumping|grinding|trying|rolling"
    r"|stretching|breathing|holding|running|punching|kicking|squatting|doing (?:what|that|this|it)|like (?:that|this))(?: (?:it )?(?:up|going|like that"
    r"|like this|strong|hard|through|now|on|just like that|what you are doing|through it|exactly like that|there|out))?"
    r"|keep (?:that|this|up|the|your|those|it)(?: (?:that|this|the|your|up))? (?:\w+ )?(?:pace|speed|form|rhythm|energy|tempo|intensity|effort|momentum|work"
    r"|attitude|smile|spirits?|technique|cadence|good \w+|great \w+)(?: up| going| coming| there)?"
    r"|keep (?:that|this|it|them)(?: (?:up|going|just like that|exactly (?:like that|there)|right there|like that|there))+"
    r"|(?:let us )?(?:keep|maintain|hold on to|do not lose|bring|raise|hold) (?:that|this|the|your|those|up the|up that|up this)? ?(?:\w+ )?(?:energy|rhythm|momentum|vibes|spirits?|motivation"
    r"|good vibes|fire|intensity|enthusiasm)(?: high| up| going| coming| alive)*|keep (?:crushing|smashing|killing|rocking|nailing|bringing|giving|owning|slaying|powering|cruising|chasing)(?: \w+){0,3}"
    rf"|(?:breathe|breathing) (?:deep(?:ly)?|into .*|easy|and .*)|show up|hold (?:that|this|the|your) (?:position|stretch|pose|plank)|stretch it out|relax your mind"
    rf"|feel (?:the|that) (?:burn|stretch|heat|power)\b.*|(?:push[ ,]*)+|(?:up[ ,]*)+|squeeze (?:out )?(?:those|these|the) last .*|keep (?:that|this) same \w+(?: .*)?"
    rf"|work (?:those|them|the|that) {PART}|.*\bmust be (?:on fire|burning|proud|feeling|tired)\b.*|.*\b(?:than (?:before|last|the last|earlier|ever))\b.*"
    r"|keep your foot on the gas|never (?:give up|quit|stop|back down|give in)|hold on (?:just )?(?:a (?:little|bit) )?longer|finish line .*|look how .*|look at .*"
    r"|push(?: it| yourself| through(?: it| the \w+)?| on| hard| harder| past \w+ \w+)?(?: (?:now|to the end))?|go(?: go)+|go for it|come on"
    r"|(?:stay|hang|remain) (?:with|strong|focused|positive|in there|in it|motivated|there|on|tough|hungry|determined)(?: \w+){0,2}"
    r"|hold(?: it| on| that| this| there| it there| the stretch| the position| that stretch| and breathe| for)*(?: \w+ (?:more )?seconds?)?"
    r"|give (?:me |it |us )?(?:everything|all|your (?:all|best|everything)|it all|it your all|it everything|\d+ percent)(?: \w+){0,3}"
    r"|dig deep(?:er)?|power through(?: it)?|(?:bring|keep|raise) (?:the|that|your|up the|up that) energy(?: up)?|fire it up|do not you (?:quit|stop|give up|dare)(?: \w+)*|(?:just )?(?:a (?:little|bit)|a few(?: more)? seconds?|(?:\w+|\d+)(?: more)? seconds?) (?:longer|more|left|to go|remaining)|no (?:giving up|quitting)|not long(?: now| to go| left)?|breathe(?: and \w+| in| out| deeply)?|relax(?: and \w+)?|(?:finish|end) strong|go hard|fight(?: for it| through it)?"
    r"|do not (?:give up|quit|stop|let up|worry|you dare|stop (?:now|there|just yet|believing)|slow down(?: now)?|give in|quit on me|be shy)(?: (?:now|yet|on me|here|it))*"
    r"|you can (?:do (?:it|this|that)|make it|keep going|keep this up|finish|push through|handle)\b.*|let us (?:go(?: (?:champ|team|baby|people|everyone|girl|boy|man|champion))?|do (?:it|this)|finish strong|push|crush it|keep (?:it )?(?:up|going|moving)|keep this going)"
    r"|make (?:it|this|every|that|them) (?:count|burn|rep|one|last|\w+ count)(?: \w+)?|feel (?:the|that|it|those)(?: \w+)?(?: \w+)?|enjoy (?:it|the \w+|this|that)"
    r"|burn (?:it|those|that|the)(?: \w+)?|work (?:it|hard)(?: work it)?(?: now)?|smile|can you feel (?:the|that|it)(?: \w+)?|bring it(?: on| home)?|take it home"
    r"|show me what you (?:have )?got|you have (?:got )?(?:this|it)|see it through|get it|have fun|get after it|trust (?:yourself|the process)|be proud)(?: (?:now|please|everyone))?$"
)
_CUE = (
    r"(?:up|down|in|out|back|forwards?|ahead|together|apart|straight|tight|tighter|level|high|higher|low|lower|wide|wider|tucked|square|flat|open"
    r"|closed|parallel|neutral|steady|still|relaxed|soft|over|under|behind|above|to|on|off|inside|outside|towards?|through|across|away|long|tall"
    r"|engaged|braced|straighter|closer|further|bent|past|shoulder width|hip width|shoulder|hip|ninety|90|locked|proud|inwards?|outwards?|upright|stacked|more|less|facing|aligned|firm|in line|at|extended|against|between|around|pulled|pressed|stable)"
)
_FRAGMENT_ADJ = r"(?:straight|flat|neutral|tight|soft|long|tall|full|narrow|wide|big|small|upright|firm|strong|closed|open|slow|quick|fast|even|steady|controlled|bent|level|loose)"

_MET = (
    "(?:straight|straighter|high|low|deep|wide|level|parallel|together|flat|tight|tucked|controlled|steady|stable|even|smooth|fast|quick|aligned"
    "|upright|square|engaged|straightened|extended|full|complete|correct|correctly|symmetrical|soft|quickly|so well|really well|easy|listened|right)"
)
_TOO = re.compile(rf"(?<!not )\b(?:too|overly|way too|a bit too)\s+(?!good|easy|kind|strong|cool|shabby|bad|well|proud|legit|fit|hot to)(?:much|\w+)|\b(?:a bit|a little|slightly|kind of|quite|rather|pretty) (?:{_FAULT}|slow|high|low|wide|narrow|fast|bent|short|off|rounded)\b")
_NOT_ENOUGH = re.compile(rf"\bneeds? (?:some |a (?:bit|little) )?(?:work|improvement|attention|fixing|more|to|a|correcting)\b|\bonly (?:half|halfway|going|bending|lifting|moving|using|doing|one(?! more)|coming|getting)\b|\b(?:barely|hardly) (?:{_MOVE})\b|\bnot\b.{{0,30}}\b(?:enough|quite|fully|all the way|properly|really|yet|completely|as \w+ as)\b|\bneeds? (?:more|to)\b|\bnot (?:{_GOOD})\b")
_PART_BAD = re.compile(
    rf"\b(?:you(?:r)?|that|those|the|both|one|this|{PART}|{_PERF})\b.*\b(?:{_FAULT}|going (?:past|over|in|forward|inwards?|too)|coming (?:off|up|forward|in|apart)|not \w+|lower than|higher than|past your"
    rf"|collapses?|collapse|caves?|cave|sags?|drops|flares?|drifts?|rounds|arches|sways?|swings?|wobbles?|leans?|leads|bows?|slips?|pokes?|lifts off|comes? off|turns? (?:in|out)|points? (?:in|out)|lags?|shifts?|creeps?|tips?|tilts?)\b"
)
_STATE = re.compile(rf"^(?:and |so |now |oh |yes |yeah |well |see |look |wow )*(?:you|your|that|those|these|the|this|it|i|both|we|there|{PART}|much|look|now|what|such|really|so|how)\b")
_APPROVE = re.compile(
    rf"^(?:and |so |now |oh |yes |yeah |okay |such |really |very |absolutely |so |a |pretty |looking |some |what |what a |just |still |that is |this is |it is |there is |also |again |those are |you are |i |i am |the |my |right |here |more |quite |keep |totally |simply )*(?:{PRAISE}|way to|like this|like that|i like|there (?:you|we) go|that is (?:it|the|how|what|more like)|got it|look at|on point|in sync|not bad|doing well|bang on|right on|good going|loving)\b"
)
_IMPROVED = re.compile(
    rf"\b(?:no longer|any ?more|not \w+ (?:now|any)|finally|fixed|corrected|sorted|stopped {_FAULT}|adjusted|improving|improved|getting (?:better|stronger|{_COMP})|so much|much (?:better|{_COMP})|nicely|beautifully|perfectly|well done|correctly)\b"
)
_REQUEST = re.compile(_LEAD + rf"(?:{_WISH})\b.*\b(?:{_ACT}|{_COMP}|{PART}|{_PERF}|{_GOOD}|smoothly|slowly|quickly|gently|softly|control)\b")
_ACTION = re.compile(_LEAD + rf"(?:{_WISH}\s+)?(?:to\s+)?(?:really |actually |slowly |gently |try to |always |quickly |fully |actively )*(?P<verb>{_ACT})\b(?P<rest>.*)$")
_WEAK = frozenset(
    """keep get go come take give make let hold stay push move feel show do be see work breathe find help set snap hit float spring power notice clear finish march run walk pretend match add return rest try use step meet leave pick lead remember watch check drive ace pull steady level slow even narrow round tidy clean square open close
    balance centre center float smooth support help rest bounce light match spring""".split()
)  # fmt: skip
_TARGET = re.compile(
    rf"\b(?:{PART}|{_PERF}|{_COMP}|up|down|low|high|deep|wide|straight|slow|slowly|fast|quick|forwards?|backwards?|outwards?|inwards?|together|apart|further|flat|level|still|steady|upright|parallel|controlled?|out|softly|gently|smooth|smoothly|yourself|off the (?:floor|ground)|all the way|floor|ground|wall|gently|light|lightly|sides?|inch|inches|tall|open|close|quicker|ninety|90|between|at the (?:top|bottom)|full|fully|explosive|tension|momentum|evenly|even|at once|time|balanced?|stable|sideways|diagonal|degrees|in line|through|exhale|inhale|nose|effort|it|everything tight|tight|tighter|tucked|engaged|square|proud|neutral|lowering|bending|more|less|bigger|smaller|quiet|quietly|parallel|extended|stretch|behind|facing|away)\b"
)
_FORBID = re.compile(_LEAD + rf"(?:{_WISH}\s+)?(?:you (?=do not (?!look|seem|need|have)))?(?:do not|stop|avoid|never|quit|no(?= (?:\w+ing|half|more|cheating|flared?|bent|arms|hands|slack|sagging|jumps)\b)|not|try not to|without|instead of|rather than|less|enough with|easy on|resist|prevent|not so|keep from|no more|cut out|none of)\b\s*(?P<rest>.+)$")
_COMPARE = re.compile(_LEAD + rf"(?:(?:and|now|even|much|a|bit|little|lot|touch|tad|fraction|few inches|inches|slightly|way|try|still|far|inch|few|couple|of|just|one|any|some|more|cm|centimetres)\s+)*{_COMP}\b(?:\s+\w+){{0,8}}$")
_BODY_CUE = re.compile(_LEAD + rf"(?:{_DET}\s+)?(?:\w+\s+)?{PART}(?:\s+(?:{PART}|and))?\s+(?:a bit |a little |nice and |all the way |right |further |way |slightly |fully |as |pointing |even |always )*{_CUE}\b")
_LABEL = re.compile(_LEAD + rf"{_FRAGMENT_ADJ}(?: and \w+)?\s+(?:{PART}|{_PERF})(?: of motion)?(?: please)?$")
_BARE = re.compile(_LEAD + rf"(?:all the way (?:up|down|through|to \w+)(?: \w+)*|down to .*|(?:right|way|back) (?:up|down)|up|down|full range.*|(?:your )?{PART}|straight (?:up|down|ahead)|to the floor|over your head|opposite {PART}|(?:the )?other (?:side|one|{PART})|half way is not.*)$")
_QUESTION = re.compile(_LEAD + rf"(?:why|where|are|is|can|could|would|how|does|do|what (?:happened|about|are|is))\b.*\b(?:{PART}|{_COMP}|{_PERF}|as \w+ as|low|high|deep|slow|fast|straight|wide)\b")
_STRONG_WISH = re.compile(_LEAD + r"(?:think (?:about|of)|focus(?:ing)? on|concentrat\w+ on|make sure|be sure to|try (?:to|and|not)|remember to|aim (?:to|for)|work on|be careful|careful|watch out|pretend|imagine|picture|avoid|see if you can|go for|ideally)\b(?! (?:have fun|enjoy|smile|it up|me|you can|to enjoy|and enjoy|to have|to smile|yourself))\s+\w+")
_ENDLESS = re.compile(rf"\b(?:i (?:do|can) not (?:really )?see|i (?:can )?(?:still )?see|there is|forgot|forgetting|you lost|you are losing|you missed|you dropped|missing|you keep (?:looking|using|doing|moving|bending|lifting)|you have lost|you only|only using|only going|half reps|do not count|does not count)\b.*\b(?:{PART}|{_PERF}|{_MOVE}|{_FAULT}|enough|down|up|reps|much)\b")


def clause_act(clause: str) -> tuple[str, str, float]:
    """(act, rule, strength) of one clause: act is "correct", "cheer" or "none"; strength in 0..1.

    Order matters: encouragement that sounds like an order comes first, then approval of a fault that is gone, then
    faults and prohibitions, then requests and instructions, then bare cues, and plain approval last.
    """
    if _CHEER.match(clause):
        return "cheer", "encouragement", 0.9
    improved = _improved(clause)
    if improved:
        return "cheer", improved, 0.85
    for act in (_fault(clause), _instruction(clause), _cue(clause)):
        if act:
            return "correct", act[0], act[1]
    if _APPROVE.match(clause) or re.search(rf"\b{PRAISE}\b", clause):
        return "cheer", "approval", 0.85
    return "none", "no_rule", 0.0


def _improved(clause: str) -> str | None:
    """A fault that is gone or a wish that is met: "your knees are not caving in now", "that is lower"."""
    if re.search(r"\bnot (?:lost|dropped|slowed|missed|stopped|faded)\b", clause):
        return "fault_gone"
    wish = re.search(rf"\b(?:{_WISH})\b", re.sub(r"\bnot bad\b|\byou can see\b", "", clause))
    still = re.search(r"\b(?:still|but|keeps?|almost|nearly|not quite|starting to)\b", clause)
    must = re.search(r"\b(?:should|must|need|needs|want)\b", clause)
    if re.search(rf"\b(?:not|no) (?:\w+ ){{0,2}}(?:too |going )?(?:{_PURE_FAULT}|too \w+)\b.*\b(?:any ?more|now|at all)$", clause) and not must:
        return "fault_gone"
    if not must and re.search(rf"\b(?:{_NEG})\b(?:(?! enough)\W+\w+){{0,3}}?\W+(?:too|{_PURE_FAULT})\b", clause) and not re.search(r"\benough\b", clause):
        if not still and _STATE.match(clause) and not _good_denied(clause):
            return "fault_gone"
        if re.match(r"^(?:no longer|not too|no more|not so)\b", clause) and not still:
            return "fault_gone"
    if re.search(rf"\bstopped {_FAULT}\b", clause) or re.search(r"\byou (?:fixed|corrected|sorted|adjusted)\b", clause):
        return "fault_gone"
    if re.search(r"\b(?:be|is) better (?:if|with|when|to)\b", clause):
        return None
    if wish or still or _TOO.search(clause) or re.search(rf"\b{_NEG}\b", clause):
        return None
    if re.search(r"\b(?:thanks|thank you) for\b|\bgood to see\b", clause) or _IMPROVED.search(clause) and not _ACTION.match(clause):
        return "improved"
    if _APPROVE.match(clause) and not _late_request(clause):
        return "approval"
    if _PART_BAD.search(clause) or "flat footed" in clause:
        return None
    good = rf"\b(?:{_MET}|{_COMP}|{PRAISE}|on point|in line|over your toes|all the way|the (?:hang|depth|height|speed|pace|form))\b"
    if re.match(r"^(?:now |and |so |see )?(?:that is|you are|you look|you make|you have got|you got|those are|it is|your|this is|these are|that was|i see you|i can see|i like|i love|the|those)\b", clause):
        if re.search(good, clause) and not re.search(rf"\b(?:{_FAULT}|but|only|coming off|lower than|higher than|could|going past|past your)\b", clause):
            return "wish_met"
    return None


def _good_denied(clause: str) -> bool:
    return bool(re.search(rf"\bnot (?:\w+ ){{0,2}}(?:{_MOVE}|{_GOOD})\b", clause)) and not re.search(rf"\bnot (?:\w+ )?(?:{_FAULT}|too)\b", clause)


def _late_request(clause: str) -> bool:
    """An order that follows approval without punctuation: "great work lower your hips more"."""
    return bool(re.search(rf"\b(?:{_WISH}|more|needs?)\b", clause)) and bool(
        re.search(rf"\b(?:need to|should|must|try|could|make sure|remember to|can you|a (?:bit|little) (?:more|{_COMP})|focus on|work on)\b", clause)
    )


def _fault(clause: str) -> tuple[str, float] | None:
    if _TOO.search(clause) and not re.search(r"\bnot too\b", clause):
        return "too_much", 0.95
    if _NOT_ENOUGH.search(clause):
        return "not_enough", 0.95
    forbid = _FORBID.match(clause)
    if forbid and re.search(r"[a-z]{2,}", forbid.group("rest")) and not re.match(r"^(?:no|not) (?:long|pain|gain|bad|problem|worries|doubt|way|stopping|excuses|matter|one|long|need|need to)\b", clause):
        return "forbidden", 0.9
    if _ENDLESS.search(clause):
        return "fault_seen", 0.85
    if _PART_BAD.search(clause) or re.match(rf"^(?:still |keep |getting |now |a bit |and )*(?:{_FAULT})\b", clause) and not re.match(rf"^{PRAISE}\b", clause):
        return "fault", 0.9
    return None


def _instruction(clause: str) -> tuple[str, float] | None:
    if _REQUEST.match(clause) or _STRONG_WISH.match(clause) or re.search(rf"\b(?:needs? to|should|must|has to|have to|could be|ought to|supposed to|want you to|need you to|would help|keep in mind|flat footed|(?:be|is) better (?:if|with|when|to))\b", clause):
        return "request", 0.9
    action = _ACTION.match(clause)
    if action:
        verb, rest = action.group("verb"), action.group("rest")
        if verb not in _WEAK and not re.match(r"^ing\b", rest):
            return "instruction", 0.9 if _TARGET.search(rest) else 0.7
        if _TARGET.search(rest):
            return "instruction", 0.85
    if re.search(rf"\b(?:now|and|then|please|just|so|but) (?:{_ACT}) (?:\w+ )*(?:{PART}|{_COMP}|up|down)\b", clause):
        return "late_instruction", 0.8
    return None


def _cue(clause: str) -> tuple[str, float] | None:
    if re.search(rf"\b(?:a (?:bit|little|touch|tad)|even|slightly|some|much|far) (?:more )?{_COMP}\b", clause) or _COMPARE.match(clause):
        return "comparative", 0.85
    if _BODY_CUE.match(clause) and not re.search(r"\b(?:is|are|looks?|look|was|were)\b", clause):
        return "body_cue", 0.85
    if _LABEL.match(clause):
        return "quality_cue", 0.55
    if _BARE.match(clause):
        return "bare_cue", 0.6
    if _QUESTION.match(clause):
        return "question", 0.7
    return None
