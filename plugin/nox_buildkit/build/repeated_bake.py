"""A bake that is run again where that helps: without a faulty cache, or what was half loaded."""

from __future__ import annotations

from nox_buildkit.build.baking import Bake, bake
from nox_buildkit.engine.bake import BakeResult
from nox_buildkit.engine.events.cache_faults import CacheFault
from nox_buildkit.engine.events.diagnose import Cancelled, LoadedInPart
from nox_buildkit.engine.private.ingests import forget_ingests
from nox_buildkit.errors import BuildError
from nox_buildkit.report.console import Reporter
from nox_buildkit.report.diagnostics import with_codes


def bake_again_if_needed(
    ready: Bake, reporter: Reporter, *, repeated: bool = False
) -> tuple[BakeResult, dict[str, str]]:
    """Run it as `bake` does; where a cache ends it, again without reading or writing caches.

    A build that nobody here cancelled is run a second time, and so is one that cannot go on with
    what the private engine has in part. Steps that ended are cached in the engine by then.
    ``repeated``: it was run before. Raises BuildError.
    """
    try:
        return bake(ready, reporter)
    except Cancelled as error:
        if repeated:
            raise
        reporter.message(f"warning: {with_codes(error)}; building again")
        return bake_again_if_needed(ready, reporter, repeated=True)
    except LoadedInPart:
        if repeated or not ready.engine.private:
            raise
        reporter.message("a build that was ended has loaded a base in part; building again")
        forget_ingests()
        return bake_again_if_needed(ready, reporter, repeated=True)
    except CacheFault as fault:
        rest = ready.caches.without(writing=fault.writing)
        if rest == ready.caches:
            raise BuildError(*fault.problems) from fault
        done = "written" if fault.writing else "read"
        cause = with_codes(fault)
        reporter.message(f"warning: no layer cache is {done}: {cause}; building again without")
        return bake_again_if_needed(ready.caching(rest), reporter, repeated=repeated)
