"""Options that `train` and `eval` share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    pass


TRAIN_EXTRA = "orqa-registry[train]"


FOLDER_PATH = click.Path(file_okay=False, path_type=Path)


JSON_OPTION = click.option("--json", "as_json", is_flag=True, help="Print one JSON object for programs.")


DATA_OPTION = click.option("--data", metavar="DIR|URL", required=True, help="Shards that `orqa-registry shard` wrote.")
