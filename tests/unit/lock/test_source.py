"""What a requirements source is, and what of it makes a lock stale."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from nox_buildkit.buildspec.reading.load import parse
from nox_buildkit.errors import Code, LockError
from nox_buildkit.lock.direct_references import (
    GitPackage,
    LocalPackage,
    git_packages,
    local_packages,
    portable,
    stated_file,
    without_local,
)
from nox_buildkit.lock.folders import with_hashes
from nox_buildkit.lock.indexes import Stated, stated_places
from nox_buildkit.lock.lock_inputs import inputs_digest
from nox_buildkit.lock.requirement_sets import sources_of
from nox_buildkit.lock.source import Source, kind_of, logical_lines, numbered_lines
from nox_buildkit.lock.uv import one_line
from nox_buildkit.printable import has_credentials, redacted
from tests.support.codes import coded

PYPROJECT = """\
[project]
name = "demo"
version = "1.0"
dependencies = ["idna>=3"]
[project.optional-dependencies]
web = ["starlette"]
[dependency-groups]
prod = ["gunicorn"]
[tool.black]
line-length = 100
"""
HASH = "--hash=sha256:" + "a" * 64


def source(folder: Path, name: str, text: str, **more: object) -> Source:
    path = folder / name
    path.write_text(text)
    return replace(
        Source(path, folder / "requirements.lock", kind_of(path), "3.13"),
        **more,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("idna\n", "requirements"),
        ("idna==3.1\n", "requirements"),
        (f"idna==3.1 {HASH}\n", "locked"),
        (f"idna==3.1 \\\n    {HASH} \\\n    {HASH}\n    # via x\nrich[a]==1.0 {HASH}\n", "locked"),
        (f"idna==3.1 {HASH}\nrich>=1\n", "requirements"),
        ("", "requirements"),
        (f"-r base.txt\nidna==3.1 {HASH}\n", "requirements"),
        (f"--constraint=base.txt\nidna==3.1 {HASH}\n", "requirements"),
        (f"--no-binary idna\n-i https://a/simple\nidna==3.1 --hash sha256:{'a' * 64}\n", "locked"),
        (f"idna==3.1 --hash=sha512:{'a' * 128} {HASH}\n", "locked"),
    ],
)
def test_a_finished_lock_is_recognised(tmp_path: Path, text: str, kind: str) -> None:
    (tmp_path / "requirements.txt").write_text(text)

    assert kind_of(tmp_path / "requirements.txt") == kind


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("# note \\\nidna\n", [(2, "idna")]),
        ("idna # note \\\nsix\n", [(1, "idna"), (2, "six")]),
        ("a \\\n  # note \\\n  --hash=x\n", [(1, "a"), (3, "--hash=x")]),
        ("a==1 \\\r\n --hash=x\r\n\r\nb \\", [(1, "a==1   --hash=x"), (4, "b")]),
        ("\n\na@https://h/x#egg=a\\\n\nb", [(3, "a@https://h/x#egg=a"), (5, "b")]),
    ],
)
def test_comments_continue_nothing(text: str, lines: list[tuple[int, str]]) -> None:
    assert list(numbered_lines(text)) == lines


def test_a_byte_order_mark_is_no_part_of_the_first_line(tmp_path: Path) -> None:
    (tmp_path / "base.txt").write_text("idna\n")
    found = source(tmp_path, "requirements.in", "\ufeff-r base.txt\n")
    before = inputs_digest(found)
    (tmp_path / "base.txt").write_text("idna<3\n")
    assert inputs_digest(found) != before
    lock = tmp_path / "done.txt"
    lock.write_text(f"\ufeff--index-url https://index.example/simple\n./lib\nidna==3.1 {HASH}\n")
    assert stated_places(lock).index == "https://index.example/simple"
    assert [each.folder for each in local_packages(lock)] == [tmp_path / "lib"]


def test_a_finished_lock_has_sha_256_hashes(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.txt"
    lock.write_text(f"idna==3.1 {HASH}\nRich[x]==1.0 \\\n    --hash=sha512:{'a' * 128}\n")

    with pytest.raises(
        LockError, match=r"requirements\.txt:2:1: Rich has hashes, and no SHA-256"
    ) as caught:
        kind_of(lock)
    assert len(caught.value.problems) == 1


def test_continued_lines_are_joined_and_comments_dropped() -> None:
    assert logical_lines("a==1 \\\n  --hash=x # why\n\n# only\nb # c\nd @ https://h/x#egg=d\n") == (
        "a==1    --hash=x",
        "b",
        "d @ https://h/x#egg=d",
    )


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ("line-length = 100", "line-length = 80", True),
        ('version = "1.0"', 'version = "1.1"', True),
        ('"idna>=3"', '"idna>=3.4"', False),
        ("starlette", "starlette>1", True),
        ('[tool.black]', '[tool.uv]\nconstraint-dependencies = ["idna<4"]\n[tool.black]', False),
    ],
)  # fmt: skip
def test_only_what_decides_the_lock_makes_it_stale(
    tmp_path: Path, before: str, after: str, same: bool
) -> None:
    old = inputs_digest(source(tmp_path, "pyproject.toml", PYPROJECT))
    new = inputs_digest(source(tmp_path, "pyproject.toml", PYPROJECT.replace(before, after)))

    assert (old == new) is same


def test_extras_python_constraints_and_overrides_count(tmp_path: Path) -> None:
    constraints = tmp_path / "constraints.txt"
    constraints.write_text("idna<4\n")
    overrides = tmp_path / "overrides.txt"
    overrides.write_text("idna<4\n")
    plain = source(tmp_path, "pyproject.toml", PYPROJECT)
    variants = [
        plain,
        replace(plain, extras=("web",)),
        replace(plain, groups=("prod",)),
        replace(plain, python="3.12"),
        replace(plain, constraints=(constraints,)),
        replace(plain, overrides=(overrides,)),
        replace(plain, index="https://index.example/simple"),
    ]

    digests = {inputs_digest(variant) for variant in variants}
    assert len(digests) == len(variants)
    overrides.write_text("idna<5\n")
    assert inputs_digest(replace(plain, overrides=(overrides,))) not in digests


def test_an_included_file_counts(tmp_path: Path) -> None:
    (tmp_path / "more.txt").write_text("rich\n")
    found = source(tmp_path, "requirements.in", "-r more.txt\nidna\n")
    before = inputs_digest(found)
    (tmp_path / "more.txt").write_text("rich<14\n")

    assert inputs_digest(found) != before


@pytest.mark.parametrize(
    "value", ['"more reqs.txt"', "'more reqs.txt'", "more\\ reqs.txt", "more reqs.txt  # why"]
)
@pytest.mark.parametrize("option", ["-r ", "--requirement=", "--requirement = "])
def test_an_included_file_may_have_spaces_in_its_name(
    tmp_path: Path, option: str, value: str
) -> None:
    (tmp_path / "more reqs.txt").write_text("rich\n")
    found = source(tmp_path, "requirements.in", f"{option}{value}\nidna\n")
    before = inputs_digest(found)
    (tmp_path / "more reqs.txt").write_text("rich<14\n")

    assert inputs_digest(found) != before


def several(folder: Path, listed: str, files: dict[str, str]) -> Source:
    """The one set of a spec whose source is the list ``listed``."""
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    spec = parse(
        f"version: 1\nrequirements:\n  web:\n    source: [{listed}]\n"
        "images: {web: {requirements: web}}\n",
        "buildspec.yaml",
    )
    (found,) = sources_of(spec, folder).values()
    assert found
    return found


def test_each_file_of_a_set_counts(tmp_path: Path) -> None:
    files = {"r/base.txt": "idna\n", "r/prod.txt": "-r more.txt\n", "r/more.txt": "rich\n"}
    found = several(tmp_path, "r/base.txt, r/prod.txt", files)
    assert [path.name for path in found.paths] == ["base.txt", "prod.txt"]
    assert found.names == "base.txt and prod.txt"
    digests = [inputs_digest(found)]
    for name, text in files.items():
        (tmp_path / name).write_text(f"{text}six\n")
        digests.append(inputs_digest(found))
    assert len(set(digests)) == len(digests)


def test_places_that_files_of_a_set_name_are_put_together(tmp_path: Path) -> None:
    one = "--extra-index-url https://one.example/simple\nidna\n"
    both = f"--index-url https://main.example/simple\n{one.replace('one', 'two')}{one}"
    found = several(tmp_path, "base.txt, prod.txt", {"base.txt": one, "prod.txt": both})

    assert found.index == "https://main.example/simple"
    assert found.extra_indexes == ("https://one.example/simple", "https://two.example/simple")


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (
            {"base.txt": "idna\n"},
            "buildspec.yaml:4:24: requirements.web.source.1: {folder}/prod.txt: no such file",
        ),
        (
            {"base.txt": "idna\n", "prod.txt": f"rich==1.0 {HASH}\n"},
            "buildspec.yaml:4:24: requirements.web.source.1: prod.txt is a finished lock",
        ),
        (
            {"base.txt": "-i https://a.example/s\n", "prod.txt": "-i https://b.example/s\n"},
            "buildspec.yaml:4:24: requirements.web.source.1: prod.txt names another index",
        ),
    ],
)
def test_a_file_that_others_cannot_join_is_located(
    tmp_path: Path, files: dict[str, str], said: str
) -> None:
    with pytest.raises(LockError) as caught:
        several(tmp_path, "base.txt, prod.txt", files)

    assert str(caught.value).startswith(said.format(folder=tmp_path))


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("pyproject.toml", "[project\n", "pyproject.toml:1:9: not TOML: Expected ']'"),
        ("requirements.in", "-r requirements.in\n", "includes itself"),
        ("requirements.in", "-r missing.txt\n", "missing.txt: no such file"),
    ],
)
def test_unreadable_sources_are_explained(tmp_path: Path, name: str, text: str, said: str) -> None:
    with pytest.raises(LockError) as caught:
        inputs_digest(source(tmp_path, name, text))

    assert said in str(caught.value)


def test_an_extra_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    found = source(tmp_path, "pyproject.toml", PYPROJECT, extras=("wbe",))

    with (
        pytest.raises(LockError, match=r"no extra 'wbe'; it has: web"),
        coded(Code.REQUIREMENTS_KEY),
    ):
        inputs_digest(found)


def test_images_that_share_a_set_share_one_lock_for_the_oldest_python(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    spec = parse(
        "version: 1\nimages: {a: {python: '3.13'}, b: {python: '3.9'}, c: {requirements: none}}",
        "buildspec.yaml",
    )

    sources = {t.name: source for t, source in sources_of(spec, tmp_path).items()}

    assert sources["c"] is None
    assert sources["a"] == sources["b"]
    assert sources["a"] is not None
    assert sources["a"].python == "3.9"
    assert sources["a"].output == tmp_path / "requirements.lock"


def test_a_named_source_that_is_missing_is_located_in_the_spec(tmp_path: Path) -> None:
    spec = parse(
        "version: 1\nrequirements:\n  web:\n    source: nowhere.txt\n"
        "images: {a: {requirements: web}}",
        "buildspec.yaml",
    )

    with pytest.raises(LockError, match=r"^buildspec\.yaml:4:13: .*nowhere\.txt: no such file"):
        sources_of(spec, tmp_path)


@pytest.mark.parametrize("key", ["constraints", "overrides"])
@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("requirements.in", r"5:7: requirements\.web\.KEY\.0: .*more\.txt: no such file"),
        ("uv.lock", r"5:5: requirements\.web\.KEY: uv\.lock is resolved already: KEY have no say"),
        ("done.txt", r"5:5: requirements\.web\.KEY: done\.txt is resolved already: KEY have no"),
    ],
)
def test_files_beside_a_source_are_refused_at_their_place_in_the_spec(
    tmp_path: Path, key: str, source: str, said: str
) -> None:
    (tmp_path / "requirements.in").write_text("idna\n")
    (tmp_path / "done.txt").write_text(f"idna==3.1 {HASH}\n")
    (tmp_path / "uv.lock").write_text("")
    spec = parse(
        f"version: 1\nrequirements:\n  web:\n    {key}:\n    - more.txt\n    source: {source}\n"
        "images: {a: {requirements: web}}",
        "buildspec.yaml",
    )

    with pytest.raises(LockError, match=rf"^buildspec\.yaml:{said.replace('KEY', key)}"):
        sources_of(spec, tmp_path)


@pytest.mark.parametrize(
    ("folder", "said"),
    [("nowhere", "no such folder"), ("requirements.in", "is not a folder")],
)
def test_a_folder_of_files_that_is_none_is_located(tmp_path: Path, folder: str, said: str) -> None:
    (tmp_path / "requirements.in").write_text("idna\n")
    spec = parse(
        "version: 1\nrequirements:\n  web:\n    source: requirements.in\n"
        f"    find-links: [., {folder}]\nimages: {{a: {{requirements: web}}}}",
        "buildspec.yaml",
    )

    with pytest.raises(
        LockError, match=rf"^buildspec\.yaml:5:21: requirements\.web\.find-links\.1: .*: {said}"
    ):
        sources_of(spec, tmp_path)


def test_what_lies_in_a_folder_of_files_counts(tmp_path: Path) -> None:
    folder = tmp_path / "wheels"
    folder.mkdir()
    found = source(tmp_path, "requirements.in", "idna\n", find_links=(folder,))
    digests = [inputs_digest(found)]
    for name, content in (
        ("idna-3.1-py3-none-any.whl", "first"),
        ("idna-3.1-py3-none-any.whl", "other"),
        ("idna-3.2.tar.gz", "first"),
    ):
        (folder / name).write_text(content)
        digests.append(inputs_digest(found))
    (folder / "README").write_text("no distribution")
    (folder / "gone-1.0-py3-none-any.whl").symlink_to("nowhere")

    assert len(set(digests)) == len(digests)
    assert inputs_digest(found) == digests[-1]


def test_a_lock_gets_the_hash_of_every_file_in_a_folder(tmp_path: Path) -> None:
    for name in ("A_b-1.0-py3-none-any.whl", "a_b-1.0.tar.gz", "a_b-1.1.tar.gz", "odd.whl"):
        (tmp_path / name).write_text(name)
    first, second = (
        f"--hash=sha256:{hashlib.sha256(name.encode()).hexdigest()}"
        for name in ("A_b-1.0-py3-none-any.whl", "a_b-1.0.tar.gz")
    )
    lines = " \\\n    ".join(["a-b==1.0 ; os_name == 'posix'", *sorted((first, second))])

    for hashes in ("", f" \\\n    {first}"):
        lock = f"a-b==1.0 ; os_name == 'posix'{hashes}\n    # via x\nc==2 \\\n    {HASH}\n"
        assert with_hashes(lock, [tmp_path]) == f"{lines}\n    # via x\nc==2 \\\n    {HASH}\n"


def test_uvs_message_becomes_one_line_without_credentials() -> None:
    message = (
        "warning: noise\n"
        "  \u00d7 No solution found when resolving dependencies:\n"
        "  ╰─▶ Because a was not found at https://me:secret@index.example/a and you\n"
        "      require a, your requirements are unsatisfiable.\n"
    )

    assert one_line(message) == (
        "No solution found when resolving dependencies: Because a was not found at "
        "https://***@index.example/a and you require a, your requirements are unsatisfiable."
    )
    assert redacted("http://u@h/x") == "http://***@h/x"


def test_a_lock_never_replaces_a_source_or_another_lock(tmp_path: Path) -> None:
    (tmp_path / "a.in").write_text("idna\n")
    (tmp_path / "b.in").write_text("rich\n")
    spec = parse(
        "version: 1\n"
        "requirements:\n"
        "  a: {source: a.in, output: same.lock}\n"
        "  b: {source: b.in, output: same.lock}\n"
        "  c: {source: b.in, output: b.in}\n"
        "images: {a: {requirements: a}, b: {requirements: b}, c: {requirements: c}}",
        "buildspec.yaml",
    )

    with pytest.raises(LockError) as caught:
        sources_of(spec, tmp_path)

    assert [str(problem).split(";")[0] for problem in caught.value.problems] == [
        "buildspec.yaml:4:15: requirements.b.source: "
        "'same.lock' is the lock of two sets of requirements",
        "buildspec.yaml:5:15: requirements.c.source: "
        "the lock would replace 'b.in', which is a source",
    ]


def test_an_index_in_uvs_own_settings_is_refused(tmp_path: Path) -> None:
    text = PYPROJECT + '[[tool.uv.index]]\nname = "x"\nurl = "https://index.example"\n'

    with pytest.raises(LockError, match=r"tool\.uv\.index is not known to the steps"):
        inputs_digest(source(tmp_path, "pyproject.toml", text))


def test_extras_are_the_same_whatever_their_spelling(tmp_path: Path) -> None:
    text = PYPROJECT.replace("web =", "Web_Api =")

    assert inputs_digest(source(tmp_path, "pyproject.toml", text, extras=("web-api",)))


@pytest.mark.parametrize(
    ("line", "written"),
    [
        ("-e ./lib", "../lib"),
        ("--editable=file:///src/lib", "../lib"),
        ("./services/api", "./api"),
        ("lib @ file:///src/lib ; python_version >= '3.12'", "../lib ; python_version >= '3.12'"),
        ("../other", "../../other"),
        ("./my libs/core ; os_name == 'posix'", "../my libs/core ; os_name == 'posix'"),
        ("core @ file:///src/my%20libs/core", "../my libs/core"),
        ("core @ file://${PROJECT_ROOT}/my%20libs/core", "../my libs/core"),
        ("lib @ file:///${PROJECT_ROOT}/lib ; os_name == 'posix'", "../lib ; os_name == 'posix'"),
        ("lib @ ${PROJECT_ROOT}/lib", "../lib"),
        ("-e ${PROJECT_ROOT}", ".."),
        ("-e lib", "../lib"),
        ("./lib[dev]", "../lib"),
        ("./wheels/lib-1.0.whl --hash=sha256:aa", "./wheels/lib-1.0.whl --hash=sha256:aa"),
        ("lib==1.0 --hash=sha256:aa", "lib==1.0 --hash=sha256:aa"),
        ("lib @ https://host/lib-1.0-py3-none-any.whl", "lib @ https://host/lib-1.0-py3-none-any.whl"),
        ("--extra-index-url https://host/simple", "--extra-index-url https://host/simple"),
        ("    # via -r /src/requirements.in", "    # via -r /src/requirements.in"),
    ],
)  # fmt: skip
def test_a_folder_is_written_relative_to_the_lock(line: str, written: str) -> None:
    assert portable(f"{line}\n", Path("/src"), Path("/src/services")) == f"{written}\n"


def test_a_folder_without_a_dot_is_no_package_of_an_index(tmp_path: Path) -> None:
    (tmp_path / "libs" / "core").mkdir(parents=True)
    (tmp_path / "six").mkdir()
    written = portable(
        "six\n    # via api\nlibs/core ; os_name == 'posix'\nidna==3.1\nlibs==1\n",
        tmp_path,
        tmp_path,
    )
    assert written.splitlines() == [
        "./six", "    # via api", "./libs/core ; os_name == 'posix'", "idna==3.1", "libs==1"
    ]  # fmt: skip


def test_folders_are_read_back_and_kept_from_the_index(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    folders = "./lib ; os_name == 'posix'\n    # via api\n./my libs/core\n-e lib[dev]\n"
    lock.write_text(f"{folders}idna==3.1 --hash=sha256:aa\n")

    assert list(local_packages(lock)) == [
        LocalPackage(tmp_path / "lib", "os_name == 'posix'"),
        LocalPackage(tmp_path / "my libs" / "core"),
        LocalPackage(tmp_path / "lib"),
    ]
    assert without_local(lock.read_text()).splitlines()[1] == "idna==3.1 --hash=sha256:aa"


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("wheels/lib-1.0-py3-none-any.whl --hash=sha256:aa", "wheels/lib-1.0-py3-none-any.whl"),
        ("idna==3.1\nlib @ file:///src/lib.tar.gz", "file:///src/lib.tar.gz"),
        ("./my libs/lib-1.0.zip", "./my libs/lib-1.0.zip"),
        ("lib @ https://host/lib-1.0-py3-none-any.whl", None),
        ("idna==3.1\n    # via wheels/lib-1.0.whl", None),
    ],
)
def test_a_file_by_its_path_is_found(text: str, path: str | None) -> None:
    assert stated_file(text) == path


def test_commits_are_read_back_and_kept_from_the_index(tmp_path: Path) -> None:
    url = f"git+ssh://git@host/lib@{'c' * 40}#subdirectory=python"
    lock = tmp_path / "requirements.lock"
    lock.write_text(f"lib[x] @ {url} ; os_name == 'posix'\nidna==3.1 --hash=sha256:aa\n")

    assert list(git_packages(lock)) == [GitPackage("lib", url, "os_name == 'posix'")]
    assert without_local(lock.read_text()) == "idna==3.1 --hash=sha256:aa\n"


@pytest.mark.parametrize("end", ["", "@main", "@v1.0", "@c0ffee1", "@main#subdirectory=python"])
def test_an_address_without_a_commit_is_refused(tmp_path: Path, end: str) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text(f"# inputs\nlib @ git+https://host/lib{end}\n")

    with (
        pytest.raises(LockError, match=r"requirements\.lock:2:1: lib: the address names no commit"),
        coded(Code.UNPINNED_ADDRESS),
    ):
        list(git_packages(lock))


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        ("git+https://host/lib@main", False),
        ("git+ssh://git@host/lib@main", False),
        ("git+ssh://git:hidden@host/lib@main", True),
        ("git+https://token@host/lib", True),
        ("https://me:hidden@host/lib.whl", True),
    ],
)
def test_what_a_url_gives_away(url: str, secret: bool) -> None:
    assert has_credentials(f"lib @ {url}\n") is secret
    assert "hidden" not in redacted(url)


def test_indexes_that_a_lock_names(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text("-i https://a/simple\n--extra-index-url=https://b/simple\nidna==3.1\n")
    assert stated_places(lock) == Stated("https://a/simple", ("https://b/simple",))

    (tmp_path / "my wheels").mkdir()
    uri = f"{tmp_path.as_uri()}/my%20wheels"
    for folder in ('"my wheels"', "my\\ wheels", "my wheels", uri):
        lock.write_text(f"-f {folder}\n--index-url 'https://a/simple'\n")
        assert stated_places(lock) == Stated("https://a/simple", (), (tmp_path / "my wheels",))

    lock.write_text("idna==3.1 \\\n  --hash=x\n\n--index-url https://me:secret@a/simple\n")
    with pytest.raises(LockError, match=r"lock:4:1: credentials do not belong in a file") as caught:
        stated_places(lock)
    assert "secret" not in str(caught.value)


def test_a_member_of_a_workspace_has_the_lock_of_the_workspace(tmp_path: Path) -> None:
    member = tmp_path / "services" / "api"
    member.mkdir(parents=True)
    (member / "pyproject.toml").write_text(PYPROJECT)
    (tmp_path / "uv.lock").write_text(
        '[manifest]\nmembers = [\n    "demo",\n]\n\n'
        '[[package]]\nname = "demo"\nversion = "1.0"\nsource = { editable = "services/api" }\n'
    )
    spec = parse("version: 1\nimages: {a: {context: services/api}}", "buildspec.yaml")

    found = {t.name: source for t, source in sources_of(spec, tmp_path).items()}["a"]

    assert found is not None
    assert (found.path, found.package) == (tmp_path / "uv.lock", "demo")
    assert found.output == member / "requirements.lock"


def _default(folder: Path) -> Source | None:
    """The requirements of an image that names none."""
    spec = parse("version: 1\nimages: {a: {command: [a]}}", "buildspec.yaml")
    (found,) = sources_of(spec, folder).values()
    return found


def test_what_pip_freeze_said_is_a_source(tmp_path: Path) -> None:
    assert _default(tmp_path) is None
    (tmp_path / "requirements.lock").write_text("idna==3.1\n")
    found = _default(tmp_path)
    assert found
    assert (found.kind, found.output.name) == ("requirements", "requirements.hashed.lock")

    (tmp_path / "requirements.lock").write_text(f"idna==3.1 {HASH}\n")
    found = _default(tmp_path)
    assert found
    assert (found.kind, found.output) == ("locked", tmp_path / "requirements.lock")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (
            "pyproject.toml",
            "[tool.poetry.dependencies]\npython = '^3.13'\n",
            r"there is no poetry\.lock beside it; run 'poetry lock'",
        ),
        ("Pipfile", "[packages]\n", r"there is no Pipfile\.lock beside it; run 'pipenv lock'"),
    ],
)
def test_requirements_whose_tool_has_not_locked_them(
    tmp_path: Path, name: str, text: str, said: str
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(LockError, match=rf"^buildspec\.yaml:2:10: .*{said}"):
        _default(tmp_path)


def test_a_lock_that_is_not_there_is_made_by_its_tool(tmp_path: Path) -> None:
    spec = parse(
        "version: 1\nrequirements: {a: {source: uv.lock}}\nimages: {a: {requirements: a}}",
        "buildspec.yaml",
    )
    with pytest.raises(LockError, match=r"no such file; run 'uv lock', or correct its name"):
        sources_of(spec, tmp_path)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        (
            '[[tool.uv.index]]\nname = "own"\nurl = "https://me:s3cret@index.example/simple"\n',
            "credentials",
        ),
        ('[[tool.uv.index]]\nurl = "./wheels"\n', "not an index URL"),
        ('[tool.uv]\nfind-links = ["https://page.example/links.html"]\n', "and no pages"),
        ('[tool.uv]\nfind-links = ["nowhere"]\n', "no such folder"),
    ],
)
def test_what_a_uv_project_names_has_to_be_within_reach(
    tmp_path: Path, setting: str, said: str
) -> None:
    (tmp_path / "pyproject.toml").write_text(f"[project]\nname = 'a'\n{setting}")
    (tmp_path / "uv.lock").write_text("version = 1\n")
    with pytest.raises(LockError, match=r"^\S*pyproject\.toml:\d:\d+: tool\.uv\.") as caught:
        _default(tmp_path)
    assert said in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_files_that_include_each_other_by_roundabout_paths(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.in").write_text("-r sub/../b.in\n")
    (tmp_path / "b.in").write_text("-r sub/../a.in\n")
    with pytest.raises(LockError, match="includes itself"):
        inputs_digest(replace(source(tmp_path, "c.in", "-r a.in\n")))
