"""Verdicts on engines: which one is chosen, why, and what mends what is wrong with it."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from nox_buildkit.doctor.emulators import judge_platforms
from nox_buildkit.doctor.engine_facts import EngineFacts, PrivateFacts, UserFacts
from nox_buildkit.doctor.engines import choose, judge_builder, judge_engine
from nox_buildkit.doctor.finding import Finding
from nox_buildkit.doctor.stated_nodes import stated_nodes
from nox_buildkit.engine.choice import Choice
from nox_buildkit.engine.inspect import Builder, Node
from nox_buildkit.engine.stated_builder import StatedBuilder, StatedNode
from nox_buildkit.errors import Code

NOBODY = Choice(None, None)
NOTHING = UserFacts()
NAMED = Choice("farm", None)
STOPPED = PrivateFacts("stopped", unpacked=True)
AMD64 = Node("farm0", "running", ("linux/amd64", "linux/386"), (), "", "tcp://one:1", "v0.26")
ARM64 = Node("farm1", "running", ("linux/arm64*",), (), "", "tcp://two:1")
DEFAULT = Builder("default", "docker", "", (replace(AMD64, name="default", endpoint="default"),))


def facts(choice: Choice = NOBODY, users: UserFacts = NOTHING, **more: object) -> EngineFacts:
    return replace(EngineFacts(choice, STOPPED, users), **more)  # type: ignore[arg-type]


def farm(*nodes: Node, driver: str = "remote", error: str = "") -> UserFacts:
    return UserFacts("docker", builder=Builder("farm", driver, error, nodes))


def engine_of(given: EngineFacts) -> Finding:
    return next(f for f in judge_engine(given) if f.check == "engine")


def test_without_docker_it_is_the_private_engine() -> None:
    found = engine_of(facts())
    assert (found.verdict, found.message) == (
        "ok",
        "the private engine: there is no docker on PATH",
    )


def test_the_shell_of_the_private_engine_means_it() -> None:
    host = "unix:///cache/engine/run/docker.sock"
    found = engine_of(facts(Choice(None, f"DOCKER_HOST={host}"), own_socket=True))
    assert found.verdict == "ok"
    assert found.message == "the private engine: DOCKER_HOST is its socket"


def test_a_docker_that_can_is_taken() -> None:
    given = facts(users=UserFacts("docker", builder=DEFAULT, store=True, version="28.5.2"))
    assert choose(given).users
    assert engine_of(given).message.startswith("builder default: it is the current one")
    builder, store, node = judge_builder(given)
    assert builder.message == "default, driver docker, dockerd 28.5.2"
    assert store.message == "containerd"
    assert node.facts["platforms"] == ["linux/amd64", "linux/386"]


@pytest.mark.parametrize(
    ("users", "cause", "fix"),
    [
        (UserFacts("docker", "docker has no buildx"), "no buildx", "install your distribution"),
        (UserFacts("docker", failure="Cannot connect"), "Cannot connect", "systemctl start docker"),
        (
            UserFacts("docker", builder=DEFAULT, store=False),
            "no containerd image store",
            '"containerd-snapshotter": true',
        ),
    ],
)
def test_a_docker_that_cannot_is_passed_over_with_a_warning(
    users: UserFacts, cause: str, fix: str
) -> None:
    found = engine_of(facts(users=users))
    assert found.verdict == "warning"
    assert found.message.startswith("the private engine: ")
    assert cause in found.message
    assert fix in found.fix


@pytest.mark.parametrize(
    ("users", "cause", "fix"),
    [
        (UserFacts("docker", failure='no builder "farm" found'), "no builder", "docker buildx ls"),
        (farm(error="context deadline exceeded"), "deadline", "docker buildx create"),
        (replace(farm(AMD64), differs="its driver is remote"), "driver is remote", "buildx rm"),
        (
            UserFacts("docker", builder=replace(DEFAULT, name="farm"), store=False),
            "containerd image store",
            "daemon.json",
        ),
        (UserFacts(unfit="there is no docker, and this is Fedora"), "Fedora", "docker-buildx"),
    ],
)
def test_what_is_named_is_never_replaced(users: UserFacts, cause: str, fix: str) -> None:
    found = engine_of(facts(NAMED, users))
    assert found.verdict == "problem"
    assert found.message.startswith("builder farm: ")
    assert cause in found.message
    assert fix in found.fix


def test_a_described_builder_that_is_not_there_yet_is_well() -> None:
    stated = StatedBuilder("farm", "remote", ())
    given = facts(Choice("farm", None, stated), UserFacts("docker", absent=True))
    assert engine_of(given).verdict == "ok"
    assert engine_of(given).message == "builder farm: the first build creates it"


def test_nodes_of_a_described_builder_are_reached_before_it_is_there(tmp_path: Path) -> None:
    options = (("cert", str(tmp_path / "gone.pem")),)
    with socket.create_server(("127.0.0.1", 0)) as server:
        one = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        nodes = (
            StatedNode(one, ("linux/amd64",)),
            StatedNode(one, ("linux/arm64",), options),
            StatedNode("ssh://pi"),
        )
        stated = StatedBuilder("farm", "remote", nodes)
        reached = tuple(stated_nodes(stated))
    down = tuple(stated_nodes(StatedBuilder("farm", "remote", nodes[:1])))
    users = UserFacts("docker", absent=True, stated=(*reached, *down))
    found = list(judge_builder(facts(Choice("farm", None, stated), users)))
    assert [finding.verdict for finding in found] == ["ok", "problem", "ok", "problem"]
    assert found[0].message == f"farm0 at {one}: takes connections"
    assert found[1].message.endswith(f"cert: there is no file {tmp_path}/gone.pem")
    assert found[2].message == "farm2 at ssh://pi: is asked once the builder is created"
    assert found[3].message.endswith("Connection refused")
    assert "correct its endpoint" in found[3].fix


def test_a_named_builder_that_nobody_can_ask_yet_is_a_warning() -> None:
    found = engine_of(facts(NAMED))
    assert found.verdict == "warning"
    assert "nox -s engine -- env" in found.fix


def test_a_private_engine_that_cannot_run_is_a_problem_where_it_is_needed() -> None:
    obstacle = Code.BUILDER("the private engine needs root", "run `apt-get install docker.io`")
    cannot = PrivateFacts("absent", obstacle=obstacle)
    needed = list(judge_engine(facts(private=cannot)))[1]
    assert (needed.verdict, needed.message) == ("problem", "the private engine needs root")
    assert needed.fix == "run `apt-get install docker.io`"
    users = UserFacts("docker", builder=DEFAULT, store=True)
    assert list(judge_engine(facts(users=users, private=cannot)))[1].verdict == "ok"


def test_a_broken_private_engine_is_a_warning() -> None:
    found = list(judge_engine(facts(private=PrivateFacts("broken"))))[1]
    assert found.verdict == "warning"
    assert "nox -s engine -- start" in found.fix


def test_a_node_that_does_not_answer_is_a_problem() -> None:
    gone = Node("farm1", "", (), (), "connection refused", "tcp://two:1")
    *_, first, second = judge_builder(facts(NAMED, farm(AMD64, gone)))
    assert first.message == "farm0 at tcp://one:1: running, BuildKit v0.26, linux/amd64"
    assert (second.verdict, second.message) == (
        "problem",
        "farm1 at tcp://two:1: connection refused",
    )
    assert "docker buildx rm" in second.fix


def test_a_remote_node_that_is_not_reached_is_a_problem() -> None:
    # buildx lists the platforms that a node was given, whether it is reached or not.
    gone = Node("farm1", "inactive", ("linux/arm64",), ("linux/arm64",), "", "tcp://two:1")
    *_, found = judge_builder(facts(NAMED, farm(AMD64, gone)))
    assert (found.verdict, found.message) == ("problem", "farm1 at tcp://two:1: inactive")
    assert engine_of(facts(NAMED, farm(gone))).verdict == "problem"


def test_a_builder_that_sleeps_is_started_by_a_build() -> None:
    sleeps = Node("farm0", "inactive", (), (), "", "unix:///var/run/docker.sock")
    given = facts(NAMED, farm(sleeps, driver="docker-container"))
    assert {finding.verdict for finding in (*judge_engine(given), *judge_builder(given))} == {"ok"}


def test_a_store_without_containerd_is_a_problem_of_the_builder() -> None:
    users = UserFacts("docker", builder=replace(DEFAULT, name="farm"), store=False)
    store = next(f for f in judge_builder(facts(NAMED, users)) if f.check == "image store")
    assert store.verdict == "problem"
    assert "containerd-snapshotter" in store.fix


def platforms(given: EngineFacts) -> list[tuple[str, str]]:
    found = judge_platforms(("linux/amd64", "linux/arm64"), given)
    return [(finding.verdict, str(finding.facts["runs"])) for finding in found]


def test_platforms_of_this_machine() -> None:
    assert platforms(facts()) == [("ok", "processor"), ("ok", "None")]
    emulated = facts(emulated=frozenset({"linux/arm64"}))
    assert platforms(emulated) == [("ok", "processor"), ("ok", "emulator")]
    somebody = facts(superuser=False)
    assert platforms(somebody) == [("ok", "processor"), ("warning", "None")]
    (found,) = judge_platforms(["linux/arm64"], somebody)
    assert "install qemu-user-static" in found.fix


def test_a_handler_that_containers_do_not_see_is_a_warning() -> None:
    useless = facts(useless={"linux/arm64": "the handler qemu lacks the flag F"})
    (found,) = judge_platforms(["linux/arm64"], useless)
    assert (found.verdict, found.message) == (
        "warning",
        "linux/arm64: the handler qemu lacks the flag F",
    )
    assert "nox -s engine -- start --platform linux/arm64" in found.fix


def test_platforms_of_nodes() -> None:
    both = farm(AMD64, replace(ARM64, platforms=("linux/arm64",)))
    assert platforms(facts(NAMED, both)) == [("ok", "processor"), ("ok", "processor")]
    lists_both = farm(replace(AMD64, platforms=("linux/amd64", "linux/arm64/v8")))
    assert platforms(facts(NAMED, lists_both)) == [("ok", "processor"), ("ok", "emulator")]
    one = facts(NAMED, farm(AMD64))
    assert platforms(one) == [("ok", "processor"), ("warning", "None")]
    *_, found = judge_platforms(["linux/arm64"], one)
    assert "docker buildx create --append" in found.fix
    here = facts(NAMED, replace(farm(AMD64, driver="docker-container"), here=True))
    assert platforms(here) == [("ok", "processor"), ("ok", "None")]
