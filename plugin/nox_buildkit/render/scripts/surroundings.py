"""Make what surrounds an application: a name for its user, folders that it owns, placed files.

Runs inside the build with nothing but Python:

    python3 surroundings.py DESCRIPTION BASE ROOT

DESCRIPTION is a JSON file, and paths of sources in it are relative to its folder; BASE is
where the file system of the base is; ROOT mirrors that of the final image.
"""

import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

#: The name of a user or group that was given as a number, and the first number of one by name.
ANONYMOUS, FIRST_ID = "app", 10001


class Accounts:
    """The users or the groups of the base (passwd(5), group(5)); there may be none."""

    def __init__(self, path: Path) -> None:
        self.text = path.read_text() if path.is_file() else ""
        lines = [line.split(":") for line in self.text.splitlines()]
        self.ids = {fields[0]: int(fields[2]) for fields in lines if len(fields) > 2}
        #: Of users: their first group.
        self.groups = {fields[0]: fields[3] for fields in lines if len(fields) > 3}

    def number(self, name: str) -> int:
        """The ID of a name or a number."""
        if name.isdigit():
            return int(name)
        if name not in self.ids:
            sys.exit(f"the base has no user or group '{name}'")
        return self.ids[name]

    def add(self, name: str, number: int, rest: str) -> None:
        """Add a line: ``rest`` is what follows the ID."""
        head = self.text if not self.text or self.text.endswith("\n") else f"{self.text}\n"
        self.text = f"{head}{name}:x:{number}:{rest}\n"
        self.ids[name] = number
        self.groups[name] = rest.partition(":")[0] or str(number)

    def conflict(self, kind: str, name: str, number: int) -> str:
        """Say why there cannot be a ``kind`` called ``name`` with the ID ``number``."""
        if self.ids.get(name, number) != number:
            return f"the base has a {kind} '{name}' with the ID {self.ids[name]}, not {number}"
        others = [other for other, taken in self.ids.items() if taken == number and other != name]
        if others and name not in self.ids:
            return f"the ID {number} of '{name}' belongs to the {kind} '{others[0]}' of the base"
        return ""


def add_account(users: Accounts, groups: Accounts, name: str, ids: str) -> None:
    """Add the user ``name`` with ``ids``, uid:gid, and its group, as far as they are missing."""
    uid, gid = map(int, ids.split(":"))
    said = users.conflict("user", name, uid)
    if not said and gid not in groups.ids.values():
        said = groups.conflict("group", name, gid)
    if said:
        sys.exit(f"nox-buildkit: {said}")
    if gid not in groups.ids.values():
        groups.add(name, gid, "")
    if name not in users.ids:
        users.add(name, uid, f"{gid}::/nonexistent:/usr/sbin/nologin")


def add_user(users: Accounts, groups: Accounts, wanted: str) -> None:
    """Add the user ``wanted``, user[:group], and the group, as far as they are not there."""
    user, _, group = wanted.partition(":")
    taken = {*users.ids.values(), *groups.ids.values()}
    free = next(number for number in range(FIRST_ID, 1 << 31) if number not in taken)
    if group or (user not in users.ids and not user.isdigit()):
        group = group or user
        number = int(group) if group.isdigit() else groups.ids.get(group, free)
        if number not in groups.ids.values():
            groups.add(ANONYMOUS if group.isdigit() else group, number, "")
        if user not in users.ids:
            uid = int(user) if user.isdigit() else free
            if uid not in users.ids.values():
                name = ANONYMOUS if user.isdigit() else user
                if not user.isdigit():
                    said = f"the base has no user '{user}': one with the ID {uid} is made"
                    print(f"nox-buildkit: {said}", file=sys.stderr)
                users.add(name, uid, f"{number}::/nonexistent:/usr/sbin/nologin")


def folder(layer: Path, path: Path) -> None:
    """Make the folder ``path`` in ``layer``, through no link: that would lead out of it."""
    here = layer
    for part in path.relative_to(layer).parts:
        here = here / part
        if here.is_symlink() or (here.exists() and not here.is_dir()):
            name = here.relative_to(layer)
            sys.exit(f"nox-buildkit: a file would be in '/{name}', which is no folder")
        here.mkdir(exist_ok=True)


def like_the_base(layer: Path, base: Path, made: "set[Path]") -> None:
    """Give each folder that the base has, but for those ``made`` by the spec, what it has there.

    A layer's folder takes the place of that of the base, with its owner and its mode.
    """
    for path in sorted(
        each for each in layer.rglob("*") if each.is_dir() and not each.is_symlink()
    ):
        there = base / path.relative_to(layer)
        if there.is_symlink():
            name = path.relative_to(layer)
            sys.exit(
                f"nox-buildkit: '/{name}' is a link to {there.readlink()} in the base: a file "
                "in it would replace the link; name the folder that it leads to"
            )
        if path not in made and there.is_dir():
            status = there.stat()
            os.chown(path, status.st_uid, status.st_gid)
            path.chmod(status.st_mode & 0o7777)


def free(layer: Path, path: Path) -> Path:
    """Remove the file or link that is at ``path``."""
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.is_dir():
        name = path.relative_to(layer)
        sys.exit(f"nox-buildkit: a file would take the place of the folder '/{name}'")
    return path


def place(file: dict[str, str], inputs: Path, layer: Path) -> Iterator[tuple[Path, int]]:
    """Make a file, a link or a folder, or all that is taken from an image.

    Yield each path with its mode, -1 for a link.
    """
    path = layer / file["target"].lstrip("/")
    folder(layer, path.parent)
    if "taken" in file:
        modes = [int(file.get(key, "-1"), 8) for key in ("mode", "folder_mode")]
        yield from take(Path(file["taken"]), path, layer, modes)
    elif "link" in file:
        free(layer, path).symlink_to(file["link"])
        yield path, -1
    else:
        if "source" in file:
            shutil.copyfile(inputs / file["source"], free(layer, path))
        else:
            folder(layer, path)
        yield path, int(file["mode"], 8)


def take(source: Path, path: Path, layer: Path, modes: list[int]) -> Iterator[tuple[Path, int]]:
    """Copy a file, a link as it is, or a folder; -1 in ``modes`` is the mode that it has."""
    if source.is_symlink():
        free(layer, path).symlink_to(source.readlink())
        yield path, -1
    elif source.is_dir():
        folder(layer, path)
        yield path, modes[1] if modes[1] >= 0 else source.stat().st_mode & 0o777
        for each in sorted(source.iterdir()):
            yield from take(each, path / each.name, layer, modes)
    elif source.is_file():
        shutil.copyfile(source, free(layer, path))
        yield path, modes[0] if modes[0] >= 0 else source.stat().st_mode & 0o777


def write_accounts(etc: Path, users: Accounts, groups: Accounts) -> None:
    """Write the accounts into the new folder ``etc``."""
    etc.mkdir(parents=True)
    (etc / "passwd").write_text(users.text)
    (etc / "group").write_text(groups.text)


def main(description: str, base: str, root: str) -> None:
    """Make all that the file ``description`` says, below ``root``."""
    wanted = json.loads(Path(description).read_text())
    inputs, layer = Path(description).parent, Path(root)
    users, groups = (Accounts(Path(base, "etc", name)) for name in ("passwd", "group"))
    before = (users.text, groups.text)
    if "account" in wanted:
        add_account(users, groups, wanted["account"], wanted["user"])
    else:
        add_user(users, groups, wanted["user"])
    if wanted["user"].replace(":", "").isdigit() or before != (users.text, groups.text):
        write_accounts(layer / "etc", users, groups)

    def ids(owner: str) -> "tuple[int, int]":
        user, _, group = owner.partition(":")
        return users.number(user), groups.number(group or users.groups.get(user, user))

    if "tell" in wanted:
        uid, gid = ids(wanted["user"])
        Path(wanted["tell"]).write_text(f"{uid}:{gid}")
    layer.mkdir(exist_ok=True)
    made = []
    for directory in wanted["directories"]:
        path = layer / directory["path"].lstrip("/")
        path.mkdir(parents=True, exist_ok=True)
        made.append((path, directory["owner"], 0o755))
    placed = [
        (path, file["owner"], mode)
        for file in wanted["files"]
        for path, mode in place(file, inputs, layer)
    ]
    like_the_base(layer, Path(base), {path for path, *_ in (*placed, *made)})
    # The user's folders stay the user's, whatever is placed in them.
    for path, owner, mode in (*placed, *made):
        os.chown(path, *ids(owner), follow_symlinks=False)
        if mode >= 0 and not path.is_symlink():
            path.chmod(mode)
    for path in (layer, *layer.rglob("*")):
        os.utime(path, (wanted["time"], wanted["time"]), follow_symlinks=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
