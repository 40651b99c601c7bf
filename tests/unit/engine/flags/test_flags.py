"""Values of buildx's options are read as they were written, whatever is in a path."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nox_buildkit.engine.flags.allow import Allow
from nox_buildkit.engine.flags.attestation import Attestation
from nox_buildkit.engine.flags.cache import CacheEntry
from nox_buildkit.engine.flags.output import Output
from nox_buildkit.engine.flags.secret import Secret

#: No control characters: the spec and paths with them are refused.
values = st.text(st.characters(exclude_categories=["Cc", "Cs"]))
names = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1)
further = st.lists(
    st.tuples(names.filter(lambda name: name not in ("type", "disabled")), values)
).map(tuple)
attributes = st.lists(st.tuples(names.filter(lambda name: name != "type"), values)).map(tuple)


@given(st.builds(Output, names, attributes))
def test_an_output(output: Output) -> None:
    assert Output.parse(str(output)) == output


@given(st.builds(CacheEntry, names, attributes))
def test_a_cache(cache: CacheEntry) -> None:
    assert CacheEntry.parse(str(cache)) == cache


@given(st.builds(Secret, values, values))
def test_a_secret(secret: Secret) -> None:
    assert Secret.parse(str(secret)) == secret


@given(st.builds(Attestation, values, st.booleans(), further))
def test_an_attestation(attestation: Attestation) -> None:
    assert Attestation.parse(str(attestation)) == attestation


@given(st.sampled_from(["fs", "fs.read"]), values.filter(bool))
def test_an_entitlement_for_files(entitlement: str, path: str) -> None:
    assert str(Allow.parse(f"{entitlement}={path}")) == f"{entitlement}={path}"


def test_options_are_those_that_buildx_documents() -> None:
    forced = "compression=gzip,force-compression=true"
    layout = Output.layout(Path("/exports/a,b"))
    assert str(layout) == f'type=oci,"dest=/exports/a,b",tar=false,{forced}'
    assert str(Output.store(["a:1", "a:2"], "docker")) == (
        f'type=image,"name=a:1,a:2",oci-mediatypes=true,{forced}'
    )
    assert str(Output.store(["a:1"], "remote", "zstd")) == (
        "type=docker,name=a:1,oci-mediatypes=true,compression=zstd,force-compression=true"
    )
    assert str(Secret("netrc", '/run/"x"')) == 'type=file,id=netrc,"src=/run/""x"""'
    assert str(Attestation.provenance("max")) == (
        "type=provenance,disabled=false,mode=max,version=v1"
    )
    assert str(Attestation("provenance", disabled=True)) == "type=provenance,disabled=true"
    assert Allow.parse("network.host") == Allow("network.host")


@pytest.mark.parametrize("text", ["", "dest=a", "type=a,type=b", "type", '"type=a', 'type=a"b",c'])
def test_what_is_no_output_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Output.parse(text)


@pytest.mark.parametrize("text", ["fs", "fs=", "fs.write=/a", "network.host=a", "everything", ""])
def test_what_is_no_entitlement_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Allow.parse(text)


@pytest.mark.parametrize("text", ["id=a", "type=env,id=a,src=b", "type=file,id=a,src=b,mode=1"])
def test_what_is_no_secret_of_a_file_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Secret.parse(text)
