"""How simulated people and their coach behave: every number of a simulated session, with its unit and its reason.

Where QEVD gives a figure it is used (feedback every 5.2 to 5.3 s, Sec. 3.1 of its paper). The others were set by eye,
so that a session looks and sounds like one: they describe people, not the exercises, and no rule is judged by them.
"""

from __future__ import annotations

# The coach

DELAY_MEDIAN_S, DELAY_SPREAD, DELAY_RANGE_S = 0.9, 0.35, (0.4, 2.5)
"""The coach's reaction: log-normal with this median and spread of the logarithm, cut to this range."""

SILENCE_S = (4.3, 6.6)
"""After so many seconds without a word the coach counts or encourages (QEVD's average is 5.2 to 5.3 s)."""

LISTEN_S, LEAVE_S, BREATH_S = 2.2, 3.6, 1.9
"""An announcement is heard out, an exercise ends before the next one, a remark is understood before the next one."""

COUNTS = 0.75
"""Share of the words without a mistake that are counts; the others are encouragement."""

SEEN_AT = 0.75
"""A mistake is plain after this share of a repetition."""

START_SEEN_AT, START_SEEN_S = 0.5, 2.0
"""The start is acknowledged after this share of the first repetition, reckoned with at most so many seconds of it."""

WATCH_S = 0.9
"""A mistake is watched for so long before it is named."""

AGAIN_S, AGAIN_IN_HOLD_S = 5.0, 4.0
"""An unheeded correction is repeated after so long."""

NAMED_IN_HOLD_S = 2.4
"""A mistake in a hold is named so long after the hold began."""

HOLD_TAIL_S = 0.5
"""Nothing is said in the last so many seconds of a hold."""

PRAISE_AFTER = 0.6
"""Share of the usual reaction time: praise for a mended mistake comes quicker than a correction."""

PRAISE_IN_HOLD_S = 1.0
COUNT_AFTER_S = 0.2

# The person: when they begin and rest

IDLE_S = (0.3, 1.4)
DREAMS, DREAM_S, REMINDED_AFTER_S = 0.12, (3.5, 5.5), 2.0
"""How often a person does not begin at once, for how long, and when the coach reminds them."""

LIES_DOWN_S, STANDS_READY_S = 2.4, 0.8
GETS_UP_S = 1.6
"""Time to lie down before, to take a stance before, and to get up after the repetitions."""

RESTS_AFTER, RESTS, REST_S = 4, 0.03, (1.2, 2.4)
"""From this repetition on, how often a person pauses between two, and for how long."""

QUICK_REP_S, QUICK_REST = 1.5, 1.3
"""Rests between repetitions shorter than this are longer by this factor: otherwise they look like slow repetitions."""

BOTH_SIDES_S = 12.0
"""A hold longer than this is done on both sides, one after the other."""

# The person: how they move

OWN_OFFSET_DEG, OWN_OFFSET_UNSKILLED_DEG = 0.6, 0.9
"""Every angle of the reference is off by this much (standard deviation), and by so much more without any skill."""

OWN_TEMPO = (0.95, 1.06)
UNSTEADY = 1.3
"""Unsteadiness is this less the person's skill (0 to 1); it scales the three spreads from repetition to repetition."""

SIZE_SPREAD, OFFSET_SPREAD_DEG, TEMPO_SPREAD, TEMPO_RANGE = 0.012, 0.5, 0.03, (0.9, 1.1)

# The person: mistakes

MISTAKE_RATE, MISTAKE_RATE_UNSKILLED = 0.05, 0.13
"""Mistakes begin so often a second, and so much oftener without any skill."""

HOLD_COUNTS_AS_S = 6.0
"""A hold offers as much time to fall into a mistake as this many seconds of repetitions."""

AT_ONCE, AT_ONCE_SKILL = 0.5, 1.1
"""The chance that the first repetition is wrong: the first times (the second less the skill)."""

SEVERITY, MOST_SCALED, MOST_OTHER = 1.03, 1.1, 1.3
"""A mistake is between the first and one of the others times as large as its rule needs; scaled moves less, since they
soon look like no repetition at all."""

SHARE_SPREAD = (0.98, 1.03)
TEMPO_LEFT = 0.9
"""A slowed or hurried move keeps at least a tenth of its amount."""

OBEYS_AFTER_S = 0.4
"""A person who heeds a correction has changed so long after it was said."""

# The end

LAST_WORD_S = 2.6
"""Nothing but the summary is said in the last so many seconds."""

SUM_UP_AFTER_S, SUM_UP_BEFORE_END_S, SUM_UP_SPREAD_S = 0.3, 2.4, 0.5
"""The summary comes this long after the last repetition, or before the end, whichever is later."""
