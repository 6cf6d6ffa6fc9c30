"""What a script calls, and what it says once the calls return: late, wrongly or not at all."""

from __future__ import annotations

from typing import Any

import pytest

from bargein.config.problems import InvalidConfigError
from bargein.conversation import DID_NOT_WORK
from bargein.script_calls import Call, Cancelled, Failed, Returned, outcome_of
from bargein.script_checks import parse
from bargein.scripted_reply import BotSaid, Called, Event, Finished, UserSaid, reply_to

TRAVEL: dict[str, Any] = {
    "name": "Travel",
    "greeting": "Welcome.",
    "fallback": "Pardon?",
    "slots": {
        "city": {"values": {"Paris": "paris", "Rome": "rome"}},
        "seats": {"values": {"two": "two", "three": "three"}, "means": {"two": 2, "three": 3}},
    },
    "topics": [
        {
            "name": "weather",
            "hear": "weather in {city}",
            "calls": [
                {"tool": "weather", "arguments": {"city": "{city}"}, "gives": ["celsius", "sky"]}
            ],
            "say_first": "Let me look.",
            "say": "It is {celsius} degrees in {city}[, and {sky}].",
            "say_on_error": {"too_many_calls": "Ask me later about {city}.", "other": "No idea."},
        },
        {
            "name": "both",
            "hear": "compare {city}",
            "calls": [
                {"tool": "weather", "arguments": {"city": "{city}"}, "gives": "celsius"},
                {"tool": "hotels", "gives": {"hotels": "found.names", "any": "free"}},
            ],
            "say": "{celsius} degrees, hotels: {hotels}[ {any}].",
        },
        {
            "name": "seat",
            "hear": "[{seats}] seats [to {city}]",
            "asks": [{"slot": "city", "say": "Where to?"}],
            "adds": "[{seats}] to {city}",
            "say": "Noted.",
        },
        {
            "name": "book",
            "hear": "book [for {seats}] [in {city}]",
            "say_if_list_empty": "Nothing to book.",
            "clears": True,
            "calls": [
                {
                    "tool": "book",
                    "arguments": {
                        "lines": "{list}",
                        "seats": "{seats}",
                        "note": "to [{city}] now",
                        "options": {"fast": True, "tags": ["a", "{seats}", "{city}"]},
                    },
                    "gives": "number",
                }
            ],
            "say": "Booked, number {number}.",
            "say_on_error": "It was not booked.",
        },
        {"name": "list", "hear": "list", "say": "{list}.", "say_if_list_empty": "Empty."},
        {"name": "menu", "hear": "menu", "say": "Only tickets."},
    ],
}
SCRIPT = parse(TRAVEL)

ASKED = (UserSaid("weather in paris"), Called("1", "weather", {"city": "Paris"}))
SUNNY = Returned({"celsius": 21.0, "sky": "sunny"})
COMPARED = (
    UserSaid("compare rome"),
    Called("1", "weather", {"city": "Rome"}),
    Called("2", "hotels", {}),
)
HOTELS = Returned({"found": {"names": ["Ritz", "Grand", "Astor"]}, "free": False})
TO_ROME = {"lines": ["to Rome"], "note": "to now", "options": {"fast": True, "tags": ["a"]}}
BOOKED = (UserSaid("seats to rome"), UserSaid("book"), Called("1", "book", TO_ROME))
SEVEN = Returned({"number": 7})
REFUSED = Finished("1", Failed("not_confirmed"))
IS_SUNNY = "It is 21 degrees in Paris, and sunny."

REPLIES: dict[str, tuple[tuple[Event, ...], str]] = {
    "the result is said": ((*ASKED, Finished("1", SUNNY)), IS_SUNNY),
    "what lacks in a result may be left out": (
        (*ASKED, Finished("1", Returned({"celsius": -1.5}))),
        "It is -1.5 degrees in Paris.",
    ),
    "a result without what is needed is no answer": (
        (*ASKED, Finished("1", Returned({"sky": "sunny"}))),
        "No idea.",
    ),
    "an error has its own answer": (
        (*ASKED, Finished("1", Failed("too_many_calls"))),
        "Ask me later about Paris.",
    ),
    "any other error has the other": ((*ASKED, Finished("1", Failed("timed_out"))), "No idea."),
    "an error may be without words": (
        (*COMPARED, Finished("1", SUNNY), Finished("2", Failed("failed"))),
        DID_NOT_WORK,
    ),
    "all calls of an answer are waited for": ((*COMPARED, Finished("1", SUNNY)), ""),
    "the last call brings the answer, in whichever order they end": (
        (*COMPARED, Finished("2", HOTELS), Finished("1", SUNNY)),
        "21 degrees, hotels: Ritz, Grand and Astor.",
    ),
    "a call that runs is not made again": (ASKED, ""),
    "a call that was taken back says nothing": ((*ASKED, Finished("1", Cancelled())), ""),
    "a call that nobody made has no result": (
        (UserSaid("menu"), Finished("9", SUNNY)),
        "Only tickets.",
    ),
    "a filler is not the answer": (
        (*ASKED, Finished("1", SUNNY), BotSaid("One moment.")),
        IS_SUNNY,
    ),
    "a result that was told is not told again": (
        (*ASKED, Finished("1", SUNNY), BotSaid("It is 21 degrees"), UserSaid("menu")),
        "Only tickets.",
    ),
    "a result of which next to nothing was heard is told again": (
        (*ASKED, Finished("1", SUNNY), BotSaid("It"), UserSaid("menu")),
        f"Only tickets. {IS_SUNNY}",
    ),
    "a late result follows the answer to what was said meanwhile": (
        (*ASKED, UserSaid("menu"), Finished("1", SUNNY)),
        f"Only tickets. {IS_SUNNY}",
    ),
    "a late result alone, where that was answered already": (
        (*ASKED, UserSaid("menu"), BotSaid("Only tickets."), Finished("1", SUNNY)),
        IS_SUNNY,
    ),
    "a call of a reply that was cut off before it is forgotten": (
        (UserSaid("weather in rome"), *ASKED, Finished("1", SUNNY)),
        IS_SUNNY,
    ),
    "a call may stand behind what was said since": (
        (ASKED[0], UserSaid("menu"), ASKED[1], Finished("1", SUNNY)),
        f"Only tickets. {IS_SUNNY}",
    ),
    "a yes or no to a question of the bot's own is no topic": (
        (ASKED[0], BotSaid("Shall I look?"), UserSaid("no"), ASKED[1], REFUSED),
        "No idea.",
    ),
    "nor where the refusal stands before it": (
        (*ASKED, REFUSED, BotSaid("Shall I look?"), UserSaid("no")),
        "No idea.",
    ),
    "nor is it asked of the script what a what means then": (
        (
            *ASKED,
            BotSaid("Shall I look?"),
            UserSaid("pardon"),
            UserSaid("yes"),
            Finished("1", SUNNY),
        ),
        IS_SUNNY,
    ),
    "a what where the bot has asked nothing is one to the script": (
        (*ASKED, BotSaid("Let me look."), UserSaid("pardon"), Finished("1", SUNNY)),
        f"Pardon? {IS_SUNNY}",
    ),
    "what else was said is answered first": (
        (ASKED[0], BotSaid("Shall I look?"), UserSaid("menu"), ASKED[1], REFUSED),
        "Only tickets. No idea.",
    ),
    "an open question is asked again behind a result": (
        (UserSaid("two seats"), *ASKED, Finished("1", SUNNY)),
        f"{IS_SUNNY} Where to?",
    ),
    "nothing on the list, nothing is called": ((UserSaid("book"),), "Nothing to book."),
    "the list is empty once it is booked": (
        (*BOOKED, Finished("1", SEVEN), BotSaid("Booked, number 7."), UserSaid("list")),
        "Empty.",
    ),
    "the list is kept where booking failed": (
        (
            *BOOKED,
            Finished("1", Failed("not_confirmed")),
            BotSaid("It was not booked."),
            UserSaid("list"),
        ),
        "To Rome.",
    ),
}


@pytest.mark.parametrize(("events", "text"), REPLIES.values(), ids=REPLIES.keys())
def test_a_reply_to_what_calls_came_to(events: tuple[Event, ...], text: str) -> None:
    reply = reply_to(SCRIPT, events)
    assert (reply.text, reply.calls) == (text, ())


ORDERED = ("two seats to paris", "seats to rome")
CALLS: dict[str, tuple[tuple[str, ...], str, list[Call]]] = {
    "a slot": (("weather in rome",), "Let me look.", [Call("weather", {"city": "Rome"})]),
    "several at once": (
        ("compare rome",),
        "",
        [Call("weather", {"city": "Rome"}), Call("hotels", {})],
    ),
    "what a slot means, the list, and texts around slots": (
        (*ORDERED, "book for three in rome"),
        "",
        [
            Call(
                "book",
                {
                    "lines": ["two to Paris", "to Rome"],
                    "seats": 3,
                    "note": "to Rome now",
                    "options": {"fast": True, "tags": ["a", 3, "Rome"]},
                },
            )
        ],
    ),
    "what was not said is left out": (
        (*ORDERED, "book"),
        "",
        [
            Call(
                "book",
                {
                    "lines": ["two to Paris", "to Rome"],
                    "note": "to now",
                    "options": {"fast": True, "tags": ["a"]},
                },
            )
        ],
    ),
}


@pytest.mark.parametrize(("said", "text", "calls"), CALLS.values(), ids=CALLS.keys())
def test_what_is_called(said: tuple[str, ...], text: str, calls: list[Call]) -> None:
    reply = reply_to(SCRIPT, map(UserSaid, said))
    assert (reply.text, list(reply.calls)) == (text, calls)


@pytest.mark.parametrize(
    ("content", "outcome"),
    [
        ('{"celsius": 21}', Returned({"celsius": 21})),
        ('"plain"', Returned("plain")),
        ("no JSON", Returned("no JSON")),
        ('{"error": {"code": "timed_out", "message": "late"}}', Failed("timed_out")),
        ('{"error": {"code": "cancelled", "message": "by the user"}}', Cancelled()),
        ('{"error": "a field of a result"}', Returned({"error": "a field of a result"})),
    ],
)
def test_what_stands_in_a_tools_message(content: str, outcome: object) -> None:
    assert outcome_of(content) == outcome


def topic(**changes: Any) -> dict[str, Any]:
    return {"topics": [{"name": "a", "hear": "a {city}", "say": "b"} | changes]}


def calls(**changes: Any) -> dict[str, Any]:
    return topic(calls=[{"tool": "t"} | changes])


MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "no name": (topic(calls=[{"arguments": {}}]), r"topics\[0\].calls\[0\]: 'tool' is missing"),
    "misspelt key": (calls(argument={}), "no key 'argument' here. Did you mean 'arguments'"),
    "unknown slot in an argument": (
        calls(arguments={"to": {"city": ["{citi}"]}}),
        r"calls\[0\].arguments.to.city\[0\]: no slot is called 'citi'.*Did you mean 'city'",
    ),
    "open bracket in an argument": (calls(arguments={"to": "[x"}), "arguments.to: .* not closed"),
    "what no result gives": (
        topic(calls=[{"tool": "t", "gives": "celsius"}], say="{celsus}"),
        r"say\[0\]: no slot is called 'celsus'.*Did you mean 'celsius'",
    ),
    "a result before the call": (
        topic(calls=[{"tool": "t", "gives": "sky"}], say_first="{sky}"),
        "say_first: no slot is called 'sky'",
    ),
    "a result that hides a slot": (calls(gives="city"), r"calls\[0\].gives: 'city' is a slot"),
    "an answer to errors of no call": (
        topic(say_on_error="x"),
        "say_on_error: this topic calls no",
    ),
    "a slot that may be empty where a call failed": (
        topic(hear="a [{city}]", calls=[{"tool": "t"}], say_on_error="{city}"),
        "say_on_error.other: '{city}' may be empty here",
    ),
    "repeating and calling": (topic(calls=[{"tool": "t"}], repeats=True), "calls no tool"),
    "a meaning of no value": (
        {"slots": TRAVEL["slots"] | {"n": {"values": {"two": "two"}, "means": {"too": 2}}}},
        "slots.n.means.too: no value is called 'too'.*Did you mean 'two'",
    ),
}


@pytest.mark.parametrize(("change", "error"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_about_calls_is_named_at_its_place(change: dict[str, Any], error: str) -> None:
    with pytest.raises(InvalidConfigError, match=error):
        parse(TRAVEL | change)
