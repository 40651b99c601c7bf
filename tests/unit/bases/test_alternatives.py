"""What maintainer scripts say to update-alternatives, in the words of real packages."""

from __future__ import annotations

from pathlib import Path

import pytest

from nox_buildkit.bases.alternatives import Alternative, links, stated
from nox_buildkit.bases.image_inspection import Files
from nox_buildkit.errors import Code, EngineError
from tests.support.codes import coded

KNOWN = {"architecture": "amd64", "multiarch": "x86_64-linux-gnu"}

GCC = r"""
update-alternatives --quiet \
    --install /usr/bin/cc cc /usr/bin/gcc 20 \
    #--slave /usr/share/man/man1/cc.1.gz cc.1.gz /usr/share/man/man1/gcc.1.gz
"""
BLAS = r"""
update-alternatives --install /usr/lib/x86_64-linux-gnu/libblas.so.3 \
                    libblas.so.3-x86_64-linux-gnu \
                    /usr/lib/x86_64-linux-gnu/blas/libblas.so.3 10
"""
NETCAT = r"""
if [ "$1" = "configure" ]; then
    update-alternatives \
        --install /bin/nc nc /bin/nc.openbsd 50 \
        --slave /bin/netcat netcat /bin/nc.openbsd
fi
"""
JAVA = r"""
priority=2111
basedir=/usr/lib/jvm/java-21-openjdk-amd64
mandir=$basedir/man
jre_tools='java keytool'

case "$1" in
configure)
    if [ -n "$multiarch" ] && [ "$DPKG_MAINTSCRIPT_ARCH" != $(dpkg --print-architecture) ]; then
        priority=$(expr $priority - 1)
    fi
    for i in $jre_tools; do
        unset slave1 slave2 || true
        if [ -e $mandir/man1/$i.1.gz ]; then
            slave1="--slave \
                /usr/share/man/man1/$i.1.gz \
                $i.1.gz \
                $mandir/man1/$i.1.gz"
        fi
        update-alternatives \
            --install \
            /usr/bin/$i \
            $i \
            $basedir/bin/$i \
            $priority \
            $slave1 $slave2
    done
    ;;
esac
"""
MARIADB = r"""
case "$1" in
  configure)
    if ! update-alternatives --query my.cnf | grep --quiet "Value: /etc/mysql/mariadb.cnf"
    then
      update-alternatives --install /etc/mysql/my.cnf my.cnf "/etc/mysql/mariadb.cnf" 500 || true
    fi
    ;;
esac
"""
OLD = r"""
awk '{
  print "update-alternatives --install is not said here"
}' /dev/null
update-alternatives --remove rename /usr/bin/prename
update-alternatives --install /usr/bin/x x /usr/bin/x-$(dpkg --print-architecture) \
    1 > /dev/null 2>&1
"""
COMPUTED = r"""
install_one() { update-alternatives --install /usr/bin/$1 $1 /opt/x/$1 10; }
for f in $(ls /opt/x); do install_one $f; done
"""


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (GCC, ["/usr/bin/cc cc /usr/bin/gcc 20"]),
        (
            BLAS,
            [
                "/usr/lib/x86_64-linux-gnu/libblas.so.3 libblas.so.3-x86_64-linux-gnu "
                "/usr/lib/x86_64-linux-gnu/blas/libblas.so.3 10"
            ],
        ),
        (NETCAT, ["/bin/nc nc /bin/nc.openbsd 50 --slave /bin/netcat netcat /bin/nc.openbsd"]),
        (
            JAVA,
            [
                f"/usr/bin/{name} {name} /usr/lib/jvm/java-21-openjdk-amd64/bin/{name} 2111 "
                f"--slave /usr/share/man/man1/{name}.1.gz {name}.1.gz "
                f"/usr/lib/jvm/java-21-openjdk-amd64/man/man1/{name}.1.gz"
                for name in ("java", "keytool")
            ],
        ),
        (MARIADB, ["/etc/mysql/my.cnf my.cnf /etc/mysql/mariadb.cnf 500"]),
        (OLD, ["/usr/bin/x x /usr/bin/x-amd64 1"]),
    ],
)
def test_what_a_script_installs_is_read(script: str, expected: list[str]) -> None:
    found, complete = stated(script, KNOWN)
    assert [" ".join(one.arguments) for one in found] == expected
    assert complete


def test_what_only_running_would_tell_is_said_to_be_unknown() -> None:
    assert stated(COMPUTED, KNOWN) == ([], False)


def test_the_links_are_those_of_update_alternatives(tmp_path: Path) -> None:
    names = ("a", "b", "kept", "b-page")
    files = Files(
        {"bin": "usr/bin", "usr": None, "usr/bin": None}
        | {f"usr/bin/{name}": None for name in names}
    )
    wanted = [
        "/bin/x x /bin/a 10 --slave /bin/y y /bin/b-page",
        # The higher priority; a slave whose file is not there is none.
        "/bin/x x /bin/b 20 --slave /bin/y y /bin/b-page --slave /bin/z z /bin/none",
        "/usr/bin/kept kept /usr/bin/a 10",
        "/usr/bin/w w /usr/bin/none 10",
    ]
    made = links([Alternative(tuple(one.split())) for one in wanted], files, tmp_path)
    assert made == {
        "etc/alternatives/kept": "/usr/bin/a",
        "etc/alternatives/x": "/bin/b",
        "etc/alternatives/y": "/bin/b-page",
        "usr/bin/x": "/etc/alternatives/x",
        "usr/bin/y": "/etc/alternatives/y",
    }


def test_nothing_is_made_outside_of_the_tree(tmp_path: Path) -> None:
    files = Files({"usr": None, "usr/bin": None, "usr/bin/a": None})
    outside = Alternative(("/../../escaped", "x", "/usr/bin/a", "10"))
    with pytest.raises(EngineError, match="outside of the tree"), coded(Code.BASE_ASSEMBLY):
        links([outside], files, tmp_path / "skeleton")
