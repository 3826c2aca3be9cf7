"""``dlq bench``: speed on this machine, as a table and as JSON.

Parses its own arguments: it runs from a bare checkout with nothing but what training needs, as on a cluster's node.
"""

import argparse
from pathlib import Path
from typing import Any

EXAMPLES = """examples:
  dlq bench                              speed on the CPU, into benchmarks/cpu.json
  dlq bench --gpu                        tests marked gpu, speed, nine minutes in all, into benchmarks/gpu.json
  dlq bench --gpu --resume benchmarks/paper-slice --minutes 30
  dlq bench --gpu --parts speed"""
ABOUT = """Measures speed on this machine. With --gpu: runs the tests marked gpu, measures the paper's model,
and trains a slice of the paper's run on rooms; without a CUDA device the same code runs, tiny, on the CPU."""
PARTS = ("tests", "speed", "train")


def bench(arguments: list[str]) -> int:
    """Measures, prints and writes JSON; returns 1 where a test marked gpu failed, else 0."""
    parser = argparse.ArgumentParser(
        prog="dlq bench",
        description=ABOUT,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FOLDER",
        default=Path("benchmarks"),
        help="folder for the JSON (default: benchmarks)",
    )
    parser.add_argument(
        "--repeats", type=_positive(int), metavar="N", default=9, help="of each CPU measurement (default: 9)"
    )
    parser.add_argument("--quick", action="store_true", help="tiny CPU measurements, to see that they run")
    parser.add_argument("--gpu", action="store_true", help="measure a CUDA device")
    parser.add_argument(
        "--minutes", type=_positive(float), metavar="X", default=9.0, help="for all of --gpu together (default: 9)"
    )
    parser.add_argument(
        "--resume", type=Path, metavar="FOLDER", help="go on from this folder, which an earlier --gpu wrote"
    )
    parser.add_argument("--parts", nargs="+", choices=PARTS, help="of --gpu (default: all; with --resume: train)")
    asked = parser.parse_args(arguments)
    asked.out.mkdir(parents=True, exist_ok=True)
    if not asked.gpu:
        if asked.resume or asked.parts:
            parser.error("--resume and --parts belong to --gpu")
        from dlq.cli.bench import cpu

        cpu.measure(asked.out, repeats=asked.repeats, quick=asked.quick)
        return 0
    from dlq.cli.bench import gpu

    parts = asked.parts or (["train"] if asked.resume else PARTS)
    return gpu.measure(asked.out, minutes=asked.minutes, parts=parts, resume=asked.resume)


def _positive(kind: type) -> Any:
    """An argument of argparse: a number above zero."""

    def number(text: str) -> float:
        if (value := kind(text)) <= 0:
            raise argparse.ArgumentTypeError(f"{text} is not above zero")
        return value

    return number
