"""What reading, decoding, writing and starting cost, beside other loaders, on the same bytes, in one run.

    python benchmarks/stream.py --scratch DIR [loaders] [read] [write] [startup] [memory] [--json FILE] [--plot PNG]

CPU time, user and system, of this process and all that it started: the clock would measure the neighbours. Each run is
a fork of its own, and rounds go through all rows in turn, so that drift of the machine hits all alike; medians of the
rounds, after one that does not count and warms the page cache. Opening a loader and its first batch do not count.
The floor, decoding from memory, is measured twice: differences as large as between these two are noise.

--scratch is a folder of its own for 3 GB, filled at the first run: 400 timepoints of five synthetic 1024 x 768 JPEGs
(quality 90), full, and within 112,896 pixels as q95 (quality 95, 4:4:4: what our writer makes) and q90 (quality 90,
4:2:0: the JPEGs of streaming.md, where the targets come from). Loaders by number share one shuffled order; the others
shuffle as theirs.

The extra `bench` brings one peer, webdataset. The others contradict ours and each other (torchvision, older numpy and
transformers, tzdata), so they go into an environment of their own without their requirements, and what they do need
comes last; pip lists the contradictions, and ends well:

    pip install -c constraints.txt -e ".[bench]"
    pip install --no-deps litdata==0.2.76 megatron-energon==7.4.1 mosaicml-streaming==0.13.0 \\
        multi-storage-client==1.3.1
    pip install -c constraints.txt boto3 Brotli catalogue filetype jsonschema lark lightning-utilities mfusepy \\
        obstore opentelemetry-api prettytable pyroute2 python-snappy rapidyaml s3fs tifffile "wcmatch<11" xattr \\
        "xxhash<4" zstd
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
import warnings
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from attrs import asdict
from loaders import feeding, files, large, peers, report
from loaders.measure import rounds, summary
from loaders.sets import SETS, Data

from orqa_shards.format.manifest import MANIFEST

PARTS: Mapping[str, tuple[str, Callable[[Data], Mapping[str, Callable[[], float]]]]] = {
    "loaders": ("CPU ms a timepoint", feeding.runs),
    "read": ("CPU us a sample", files.readers),
    "write": ("MB a second of CPU", files.writers),
    "startup": ("seconds on the clock", large.starts),
}


def say(line: str) -> None:
    """Tell how far it is."""
    print(f"\r{line:100}", end="", file=sys.stderr, flush=True)


def versions() -> dict[str, Any]:
    """Return what was measured: versions, and how many cores there were."""
    names = [
        "orqa-registry",
        "torch",
        "torchdata",
        "simplejpeg",
        "pillow",
        *(peer.distribution for peer in peers.PEERS),
    ]
    package_versions = {name: metadata.version(name) for name in names if name not in missing()}
    return {"python": sys.version.split()[0], "cores": os.cpu_count(), **package_versions}


def missing() -> dict[str, str]:
    """Return the peers that cannot take part, and why."""
    return {peer.distribution: reason for peer in peers.PEERS if (reason := peers.absent(peer))}


def main() -> None:
    """Measure, print tables, write JSON and plot."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}, memory; default: all")
    parser.add_argument("--scratch", type=Path, required=True, metavar="DIR", help="a folder of its own, for 3 GB")
    parser.add_argument("--timepoints", type=int, default=400, help="a multiple of 200, so that workers share evenly")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", default="", metavar="WORD", help="rows with this in their name")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--plot", type=Path, metavar="FILE.png")
    args = parser.parse_args()
    parts = args.parts or [*PARTS, "memory"]
    if unknown := set(parts) - {*PARTS, "memory"}:
        parser.error(f"no part {', '.join(sorted(unknown))}: there are {', '.join(PARTS)}, memory")
    # Noise of the peers on standard error, of processes that they start, too.
    warnings.simplefilter("ignore")
    os.environ["PYTHONWARNINGS"] = "ignore"
    torch.set_num_threads(1)
    if (args.scratch / MANIFEST).exists():
        parser.error(f"{args.scratch} is a folder of shards, and 3 GB of other data would be put there")
    args.scratch.mkdir(parents=True, exist_ok=True)
    data = Data(args.scratch, args.timepoints)
    tables: dict[str, tuple[str, report.Rows]] = {}
    for part in [name for name in PARTS if name in parts]:
        unit, prepare = PARTS[part]
        work = {name: run for name, run in prepare(data).items() if args.only in name}
        gc.collect()
        gc.freeze()  # else each fork copies what it only looks at
        tables[part] = (
            unit,
            {name: summary(values) for name, values in rounds(work, args.repeats, say).items() if values},
        )
    curves = large.memory(data) if "memory" in parts else {}
    rows = {name: row for _, part_rows in tables.values() for name, row in part_rows.items()}
    aims = report.targets(rows, curves)
    say("")
    report.show(tables, aims, missing())
    if args.json:
        header = {"versions": versions(), "absent": missing(), "timepoints": args.timepoints, "repeats": args.repeats}
        results = {part: {"unit": unit, "rows": part_rows} for part, (unit, part_rows) in tables.items()}
        checked = [{**asdict(aim), "met": aim.met} for aim in aims]
        args.json.write_text(
            json.dumps({**header, "sets": SETS, **results, "targets": checked, "memory": curves}, indent=1)
        )
    if args.plot:
        report.plot(rows, curves, args.plot)


if __name__ == "__main__":
    main()
