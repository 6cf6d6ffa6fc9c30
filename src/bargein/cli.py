"""The command `bargein`; whatever a subcommand needs is imported when it runs.

Mistakes of the user are one line each on stderr and exit status 1; `--debug` adds tracebacks.
"""

from __future__ import annotations

import os
import shlex
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec

import click

from bargein.errors import BargeinError

if TYPE_CHECKING:
    from bargein.pipelines.load import Config

P = ParamSpec("P")
MOST_WORKERS = 4
"""By default; each loads all models."""

INTERRUPTED = 128 + 2
"""The exit status that shells give for SIGINT."""

_config = click.argument("config", type=click.Path(path_type=Path))
_settings = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="ADDRESS=VALUE",
    help="Change one value, like pipeline.silero_vad.probability_threshold=0.7.",
)
_output = click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Write to this file, not to stdout."
)


def _plainly(command: Callable[P, None]) -> Callable[P, None]:
    """Report what a user can mend as plain lines, with exit status 1."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except BargeinError as error:
            _report(error)
            sys.exit(1)

    return run


def _report(error: BargeinError) -> None:
    click.echo(str(error), err=True)
    if click.get_current_context().find_root().params.get("debug"):
        causes = [problem.cause for problem in getattr(error, "problems", ()) if problem.cause]
        for cause in [error, *causes]:
            click.echo("".join(traceback.format_exception(cause)), err=True)


def _load(path: Path, settings: tuple[str, ...]) -> Config:
    """Load a configuration."""
    with _quiet_imports():
        from bargein.pipelines.load import load

        return load(path, overrides=settings, environ=os.environ)


@contextmanager
def _named_as(*addresses: str) -> Iterator[None]:
    """Name the settings that options of the command line stand for by those options.

    `transport.port` is `--port`, `ledger.path` is `--ledger`.
    """
    from bargein.config.problems import InvalidConfigError, Problem
    from bargein.errors import Place

    names = {f"--set {address}": address for address in addresses}

    def renamed(problem: Problem) -> Problem:
        address = names.get(problem.place.file)
        if address is None:
            return problem
        message = problem.message.removeprefix(f"{address}: ")
        option = address.removeprefix("transport.").removesuffix(".path")
        return Problem(Place(f"--{option}"), message, problem.cause)

    try:
        yield
    except InvalidConfigError as error:
        raise InvalidConfigError([renamed(problem) for problem in error.problems]) from error


@contextmanager
def _quiet_imports() -> Iterator[None]:
    """Keep Pipecat from logging while it is imported; our own errors tell it better."""
    from loguru import logger

    if not click.get_current_context().find_root().params.get("debug"):
        logger.disable("pipecat")
    try:
        yield
    finally:
        logger.enable("pipecat")


def _write(text: str, output: Path | None) -> None:
    """Print, or write to a file and say so."""
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BargeinError(f"{output} can't be written: {error.strerror}.") from error
    click.echo(f"wrote {output}", err=True)


class _Commands(click.Group):
    """The subcommands; Ctrl-C ends each of them in a line."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run one; what it leaves open is closed on the way out."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("Stopped.", err=True)
            raise click.exceptions.Exit(INTERRUPTED) from None


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, help="Show tracebacks, and what is logged at import.")
@click.version_option(package_name="bargein")
def main(debug: bool) -> None:
    """Voice bots that the user may interrupt at any time, on Pipecat, from a YAML file."""
    # Before numpy comes in: a bot's products are so small that threads of numpy's own double
    # their cost, and on fewer cores than the machine has they wait for each other.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


@main.command()
@_config
@_settings
@click.option("--host", help="The address to listen on; wins over the file.")
@click.option("--port", type=int, help="The port to listen on; wins over the file.")
@click.option("--ledger", help="Write a line for each barge-in and turn here; wins over the file.")
@_plainly
def run(
    config: Path,
    settings: tuple[str, ...],
    host: str | None,
    port: int | None,
    ledger: str | None,
) -> None:
    """Serve the bot that CONFIG describes."""
    options = {"transport.host": host, "transport.port": port, "ledger.path": ledger}
    given = {address: value for address, value in options.items() if value not in (None, "")}
    with _named_as(*given):
        added = [f"{address}={value}" for address, value in given.items()]
        loaded = _load(config, (*settings, *added))
    from bargein.pipelines.serve import run as serve

    serve(loaded)


@main.command()
@click.argument("configs", nargs=-1, required=True, type=click.Path(path_type=Path))
@_settings
@click.option("--host", default="127.0.0.1", show_default=True, help="Where the API listens.")
@click.option("--port", type=click.IntRange(0, 65535), default=7860, show_default=True)
@click.option(
    "--store",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("bargein.db"),
    show_default=True,
    help="The file that API and workers share: rooms, sessions, spent tokens.",
)
@click.option("--workers", type=click.IntRange(1, 64), help="Processes; one a core, at most 4.")
@click.option(
    "--capacity",
    type=click.IntRange(1, 1000),
    default=8,
    show_default=True,
    help="Sessions of each worker at once.",
)
@click.option(
    "--media-host", default="127.0.0.1", show_default=True, help="Where workers listen for clients."
)
@click.option(
    "--media-url",
    default="",
    metavar="URL",
    help="How clients reach a worker, like wss://bots.example/{port}; {worker} is its number.",
)
@click.option(
    "--drain-s",
    type=click.FloatRange(0, 86_400),
    default=30.0,
    show_default=True,
    help="So long talks go on when it is told to end.",
)
@click.option("--public", is_flag=True, help="Serve the page; anybody may ask for a room.")
@click.option(
    "--public-per-minute",
    type=click.FloatRange(0.1, 6000),
    default=12.0,
    show_default=True,
    help="So many rooms an address may ask for.",
)
@click.option("--origin", "origins", multiple=True, help="A page that may connect; repeatable.")
@_plainly
def serve(configs: tuple[Path, ...], workers: int | None, **options: Any) -> None:
    """Serve the bots of CONFIGS from worker processes, behind an API for rooms and tokens."""
    with _quiet_imports():
        from bargein.pipelines.control.command import ServeOptions
        from bargein.pipelines.control.command import serve as serve_all

    count = workers or min(len(os.sched_getaffinity(0)), MOST_WORKERS)
    serve_all(configs, ServeOptions(workers=count, **options))


@main.command()
@_plainly
def devices() -> None:
    """List this machine's microphones and loudspeakers, for `transport: {use: device}`."""
    with _quiet_imports():
        from bargein.pipelines.devices import devices as listed

        text = listed()
    click.echo(text, nl=False)


@main.command()
@click.argument("configs", nargs=-1, required=True, type=click.Path(path_type=Path))
@_settings
@click.option("--live", is_flag=True, help="Ask each vendor whether its key is good, and for what.")
def check(configs: tuple[Path, ...], settings: tuple[str, ...], live: bool) -> None:
    """Load each of CONFIGS, make each of its parts once, and say what is wrong.

    Of tools it starts all that they need, and lists them with what holds on this machine.
    """
    is_good = True
    for path in configs:
        try:
            config = _load(path, settings)
            with _quiet_imports():
                config.try_parts()
            tools = _check_tools(config)
        except BargeinError as error:
            _report(error)
            is_good = False
            continue
        parts = ", ".join(part.use for part in config.parts)
        click.echo(f"{path}: good. {config.transport.use}: {parts} ({config.short_digest})")
        for line in tools:
            click.echo(f"  {line}")
        is_good &= not live or _check_live(config)
    if not is_good:
        sys.exit(1)


def _check_tools(config: Config) -> list[str]:
    """Start what the tools need, as `run` does, and say what they are and what holds."""
    from loguru import logger

    from bargein.pipelines.tools_check import check_tools

    logger.disable("bargein")  # what it would log stands in the lines
    try:
        return check_tools(config)
    finally:
        logger.enable("bargein")


def _check_live(config: Config) -> bool:
    """Ask the vendors, and print what they tell; whether all of them take their keys."""
    with _quiet_imports():
        from bargein.pipelines.live_check import Key, look, to_text

        findings = look(config)
    click.echo(to_text(findings) if findings else "No part of it needs a key.")
    for problem in filter(None, (each.problem for each in findings)):
        click.echo(str(problem), err=True)
    return all(each.key is Key.GOOD for each in findings)


@main.command()
@_config
@click.argument("scenarios", nargs=-1, required=True, type=click.Path(path_type=Path))
@_settings
@click.option("--out", type=click.Path(path_type=Path), help="Keep WAVs and reports here.")
@click.option("--seed", type=click.IntRange(0), help="Wins over the scenarios' own seeds.")
@click.option(
    "--jobs", type=click.IntRange(1, 64), default=1, show_default=True, help="So many at once."
)
@click.option("--brief", is_flag=True, help="Show the timelines of what failed only.")
@click.option("--json", "as_json", is_flag=True, help="Print the reports as JSON, nothing else.")
@_plainly
def rehearse(
    config: Path,
    scenarios: tuple[Path, ...],
    settings: tuple[str, ...],
    out: Path | None,
    seed: int | None,
    jobs: int,
    brief: bool,
    as_json: bool,
) -> None:
    """Talk with the bot of CONFIG as SCENARIOS say, over a simulated network, in real time.

    A folder stands for the .yaml files in it. The exit status is 1 if anything came otherwise
    than expected, or if there is a mistake in what was given.
    """
    debug = bool(click.get_current_context().find_root().params.get("debug"))
    with _quiet_imports():
        from bargein.pipelines.rehearse_command import Options, rehearse_command
    options = Options(settings, out, seed, jobs, as_json, brief, debug)
    sys.exit(rehearse_command(config, scenarios, options))


@main.command()
@_config
@_settings
@click.option("--rounds", type=click.IntRange(1), help="How often each sound meets the bot.")
@click.option("--only", multiple=True, metavar="KEY", help="Measure this row alone; repeatable.")
@click.option(
    "--corpus",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    help="Recordings with a manifest.json, in place of synthesized sounds.",
)
@click.option(
    "--peers",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    help="The folder of peers to run beside it: bench/peers of the source tree.",
)
@click.option("--quick", is_flag=True, help="One round: to see that it works, not to quote.")
@click.option("--load", is_flag=True, help="Count sessions per core also where a part is paid.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@_plainly
def bench(config: Path, as_json: bool, only: tuple[str, ...], **asked: Any) -> None:
    """Measure the bot of CONFIG on this machine: interruptions, truth, speed, load.

    All of the configuration is real, paid services too: each round is a dozen short talks.
    """
    import json

    from bargein.measure.rows import KEYS

    if unknown := [key for key in only if key not in KEYS]:
        raise BargeinError(f"--only: no row is called {unknown[0]!r}. Known: {', '.join(KEYS)}.")
    with _quiet_imports():
        from bargein.pipelines.bench.progress import quietly
        from bargein.pipelines.bench.run import Plan, run
    with quietly():
        table = run(Plan(config, only=only, **asked))
    click.echo(json.dumps(table.to_json(), indent=2) if as_json else table.to_text(), nl=as_json)


@main.command()
@click.argument("folder", type=click.Path(path_type=Path))
@_plainly
def init(folder: Path) -> None:
    """Write a new bot into FOLDER: a pipeline, a processor, a rehearsal and tests, all working."""
    from bargein.pipelines.init import write_starter

    for path in write_starter(folder):
        click.echo(f"wrote {path}")
    # A name that begins with a dash would be an option.
    bot, scenarios, here = (
        shlex.quote(str(path) if path.is_absolute() else f"./{path}")
        for path in (folder / "bot.yaml", folder / "scenarios", folder)
    )
    click.echo(
        f"\nIt works as it is. Next:\n"
        f"  bargein run {bot}\n"
        f"  bargein rehearse {bot} {scenarios}\n"
        f"  pytest {here}"
    )


@main.command()
@_output
@click.option("--scenario", is_flag=True, help="Of a scenario for `bargein rehearse`.")
@_plainly
def schema(output: Path | None, scenario: bool) -> None:
    """Print the JSON Schema of a configuration, for editors."""
    import json

    with _quiet_imports():
        if scenario:
            from bargein.rehearsal.schema import json_schema
        else:
            from bargein.pipelines.schema import json_schema

        described = json_schema()
    _write(json.dumps(described, indent=2) + "\n", output)


@main.command()
@_config
@_settings
@click.option(
    "--format", "form", type=click.Choice(["mermaid", "svg"]), default="mermaid", show_default=True
)
@_output
@_plainly
def graph(config: Path, settings: tuple[str, ...], form: str, output: Path | None) -> None:
    """Draw the pipeline of CONFIG, with the parts that bargein adds by itself."""
    from bargein.graph import stages, to_mermaid, to_svg

    loaded = _load(config, settings)
    flow = stages(loaded.transport.use, [(part.use, part.role) for part in loaded.parts])
    draw = to_svg if form == "svg" else to_mermaid
    _write(draw(loaded.name, flow), output)


@main.command()
@click.argument("ledgers", nargs=-1, required=True, type=click.Path(path_type=Path))
@_settings
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@_plainly
def replay(ledgers: tuple[Path, ...], settings: tuple[str, ...], as_json: bool) -> None:
    """Decide each barge-in of LEDGERS again, with other settings, and print what changes."""
    import json
    from itertools import chain

    from bargein.ledger.reading import read_ledger
    from bargein.replay import compare
    from bargein.replay.settings import read_changes
    from bargein.replay.show import to_text

    lines = chain.from_iterable(read_ledger(path) for path in ledgers)
    done = compare.replay(lines, read_changes(settings))
    shown = json.dumps(compare.as_json(done, settings), indent=2) if as_json else to_text(done)
    click.echo(shown)
    for bad in done.bad_lines:
        click.echo(str(bad), err=True)
    if done.bad_lines:
        sys.exit(1)


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--session", help="Only of this session; its first characters will do.")
@click.option("--identity", help="Only of who talks with the bot by this name.")
@click.option("--tool", help="Only of this tool.")
@click.option("--event", "events", multiple=True, help="Only this, like refused; repeatable.")
@click.option("--since", help="From this day or time on, ISO 8601; UTC unless it says otherwise.")
@click.option("--until", help="Before this day or time.")
@click.option("--head", metavar="HASH", help="A line with this hash must be there.")
@click.option("--after", metavar="HASH", help="What is older is elsewhere, and ends with this.")
@click.option("--json", "as_json", is_flag=True, help="Print the lines as they stand.")
@_plainly
def audit(file: Path, as_json: bool, head: str | None, after: str | None, **asked: Any) -> None:
    """Hold the audit in FILE against its chain of hashes, and print what happened.

    Older parts of it (FILE.1, FILE.2, ...) are read first. The exit status is 1 if the chain is
    broken anywhere; what stands before that place is printed all the same.
    """
    from bargein.pipelines.audit import read_audit
    from bargein.tools.audit_show import to_json, to_summary, to_table, wanted

    shown = wanted(**asked)
    found = read_audit(file, os.environ, after=after, head=head)
    lines = [line for line in found.lines if shown.takes(line.entry)]
    click.echo(to_json(lines) if as_json else to_table(lines))
    click.echo(to_summary(found, len(lines)), err=as_json)
    if found.broken:
        click.echo(str(found.broken), err=True)
        sys.exit(1)


@main.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@_plainly
def docs(folder: Path) -> None:
    """Write the pages that are printed from code into FOLDER."""
    from bargein.printed_docs import printed_docs

    with _quiet_imports():
        from bargein.pipelines.schema import configuration_markdown

        pages = printed_docs() | {"configuration.md": configuration_markdown()}
    for name, text in pages.items():
        page = folder / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            page.write_text(text, encoding="utf-8")
        except OSError as error:
            raise BargeinError(f"{page} can't be written: {error.strerror}.") from error
        click.echo(page)


@main.command()
@_config
@_settings
@_plainly
def config(config: Path, settings: tuple[str, ...]) -> None:
    """Print CONFIG as it takes effect: everything filled in, secrets masked, with its hash."""
    from bargein.pipelines.effective import to_yaml

    _write(to_yaml(_load(config, settings)), None)
