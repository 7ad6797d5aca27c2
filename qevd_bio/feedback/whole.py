"""Rules that look at a whole sentence: announcements, reminders to start, end summaries, repetition counts."""

import re

from qevd_bio.feedback.patterns import NUM, PART, PRAISE
from qevd_bio.feedback.words import COMPARATIVES, EXERCISE_VERBS, EXERCISES

_OPEN = (
    r"^(?:(?:the|our|your|okay|alright|all right|right|so|and|now|then|great|good|good job|well done|nice"
    r"|perfect|excellent|awesome|nice work|great job|great work|hey|hello|yes|come on|please|well|amazing"
    r"|fantastic|next)[\s,.!:]+)*"
)
_VERBS = "|".join(EXERCISE_VERBS)
_EX = rf"(?:the |some |our |your |a |a few |a bit of |with |to |those |\d+ seconds of )*{EXERCISES}"
_COMP = "|".join(COMPARATIVES)
_ONLY_EX = (
    rf"{_EX}(?: now| next| please| everyone| then| (?:on|with) the (?:left|right)(?: side)?| (?:left"
    rf"|right)(?: side)?| again)*\W*$"
)

TRANSITIONS = {
    "next_up": rf"{_OPEN}(?:first|next|last|final|second|third|fourth|fifth|sixth)(?:ly)?,?(?: up| off| exercise| move"
    rf"| one| movement| drill| in line)*,?(?: (?:is|are|comes?|we (?:have|will do|are doing|do|will have)"
    rf"|you have|we are going to do|let us do|it is|will be|on the list(?: is| are)?))*[:,]? {_EX}\b",
    "exercise_named": r"\b(?:first|next|last|final|new|following|second) (?:exercise|move|movement|drill|up"
    r"|station)\b.{0,40}\b(?:is|are|will be|coming|begins?|starts?)\b|\b(?:on|over|along|ready) (?:to"
    r"|for) the (?:next|final|last|new|first|second) (?:exercise|move|movement|one|drill|section|part"
    r"|round)\b",
    "up_next": r"(?:^|[,.!?:] ?|\b(?:and|okay|so) )(?:up next|next up|coming up|first up|last up|up first)\b"
    r"|\bcoming up next\b",
    "moving_on": rf"\b(?:mov(?:e|ing)|switch(?:ing)?|chang(?:e|ing)|transition(?:ing)?|go(?:ing)?|head(?:ing)?"
    rf"|jump(?:ing)?|progress(?:ing)?|shift(?:ing)?|swap(?:ping)?|flow(?:ing)?)(?: (?:on|over|now|things|it"
    rf"|up|straight|along|right|back|gears))* (?:in)?to (?:{_ONLY_EX}|{_EX} (?:now|next)|(?:the )?(?:next"
    rf"|final|last) )",
    "on_to": rf"{_OPEN}(?:on ?to|over to|then|now for|time for|and now|and next|now|here (?:come|comes|is|are)"
    rf"|followed by|after (?:this|that)[, ].*|ready for|get (?:ready|set) (?:for|to do)|prepare (?:for"
    rf"|yourself for)|getting ready for|let us get ready for|brace yourself for|we have|you have"
    rf"|introducing),? (?:it is )?(?:time for )?(?:we (?:will|are going to) (?:do|be doing) )?{_ONLY_EX}",
    "time_for": rf"\btime (?:for |to (?:switch|move|change|do|transition|go) (?:on |over )?(?:to |into )?){_EX}\b",
    "we_will": rf"\b(?:we|you) (?:will|are (?:now |next )?going to|are gonna|shall|are about to|have got|have)(?: now"
    rf"| next)* (?:be )?(?:do(?:ing)?|start(?:ing)?|begin(?:ning)?|finish(?:ing)?|try(?:ing)?"
    rf"|work(?:ing)? on|mov(?:e|ing) (?:on |in)?to|switch(?:ing)? to|perform(?:ing)?|finish off|continue"
    rf"|wrap up|hav(?:e|ing))(?: off| with| the session| the workout| now| next)* {_EX}\b",
    "let_us": rf"\b(?:let us|we)(?: now| then| next)? (?:do|try|start(?: off| out)?|begin|finish|end"
    rf"|kick(?: things)? off|wrap up|close(?: out)?|open|get (?:started|going)|warm up|get into"
    rf"|move (?:on )?(?:in)?to|switch (?:over )?to|go (?:on )?(?:in)?to|continue|cool down|jump into"
    rf"|finish(?: off| up)?)(?: (?:with|off|up|it|things|this|the (?:workout|session)|now))* {_ONLY_EX}",
    "starting_with": rf"{_OPEN}(?:starting|beginning|finishing|ending|closing|we are starting|kicking (?:things )?off"
    rf"|to start|to begin|to finish|to end|to warm up|to finish,? we have(?: got)?|(?:start|begin"
    rf"|finish) (?:off |up |out )*with)(?: off| out| up| things)*,?(?: with| we have| we will do"
    rf"| let us do)* {_ONLY_EX}",
    "is_next": rf"\b{EXERCISES}(?:\s|,)+(?:is|are|comes?|come)? ?(?:up )?(?:next|coming up|coming next|up first)\W*$",
    "now_doing": rf"\b(?:we are|you will be)(?: now doing| doing| now on) {_EX} (?:now|next)\W*$|\bnow,? (?:we are"
    rf"|we will be|we do|you will be|you are going to be) (?:doing |on |moving to )?{_EX}\b",
    "session_over": r"\b(?:workout|session|class|training)(?: is| has been| now| all)*,? (?:complete|completed|over"
    r"|finished|done|finito)\b|\b(?:end|conclusion) (?:of|to) (?:the|your|our|this"
    r"|today) ?(?:\w+ )?(?:workout|session|class|training)\b|\bthat is (?:all|it"
    r"|a wrap)(?: folks)?(?: for (?:today|now|this \w+))\b|^(?:(?:and|okay|alright|that is it|great"
    r"|well done|good job|nice|so|well)[,.!\s]+)*(?:we|you) are (?:all )?(?:done|finished"
    r"|through)(?: (?:for (?:today|now)|here|with (?:the|your|this|our) (?:workout|session|class)|now"
    r"|everyone))*\W*$|\b(?:you have|we have|you) (?:just )?(?:completed|finished|reached the end of"
    r"|come to the end of) (?:the|your|our|this) (?:\w+ )?(?:workout|session|class|training)\b"
    r"|\b(?:we|you) are (?:all )?(?:done|finished|through) (?:for today|with (?:the|your|this|our) (?:workout|session"
    r"|class))\b|\bthat is the (?:whole|entire|full) (?:workout|session|class|training)\b"
    r"|\bthat (?:concludes|completes|ends|wraps up)\b|\bend of (?:workout|session)\b|^(?:and |okay "
    r"|so )*that is the end\W*$|^(?:and )?(?:that is a wrap|all done)\W*$|\bsee you (?:next time|tomorrow"
    r"|soon|in the next)\b",
    "bare_next": r"^(?:(?:okay|alright|and|now|so|great|good)[, ]+)*(?:next exercise|moving on|move on|next one"
    r"|on to the next(?: one)?|next up|time to (?:stretch|cool down|warm up|change exercises?)"
    r"|let us (?:move on|change it up|switch it up|stretch it out))\W*$",
    "bare_name": r"^(?:okay |alright |and |now |then |so )*(?:jumping jacks|high knees|butt kick(?:er)?s|air jump rope"
    r"|good mornings?(?: beginner)?|push ups|plank taps|moving plank|squats|walking lunges|lunges"
    r"|lunge jumps|puddle jumps|mountain climbers|floor touches|quick feet|squat jumps|squat kicks"
    r"|standing kicks|boxing squat punches|deltoid stretch|quad stretch|shoulder gators|toe touchers"
    r"|cool ?down|warm ?up)(?: left| right)?(?: now| next| time)?\W*$",
}
REMINDERS = {
    "do_not_forget": r"\b(?:do not forget|remember|you have you forgotten|do not be afraid|try"
    r"|feel free)(?: that you need)? to (?:start|begin|get (?:going|started|moving)|join in|do the exercise"
    r"|actually start|keep doing the exercise)\b(?! \w*ing (?:your|those|the))",
    "not_started": r"\b(?:have|has|had|did|do|are|is|seem to have|still) not (?:even |yet |actually "
    r"|really )?(?:started"
    r"|begun|start|begin|starting|doing (?:the|your|any|it|this|that|anything)|moving(?: yet| at all)?\W*$"
    r"|moving(?: yet| at all)?[,.!?]|joined|exercising|participating|working out)\b|\byet to (?:start"
    r"|begin)\b|\bnot doing anything\b|\bwhy are you not (?:moving|exercising|doing|starting"
    r"|working out)\b(?! your)|\bnot moving(?: yet| at all)?\W*(?:$|[,.!?])",
    "waiting": r"\bwaiting (?:for you|on you)\b|\b(?:still|am|are) waiting\b|\bwhat are you waiting\b"
    r"|\bany ?time (?:now|you)\b|\bwhen ?ever you (?:are|feel|want)|\bready when you are\b"
    r"|\bwhen you are ready\b|\bno time to (?:rest|waste|lose)\b|\bclock is (?:ticking|running)\b"
    r"|\btimer? (?:is running|has started|started)\b",
    "let_us_begin": rf"\blet us (?:go ahead and |all )?(?:begin|start|get (?:it started|started|going|moving"
    r"|to work|to it"
    r"|into it|on with it|cracking|this (?:started|going|party started)|back (?:to|into|on)\b.*"
    rf"|you (?:moving|started|going)))(?: (?:now|then|already|please|with it|this|the exercise"
    rf"|again|{_EX}))*\W*(?:$|[,.!?])",
    "go_now": rf"(?:^|[,.!?] ?)(?:(?:okay|alright|come on|and|please|so|now|hey|right|let us go|just|you can|you may"
    rf"|you could|you should|feel free to|go ahead and|go on and|time to|you need to|you have to|you must"
    rf"|you better|we need to|i need you to|i want you to|it is time to|ready to|you are free to|go on|yes"
    rf"|well|hello|quickly|you had better)[, ]*)*(?:start|begin|commence|get (?:going|moving|started|to it"
    rf"|to work|at it|up and (?:go|move|start)|cracking|back (?:in)?to (?:it|work|the \w+|position"
    rf"|your \w+)|into (?:position|it|the (?:starting )?position)|in position|on with it|active|set)"
    rf"|hop to it|get up(?= and)|jump (?:in|back in|right in|into it)|join in|resume|off you go|chop chop"
    rf"|wake up|restart|carry on with the exercise|do the exercise|begin again)(?: (?:now|please|again"
    rf"|already|when \w+|exercising|the (?:exercise|movement|workout|set|timer|next \w+)|your (?:exercise"
    rf"|workout|set)|with the exercise|doing (?:the|your|it|this|some)(?: exercise| \w+)?|moving(?: now"
    rf"| please| again)?|any ?time|here|everyone|soon|right away|whenever\b.*|this (?:exercise|one)|it"
    rf"|with (?:it|this)|(?:{_VERBS})(?: again| now| please)?|{_EX}))*(?:[,.!?]|$| and )",
    "ready_go": r"^(?:on your marks?,?|ready|get ready|get set)(?: set|,|\.|!|\?| )*(?:steady|set)?[\s,!.]*go\W*$"
    r"|^go(?: ahead| on| now)?\W*$|^(?:three|3),? (?:two|2),? (?:one|1),? go\b|^are you ready\W*$"
    r"|\bready to (?:start|begin|go|get going|get started)\b|^(?:and )?action\W*$",
    "should_be": rf"\b(?:you|we) (?:should|are supposed to|need to|ought to|have to|could)(?: really| now"
    rf"| already)? (?:be|have been) (?:doing|on|starting|moving by now|started|working|exercising"
    rf"|(?:{_VERBS})(?: now| already| by now|\W*$))(?: {_EX})?|\bshould have (?:started|begun)\b"
    rf"|\b(?:exercise|timer|time|set|round|clock) (?:has|is|have) (?:already )?(?:started|begun|running"
    rf"|starting)\b|\bis supposed to be (?:{EXERCISES})",
    "idle": rf"\bjust (?:standing|sitting|resting|watching|looking)\b|\bdo not just (?:stand|sit|watch|rest)\b"
    rf"|\bstand(?:ing)? (?:there|around|still)\b(?! on)|\bare you (?:there|still there|going to (?:start"
    rf"|begin|move|join|do)|with (?:me|us)|okay|asleep|awake|taking a break|on a break|resting|ready)\b"
    rf"|^hello\W*$|\b(?:do|can) not (?:really )?see you (?:moving|doing|starting|exercising|do|start|move"
    rf"|yet|there|at all|{_VERBS})(?!(?: \w+)? (?:your|those|enough|far|low|high))\b|\bwhere (?:are"
    rf"|did) you\b|\bnot seeing (?:any|you)\b(?: \w+)?(?: move| moving| yet)?\W*$"
    rf"|\bnothing (?:is )?happening\b|\bno (?:movement|motion) (?:yet|so far|at all)\b"
    rf"|\bbreak (?:time )?is over\b|\btime is (?:ticking|running)\b|\bnot resting\b|\bwhat happened\b"
    rf"|\bwhen (?:are|will) you\b|\bhow about (?:we|you) (?:start|begin|get)\b",
    "stopped": rf"\byou (?:seem to have |have |appear to have )?stopped(?: (?:moving|exercising|completely|altogether"
    rf"|too early|early|already|{_VERBS}|the exercise|doing (?:the|your) \w+))?(?: (?:now|again))?\W*(?:$"
    rf"|[,.!?])|\bwhy (?:did|have) you stop(?:ped)?\b(?! \w+ing)|\bwhy are you (?:stopping|resting|standing"
    rf"|waiting|sitting)\b|\bno (?:stopping|resting|breaks) (?:yet|now)\b",
    "want_to_see": rf"\b(?:want to|like to|love to|need to|would like to|let me) see you (?:start(?:ing)?|mov(?:e|ing)"
    rf"|begin|do(?:ing)? (?:some|the|your|those)?|(?:{_VERBS}))(?: {_EX})?\W*$"
    rf"|\bstart (?:{_VERBS})\b(?! (?:your|those|the|with))",
    "back_to_it": r"^(?:(?:come on|okay|and|now|let us get|hello|hey)[,.! ]+)*back (?:in)?to (?:it|work)\b|\bany(?:body"
    r"|one) there\b|\bwe have (?:already )?(?:started|begun)\b",
    "we_are_doing": rf"\b(?:we are|you are supposed to be|this is|it is|remember,? we are) (?:still "
    rf"|currently )?doing {_EX}|^(?:hello|hey)[,.!? ]+.*\b{EXERCISES}\W*$|\b(?:do|try) (?:the"
    rf"|your) {EXERCISES} (?:now|please)\W*$|^(?:come on|go|hey|quick|please|now)[, ]+(?:do|give me"
    rf"|show me) (?:the|your|some|those) {EXERCISES}\W*$|\bbegin (?:your|the|with|to|with the|with your) ",
}
_PAST = (
    r"did|finished|completed|kept|managed|struggled|improved|maintained|nailed|performed|gave|started|began"
    r"|learned|ended|stayed|held|had|showed|worked|picked"
    r"|were|made|put|got|slowed|moved|found|forgot|achieved|pushed|smashed|crushed|killed|rocked|brought|went"
    r"|hit|handled|powered|stopped|remembered|needed|tended|rushed|sped|took|followed|kicked|jumped"
    r"|demonstrated|reached|lowered|raised|owned|aced"
)
SUMMARIES = {
    "in_set": rf"\b{NUM} [\w ]{{3,20}} in (?:that|this) (?:set|round|session|workout|exercise)\b",
    "overall": r"\b(?:overall|all in all|in total|altogether|in the end|by the end|(?<!nearly )(?<!almost )(?:at"
    r"|towards?|until|till|to) the (?:very )?(?:end|finish|beginning)(?! of (?:the|each|every|your) (?:rep"
    r"|movement|range|stretch|punch|kick))|throughout|for the most part|mostly|from (?:start"
    r"|beginning) to (?:finish|end)|from the start|in general|to sum up|in summary|summing up|on the whole"
    r"|as a whole|in conclusion|all the way to the end|start to finish|most of the (?:time|exercise|set"
    r"|way))\b",
    "whole_set": r"\b(?:(?:whole|entire|full|that|this|the last|those|during the|your|last|previous) (?:exercise|set"
    r"|round|minute|session|workout|segment|section|thirty seconds|\d+ seconds|time through)|the (?:whole"
    r"|entire) (?:time|way|thing|\w+ ?\w*)|during (?:that|the|this|those))\b",
    "next_time": r"\b(?:for )?next (?:time|session|workout|set|round|attempt)\b|\bin (?:the )?future\b"
    r"|\bgoing forward\b"
    r"|\bfor (?:the )?next (?:time|set|round|workout|session)\b|\bnext time you\b|\bwe will (?:work on|get"
    r"|keep working|improve|focus on)\b",
    "today": r"\b(?:for today|this (?:morning|evening))\b|\b(?:job|work|workout|session|effort|performance|form|were"
    r"|was|did|squats|lunges|exercises?) (?:\w+ ){0,3}today\b",
    "you_did": rf"(?<!not )\b(?:you|we)(?: (?:really|definitely|also|certainly|clearly|just|absolutely|mostly|did|only"
    rf"|even|still|quickly|actually|consistently|nearly|almost|slowly|totally))* (?:{_PAST})\b(?! (?:this"
    rf"|it|that)\W*$)|\b(?:you|we) have (?:really |now |just |already )?(?:done|completed|finished|improved"
    rf"|worked|kept|been|shown|given|come|made)\b",
    "good_set": rf"\b(?:{PRAISE}|well done|tough|hard|successful|productive|challenging|rough|long) (?:little |first "
    rf"|last |final |overall |all round )?(?:set|round|session|workout|performance|exercise|sets|run)\b",
    "that_was": r"\b(?:that|this|it|those|these|they) (?:was|were)\b",
    "your_past": r"\b(?:your|the|my favorite) [\w ]{2,40}(?<!i )\b(?:was(?! looking)|were|improved|got|dropped"
    r"|could have been|should have been|stayed|looked|needed|went|remained|became|slipped|suffered|faded"
    r"|increased|decreased|seemed|started|tended|kept|came)\b|(?<!what )\bi (?:really )?(?:was|liked|loved|saw"
    r"|noticed|enjoyed)(?! looking)\b",
    "in_seconds": rf"\b{NUM} [\w ]{{3,20}} in {NUM} seconds\b|\b(?<!well )(?:done|finished)[,!.] (?:that|nice|great"
    rf"|good|your|you)\b|\bcould have (?:been|gone|done|had|kept|used)\b|\bshould have (?:been|gone|kept)\b",
}
# Past tense about one repetition or one moment is said while the exercise runs.
_MOMENT = re.compile(
    r"\b(?:you (?:got (?:this|it)|did it|stopped moving|fixed (?:it|that)|have (?:got )?(?:this|it)|made it"
    r"|corrected (?:it|that)|found it|nearly got|stopped (?!too|so|a|at|before|early|moving)|forgot (?:your"
    r"|about|to|the)|lost your|dropped your)"
    r"|that was (?:it|better|much better|\w+er|\w* ?(?:one|rep|jump|squat|kick|punch|lunge)|close|too \w+"
    r"|not \w+|rep \w+|number \w+|perfect|great|good|nice|awesome form|the (?:last|first|second) one|quick|low"
    r"|high|deep|fast|your \w+ (?:rep|one|squat))\W*(?:$|[,.!?])"
    r"|on that (?:one|rep|last one)|last (?:one|rep) was|better than (?:the )?(?:last|before)|in (?:that|this"
    r"|the) (?:exercise|movement|stretch|position|set|round))\b"
)
_COUNTS = (
    rf"^(?:(?:and|okay|good|great|nice|yes|alright|that is|that makes|that is a|this is|here is|now|only|just"
    rf"|so|at|another|about|number|rep|rep number|reps|we are at|you are at|come on|excellent|perfect|awesome"
    rf"|well done|great job|good job|a|the|let us do|give me|do|i want|i need|let us make it|can you do"
    rf"|can you give me|come on give me|amazing|beautiful|almost there|keep going|last|final|first"
    rf"|it is)[\s,.!:]+)*{NUM}(?:[\s,]+(?:and|{NUM}))*(?: (?:more|left|to go|down|reps?|repetitions?|done"
    rf"|so far|already|of them|complete|completed|now|times|in|again|to make it {NUM}|remaining|total|last"
    rf"|final|please|there|for \w+|in a row|for me|good|nice|great|in the bank|under your belt|out of {NUM}"
    rf"|of {NUM}|a|to finish|before \w+|and you are done|and (?:we are|you are) (?:done|finished|there)"
    rf"|seconds(?: left| more| to go| remaining)?|{EXERCISES}))*(?:[\s,.!?]|$)",
    rf"\b(?:that is|that makes|makes it|we are (?:at|up to|on)|you are (?:at|up to|on|now at)|count(?:ed"
    rf"|ing)?(?: is)?(?: at)?|number|rep|reps|up to|you have done|you have (?:got )?|you hit|there is|done"
    rf"|already|another|i (?:count|see)|made it to|reached|we have|you just did|that brings (?:us|you) to|at"
    rf"|hit|rep number|counting|give me|still|just|only|last|final) (?:already |about |now |your |a |the |just "
    rf"|only |done |completed |rep |number |nice |good |great |solid |hit )*{NUM}\b(?! (?:degrees?|inch|inches"
    rf"|arm|leg|knee|hand|side|foot|elbow|of your|thing|point|hundred|second))",
    rf"\b{NUM} (?:good |nice |great |solid |more |clean |perfect |full |quick )?(?:reps?|repetitions?|more|left"
    rf"|to go|remaining|done|down|already|so far|completed|in the bank|for the count|jumping jacks|squats"
    rf"|push ups|lunges|burpees|of those|of them)\b(?! (?:inch|inches|degrees))",
    r"\b(?:last|final|first|one more|another) (?:one|rep|repetition|couple|few|pair)\b(?! (?:was|is too|on"
    r"|seconds?|moments?))|^(?:and )?(?:the )?last (?:one|two|three|rep)\b|^(?:just |only )?(?:one|a couple"
    r"|a few) more\W*$|\b(?:one|a couple|a few|couple|few) more (?:reps?|to go|left|like that|of those|times)\b"
    r"|^(?:one|once) more(?: time)?\W*$",
    r"\b(?:half ?way(?: there| done)?(?! through)|half of them|half done|half way point"
    r"|past half ?way)\b(?! (?:down|up|is not))",
    r"\b(?:your|the|that is the|that was the|that is your|there is|rep|on your|on the)? ?(?:second|third|fourth"
    r"|fifth|sixth|seventh|eighth|ninth|tenth|twelfth|\d+(?:st|nd|rd|th)) (?:one|rep|repetition|squat|push up"
    r"|lunge|jump|jack|done|time|kick|in|jumping jack|already)\b|^(?:and )?(?:first|second|third|fourth|fifth"
    r"|sixth|seventh|eighth|ninth|tenth) (?:one|rep|done)?\W*$",
)


def is_transition(plain: str) -> str | None:
    """Name of the rule by which the sentence announces an exercise or the end of the session, or None."""
    if re.search(r"\b(?:other|opposite) (?:side|leg|arm|foot|hand|knee)\b", plain):
        return None
    # Who urges has announced it before: "come on, let us start the squats".
    urges = re.match(
        r"^(?:come on|hey|hurry(?: up)?|quick(?:ly)?|please)\b.*\blet us (?:start|begin)\b(?! with)", plain
    )
    names = (name for name, pattern in TRANSITIONS.items() if not (urges and name == "let_us"))
    return next((name for name in names if re.search(TRANSITIONS[name], plain)), None)


def is_reminder(plain: str) -> str | None:
    """Name of the rule by which the sentence asks to start (or start again), or None.

    "Start" or "moving" with a body part is a correction: "start moving your arms", "your legs are not moving".
    """
    if re.search(rf"\b(?:{PART}|{_COMP})\b", re.sub(rf"{EXERCISES}|\bback (?:in)?to\b|\bget back\b", "", plain)):
        return None
    return next((name for name, pattern in REMINDERS.items() if re.search(pattern, plain)), None)


def is_summary(plain: str, cheerful: bool) -> str | None:
    """Name of the rule by which the sentence looks back on the whole exercise, or None."""
    if _MOMENT.search(plain) and not any(
        re.search(SUMMARIES[k], plain) for k in ("overall", "next_time", "today", "good_set", "in_set")
    ):
        return None
    under_way = r"so far|half ?way|more reps|to go|right now|so much already"
    if re.search(rf"\b(?:{under_way})\b|\bhave done (?:about )?{NUM}\b", plain):
        return None
    for name, pattern in SUMMARIES.items():
        if not re.search(pattern, plain):
            continue
        if (
            name == "overall"
            and re.search(r"\b(?:throughout|start to finish|the time|the way|entire|whole)\b", plain)
            and not (cheerful or re.search(rf"\b(?:overall|{_PAST})\b", plain))
        ):
            continue
        if name == "whole_set" and not (cheerful or re.search(r"\b(?:was|were|did|kept|had)\b", plain)):
            continue
        # "You could have gone deeper" alone is said while the exercise runs.
        if name == "in_seconds" and not cheerful and not re.search(r"\bcould have been better\b|seconds\b", plain):
            continue
        return name
    return None


def is_count(plain: str) -> str | None:
    """ "counted" if the sentence tells or demands a number of repetitions, else None."""
    if re.search(
        r"\b(?:degrees|inch|inches|percent|shoulder width)\b|\bone (?:side|arm|leg|hand|knee|foot)\b|^(?:nice"
        r"|good|great|lovely|perfect|well|that is a \w+|that was a \w+) one\W*$|\bhigh five\b"
        r"|\bone \w+ at a time\b|\bnumber one\b|\bthat is the one\b|^one (?:more )?(?:thing|note|tip|point|word)\b"
        rf"|\b{PRAISE} (?:first|last|final) (?:one|rep|repetition)\b",
        plain,
    ):
        return None
    return (
        "counted"
        if re.search(
            r"^(?:count with me|let us count)\b|\bcount of\b|^half done\b|\b(?:your|the) (?:first|second|third"
            r"|fourth|fifth|sixth|seventh|eighth|ninth|tenth)\W*$",
            plain,
        )
        or any(re.search(pattern, plain) for pattern in _COUNTS)
        else None
    )


def is_demand(plain: str) -> bool:
    """Whether the sentence asks for repetitions and nothing else: "give me three more"."""
    return bool(
        re.fullmatch(
            rf"(?:\w+ )??(?:come on,? )?(?:make (?:it|that)|give me|let us do|do|can you do|can you give me"
            rf"|i want|i need|show me|let us get|let us go for|try for|squeeze out)"
            rf"(?: just| another)? {NUM}(?: more)?(?: (?:reps?|repetitions?|of those|good ones|like that|please"
            rf"|{EXERCISES}))*\W*",
            plain,
        )
    )
