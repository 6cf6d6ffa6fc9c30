"""English words by which one hears that more will come; the data of `unfinished.py`."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _phrases(text: str) -> frozenset[tuple[str, ...]]:
    return frozenset(tuple(line.split()) for line in text.strip().splitlines())


def _numbers(text: str, *, first: int, step: int) -> dict[str, str]:
    return {word: str(first + n * step) for n, word in enumerate(text.split())}


NEVER_LAST = _words(
    "a an the and or but because my your our their if than unless although whereas"
    " i'd i'll i'm i've we're we'll we'd we've you're you'll they're they'll she'll he'll it'll"
    " um uh uhm er erm mr mrs ms dr mister very every past underscore"
)
"""Nobody ends on them, whatever the recogniser puts behind."""
SELDOM_LAST = _words(
    "to of for from with in on at by into about until till between against without as"
    " is are was were am be been being has have had does did can could will would should might"
    " must which whose while since so its his her it's that's there's what's who's where's"
    " is isn't aren't wasn't don't doesn't didn't can't couldn't won't wouldn't shouldn't"
    " spelled spelt called apartment suite unit flat"
)
"""Few end on them: in a question ("where are you from") and in a short answer ("yes I am")."""
SUBJECTS = _words("i we they he she")
"""A sentence that ends on them has just begun, but for "so do I"."""
AUXILIARIES = _words(
    "is are was were am do does did have has had can could will would should may might must shall"
    " don't didn't doesn't can't couldn't won't wouldn't shouldn't isn't aren't wasn't weren't nor"
)
QUESTION_WORDS = _words(
    "what where who whom which how when why what's where's who's how's when's why's"
)
STRANDED = _words("to of for from with in on at by about as")
"""Prepositions that a question leaves behind: "what is it for"."""
STRANDS = _words("what where who whom which how what's where's who's how's")
STRANDS_MOST_WORDS = 8
"""What is longer only began with such a word."""
PARTICLES = _words("in on by about")
"""Prepositions that end what is no question, behind one of `TAKE_PARTICLES`."""
TAKE_PARTICLES = _words(
    "hold go come turn log sign check carry put switch move keep leave it them that lights light"
)
"""Before "on" or "in" that ends: "hold on", "turn it on", "log in"."""
SAYS_YES_OR_NO = _words("yes yeah yep no nope sure ok okay indeed oh well")
SHORT_ANSWER_MOST_WORDS = 4
"""As long as "no I think it is"; what is longer is no short answer."""
ANSWERS = _words("i we you he she they it that there this")
"""Before a verb that ends a short answer or a question: "yes it is", "what can you do"."""
SO_DO = _words("so neither nor")
"""Two words before an "I" that ends: "neither did I"."""
THOUGHT = _words("so what how when")
THINKS = _words("think hope guess suppose believe say said do know see understand or")
"""Before a "so" or a question word that ends: "I think so", "I know what"."""
FILLERS = _words("and but so um uh well yes yeah no ok okay hi hello hey please then now")
"""Before an opening, they change nothing."""
CALLS = _words("wait sorry excuse me hey listen great thanks so tell")
"""Before a question they change nothing either."""
ASKS_LEAST_WORDS = 4
"""As long as "when do you close": of fewer words nobody knows whether they are all."""
REQUESTS_LEAST_WORDS = 3
"""As long as "two teas please"."""
OPENINGS = _phrases("""
i want
i need
i'd like
i would like
we'd like
we would like
can i have
could i have
can i get
can you
can you tell
can you tell me
could you
could you tell
could you tell me
would you
give me
let me
tell me
i was wondering
i wanted to ask
i think
i mean
one thing
one more thing
another thing
one question
one more question
by the way
first of all
there is
is there
how about
what about
""")
"""Texts that only begin to say something."""

ONES = _numbers("zero one two three four five six seven eight nine", first=0, step=1)
DIGITS = {**ONES, "oh": "0", "o": "0", "nought": "0"}
TEENS = _numbers(
    "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen",
    first=10,
    step=1,
)
TENS = _numbers("twenty thirty forty fifty sixty seventy eighty ninety", first=20, step=10)
MAGNITUDES = _words("hundred thousand million billion")
REPEATS = {"double": 2, "triple": 3, "treble": 3}
JOINTS = _words("dash hyphen slash point plus")
"""Between the parts of a number; one is not the end."""

TOLD_LENGTHS: dict[str, frozenset[int]] = {
    "phone": frozenset({7, 10, 11, 12}),
    "telephone": frozenset({7, 10, 11, 12}),
    "mobile": frozenset({10, 11, 12}),
    "cell": frozenset({10, 11, 12}),
    "zip": frozenset({5, 9}),
    "card": frozenset({15, 16}),
    "code": frozenset({4, 6}),
    "pin": frozenset({4}),
    "passport": frozenset({9}),
    "social": frozenset({9}),
    "extension": frozenset({3, 4}),
    "number": frozenset({7, 10, 11, 15, 16}),
    "account": frozenset({8, 10}),
    "order": frozenset(),
    "reference": frozenset(),
    "confirmation": frozenset(),
    "booking": frozenset(),
    "serial": frozenset(),
    "tracking": frozenset(),
    "digits": frozenset(),
}
"""Whose digits are told one by one, and how many are all; none where that is not known."""
LENGTHS = frozenset({7, 10, 11, 15, 16})
"""Digits that were not announced are complete as a telephone or a card number."""
MAY_GO_ON = frozenset({3, 4, 7})
"""Lengths at which one number is complete and another not: a telephone's without its area is."""
COUNTED = _words("room table floor gate bus line channel size page chapter of lucky favorite house")
"""With "number" they announce a count or a name, not digits: "room number five"."""

INITIALISMS = _words(
    "am pm ok tv us usa uk eu dj cd dvd pc id atm bbc cnn nyc la ai it hr diy faq usb gps bmw ibm"
    " vip asap ac bc ad eta fbi cia nasa hd tbd rsvp suv"
)
"""Letters that are a word; others are a name being spelled."""
SPELLING_CUES = _words("spelled spelt spell spelling letter letters")
NATO = _words(
    "alpha alfa bravo charlie delta echo foxtrot golf hotel india juliet juliett kilo lima mike"
    " november oscar papa quebec romeo sierra tango uniform victor whiskey xray x-ray yankee zulu"
)
EMAIL_CUES = _words("email e-mail mail gmail")
TOP_DOMAINS = _words("com org net edu gov info de uk fr es it eu io ai app dev us ca au nl ch at")
MONTHS = _words(
    "january february march april may june july august september october november december"
)
ORDINALS = _words(
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth"
    " fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth thirtieth"
)
HOME_CUES = _phrases("""
live at
lives at
living at
address is
located at
deliver to
deliver it to
send it to
""")
STREETS = _words(
    "street road avenue lane drive way boulevard court place square terrace close crescent"
    " st rd ave"
)
STREET_MOST_WORDS = 4
"""So many words behind "I live at", the number included, may still be the street's name."""
ANNOUNCES = _words("number code name address email e-mail zip pin phone mail date birthday")
"""What "is" behind them announces is told next."""
