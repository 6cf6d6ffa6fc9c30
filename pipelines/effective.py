"""The effective configuration as YAML, with its hash in the first line."""

from __future__ import annotations

from io import StringIO

from ruamel.yaml import YAML

from bargein.pipelines.load import Config


def to_yaml(config: Config) -> str:
    """Write everything that takes effect; secrets are masked, paths start at the file's folder."""
    yaml = YAML()
    yaml.default_flow_style = False
    yaml.width = 100
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.representer.ignore_aliases = lambda _: True
    stream = StringIO()
    yaml.dump(dict(config.effective), stream)
    return f"# {config.path}, sha256 {config.short_digest}\n{stream.getvalue()}"
