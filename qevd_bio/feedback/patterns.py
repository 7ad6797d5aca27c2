"""The patterns of the clause rules, built from the vocabulary. `intent_rules` says in which order they apply."""

import re
from collections.abc import Iterable

from qevd_bio.feedback import words as w


def _any(words: Iterable[str]) -> str:
    return r"(?:" + "|".join(sorted(set(words), key=lambda x: (-len(x), x))) + r")"


PART = _any(w.BODY_WORDS)
ACT = _any(w.ACTIONS)
FAULT = _any(w.FAULTS)
MOVE = _any(w.MOVES)
# Words that fault one part and praise another ("touching"): denied, they are faults.
PURE_FAULT = _any(set(w.FAULTS) - set(w.MOVES))
GOOD = _any(w.GOODS)
COMP = _any(w.COMPARATIVES)
PRAISE = _any(w.PRAISE)
PERF = _any(w.PERFORMANCE)
NUM = rf"(?:\d+|{_any(set(w.NUMBER_WORDS) - {'half', 'halfway', 'first', 'second'})})"
DET = r"(?:your|you|the|that|this|those|these|both|each|a|one|them|it)"
LEAD = (
    r"^(?:(?:hey|hmm|oh|ooh|ah|okay|alright|all right|right|well|yes|yeah|yep|no|nope|so|and|then|now|just|also"
    r"|please|come on|again|look"
    r"|really|always|maybe|next|this time|also|first|if you can|almost|nearly|try|but|not quite|not bad"
    r"|to finish|careful|a bit more|okay so|still"
    r"|on the (?:next|way) (?:one|rep|up|down)|for (?:the|your) next (?:one|rep|ones|reps)|next rep|next one)\s+)*"
)
WISH = (
    r"(?:make sure(?: that)?|be sure to|try(?: to| and)?|remember(?: to)?|do not forget(?: to| your| about)?"
    r"|let us(?: try to| try and| see| get)?"
    r"|let me see|show me|i (?:would|want|need|really want|really need|do want)(?: like| love| you| to see"
    r"| to)*|you (?:have|need|ought|want|got) to"
    r"|you (?:should|must|could|can|might want to|may want to|need|will want to|are supposed to|better)|(?:can"
    r"|could|would|will) (?:you|we)"
    r"|how about|what about|focus(?:ing)? on|concentrat(?:e|ing) on|think (?:about|of)|work(?:ing)? on"
    r"|aim (?:to|for)|see if you can|be careful"
    r"|careful|beware|be mindful|mind|watch(?: out)?|check|pay attention to|be aware of|it would be|would be"
    r"|needs?(?: to)?"
    r"|should|must|has to|have to|ought to|could be|could use|want to see|could do with|would like|supposed to"
    r"|want them|want those|want that|if you)"
)
NEG = r"(?:not|never|no longer|no more|hardly|barely|without|zero|neither)"

# Things that sound like instructions and are encouragement.
CHEER = re.compile(
    LEAD + r"(?:(?:off|away|here) (?:we|you) (?:go|are)|keep (?:it )?(?:up|going|coming|moving|pushing|working|at it"
    r"|fighting|smiling|on|pumping|lifting|reaching"
    r"|jumping|grinding|trying|rolling"
    r"|stretching|breathing|holding|running|punching|kicking|squatting|doing (?:what|that|this|it)|like (?:that"
    r"|this))(?: (?:it )?(?:up|going|like that"
    r"|like this|strong|hard|through|now|on|just like that|what you are doing|through it|exactly like that"
    r"|there|out))?"
    r"|keep (?:that|this|up|the|your|those|it)(?: (?:that|this|the|your|up))? (?:\w+ )?(?:pace|speed|form"
    r"|rhythm|energy|tempo|intensity|effort|momentum|work"
    r"|attitude|smile|spirits?|technique|cadence|good \w+|great \w+)(?: up| going| coming| there)?"
    r"|keep (?:that|this|it|them)(?: (?:up|going|just like that|exactly (?:like that|there)|right there"
    r"|like that|there))+"
    r"|(?:let us )?(?:keep|maintain|hold on to|do not lose|bring|raise|hold) (?:that|this|the|your|those|up the"
    r"|up that|up this)? ?(?:\w+ )?(?:energy|rhythm|momentum|vibes|spirits?|motivation"
    r"|good vibes|fire|intensity|enthusiasm)(?: high| up| going| coming| alive)*|keep (?:crushing|smashing"
    r"|killing|rocking|nailing|bringing|giving|owning|slaying|powering|cruising|chasing)(?: \w+){0,3}"
    rf"|(?:breathe|breathing) (?:deep(?:ly)?|into .*|easy|and .*)|show up|hold (?:that|this|the"
    rf"|your) (?:position|stretch|pose|plank)|stretch it out|relax your mind"
    rf"|feel (?:the|that) (?:burn|stretch|heat|power)\b.*|(?:push[ ,]*)+|(?:up[ ,]*)+|squeeze (?:out )?(?:those"
    rf"|these|the) last .*|keep (?:that|this) same \w+(?: .*)?"
    rf"|work (?:those|them|the|that) {PART}|.*\bmust be (?:on fire|burning|proud|feeling|tired)\b.*"
    rf"|.*\b(?:than (?:before|last|the last|earlier|ever))\b.*"
    r"|keep your foot on the gas|never (?:give up|quit|stop|back down|give in)|hold on (?:just )?(?:a (?:little"
    r"|bit) )?longer|finish line .*|look how .*|look at .*"
    r"|push(?: it| yourself| through(?: it| the \w+)?| on| hard| harder| past \w+ \w+)?(?: (?:now|to the end))?"
    r"|go(?: go)+|go for it|come on"
    r"|(?:stay|hang|remain) (?:with|strong|focused|positive|in there|in it|motivated|there|on|tough|hungry"
    r"|determined)(?: \w+){0,2}"
    r"|hold(?: it| on| that| this| there| it there| the stretch| the position| that stretch| and breathe"
    r"| for)*(?: \w+ (?:more )?seconds?)?"
    r"|give (?:me |it |us )?(?:everything|all|your (?:all|best|everything)|it all|it your all|it everything"
    r"|\d+ percent)(?: \w+){0,3}"
    r"|dig deep(?:er)?|power through(?: it)?|(?:bring|keep|raise) (?:the|that|your|up the"
    r"|up that) energy(?: up)?|fire it up|do not you (?:quit|stop|give up|dare)(?: \w+)*"
    r"|(?:just )?(?:a (?:little|bit)|a few(?: more)? seconds?|(?:\w+|\d+)(?: more)? seconds?) (?:longer|more"
    r"|left|to go|remaining)|no (?:giving up|quitting)|not long(?: now| to go| left)?|breathe(?: and \w+| in"
    r"| out| deeply)?|relax(?: and \w+)?|(?:finish|end) strong|go hard|fight(?: for it| through it)?"
    r"|do not (?:give up|quit|stop|let up|worry|you dare|stop (?:now|there|just yet|believing)"
    r"|slow down(?: now)?|give in|quit on me|be shy)(?: (?:now|yet|on me|here|it))*"
    r"|you can (?:do (?:it|this|that)|make it|keep going|keep this up|finish|push through|handle)\b.*"
    r"|let us (?:go(?: (?:champ|team|baby|people|everyone|girl|boy|man|champion))?|do (?:it|this)|finish strong"
    r"|push|crush it|keep (?:it )?(?:up|going|moving)|keep this going)"
    r"|make (?:it|this|every|that|them) (?:count|burn|rep|one|last|\w+ count)(?: \w+)?|feel (?:the|that|it"
    r"|those)(?: \w+)?(?: \w+)?|enjoy (?:it|the \w+|this|that)"
    r"|burn (?:it|those|that|the)(?: \w+)?|work (?:it|hard)(?: work it)?(?: now)?|smile|can you feel (?:the"
    r"|that|it)(?: \w+)?|bring it(?: on| home)?|take it home"
    r"|show me what you (?:have )?got|you have (?:got )?(?:this|it)|see it through|get it|have fun|get after it"
    r"|trust (?:yourself|the process)|be proud)(?: (?:now|please|everyone))?$"
)
CUE = (
    r"(?:up|down|in|out|back|forwards?|ahead|together|apart|straight|tight|tighter|level|high|higher|low|lower"
    r"|wide|wider|tucked|square|flat|open"
    r"|closed|parallel|neutral|steady|still|relaxed|soft|over|under|behind|above|to|on|off|inside|outside"
    r"|towards?|through|across|away|long|tall"
    r"|engaged|braced|straighter|closer|further|bent|past|shoulder width|hip width|shoulder|hip|ninety|90"
    r"|locked|proud|inwards?|outwards?|upright|stacked|more|less|facing|aligned|firm|in line|at|extended"
    r"|against|between|around|pulled|pressed|stable)"
)
FRAGMENT_ADJ = (
    r"(?:straight|flat|neutral|tight|soft|long|tall|full|narrow|wide|big|small|upright|firm|strong|closed|open"
    r"|slow|quick|fast|even|steady|controlled|bent|level|loose)"
)

MET = (
    "(?:straight|straighter|high|low|deep|wide|level|parallel|together|flat|tight|tucked|controlled|steady"
    "|stable|even|smooth|fast|quick|aligned"
    "|upright|square|engaged|straightened|extended|full|complete|correct|correctly|symmetrical|soft|quickly"
    "|so well|really well|easy|listened|right)"
)
TOO = re.compile(
    rf"(?<!not )\b(?:too|overly|way too|a bit too)\s+(?!good|easy|kind|strong|cool|shabby|bad|well|proud|legit"
    rf"|fit|hot to)(?:much|\w+)|\b(?:a bit|a little|slightly|kind of|quite|rather|pretty) (?:{FAULT}|slow|high"
    rf"|low|wide|narrow|fast|bent|short|off|rounded)\b"
)
NOT_ENOUGH = re.compile(
    rf"\bneeds? (?:some |a (?:bit|little) )?(?:work|improvement|attention|fixing|more|to|a|correcting)\b"
    rf"|\bonly (?:half|halfway|going|bending|lifting|moving|using|doing|one(?! more)|coming|getting)\b"
    rf"|\b(?:barely|hardly) (?:{MOVE})\b|\bnot\b.{{0,30}}\b(?:enough|quite|fully|all the way|properly|really"
    rf"|yet|completely|as \w+ as)\b|\bneeds? (?:more|to)\b|\bnot (?:{GOOD})\b"
)
PART_BAD = re.compile(
    rf"\b(?:you(?:r)?|that|those|the|both|one|this|{PART}|{PERF})\b.*\b(?:{FAULT}|going (?:past|over|in"
    rf"|forward|inwards?|too)|coming (?:off|up|forward|in|apart)|not \w+|lower than|higher than|past your"
    rf"|collapses?|collapse|caves?|cave|sags?|drops|flares?|drifts?|rounds|arches|sways?|swings?|wobbles?"
    rf"|leans?|leads|bows?|slips?|pokes?|lifts off|comes? off|turns? (?:in|out)|points? (?:in|out)|lags?"
    rf"|shifts?|creeps?|tips?|tilts?)\b"
)
STATE = re.compile(
    rf"^(?:and |so |now |oh |yes |yeah |well |see |look |wow )*(?:you|your|that|those|these|the|this|it|i|both"
    rf"|we|there|{PART}|much|look|now|what|such|really|so|how)\b"
)
APPROVE = re.compile(
    rf"^(?:and |so |now |oh |yes |yeah |okay |such |really |very |absolutely |so |a |pretty |looking |some "
    rf"|what |what a |just |still |that is |this is |it is |there is |also |again |those are |you are |i |i am "
    rf"|the |my |right |here |more |quite |keep |totally |simply )*(?:{PRAISE}|way to|like this|like that"
    rf"|i like|there (?:you|we) go|that is (?:it|the|how|what|more like)|got it|look at|on point|in sync"
    rf"|not bad|doing well|bang on|right on|good going|loving)\b"
)
IMPROVED = re.compile(
    rf"\b(?:no longer|any ?more|not \w+ (?:now|any)|finally|fixed|corrected|sorted|stopped {FAULT}|adjusted"
    rf"|improving|improved|getting (?:better|stronger|{COMP})|so much|much (?:better|{COMP})|nicely"
    rf"|beautifully|perfectly|well done|correctly)\b"
)
REQUEST = re.compile(
    LEAD + rf"(?:{WISH})\b.*\b(?:{ACT}|{COMP}|{PART}|{PERF}|{GOOD}|smoothly|slowly|quickly|gently|softly"
    rf"|control)\b"
)
ACTION = re.compile(
    LEAD + rf"(?:{WISH}\s+)?(?:to\s+)?(?:really |actually |slowly |gently |try to |always |quickly |fully "
    rf"|actively )*(?P<verb>{ACT})\b(?P<rest>.*)$"
)
WEAK = frozenset(
    w.words(
        "ace add balance be bounce breathe center centre check clean clear close come do drive even feel find "
        "finish float get give go help hit hold keep lead leave let level light make march match meet move "
        "narrow notice open pick power pretend pull push remember rest return round run see set show slow "
        "smooth snap spring square stay steady step support take tidy try use walk watch work "
    )
)
TARGET = re.compile(
    rf"\b(?:{PART}|{PERF}|{COMP}|up|down|low|high|deep|wide|straight|slow|slowly|fast|quick|forwards?"
    rf"|backwards?|outwards?|inwards?|together|apart|further|flat|level|still|steady|upright|parallel"
    rf"|controlled?|out|softly|gently|smooth|smoothly|yourself|off the (?:floor|ground)|all the way|floor"
    rf"|ground|wall|gently|light|lightly|sides?|inch|inches|tall|open|close|quicker|ninety|90|between"
    rf"|at the (?:top|bottom)|full|fully|explosive|tension|momentum|evenly|even|at once|time|balanced?|stable"
    rf"|sideways|diagonal|degrees|in line|through|exhale|inhale|nose|effort|it|everything tight|tight|tighter"
    rf"|tucked|engaged|square|proud|neutral|lowering|bending|more|less|bigger|smaller|quiet|quietly|parallel"
    rf"|extended|stretch|behind|facing|away)\b"
)
FORBID = re.compile(
    LEAD + rf"(?:{WISH}\s+)?(?:you (?=do not (?!look|seem|need|have)))?(?:do not|stop|avoid|never|quit"
    rf"|no(?= (?:\w+ing|half|more|cheating|flared?|bent|arms|hands|slack|sagging|jumps)\b)|not|try not to"
    rf"|without|instead of|rather than|less|enough with|easy on|resist|prevent|not so|keep from|no more|cut out"
    rf"|none of)\b\s*(?P<rest>.+)$"
)
COMPARE = re.compile(
    LEAD + rf"(?:(?:and|now|even|much|a|bit|little|lot|touch|tad|fraction|few inches|inches|slightly|way|try|still"
    rf"|far"
    rf"|inch|few|couple|of|just|one|any|some|more|cm|centimetres)\s+)*{COMP}\b(?:\s+\w+){{0,8}}$"
)
BODY_CUE = re.compile(
    LEAD + rf"(?:{DET}\s+)?(?:\w+\s+)?{PART}(?:\s+(?:{PART}|and))?\s+(?:a bit |a little |nice and |all the way "
    rf"|right |further |way |slightly |fully |as |pointing |even |always )*{CUE}\b"
)
QUALITY = re.compile(
    LEAD + r"(?:nice and )?(?:slow|heavy|loose) (?:and|but) (?:controlled|steady|smooth|even|strong|relaxed)"
    r"(?: please)?$"
)
LABEL = re.compile(LEAD + rf"{FRAGMENT_ADJ}(?: and \w+)?\s+(?:{PART}|{PERF})(?: of motion)?(?: please)?$")
BARE = re.compile(
    LEAD + rf"(?:all the way (?:up|down|through|to \w+)(?: \w+)*|down to .*|(?:right|way|back) (?:up|down)|up|down"
    rf"|full range.*|(?:your )?{PART}|straight (?:up|down|ahead)|to the floor|over your head|opposite {PART}"
    rf"|(?:the )?other (?:side|one|{PART})|half way is not.*)$"
)
QUESTION = re.compile(
    LEAD + rf"(?:why|where|are|is|can|could|would|how|does|do|what (?:happened|about|are|is))\b.*\b(?:{PART}|{COMP}"
    rf"|{PERF}|as \w+ as|low|high|deep|slow|fast|straight|wide)\b"
)
STRONG_WISH = re.compile(
    LEAD + r"(?:think (?:about|of)|focus(?:ing)? on|concentrat\w+ on|make sure|be sure to|try (?:to|and|not)"
    r"|remember to|aim (?:to|for)|work on|be careful|careful|watch out|pretend|imagine|picture|avoid"
    r"|see if you can|go for|ideally)\b(?! (?:have fun|enjoy|smile|it up|me|you can|to enjoy|and enjoy|to have"
    r"|to smile|yourself))\s+\w+"
)
ENDLESS = re.compile(
    rf"\b(?:i (?:do|can) not (?:really )?see|i (?:can )?(?:still )?see|there is|forgot|forgetting|you lost"
    rf"|you are losing|you missed|you dropped|missing|you keep (?:looking|using|doing|moving|bending|lifting)"
    rf"|you have lost|you only|only using|only going|half reps|do not count|does not count)\b.*\b(?:{PART}"
    rf"|{PERF}|{MOVE}|{FAULT}|enough|down|up|reps|much)\b"
)
