"""The vocabulary of the intent rules: which words name faults, wishes, praise, numbers, exercises.

Lists are data: adding a word here is how a missed sentence is mended. British and American coaching speech.
"""


def words(text: str) -> list[str]:
    """The words of a text; a list of words reads better in lines than one a line."""
    return text.split()


NUMBER_WORDS = words(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred first second third fourth "
    "fifth sixth "
    "seventh eighth ninth tenth dozen half halfway"
)

# What a coach asks for; the first word of an instruction.
ACTIONS = words(
    "lower raise lift bend straighten extend flex push pull squeeze tuck drop drive bring move shift step jump "
    "hop land kick "
    "punch tap touch reach twist rotate turn point spread widen narrow open close engage brace tighten relax "
    "soften loosen "
    "flatten lean sit stand squat sink hinge fold stretch slow speed control pause exhale inhale look face "
    "grab swing pump "
    "switch alternate put place plant press lock unlock align stack level balance stabilise stabilize steady "
    "use increase "
    "decrease reduce shorten lengthen deepen commit avoid fix correct adjust tidy even match minimise minimize "
    "limit protect "
    "tilt roll arch round activate imagine snap hit crouch dip aim add pretend explode accelerate quicken "
    "concentrate focus "
    "keep hold stay get go come take give make let position cross clasp interlock hug draw crunch contract "
    "tense bounce "
    "maintain ensure check watch mind breathe change throw swap circle lunge plank dig depress retract elongate ease "
    "power pick chin spring float curl clench grip anchor ground centre center tone walk run march finish "
    "return rest "
    "suck straddle separate scoop peel lead try remember feel show do be avoid resist drag slide clear meet notice "
    "support distribute target prioritise prioritize ditch lose prevent cut plug unclench set aim find help "
    "leave work complete boost elevate clap"
)

# What goes wrong: participles of visible faults and adjectives that always criticise.
FAULTS = words(
    "leaning sagging rounding rounded caving collapsing collapsed dropping flaring flared arching arched "
    "swinging wobbling "
    "wobbly rocking bouncing cheating rushing rushed slouching slouched slouchy hunching hunched drifting "
    "slipping lagging resting "
    "stopping pausing skipping shrugging creeping tilting tilted locking crossing favouring favoring losing "
    "forgetting cutting "
    "sloppy shallow crooked curved curving uneven asymmetric asymmetrical stiff tense loose lazy incomplete "
    "unbalanced unstable shaky wonky off behind bent buckling buckled wandering jerking jerky jerked kicking "
    "overextending hyperextending hyperextended sinking dipping drooping piking piked poking stomping heavy droopy "
    "slow fading flailing bowing bowed hanging missing neglecting weak limp wrong incorrect bad poor messy floppy "
    "cramped crammed scrunched swaying shifting rotating twisting turning straying lifting rising dragging coasting "
    "slacking overreaching overarching straining craning jutting winging pointing tipping tucking peeling "
    "slumping slumped "
    "saggy knocking touching clashing falling straightening"
)
# Faults only in a sentence about a body part that should be still; with an arm or a knee they are what is asked for.
MOVES = words(
    "moving bending reaching extending lifting raising jumping kicking punching tapping rotating twisting "
    "touching stretching "
    "squatting lowering going coming getting engaging squeezing using pulling pushing driving tucking landing "
    "working "
    "straightening hitting opening closing switching alternating pumping turning doing completing keeping "
    "making holding hinging"
)
GOODS = words(
    "straight high low deep wide narrow level parallel together apart enough neutral flat tight tucked quite "
    "there controlled "
    "steady stable even smooth fast quick slow aligned close far long tall upright square engaged bent open "
    "straightened extended "
    "vertical horizontal right correct fully symmetrical soft still high up down out in forward back full "
    "complete outward inward"
)

COMPARATIVES = words(
    "lower higher deeper faster quicker slower wider narrower closer further farther straighter bigger larger "
    "smaller tighter "
    "softer taller longer shorter harder more less stronger smoother steadier sharper punchier flatter looser "
    "gentler "
    "lighter fuller greater sooner rounder upright snappier tidier cleaner stricter"
)

PRAISE = words(
    "good great nice excellent perfect awesome amazing fantastic brilliant superb wonderful lovely beautiful "
    "fabulous super "
    "terrific outstanding impressive incredible solid strong stronger better best love loving well yes yeah "
    "yay woohoo wow "
    "woah whoa bravo boom bam sweet cool spot exactly perfection gorgeous stellar magnificent marvellous "
    "marvelous ace "
    "spectacular fab tremendous phenomenal gold legend champion champ star beast machine fire crushing crushed "
    "killing smashing "
    "smashed nailing nailed rock rocking proud congratulations congrats flying explosive powerful powerhouse "
    "ideal splendid clean "
    "crisp yep yup bingo sick dope neat rad epic insane unreal mint pro textbook flawless decent impressed "
    "thanks thank "
    "kudos props hurray hooray cheers commendable pleased happy delighted fluid energetic pretty sublime tidy sturdy"
)

BODY_WORDS = words(
    "head chin neck face eye eyes gaze nose ear ears jaw shoulder shoulders chest ribs ribcage sternum back "
    "spine torso trunk "
    "body waist stomach belly abs abdominals abdomen core tummy midsection hip hips pelvis butt bum bottom "
    "glute glutes "
    "backside rear arse ass booty tailbone seat arm arms elbow elbows forearm forearms bicep biceps tricep "
    "triceps wrist "
    "wrists hand hands palm palms fist fists finger fingers leg legs thigh thighs quad quads hamstring "
    "hamstrings knee knees "
    "shin shins calf calves ankle ankles foot feet heel heels toe toes limb limbs side sides lat lats blade "
    "blades groin"
)

PERFORMANCE = words(
    "form posture stance depth range motion rom pace tempo speed rhythm balance alignment position technique "
    "height movement "
    "movements extension reach stretch squat squats lunge lunges reps rep step steps jump jumps punch punches "
    "kick kicks "
    "circle circles tap taps weight control stability breathing breath footwork landing plank push pushup "
    "pushups hinge bend guard "
    "stride cadence intensity effort energy amplitude rotation twist contraction lockout width line twisting "
    "landings strides "
    "swing arc momentum tension angle shape centre center gap coordination timing pose"
)

# Slang and words run together; names of address ("mate") go.
_SLANG = """
ain=is not; aint=is not; arent=are not; bro=; buddy=; cadences=cadence; cant=can not; cmon=come on;
coulda=could have; couldve=could have; didnt=did not; doesnt=does not; dont=do not; dude=; em=them;
everyone=; folks=; friend=; gd=good; gimme=give me; gonna=going to; gotta=have to; gr8=great; guys=;
hafta=have to; havent=have not; im=i am; isnt=is not; ive=i have; jst=just; kinda=a bit; lemme=let me;
lets=let us; lil=little; mate=; mister=; mustn=must not; n=and; nd=and; needa=need to; noice=nice;
ok=okay; oughta=ought to; outta=out of; pal=; pls=please; plz=please; pushup=push up; pushups=push ups;
r=are; shoulda=should have; shouldnt=should not; tempos=tempo; thats=that is; theres=there is;
tho=though; thru=through; thx=thanks; til=till; u=you; ur=your; w=with; wanna=want to; wasnt=was not;
werent=were not; whats=what is; wont=will not; ya=you; yer=your; youll=you will; youre=you are;
youve=you have
"""
REPLACEMENTS = {slip: right for slip, _, right in (pair.strip().partition("=") for pair in _SLANG.split(";"))}

# Ordinary words that must not be "mended" into a neighbour from the lists above.
_ORDINARY = words(
    "the a an and or of to in on at by for from with without into onto over under above below between behind "
    "before after past "
    "through across along around against towards toward per than then now just so as if when while until till "
    "again also too very "
    "really only still yet already almost nearly not no nor never always often sometimes once twice it its is "
    "are was were be been "
    "being am i you your yours me my we us our they them their he she his her this that these those there here "
    "what which who why "
    "where how do does did done doing have has had having can could would should will shall may might must let "
    "need needs want wants "
    "wanted like likes liked see sees saw seen look looks looking looked feel feels feeling make makes made "
    "making take takes took "
    "give gives gave get gets got gotten go goes went gone come comes came keep keeps kept keeping hold holds "
    "held stay stays stayed "
    "start starts started starting begin begins began begun stop stops stopped end ends ended finish finished "
    "finishing complete "
    "completed move moves moved moving ready next last first final rep reps set sets time times today workout "
    "session exercise exercises "
    "round warm cool down up out off all any some every each both few little bit touch lot much many more most "
    "less least other another "
    "same own such even ever else thing things way ways job work works worked working part parts point points "
    "second seconds minute "
    "minutes count counts counted counting number numbers please okay alright right left well yes yeah yep hey "
    "hello hmm oh ah ooh "
    "forget forgot remember waiting wait whenever going gonna coming getting trying try tried think thought "
    "know knew knows mean means "
    "sure maybe perhaps probably great greater floor ground wall chair mat air line shape room place home "
    "front rear top middle "
    "burn burning pain gain sweat fun smile smiling calories heart fight fighting power fists invisible "
    "believe quit quitting give "
    "easy hard harder tough rough nice nicer nicely better best worse worst improve improved improves "
    "improving improvement struggle "
    "struggled manage managed overall total throughout whole entire session performance set rounds half "
    "parallel degrees ninety "
    "inch inches centimetres width wide level shape lasted hero zone motion roll people person trainer coach "
    "together far near "
    "quickly slowly properly correctly gently softly lightly smoothly evenly strongly deeply fully completely "
    "entirely slightly "
    "direction opposite same different instead rather until because since during later soon early late long "
    "short high low deep "
    "fast slow quick steady smooth calm light heavy big small large tiny huge loose tight square round flat "
    "open closed soft stiff"
    " ball balls band bands bed best bet bold book boss both bow boy boys girl girls bar bars base beat been "
    "beer bell belt bent "
    "bike bird bit bite blow blue boat bond bone born bowl box boxing butt butter bench burpee burpees crunch "
    "crunches sit "
    "sick since sink site size skip slip slim slot snow sole song sort soul sold seal seat seek seem seems "
    "seen self sell send sent "
    "hand hang happy hear heard head health heat hell help here hide hill hint hire hold hole hope host hour "
    "hurt left leg let lid lie "
    "life lift line link lips list live load lock loop lose loss lost lots loud love luck lunch legs leak lean "
    "learn lover loves "
    "pace pack page pain pair pale palm park pass past path pick pink pipe plan play plus poem pool poor port "
    "pose post pour pull "
    "pump pure push sharp shop shoe shoes shot show shown shut back bad bag bank bone wait wake walk wall want "
    "ward warm wash wave "
    "weak wear week went were west wind wine wing wire wise wish wood wore worn wrap yard year jacks jumping "
    "good mornings morning "
    "kicker kickers rope climber climbers puddle puddles gators gator deltoid standing walking toucher "
    "touchers mountain "
    "leave leaves leaving left locked lean leaned everything everybody anybody ceiling pencil closing car door "
    "sweat crying tomorrow "
    "armcrosschest goodness fury thumbs glue tune tuned ten ton tone toes tops toss tour town trap tree trip "
    "true turn twin type"
)

KNOWN = frozenset(
    [
        *NUMBER_WORDS, *ACTIONS, *FAULTS, *MOVES, *GOODS, *COMPARATIVES, *PRAISE, *BODY_WORDS, *PERFORMANCE, *_ORDINARY,
        "round", "rounds", "flare", "sag", "cave", "lag", "rush", "rushes", "breathes", "keeping", "staying",
    ]
)  # fmt: skip

# Names of exercises as coaches say them: Table 5 of the QEVD paper, and common ones beside it.
EXERCISES = (
    r"(?:jumping jacks?|star jumps?|high knees?|butt kick(?:er)?s?|(?:air )?jump(?:ing)? rope|skipping rope"
    r"|good ?mornings?(?: beginner)?"
    r"|push ups?|press ups?|plank(?: tap)?s?|(?:shoulder|plank) taps?|(?:moving|side) planks?"
    r"|(?:walking |reverse |side |alternating )?lunges?|lunge jumps?|jumping lunges?|puddle jumps?|mountain climbers?"
    r"|floor touch(?:es)?|quick feet|fast feet|(?:jump )?squats?(?: jumps?| kicks?| punch(?:es)?)?|standing kicks?"
    r"|(?:boxing )?squat punch(?:es)?|(?:deltoid|delt|shoulder|quad|quadriceps?|hamstring|calf)s? stretch(?:es)?"
    r"|arm ?cross ?chest|shoulder gators?|toe touch(?:er|e)?s?|burpees?|crunch(?:es)?|sit ups?|dead ?lifts?|bridges?"
    r"|box jumps?|leg raises?|calf raises?|side bends?|arm circles?|bicycle crunch(?:es)?|wall sits?|dips?"
    r"|pull ups?|stretch(?:es)?"
    r"|punch(?:es)?|kicks?|jumps?|jogging|marching|rows?|curls?|press(?:es)?|superman|bird ?dogs?|cool ?down"
    r"|warm ?up|stretching"
    r"|cat cows?|windmills?|skaters?|spider ?man push ups?|inchworms?|bear crawls?)(?: left| right)?"
)
EXERCISE_VERBS = words(
    "squatting jumping lunging planking punching kicking climbing stretching skipping exercising running "
    "marching tapping moving"
)
