"""Become the user of PUID and PGID, then the program that was asked for.

    python3 become.py PROGRAM [ARGUMENT ...]

become.json has the account of the image, and the folders that belong to it. Who is not root has
been made another user by whoever started the container, and stays that.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

ETC, LARGEST = Path("/etc"), 2**31 - 1


def wanted(name: str, default: int) -> int:
    """Return the ID in the variable ``name``; ends the program if that is none."""
    text = os.environ.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit()) or int(text) > LARGEST:
        sys.exit(f"become: {name} is '{text}', which is not an ID; write a number such as 1000")
    return int(text)


def give(folders: list[str], before: int, uid: int, gid: int) -> None:
    """Give ``folders`` to the user, as far as they are still those of the image, or root's."""
    for folder in folders:
        path = Path(folder)
        # Behind a link may be anything.
        if not path.is_dir() or os.path.realpath(folder) != folder:
            continue
        state = path.stat()
        if state.st_uid in (0, before) and (state.st_uid, state.st_gid) != (uid, gid):
            try:
                os.chown(path, uid, gid)
            except OSError as error:
                print(f"become: {folder} stays as it is: {error.strerror}", file=sys.stderr)


def give_all(top: str, before: int, uid: int, gid: int) -> None:
    """Give what the image has put below ``top`` to the user; other file systems are left alone."""
    device = Path(top).stat().st_dev
    for folder, folders, files in os.walk(top):
        folders[:] = [x for x in folders if os.lstat(f"{folder}/{x}").st_dev == device]
        for name in (*folders, *files):
            path = f"{folder}/{name}"
            state = os.lstat(path)
            if state.st_uid == before and state.st_dev == device:
                os.chown(path, uid, gid, follow_symlinks=False)


def rename(file: Path, name: str, fields: dict[int, int]) -> None:
    """Give the account ``name`` of ``file`` (passwd(5), group(5)) other IDs, if it can be written.

    Programs start without it, too: it is there for those that ask for a name.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines):
            parts = line.split(":")
            if parts[0] == name:
                for field, value in fields.items():
                    parts[field] = str(value)
                lines[number] = ":".join(parts)
        temporary = file.with_name(f".{file.name}.new")
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
        temporary.chmod(0o644)
        temporary.replace(file)
    except (OSError, UnicodeError, IndexError):
        return


def home_of(name: str) -> str:
    """Return the home of the account ``name``."""
    lines = (ETC / "passwd").read_text(encoding="utf-8", errors="replace").splitlines()
    homes = [parts[5] for parts in (x.split(":") for x in lines) if parts[0] == name and parts[5:]]
    return homes[0] if homes else "/"


def drop(account: dict[str, Any]) -> None:
    """Stop being root, for good."""
    uid, gid = wanted("PUID", account["uid"]), wanted("PGID", account["gid"])
    if uid == 0:
        sys.exit("become: PUID is 0, and this image does not run as root; name another user")
    give(account["directories"], account["uid"], uid, gid)
    if (uid, gid) != (account["uid"], account["gid"]):
        if account["workdir"]:
            try:
                give_all(account["workdir"], account["uid"], uid, gid)
            except OSError as error:
                said = f"{account['workdir']} stays as it is"
                print(f"become: {said}: {error.strerror}", file=sys.stderr)
        rename(ETC / "passwd", account["name"], {2: uid, 3: gid})
        rename(ETC / "group", account["name"], {2: gid})
    try:
        os.setgroups([])
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
    except PermissionError:
        sys.exit(
            "become: the container may not change its user; leave it the capabilities SETUID and "
            f"SETGID, or start it with --user {uid}:{gid}"
        )


def main(account: dict[str, Any], arguments: list[str]) -> None:
    """Become the user, and then ``arguments``."""
    if not arguments:
        sys.exit("become: no command to start")
    # As it was given: Python adds a locale where none is set (PEP 538).
    lines = Path("/proc/self/environ").read_bytes().split(b"\0")
    environment = {name: value for name, sign, value in (x.partition(b"=") for x in lines) if sign}
    if os.getuid() == 0:
        drop(account)
        # That of root, which the engine has set, is closed to everybody else.
        if environment.get(b"HOME", b"/root") == b"/root":
            environment[b"HOME"] = os.fsencode(home_of(account["name"]))
    elif os.environ.get("PUID", str(os.getuid())) != str(os.getuid()):
        said = f"the container was started as user {os.getuid()}, so PUID does not count"
        print(f"become: {said}", file=sys.stderr)
    # Python ignores them, and what is ignored stays so.
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvpe(arguments[0], arguments, environment)  # noqa: S606  a shell would keep the signals
    except OSError as error:
        print(f"become: {arguments[0]}: {error.strerror}", file=sys.stderr)
        # As engines say it of a program that is not there, and of one that cannot be run.
        sys.exit(127 if isinstance(error, FileNotFoundError) else 126)


if __name__ == "__main__":
    main(json.loads(Path(__file__).with_name("become.json").read_text()), sys.argv[1:])
