"""Results of the Rust benchmarks, see `benches/`."""

import json
import os

BENCHMARK = "weekly_average/in process"


def in_process(root):
    """The median milliseconds of the hot question without HTTP and GraphQL, `None` unmeasured."""
    target = root / os.environ.get("CARGO_TARGET_DIR", "target")
    for file in (target / "criterion").glob("**/new/benchmark.json"):
        if json.loads(file.read_text())["full_id"] == BENCHMARK:
            estimates = json.loads((file.parent / "estimates.json").read_text())
            return estimates["median"]["point_estimate"] / 1e6
    return None
