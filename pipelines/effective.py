"""The effective configuration as YAML, with its hash in the first line."""

from __future__ import annotations

from io import StringIO

from ruamel.yaml import YAML

from bargein.config.tree import Data
from bargein.pipelines.load import Config


def to_yaml(config: Config) -> str:
    """Write everything that takes effect, so that reading it again has the same effect.

    Secrets are masked, and paths start at the file's folder.
    """
    yaml = YAML()
    yaml.default_flow_style = False
    yaml.width = 100
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.representer.ignore_aliases = lambda _: True
    stream = StringIO()
    yaml.dump(_escaped(dict(config.effective)), stream)
    return f"# {config.path}, sha256 {config.short_digest}\n{stream.getvalue()}"


def _escaped(value: Data) -> Data:
    """Write `$${` for a `${` that is text, and no variable."""
    match value:
        case str():
            return value.replace("${", "$${")
        case list():
            return [_escaped(item) for item in value]
        case dict():
            return {key: _escaped(item) for key, item in value.items()}
        case _:
            return value
