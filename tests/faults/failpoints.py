"""The workload with one failpoint after the other."""

import re

from home import ROOT, Failure
from workload import Workload

NAME = re.compile(r'Self::\w+ => "([a-z-]+)"')
# At its start, the only program of an embedded database forgets all others, so that none is replaced.
ONLY_ON = {"replace-worker": "postgres", "forget-workers": "sqlite"}
# What has to happen before in the same start, or in an earlier one.
BEFORE = {
    "requeue": "checkpoint.before=error@1",
    "abandon-merge": "merge-block.before=error@2",
}
EARLIER = {
    "rewind": "checkpoint.after=abort@1",
    "replace-worker": "publish.before=abort@1",
}


def names():
    """All commit points of the source."""
    found = NAME.findall((ROOT / "src/store/commit.rs").read_text())
    if len(found) < 20:
        raise Failure("src/store/commit.rs has another form")
    return found


def cases(kind):
    """Commit points, moments and actions on a kind of database."""
    for name in names():
        if ONLY_ON.get(name, kind) != kind:
            continue
        for action in ("abort", "error", "pause"):
            for moment in ("before", "after"):
                # An embedded database does not lose its answers.
                if (action, moment, kind) != ("error", "after", "sqlite"):
                    yield name, moment, action


def fault(name, moment, action, occurrence):
    """The fault that carries out an action when a failpoint is reached for the given time."""
    point = f"{name}.{moment}"
    setting = f"{point}={action}@{occurrence}"
    starts = [f"{BEFORE[name]},{setting}" if name in BEFORE else setting]
    if name in EARLIER:
        starts.insert(0, EARLIER[name])

    def run(env):
        with env.home() as home:
            workload = Workload(home, starts)
            workload.run()
            workload.end()
            reached = f'failpoint="{point}"' in home.log.read_text(errors="replace")
            if not reached and occurrence == 1:
                raise Failure(f"{point} is not reached")
            workload.check(env.reference)
            return f"{workload.deaths} deaths" if reached else "not reached so often"

    return run
