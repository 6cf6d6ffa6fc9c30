"""The keys `tools` and `tool_rules`: what they come to, and each mistake at its line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bargein.pipelines.effective import to_yaml
from bargein.pipelines.load import Config, load
from bargein.tools.mcp import McpServer, McpTool
from bargein.tools.tool import OnInterruption, PythonHandler, Rate, Tool
from tests.config.conftest import GOOD, REGISTRY

Load = Callable[..., Config]
Problems = Callable[..., list[str]]

WEATHER = """\
tools:
  - name: weather
    description: The weather in a city.
    arguments: {city: {type: string, maxLength: 60}}
    result: {type: object, properties: {celsius: {type: number}}, required: [celsius]}
    handler: ./weather.py:weather
    timeout_ms: 3000
    rate: 5/min
    cost: 0.002
    confirm: user
    question: "Shall I look up the weather in {city}?"
    on_interruption: finish
    permissions:
      network: ["api.example.com:443"]
      read: [./data]
      env: [WEATHER_KEY]
"""
ENVIRON = {"WEATHER_KEY": "hidden-value"}
BOOKING = """\
name: book
description: Books a table.
arguments: {guests: {type: integer}}
handler: ./booking.py:book
"""
DECORATED = '''\
import os
import sys
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from bargein import tool

print("printed at import")
print("and there", file=sys.stderr)


class Order(BaseModel):
    number: int
    seen: list[str]


@tool(rate="5/min", confirm="user", question="Order {what}?", permissions={"read": ["data"]})
async def place_order(
    what: Annotated[str, Field(max_length=20)], size: Literal["s", "l"] = "s"
) -> Order:
    """Places an order.

    For engineers only.
    """
    return Order(number=1, seen=sorted(os.environ))


@tool
def environment(names: Annotated[str, Field(pattern="|".join(sorted(os.environ)))]) -> None:
    """Shows what it saw."""


@tool(rate="5/day")
def too_often() -> None:
    """Comes too often."""


@tool
def untyped(what) -> None:
    """Takes anything."""


def plain(what: str) -> str:
    return what
'''


@pytest.fixture(autouse=True)
def handlers(parts_module: None) -> None:
    """Lay the handlers beside the configuration, which stands in the working directory."""
    Path("data").mkdir()
    Path("tools").mkdir()
    Path("weather.py").write_text("raise SystemExit('imported')\ndef weather(city): ...\n")
    Path("tools/booking.yaml").write_text(BOOKING)
    Path("tools/booking.py").write_text("def book(guests, *, note=None): ...\n")
    Path("orders.py").write_text(DECORATED)


def changed(old: str, new: str) -> str:
    """Return the good file with one thing of the tool changed."""
    assert old in WEATHER
    return GOOD + WEATHER.replace(old, new)


def test_a_tool_is_read_with_all_its_keys(load_text: Load) -> None:
    config = load_text(GOOD + WEATHER, environ=ENVIRON)
    (tool,) = config.tools
    assert tool.handler == PythonHandler(str(Path("weather.py").resolve()), "weather")
    assert tool.arguments.json == {
        "type": "object",
        "properties": {"city": {"type": "string", "maxLength": 60}},
        "required": ["city"],
        "additionalProperties": False,
    }
    assert tool.result
    assert tool.result.violations({"celsius": 3, "kelvin": 276})
    assert (tool.timeout_ms, tool.rate, tool.cost) == (3000, Rate(5, 60_000), 0.002)
    assert (tool.confirm, tool.on_interruption) == (True, OnInterruption.FINISH)
    assert tool.permissions.network == ("api.example.com:443",)
    assert tool.permissions.read == (Path("data").resolve(),)
    assert tool.permissions.env == ("WEATHER_KEY",)


def test_without_tools_there_are_none_and_nothing_is_shown_of_them(load_text: Load) -> None:
    config = load_text()
    assert (config.tools, config.mcp_servers) == ((), ())
    assert "tools" not in to_yaml(config)


def test_a_file_of_tools_stands_for_what_is_in_it(load_text: Load) -> None:
    config = load_text(GOOD + "tools: [tools/booking.yaml]\n")
    assert [tool.name for tool in config.tools] == ["book"]
    assert config.tools[0].handler == PythonHandler(str(Path("tools/booking.py").resolve()), "book")


def test_a_file_may_hold_a_list_and_a_variable_may_name_it(load_text: Load) -> None:
    again = BOOKING.replace("name: book", "name: rebook")
    both = "".join("- " + text.replace("\n", "\n  ").rstrip() + "\n" for text in (BOOKING, again))
    Path("tools/both.yaml").write_text(both)
    config = load_text(GOOD + 'tools: ["tools/${FILE}.yaml"]\n', environ={"FILE": "both"})
    assert [tool.name for tool in config.tools] == ["book", "rebook"]


def test_a_setting_reaches_into_a_file_of_tools(load_text: Load) -> None:
    text = GOOD + "tools: [tools/booking.yaml, ./orders.py:place_order]\n"
    config = load_text(text, "tools.book.rate=2/s", "tools.place_order.confirm=false",
                       "tools.place_order.question=null")  # fmt: skip
    assert config.tools[0].rate == Rate(2, 1_000)


def test_an_overlay_changes_a_tool_by_its_name(load_text: Load) -> None:
    Path("base.yaml").write_text(GOOD + WEATHER)
    over = (
        "extends: base.yaml\ntools: [{name: weather, rate: 1/h, confirm: null, question: null}]\n"
    )
    config = load_text(over, environ=ENVIRON)
    assert config.tools[0].rate == Rate(1, 3_600_000)
    assert not config.tools[0].confirm
    assert config.tools[0].timeout_ms == 3000


def test_an_overlay_with_a_tool_of_its_own_brings_the_whole_list(load_text: Load) -> None:
    Path("base.yaml").write_text(GOOD + WEATHER)
    config = load_text("extends: base.yaml\ntools: [tools/booking.yaml]\n")
    assert [tool.name for tool in config.tools] == ["book"]


def test_a_module_beside_the_configuration_is_found_and_not_imported(load_text: Load) -> None:
    Path("shop").mkdir()
    Path("shop/__init__.py").write_text("raise SystemExit('imported')\n")
    Path("shop/till.py").write_text("def book(guests): ...\n")
    Path("tools/booking.yaml").write_text(BOOKING.replace("./booking.py", "shop.till"))
    config = load_text(GOOD + "tools: [tools/booking.yaml]\n")
    assert config.tools[0].handler == PythonHandler("shop.till", "book")


def test_the_hash_covers_files_of_tools_but_not_where_the_audit_goes(load_text: Load) -> None:
    text = GOOD + "tools: [tools/booking.yaml]\n"
    first = load_text(text)
    assert load_text(text + "tool_rules: {audit: a.jsonl}\n").digest == first.digest
    assert load_text(text + "tool_rules: {sandbox: require}\n").digest != first.digest
    Path("tools/booking.yaml").write_text(BOOKING + "rate: 5/min\n")
    assert load_text(text).digest != first.digest


@pytest.mark.parametrize(
    "text",
    [
        WEATHER,
        "tools: [tools/booking.yaml, ./orders.py:place_order]\n",
        "tools: [{mcp: {command: [python, -m, shop], tools: [search, {tool: a.b, name: ab}]}}]\n",
        "tools: [{mcp: {url: 'https://a.example/mcp', tools: [search]}}]\n",
        "tools: []\ntool_rules: {audit: a.jsonl, filler: {say: [One moment.]}}\n",
    ],
)
def test_what_takes_effect_reads_the_same_again(text: str, load_text: Load) -> None:
    first = load_text(GOOD + text, environ=ENVIRON)
    Path("again.yaml").write_text(to_yaml(first))
    again = load(Path("again.yaml"), environ=ENVIRON, registry=REGISTRY)
    assert again.digest == first.digest
    assert (again.tools, again.mcp_servers) == (first.tools, first.mcp_servers)


def test_no_secret_is_shown(load_text: Load) -> None:
    text = """\
tools:
  - mcp:
      url: https://me:hidden-value@a.example/mcp
      headers: {Authorization: "Bearer ${SHOP_TOKEN}"}
      tools: [search]
  - {mcp: {url: "http://b", tools: [{tool: find, description: "with ${SHOP_TOKEN}"}]}}
"""
    config = load_text(GOOD + text, environ={"SHOP_TOKEN": "hidden-value"})
    assert config.mcp_servers[0].headers == {"Authorization": "Bearer hidden-value"}
    assert "hidden-value" not in to_yaml(config) + repr(config.mcp_servers[0])


# Functions that carry their declaration.


def declared(load_text: Load, item: str, **environ: str) -> Tool:
    (tool,) = load_text(GOOD + f"tools: [{item}]\n", environ=environ).tools
    return tool


def test_a_function_carries_its_declaration(load_text: Load) -> None:
    tool = declared(load_text, "./orders.py:place_order")
    assert (tool.name, tool.description) == ("place_order", "Places an order.")
    assert (tool.rate, tool.confirm, tool.question) == (Rate(5, 60_000), True, "Order {what}?")
    assert tool.permissions.read == (Path("data").resolve(),)
    assert not tool.arguments.violations({"what": "tea", "size": "l"})
    assert not tool.arguments.violations({"what": "tea"})
    for wrong in ({}, {"what": "x" * 21}, {"what": "tea", "size": "xl"}, {"what": "tea", "a": 1}):
        assert tool.arguments.violations(wrong), wrong
    assert tool.result
    assert not tool.result.violations({"number": 1, "seen": []})
    assert tool.result.violations({"number": "1", "seen": []})


def test_a_configuration_sets_anew_what_a_function_says(load_text: Load) -> None:
    tool = declared(load_text, "{use: ./orders.py:place_order, name: order, rate: null, cost: 2}")
    assert (tool.name, tool.rate, tool.cost) == ("order", None, 2)


def test_a_declaration_is_read_without_the_secrets_of_the_bot(
    load_text: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_TOKEN", "hidden-value")
    tool = declared(load_text, "./orders.py:environment")
    assert "SHOP_TOKEN" not in str(tool.arguments.json)


FUNCTIONS = {
    "no decorator": ("plain", "'plain' has no `@tool` above it. Write it there"),
    "misspelt": ("place_oder", "has no function 'place_oder'. Did you mean 'place_order'?"),
    "a bad rate": ("too_often", "tools.too_often.rate: '5/day' is no rate"),
    "no type": ("untyped", "'what' has no type; without one anything would be let in"),
}


@pytest.mark.parametrize(("function", "said"), FUNCTIONS.values(), ids=FUNCTIONS)
def test_a_function_that_declares_nothing_usable_is_a_mistake(
    function: str, said: str, problems_of: Problems
) -> None:
    (problem,) = problems_of(GOOD + f"tools:\n  - ./orders.py:{function}\n")
    assert problem.startswith("bot.yaml:13:5: ")
    assert said in problem


def test_a_function_of_a_package_carries_its_declaration(load_text: Load) -> None:
    Path("shop").mkdir()
    Path("shop/__init__.py").write_text("")
    Path("shop/words.py").write_text("Word = str\n")
    Path("shop/till.py").write_text(
        "from bargein import tool\nfrom shop.words import Word\n\n"
        "@tool(description='Books.')\ndef book(guest: Word) -> None: ...\n"
    )
    tool = declared(load_text, "shop.till:book")
    assert tool.handler == PythonHandler("shop.till", "book")
    assert not tool.arguments.violations({"guest": "Ann"})


def test_a_declaration_is_read_where_no_file_of_the_bot_is_seen(problems_of: Problems) -> None:
    Path(".env").write_text("OPENAI_API_KEY=hidden\n")
    Path("spy.py").write_text(
        "from pathlib import Path\nfrom bargein import tool\n"
        "key = Path(__file__).with_name('.env').read_text()\n"
        "@tool(description=key)\ndef f() -> None: ...\n"
    )
    (problem,) = problems_of(GOOD + "tools:\n  - ./spy.py:f\n")
    assert "importing" in problem
    assert "Error" in problem


def test_a_file_that_breaks_at_its_import_is_a_mistake(problems_of: Problems) -> None:
    Path("broken.py").write_text("from bargein import tool\n1 / 0\n@tool\ndef f(): ...\n")
    (problem,) = problems_of(GOOD + "tools:\n  - ./broken.py:f\n")
    assert "ZeroDivisionError" in problem


# Servers.


def test_a_server_is_read_with_what_is_set_of_its_tools(load_text: Load) -> None:
    text = """\
tools:
  - mcp:
      command: [python, -m, shop]
      permissions: {read: [./data]}
      tools:
        - search
        - {tool: orders.book, name: book, confirm: user, question: "Book it?", rate: 1/min}
"""
    (server,) = load_text(GOOD + text).mcp_servers
    assert isinstance(server, McpServer)
    assert (server.name, server.permissions.read) == ("python -m shop", (Path("data").resolve(),))
    assert server.tools[0] == McpTool("search", "search")
    assert (server.tools[1].tool, server.tools[1].name) == ("orders.book", "book")
    assert server.tools[1].confirm


# Mistakes.

MISTAKES: dict[str, tuple[str, str, str]] = {
    "not a list": (GOOD + "tools: weather\n", "12:1", "tools: must be a list, not 'weather'"),
    "a list in the list": (GOOD + "tools: [[a]]\n", "12:9", "must be a tool, a file of tools or"),
    "no name": (changed("- name: weather\n    desc", "- desc"), "13:5", "'name' is missing"),
    "a name with a space": (
        changed("- name: weather", "- name: the weather"),
        "13:5",
        "can't be a tool's name",
    ),
    "a misspelt key": (changed("timeout_ms", "timeout"), "18:5", "Did you mean 'timeout_ms'?"),
    "no handler": (changed("    handler: ./weather.py:weather\n", ""), "13:5", "'handler' is miss"),
    "too little time": (changed("3000", "5"), "18:5", "timeout_ms: must be at least 100, not 5"),
    "too much time": (changed("3000", "300000"), "18:5", "must be at most 120000"),
    "a rate in words": (changed("5/min", "often"), "19:5", "'often' is no rate; write calls per"),
    "a negative cost": (changed("0.002", "-1"), "20:5", "cost: must be at least 0"),
    "yes for confirm": (changed("confirm: user", "confirm: yes"), "21:5", "must be one of 'user'"),
    "a question for nothing": (
        changed("    confirm: user\n", ""),
        "21:5",
        "a `question` is asked only with `confirm: user`",
    ),
    "nothing to ask": (
        changed('    question: "Shall I look up the weather in {city}?"\n', ""),
        "21:5",
        "`confirm: user` needs a `question`",
    ),
    "an unknown brace": (changed("{city}?", "{town}?"), "22:5", "no argument 'town'. Arguments: c"),
    "an open brace": (changed("{city}?", "{city?"), "22:5", "question: expected '}'"),
    "a brace with more": (changed("{city}?", "{city.x}?"), "22:5", "{city.x} is no argument"),
    "an optional brace": (
        changed("maxLength: 60", "default: Rome"),
        "22:5",
        "'city' may be left out of a call",
    ),
    "drop": (changed("finish", "drop"), "23:5", "must be one of 'cancel', 'finish'"),
    # Schemas
    "a type misspelt": (changed("type: string", "type: strng"), "15:24", "'strng' is not valid"),
    "a keyword misspelt": (
        changed("maxLength", "maxlength"),
        "15:38",
        "no keyword 'maxlength' in JSON Schema. Did you mean 'maxLength'?",
    ),
    "a mark misspelt": (
        changed("maxLength: 60", "x-privat: true"),
        "15:38",
        "no mark 'x-privat'. Did you mean 'x-private'?",
    ),
    "a mark with a word": (
        changed("maxLength: 60", "x-private: yes"),
        "15:38",
        "x-private is true or false",
    ),
    "a keyword deep in": (
        changed("celsius: {type: number}", "celsius: {type: number, minmum: 3}"),
        "16:65",
        "weather.result: at properties.celsius: there is no keyword 'minmum'",
    ),
    "a result from elsewhere": (
        changed("{type: number}", "{$ref: 'https://a.example/b'}"),
        "16:41",
        "nothing is fetched",
    ),
    "arguments of another type": (
        changed("{city: {type: string, maxLength: 60}}", "{type: string}"),
        "15:5",
        "arguments are an object",
    ),
    # Handlers
    "no such file": (changed("./weather.py", "./whether.py"), "17:14", "there is no file"),
    "no such function": (changed(":weather\n", ":wether\n"), "17:14", "Did you mean 'weather'?"),
    "no function": (changed(".py:weather", ".py"), "17:14", "Write `./weather.py:weather`"),
    "no such module": (changed("./weather.py", "wether"), "17:14", "there is no module 'wether'"),
    "a word for a handler": (changed("./weather.py:weather", "x"), "17:14", "names no function"),
    "a parameter not given": (
        changed("{city: {type: string, maxLength: 60}}", "{}").replace("{city}", "it"),
        "17:14",
        "weather() needs 'city': declare it in `arguments`",
    ),
    # Permissions
    "a pattern": (changed("api.example", "*.example"), "25:17", "'*.example.com:443' is a pattern"),
    "a URL": (changed("api.example.com:443", "https://a.example"), "25:17", "is a URL. Write host"),
    "no port": (changed("com:443", "com"), "25:17", "is no address. Write host:port"),
    "a high port": (changed(":443", ":70000"), "25:17", "has no port from 1 to 65535"),
    "no such path": (changed("./data", "./dta"), "26:14", "there is no"),
    "a variable not set": (
        changed("[WEATHER_KEY]", "[WETHER_KEY]"),
        "27:13",
        "the variable WETHER_KEY is not set. Did you mean 'WEATHER_KEY'?",
    ),
    "a variable with a value": (changed("[WEATHER_KEY]", "[A=b]"), "27:13", "is no name of a var"),
    "a folder with the bot in it": (
        changed("read: [./data]", "write: [.]"),
        "24:5",
        "which no tool may change. Name a folder of its own.",
    ),
    "the handler itself": (changed("read: [./data]", "write: [weather.py]"), "24:5", "weather.py'"),
    # More than one
    "one name twice": (
        GOOD + "tools: [tools/booking.yaml, tools/booking.yaml]\n",
        "tools/booking.yaml:1:1",
        "a tool 'book' stands at tools/booking.yaml:1:1 already",
    ),
    "no such file of tools": (GOOD + "tools: [tools/b.yaml]\n", "12:9", "there is no file"),
    "keys of a file": (
        GOOD + "tools: [{use: tools/booking.yaml, rate: 1/s}]\n",
        "12:9",
        "a file of tools takes no keys",
    ),
    # Servers
    "neither command nor URL": (
        GOOD + "tools: [{mcp: {tools: [a]}}]\n",
        "12:15",
        "write one of `command` and `url`",
    ),
    "no allow-list": (GOOD + "tools: [{mcp: {url: 'http://a'}}]\n", "12:15", "'tools' is missing"),
    "all tools": (
        GOOD + "tools: [{mcp: {url: 'http://a', tools: []}}]\n",
        "12:33",
        "a value that is not empty",
    ),
    "a rule misspelt": (
        GOOD + "tools: [{mcp: {url: 'http://a', tools: [{tool: a, rat: 1/s}]}}]\n",
        "12:51",
        "Did you mean 'rate'?",
    ),
    "a token that is written out": (
        GOOD + "tools: [{mcp: {url: 'http://a', headers: {Authorization: abc}, tools: [a]}}]\n",
        "12:43",
        "a key comes from the environment",
    ),
    # Rules
    "a sandbox by another name": (
        GOOD + "tool_rules: {sandbox: always}\n",
        "12:14",
        "must be one of 'prefer', 'require'",
    ),
    "an audit nowhere": (GOOD + "tool_rules: {audit: no/a.jsonl}\n", "12:21", "there is no folder"),
}


@pytest.mark.parametrize(("text", "place", "said"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_named_at_its_place(
    text: str, place: str, said: str, problems_of: Problems
) -> None:
    (problem,) = problems_of(text, environ=ENVIRON)
    file = "" if place.startswith("tools/") else "bot.yaml:"
    assert problem.startswith(f"{file}{place}: "), problem
    assert said in problem


def test_a_mistake_in_a_file_of_tools_is_named_there(problems_of: Problems) -> None:
    Path("tools/booking.yaml").write_text(BOOKING.replace("integer", "intger") + "rat: 2/s\n")
    problems = problems_of(GOOD + "tools: [tools/booking.yaml]\n")
    assert problems == [
        "tools/booking.yaml:5:1: tools.book: there is no key 'rat' here. Did you mean 'rate'? "
        "Known: name, description, arguments, result, handler, timeout_ms, rate, cost, confirm, "
        "question, on_interruption, max_result_bytes, permissions."
    ]


@pytest.mark.parametrize(
    "path", ["/", "/proc", "/proc/self", "/dev/shm", "/sys", "/run", "/etc", "~", "~/.."]
)
def test_no_tool_reaches_the_system_or_a_home(path: str, problems_of: Problems) -> None:
    for kind in ("read", "write"):
        text = GOOD + WEATHER.replace("read: [./data]", f"{kind}: ['{path}']")
        (problem, *_) = problems_of(text, environ=ENVIRON)
        assert f"tools.weather.permissions.{kind}: " in problem
        assert "opens more of the machine" in problem or "which no tool may change" in problem


@pytest.mark.parametrize("secret", [".env", "data/../.env", "."])
def test_no_tool_reads_the_secrets_beside_the_configuration(
    secret: str, problems_of: Problems
) -> None:
    Path(".env").write_text("OPENAI_API_KEY=hidden\n")
    text = changed("./data", secret)
    assert "with the bot's secrets" in problems_of(text, environ=ENVIRON)[0]


def test_a_link_to_the_secrets_is_no_way_around(problems_of: Problems) -> None:
    Path(".env").write_text("OPENAI_API_KEY=hidden\n")
    Path("data/link").symlink_to(Path(".env").resolve())
    assert (
        "with the bot's secrets" in problems_of(changed("./data", "data/link"), environ=ENVIRON)[0]
    )


KEPT = {
    "the audit": "tool_rules: {audit: data/calls.jsonl}\n",
    "the ledger": "ledger: {path: data/calls.jsonl}\n",
    "what was used": "budget: {session: {tool_calls: 9}, path: data/calls.jsonl}\n",
}


@pytest.mark.parametrize("kept", KEPT.values(), ids=KEPT)
def test_no_tool_writes_where_the_bot_keeps_records(kept: str, problems_of: Problems) -> None:
    text = changed("read: [./data]", "write: [./data]") + kept
    (problem,) = problems_of(text, environ=ENVIRON)
    assert "'calls.jsonl', which no tool may change. Name a folder of its own." in problem


@pytest.mark.parametrize("head", ["", "from bargein import tool\n@tool\n"])
def test_a_package_that_holds_the_bots_secrets_holds_no_handler(
    head: str, problems_of: Problems
) -> None:
    """It is the whole package that a handler sees."""
    Path("shop").mkdir()
    Path("shop/weather.py").write_text(head + "def weather(city: str):\n    'Looks.'\n")
    Path("shop/.env").write_text("OPENAI_API_KEY=hidden\n")
    written = changed("./weather.py", "shop.weather")
    (problem,) = problems_of(
        GOOD + "tools: [shop.weather:weather]\n" if head else written, environ=ENVIRON
    )
    assert "the package 'shop' holds" in problem
    assert "Name the file alone, like `./weather.py:weather`" in problem


def test_a_package_beside_secrets_may_hold_a_handler(load_text: Load) -> None:
    Path("shop").mkdir()
    Path("shop/weather.py").write_text("def weather(city): ...\n")
    Path(".env").write_text("OPENAI_API_KEY=hidden\n")
    (tool,) = load_text(changed("./weather.py", "shop.weather"), environ=ENVIRON).tools
    assert tool.handler == PythonHandler("shop.weather", "weather")


def test_every_mistake_of_every_tool_is_told_at_once(problems_of: Problems) -> None:
    """But its rate is read once a tool's keys are those of a tool."""
    first = changed("{city: {", "{town: {").replace("{city}", "{town}").removeprefix(GOOD)
    second = WEATHER.removeprefix("tools:\n").replace("name: weather", "name: again")
    second = second.replace("5/min", "often").replace("443", "0")
    problems = problems_of(GOOD + first + second, environ=ENVIRON)
    assert [" ".join(problem.split()[1:6]) for problem in problems] == [
        "tools.weather.handler: weather() takes no 'town'.",
        "tools.weather.handler: weather() needs 'city': declare",
        "tools.again.rate: 'often' is no rate;",
        "tools.again.permissions.network: 'api.example.com:0' has no port",
    ]
