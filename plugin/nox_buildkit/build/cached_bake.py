"""A bake that no layer cache can make fail: it goes on without the one that is at fault."""

from __future__ import annotations

from nox_buildkit.build.baking import Bake, bake
from nox_buildkit.engine.bake import BakeResult
from nox_buildkit.engine.events.cache_faults import CacheFault
from nox_buildkit.errors import BuildError
from nox_buildkit.report.console import Reporter
from nox_buildkit.report.diagnostics import with_codes


def bake_with_caches(ready: Bake, reporter: Reporter) -> tuple[BakeResult, dict[str, str]]:
    """Run it as `bake` does; where a cache ends it, again without reading or writing caches.

    Steps that ended are cached in the engine by then. Raises BuildError.
    """
    try:
        return bake(ready, reporter)
    except CacheFault as fault:
        rest = ready.caches.without(writing=fault.writing)
        if rest == ready.caches:
            raise BuildError(*fault.problems) from fault
        done = "written" if fault.writing else "read"
        cause = with_codes(fault)
        reporter.message(f"warning: no layer cache is {done}: {cause}; building again without")
        return bake_with_caches(ready.caching(rest), reporter)
