"""Each mistake in a configuration is named at its line and column, with the way out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from bargein.config.problems import InvalidConfigError
from bargein.pipelines.load import load
from tests.config.conftest import GOOD, HEAD, PIPELINE

Problems = Callable[..., list[str]]


def changed(old: str, new: str) -> str:
    """Return the good file with one thing changed."""
    assert old in GOOD
    return GOOD.replace(old, new)


def own(use: str, *keys: str) -> str:
    """Return the good file with a part of the user's own before played_audio, in line 11."""
    lines = "".join(f"    {key}\n" for key in keys)
    return changed("  - played_audio\n", f"  - use: {use}\n{lines}  - played_audio\n")


OURS = "bargein_parts_for_tests"

MISTAKES = {
    # The file
    "empty file": ("", "1:1", "the file is empty"),
    "comments alone": ("# nothing\n", "1:1", "the file is empty"),
    "a list at the top": ("- name\n", "1:1", "the file is a list"),
    "a word at the top": ("cafe\n", "1:1", "the file is a single value"),
    "a key twice": (f"name: bar\n{GOOD}", "2:1", "'name' stands here twice, first in line 1"),
    "a tab": ("name: x\ntransport:\n\tuse: local\n", "3:1", "a tab indents this line"),
    "an open bracket": (f"{PIPELINE}name: [cafe\n", "10:7", "Close the bracket"),
    "an open quote": ("name: 'cafe\n", "1:7", "Close the quote"),
    "a colon in text": (changed("cafe\n", "a: cafe\n"), "1:8", "Quote text with ': '"),
    "a bad first letter": (changed("cafe\n", "@cafe\n"), "1:7", "Quote text that begins"),
    "bad indentation": (changed("    probab", "   probab"), "6:4", "not YAML"),
    "two documents": (f"{GOOD}---\n{GOOD}", "12:1", "a second document begins here"),
    "an anchor": (changed("cafe\n", "&name cafe\n"), "1:7", "anchors and aliases"),
    "an alias": (f"greeting: *name\n{GOOD}", "1:11", "anchors and aliases"),
    "a merge key": (f"<<: {{a: 1}}\n{GOOD}", "1:1", "merge keys (<<) are not read"),
    "a tag": (changed("cafe\n", "!secret cafe\n"), "1:7", "the tag '!secret' is not read"),
    # The top
    "no name": (PIPELINE + HEAD.split("\n")[1], "1:1", "'name' is missing"),
    "an unknown key": (f"nam: x\n{GOOD}", "1:1", "no key 'nam' here. Did you mean 'name'?"),
    "a number for a name": (changed("cafe\n", "12\n"), "1:1", "must be text, not 12. Put quotes"),
    "no transport": (f"name: x\n{PIPELINE}", "1:1", "'transport' is missing"),
    "an unknown transport": (changed("local", "locl"), "2:18", "Did you mean 'local'?"),
    "a transport without use": (changed("use: local, ", ""), "2:12", "`use` is missing"),
    "no pipeline": (HEAD, "1:1", "'pipeline' is missing"),
    "an empty pipeline": (f"{HEAD}pipeline: []\n", "3:1", "not empty, not an empty list"),
    "a word for a pipeline": (
        f"{HEAD}pipeline: vad\n",
        "3:1",
        "must be a list, not 'vad'. Put brackets",
    ),
    "endpointing out of range": (
        f"{GOOD}endpointing: {{silence_ms: 5}}\n",
        "12:15",
        "endpointing.silence_ms: must be at least 100, not 5",
    ),
    "endpointing misspelt": (
        f"{GOOD}endpointing: {{silence: 500}}\n",
        "12:15",
        "endpointing: there is no key 'silence' here. Did you mean 'silence_ms'?",
    ),
    "a language by its name": (
        f"{GOOD}endpointing: {{language: english}}\n",
        "12:15",
        "endpointing.language: must be the code of a language, like 'en' or 'de-AT', not 'english'",
    ),
    "a part at the top": (
        f"{GOOD}clauses: {{min_words: 3}}\n",
        "12:1",
        "no key 'clauses' here. It is a part. Write it in the pipeline, as `- use: clauses`",
    ),
    # The parts
    "a misspelt part": (changed("silero_vad", "silero_vda"), "5:10", "Did you mean 'silero_vad'?"),
    "a word of a name misspelt": (changed("some_tts", "tss"), "10:5", "Did you mean 'some_tts'?"),
    "a list for a part": (changed("- played_audio", "- [x]"), "11:5", "must be a name, or a map"),
    "a number for a part": (changed("- played_audio", "- 5"), "11:5", "not '5'"),
    "a colon after a part": (changed("d_audio", "d_audio:"), "11:5", "Write `use: played_audio`"),
    "a list for use": (changed("some_stt", "[some_stt]"), "7:10", "at least two recognisers"),
    "a list of two kinds": (
        changed("some_stt", "[some_stt, some_tts]"),
        "7:10",
        "pipeline[2].use: must be at least two recognisers, two LLMs or two voices, not "
        "'some_stt' (stt), 'some_tts' (tts)",
    ),
    "a list of what stands once": (
        changed("- played_audio", "- use: [played_audio, played_audio]"),
        "11:10",
        "not 'played_audio' (played_audio)",
    ),
    "an unknown name in a list": (
        changed("some_stt", "[some_stt, sone_stt]"),
        "7:21",
        "pipeline[2].use[1].use: nothing is called 'sone_stt'. Did you mean 'some_stt'?",
    ),
    "a wrong key in a list": (
        changed("some_stt", "[some_stt, {use: some_stt, mode: slow}]"),
        "7:37",
        "pipeline[2].use[1].mode: must be one of 'fast', 'exact'",
    ),
    "a wrong key of a list": (
        changed("some_stt", "[some_stt, some_stt]\n    silent: 3"),
        "8:5",
        "pipeline[2]: there is no key 'silent' here. Did you mean 'silent_ms'?",
    ),
    "an unknown argument": (
        changed("probability_threshold", "probability_treshold"),
        "6:5",
        "pipeline[1]: there is no key 'probability_treshold' here. "
        "Did you mean 'probability_threshold'?",
    ),
    "text for a number": (changed("0.7", '"0.7"'), "6:5", "must be a number, not '0.7'. Write it"),
    "out of range": (changed("0.7", "1.5"), "6:5", "must be at most 1.0, not 1.5"),
    "not a number": (changed("0.7", ".nan"), "6:5", "must be a finite number, not .nan"),
    "true for a number": (changed("7860", "true"), "2:25", "must be a whole number, not true"),
    "no for false": (
        changed("- interruption", "- use: interruption\n    barge_in_enabled: no"),
        "5:5",
        "must be true or false, not 'no'. YAML 1.2",
    ),
    "a fraction for a whole number": (
        changed("- interruption", "- use: interruption\n    verdict_deadline_ms: 0.5"),
        "5:5",
        "must be a whole number, not 0.5",
    ),
    "an argument missing": (changed("    script: cafe.yaml\n", ""), "8:10", "'script' is missing"),
    "a file missing": (changed("cafe.yaml", "caffe.yaml"), "9:13", "no file 'caffe.yaml'"),
    "a value that is no choice": (
        changed("some_stt", "some_stt\n    mode: slow"),
        "8:5",
        "must be one of 'fast', 'exact', not 'slow'",
    ),
    "a wrong item of a list": (
        changed("some_stt", "some_stt\n    words: [tea, 2]"),
        "8:18",
        "pipeline[2].words[1]: must be text, not 2",
    ),
    "a wrong key in a mapping": (
        changed("script: cafe.yaml", "script: cafe.yaml\n    style: {warmht: 3}"),
        "10:13",
        "pipeline[3].style: there is no key 'warmht' here. Did you mean 'warmth'?",
    ),
    "null for text": (changed("some_stt", "some_stt\n    model:"), "8:5", "text, not null"),
    # Classes
    "no such module": (own("nobody.has:It"), "11:10", "there is no module 'nobody'"),
    "no such file": (own("./nobody.py:It"), "11:10", "there is no file 'nobody.py'"),
    "no such class": (own(f"{OURS}:Playd"), "11:10", "has no 'Playd'. Did you mean 'Played'?"),
    "no class named": (own("'my_bot:'"), "11:10", "names no class"),
    "a function": (own(f"{OURS}:make_part"), "11:10", "is a function, not a class"),
    "no processor": (own(f"{OURS}:Clock"), "11:10", "Clock is no FrameProcessor"),
    "an abstract class": (own(f"{OURS}:Unfinished"), "11:10", "Write its methods: run_stt"),
    "positional arguments": (own(f"{OURS}:Positional"), "11:10", "wants 'first' by position"),
    "a file that raises": (own("./raises.py:It"), "11:10", "raises.py:2: ValueError: on purpose"),
    "a file that is no Python": (own("./syntax.py:It"), "11:10", "syntax.py:1: SyntaxError"),
    "a package missing": (changed("some_stt", "absent_stt"), "7:10", "'bargein[embedded]'"),
    "a Python object": (own(f"{OURS}:Wrapper", "clock: 3"), "12:5", "must be a Python object"),
    "kwargs are no free pass": (
        own(f"{OURS}:Wrapper", "nam: x"),
        "12:5",
        "no key 'nam' here. Did you mean 'name'? Known: clock, name.",
    ),
    # Structure
    "no interruption": (changed("  - interruption\n", ""), "4:3", "there is no interruption"),
    "no vad": (
        changed("  - use: silero_vad\n    probability_threshold: 0.7\n", ""),
        "4:3",
        "Add `- use: silero_vad` after interruption and before stt",
    ),
    "no played audio": (changed("  - played_audio\n", ""), "4:3", "as the last part"),
    "two voices": (changed("  - some_tts\n", "  - some_tts\n" * 2), "11:5", "is a second tts"),
    "clauses twice": (
        changed("  - some_tts\n", "  - clauses\n  - clauses\n  - some_tts\n"),
        "11:5",
        "'clauses' is a second clauses; pipeline[4] is the first",
    ),
    "clauses behind the voice": (
        changed("  - some_tts\n", "  - some_tts\n  - clauses\n"),
        "11:5",
        "'clauses' must come before 'some_tts'",
    ),
    "clauses before the words": (
        changed("  - use: scripted", "  - clauses\n  - use: scripted"),
        "8:5",
        "'clauses' must come after 'scripted_llm'",
    ),
    "interruption is not first": (
        changed("pipeline:\n  - interruption", f"pipeline:\n  - {OURS}:Wrapper\n  - interruption"),
        "5:5",
        "'interruption' must come before",
    ),
    "the voice before its words": (
        changed("  - use: scripted", "  - some_tts\n  - use: scripted").replace(
            "cafe.yaml\n  - some_tts\n", "cafe.yaml\n"
        ),
        "9:10",
        "'scripted_llm' (llm) must come before 'some_tts' (tts)",
    ),
    "a part after played audio": (
        f"{GOOD}  - {OURS}:Wrapper\n",
        "12:5",
        "must come before 'played_audio'",
    ),
    # Variables and overlays
    "a variable unset": (changed("cafe\n", "${NAME}\n"), "1:7", "the variable NAME is not set"),
    "a variable's message": (
        changed("cafe\n", "${NAME:?say who it is}\n"),
        "1:7",
        "the variable NAME is not set: say who it is",
    ),
    "a variable open": (changed("cafe\n", "${NAME\n"), "1:7", "'${' is not closed"),
    "a variable's form": (changed("cafe\n", "${NAME-x}\n"), "1:7", "${NAME-x} is no variable"),
    "a variable in brackets": (changed("7860", "${PORT}"), "2:32", "a variable needs quotes"),
    "extends nothing": (f"extends: base.yaml\n{GOOD}", "1:10", "there is no file 'base.yaml'"),
    "extends a list": (f"extends: [a]\n{GOOD}", "1:10", "must be the path of one YAML file"),
    "extends itself": (f"extends: bot.yaml\n{GOOD}", "1:10", "bot.yaml -> bot.yaml"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named_at_its_place(mistake: str, problems_of: Problems) -> None:
    Path("raises.py").write_text("x = 1\nraise ValueError('on purpose')\n")
    Path("syntax.py").write_text("def (:\n")
    text, place, fragment = MISTAKES[mistake]
    (problem,) = problems_of(text)
    assert problem.startswith(f"bot.yaml:{place}: ")
    assert fragment in problem


SETTINGS = {
    "an unknown part": ("pipeline.silero_vda.x=1", "pipeline.silero_vda.x", "'silero_vad'?"),
    "an index too high": ("pipeline.6.x=1", "pipeline.6.x", "there is no part '6'"),
    "an unknown key": ("pipeline.silero_vad.x=1", "pipeline.silero_vad.x", "no key 'x' here"),
    "an unknown top key": ("pipelin.x=1", "pipelin.x", "Did you mean 'pipeline'?"),
    "out of range": ("transport.port=0", "transport.port", "must be at least 1, not 0"),
    "no value": ("name", "name", "this is no setting"),
    "below a value": ("name.first=x", "name.first", "this is a single value"),
    "broken YAML": ("name=[a", "name", "Close its brackets"),
    "extends": ("extends=a.yaml", "extends", "extends belongs in a file"),
}


@pytest.mark.parametrize("mistake", SETTINGS)
def test_a_mistake_in_a_setting_is_named_by_its_address(
    mistake: str, problems_of: Problems
) -> None:
    setting, address, fragment = SETTINGS[mistake]
    (problem,) = problems_of(GOOD, setting)
    assert problem.startswith(f"--set {address}: ")
    assert fragment in problem


@pytest.mark.parametrize(
    ("value", "fragment"),
    [("abc", "must be a whole number, not what ${PORT} holds"), ("0", "must be at least 1")],
)
def test_what_a_variable_holds_is_checked_and_not_shown(
    value: str, fragment: str, problems_of: Problems
) -> None:
    (problem,) = problems_of(changed("7860", '"${PORT}"'), environ={"PORT": value})
    assert fragment in problem
    assert value not in problem.replace("bot.yaml:2:25", "").replace("least 1", "")


def test_all_mistakes_of_a_file_are_reported_together(problems_of: Problems) -> None:
    text = changed("0.7", "7").replace("7860", "0").replace("some_tts", "no_tts")
    assert [line.split(" ")[0] for line in problems_of(f"{text}extra: 1\n")] == [
        "bot.yaml:2:25:",
        "bot.yaml:6:5:",
        "bot.yaml:10:5:",
        "bot.yaml:12:1:",
    ]


def test_a_mistake_in_the_file_below_is_named_there(problems_of: Problems) -> None:
    Path("base.yaml").write_text(changed("0.7", "7"))
    (problem,) = problems_of("extends: base.yaml\nname: other\n")
    assert problem.startswith("base.yaml:6:5: pipeline[1].probability_threshold")


def test_a_circle_of_files_is_shown(problems_of: Problems) -> None:
    Path("a.yaml").write_text("extends: b.yaml\n")
    Path("b.yaml").write_text("extends: a.yaml\n")
    (problem,) = problems_of("extends: a.yaml\n")
    assert problem.startswith("b.yaml:1:10: ")
    assert "bot.yaml -> a.yaml -> b.yaml -> a.yaml" in problem


def test_a_part_that_stands_twice_below_is_ambiguous(problems_of: Problems) -> None:
    wrapper = f"  - {OURS}:Wrapper\n"
    Path("base.yaml").write_text(
        changed("  - played_audio\n", f"{wrapper}{wrapper}  - played_audio\n")
    )
    (problem,) = problems_of(
        f"extends: base.yaml\npipeline:\n  - use: {OURS}:Wrapper\n    name: x\n"
    )
    assert problem.startswith("bot.yaml:3:5: ")
    assert "is ambiguous" in problem


UNREADABLE: Mapping[str, tuple[str, str]] = {
    "nowhere.yaml": ("nowhere.yaml: ", "there is no file 'nowhere.yaml'. YAML files there: "),
    "folder.yaml": ("folder.yaml: ", "is a directory"),
    "latin.yaml": ("latin.yaml:1:10: ", "this is not UTF-8"),
    "zero.yaml": ("zero.yaml: ", "this is not YAML"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_file_that_cannot_be_read_is_named(name: str) -> None:
    Path("folder.yaml").mkdir()
    Path("latin.yaml").write_bytes(b"name: caf\xe9\n")
    Path("zero.yaml").write_bytes(b"name: \x00\n")
    start, fragment = UNREADABLE[name]
    with pytest.raises(InvalidConfigError) as caught:
        load(Path(name), environ={})
    assert str(caught.value).startswith(start)
    assert fragment in str(caught.value)
