"""Body parts and directions named in a normalised sentence, and which of the 24 joints a body part stands for."""

import re

_PARTS: dict[str, str] = {
    "head": "head chin face eye eyes gaze nose jaw ear ears",
    "neck": "neck",
    "shoulder": "shoulder shoulders delt delts deltoid deltoids lat lats",
    "shoulder blade": "blade blades scapula scapulae",
    "chest": "chest ribs ribcage sternum pecs",
    "back": "back spine",
    "trunk": "torso trunk body waist",
    "core": "core abs abdominals abdomen stomach belly tummy midsection",
    "hip": "hip hips pelvis groin",
    "glutes": "butt bum bottom glute glutes backside rear arse ass booty tailbone seat",
    "arm": "arm arms bicep biceps tricep triceps",
    "elbow": "elbow elbows",
    "forearm": "forearm forearms",
    "wrist": "wrist wrists",
    "hand": "hand hands palm palms fist fists finger fingers guard",
    "leg": "leg legs limb limbs",
    "thigh": "thigh thighs quad quads hamstring hamstrings",
    "knee": "knee knees",
    "shin": "shin shins calf calves",
    "ankle": "ankle ankles",
    "foot": "foot feet footwork",
    "heel": "heel heels",
    "toe": "toe toes",
}
_PART_OF = {word: part for part, words in _PARTS.items() for word in words.split()}
BODY_PARTS = tuple(_PARTS)

_JOINTS: dict[str, tuple[str, ...]] = {
    "head": ("head",),
    "neck": ("head", "thorax"),
    "shoulder": ("shoulder", "scapula"),
    "shoulder blade": ("scapula",),
    "chest": ("thorax",),
    "back": ("lumbar", "thorax"),
    "trunk": ("lumbar", "thorax", "pelvis"),
    "core": ("lumbar", "pelvis"),
    "hip": ("hip", "pelvis"),
    "glutes": ("hip", "pelvis"),
    "arm": ("shoulder", "elbow"),
    "elbow": ("elbow", "shoulder"),
    "forearm": ("elbow", "radioulnar"),
    "wrist": ("wrist",),
    "hand": ("wrist", "elbow", "shoulder"),
    "leg": ("hip", "knee"),
    "thigh": ("hip",),
    "knee": ("knee", "hip"),
    "shin": ("knee", "ankle"),
    "ankle": ("ankle",),
    "foot": ("ankle", "subtalar", "hip"),
    "heel": ("ankle", "knee"),
    "toe": ("mtp", "ankle"),
}
_CENTRAL = {"head", "thorax", "lumbar", "pelvis"}

_DIRECTIONS: dict[str, str] = {
    "lower": r"lower|lowering|low|deeper|deep|depth|sink(?:ing)?|squat down|get down|go down|all the way down"
    r"|sit down|dip|shallow",
    "higher": r"higher|high|taller|height",
    "wider": r"wider|wide|widen|broader|spread",
    "narrower": r"narrower|narrow|closer together|feet together|hands together",
    "faster": r"faster|fast|quicker|quick(?:ly)?|quicken|speed|speed (?:it |things )?up|pick(?:ing)? (?:up|it up)"
    r"|accelerate"
    r"|pick (?:the|your|that) (?:pace|tempo|speed) up|rush(?:ing|ed)?",
    "slower": r"slower|slow(?:ly)?|slow(?:ing)? (?:it |things )?down|take your time|control(?:led)?",
    "straighter": r"straighter|straight|straighten(?:ing|ed)?(?: out)?|extend(?:ing|ed)?|extension|flat(?:ter|ten)?"
    r"|lengthen|upright",
    "bent": r"bend(?:ing)?|bent|flex(?:ing)?|flexion|soft(?:en)?",
    "up": r"up|raise[ds]?|raising|lift(?:ing|ed)?|overhead|upwards?",
    "down": r"down|drop(?:ping|ped)?|downwards?|sag(?:ging)?",
    "in": r"in|inwards?|tuck(?:ing|ed)?|cav(?:e|ing)|collaps(?:e|ing)(?: in)?|tighter",
    "out": r"out|outwards?|flar(?:e|ing)",
    "forward": r"forwards?|ahead|in front",
    "back": r"backwards?|(?:lean|leaning|push|pull|sit|shift|step|kick|shoulders|hips|rock|draw"
    r"|reach)(?: \w+){0,3}? back|back (?:a bit|a little)",
    "together": r"together",
    "apart": r"apart",
    "closer": r"closer|close",
    "further": r"further|farther|far",
    "left": r"to (?:the|your) left|left side",
    "right": r"to (?:the|your) right|right side",
    "across": r"across",
    "sideways": r"sideways|side to side|to (?:one|the) side",
}
DIRECTIONS = tuple(_DIRECTIONS)
# "speed up" is pace and "slow down" is pace: their "up" and "down" are not directions of the body.
_NOT_BODY = re.compile(
    r"(?:speed|speeding|pick|picking|keep|warm|line|hurry|quicken)(?: (?:it|things|the (?:pace|tempo|speed)"
    r"|that|this|your (?:pace|tempo|speed)))? up"
    r"|first up|next up|up next|coming up|last up|(?:slow|slowing)(?: it| things)? down|cool down|down to"
    r"|come on|get in(?:to)?"
    r"|locked? out|out of|in a|in the|in your|in line|in that|in this|watch out|work(?:ing)? out|tone it down"
)
_COMPILED = {name: re.compile(rf"\b(?:{pattern})\b") for name, pattern in _DIRECTIONS.items()}
_AVOIDED = re.compile(
    r"\b(?:too|do not|not so|stop|avoid|without|no more|never|quit|you are|are|is|keeps?|instead of|rather than"
    r"|less|still|not to)\b"
    r"(?P<rest>(?: (?!but |now )\w+){0,7})"
)
_FAULTY = re.compile(r"\b(?:too|do not|stop|avoid|never|quit|without|instead of|rather than|not to|less)\b")
_LEAN = re.compile(r"\b(?:leaning|sagging|caving|collapsing|flaring|dropping|drifting|swinging|rushing)\b")


def body_parts(plain: str) -> tuple[str, ...]:
    """Body parts in order of mention, each once, singular, with the person's own side where it is said.

    "back" counts as a body part only where it is one ("keep your back flat"), not in "push your hips back".
    """
    words = re.findall(r"[a-z]+", plain)
    found: list[str] = []
    for i, word in enumerate(words):
        part = _PART_OF.get(word)
        if part is None or not _is_part(words, i):
            continue
        side = words[i - 1] if i and words[i - 1] in ("left", "right") else None
        if side is None and i > 1 and words[i - 1] in ("front", "back", "rear") and words[i - 2] in ("left", "right"):
            side = words[i - 2]
        name = f"{side} {part}" if side else part
        if name not in found:
            found.append(name)
    return tuple(found)


def _is_part(words: list[str], i: int) -> bool:
    word, before = words[i], words[i - 1] if i else ""
    after = words[i + 1] if i + 1 < len(words) else ""
    if word == "back":
        if after in (
            "leg",
            "knee",
            "foot",
            "heel",
            "toe",
            "thigh",
            "to",
            "into",
            "up",
            "down",
            "and",
            "at",
            "on",
            "in",
            "there",
        ):
            return (
                after in ("up", "in", "and", "on")
                and before in ("your", "the", "that")
                and words[max(0, i - 2)] != "on"
            )
        named = before in (
            "your",
            "the",
            "that",
            "a",
            "straight",
            "flat",
            "neutral",
            "upper",
            "lower",
            "mid",
            "rounded",
            "long",
            "of",
            "you",
        )
        return (
            named
            or after in ("straight", "flat", "is", "rounded", "rounding", "neutral", "arched", "stays")
            or words == ["back"]
        )
    if word == "bottom":
        return before in ("your", "that", "the") and (
            i < 2 or words[i - 2] not in ("at", "to", "near", "from", "on", "reach", "hit")
        )
    if word in ("rear", "seat", "face", "body", "guard"):
        return before in ("your", "that", "the", "whole", "upper", "lower", "") or after in ("up", "down", "straight")
    if word == "waist":
        return True
    return not (word in ("head", "heels", "chin") and before == "high") and after not in (
        "tap",
        "taps",
        "stretch",
        "touch",
        "touches",
    )


def directions(plain: str) -> tuple[str, ...]:
    """Canonical directions named in the sentence, in order of mention, each once."""
    masked = _NOT_BODY.sub(lambda m: m.group() if _pace(m.group()) else "_", plain)
    masked = re.sub(r"\b(lower|upper) (back|body)\b", r"_ \2", masked)
    hits: list[tuple[int, str]] = []
    for name, pattern in _COMPILED.items():
        match = pattern.search(masked)
        if match and not (name in ("up", "down") and _pace(masked[max(0, match.start() - 16) : match.end()])):
            hits.append((match.start(), name))
    return tuple(name for _, name in sorted(hits))


def avoided(plain: str) -> tuple[str, ...]:
    """The directions that are named as the mistake ("do not lean forward", "too low"), a subset of `directions`."""
    found: list[str] = []
    for match in _AVOIDED.finditer(plain):
        rest = match.group("rest")
        if _FAULTY.match(match.group()) or re.search(r"\btoo\b", rest) or _LEAN.search(rest):
            found += [name for name in directions(rest.strip()) if name not in found]
    return tuple(found)


def joints_of(part: str) -> tuple[str, ...]:
    """Names of the anatomical joints a body part stands for; a named side restricts paired joints to that side."""
    side, _, rest = part.partition(" ")
    name = rest if side in ("left", "right") else part
    sides = {"left": ("l",), "right": ("r",)}.get(side, ("r", "l"))
    joints = _JOINTS.get(name, ())
    return tuple(j for joint in joints for j in ([joint] if joint in _CENTRAL else [f"{joint}_{s}" for s in sides]))


def _pace(phrase: str) -> bool:
    return bool(re.search(r"\b(?:speed|speeding|pick|picking|quicken|hurry|slow|slowing)\b.* (?:up|down)$", phrase))
