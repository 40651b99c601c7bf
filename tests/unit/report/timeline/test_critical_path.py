from __future__ import annotations

from nox_buildkit.report.timeline.critical_path import Node, critical_path


def node(name: str, begin: float, end: float, *inputs: str) -> Node:
    return Node(name, begin, end, frozenset(inputs))


def test_of_two_chains_the_one_that_ends_last_is_critical() -> None:
    nodes = [
        node("base", 0, 1),
        node("quick", 1, 2, "base"),
        node("slow", 1, 9, "base"),
        node("image", 9, 10, "quick", "slow"),
        node("other", 1, 5, "base"),
    ]
    assert critical_path(nodes) == ("base", "slow", "image")


def test_a_long_step_that_nothing_waited_for_is_not_critical() -> None:
    nodes = [node("long", 0, 8), node("a", 0, 5), node("b", 5, 9, "a")]
    assert critical_path(nodes) == ("a", "b")


def test_an_export_names_no_input_and_waited_for_what_ended_last() -> None:
    nodes = [node("a", 0, 3), node("b", 0, 4), Node("export", 4, 6, follows=True)]
    assert critical_path(nodes) == ("b", "export")


def test_the_first_step_waited_for_errands_and_not_for_other_steps() -> None:
    nodes = [
        Node("definition", 0, 1, errand=True, follows=True),
        node("unrelated", 1, 3),
        node("step", 3, 9),
    ]
    assert critical_path(nodes) == ("definition", "step")


def test_inputs_are_found_through_work_that_never_ran() -> None:
    graph = {"merged": frozenset({"source"}), "image": frozenset({"merged"})}
    nodes = [node("source", 0, 2), node("image", 2, 3, "merged")]
    assert critical_path(nodes, graph) == ("source", "image")


def test_a_circle_ends_and_nothing_has_no_path() -> None:
    assert critical_path([]) == ()
    assert critical_path([node("a", 0, 2, "b"), node("b", 0, 2, "a")]) == ("a", "b")
