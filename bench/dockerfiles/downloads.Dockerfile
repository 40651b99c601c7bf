# Fills the download caches of the other two Dockerfiles with the wheels of every platform, on the
# processor of the machine that builds: what is measured afterwards downloads nothing.

ARG PYTHON_VERSION=3.13

FROM --platform=$BUILDPLATFORM python:${PYTHON_VERSION}-slim AS pip-downloads
ARG PYTHON_VERSION
ARG MACHINES
RUN --mount=type=cache,target=/root/.cache/pip \
    --mount=type=bind,source=requirements.txt,target=/tmp/requirements.txt \
    --mount=type=secret,id=ca-bundle \
    --mount=type=secret,id=network <<'RUN'
set -eu
if [ -s /run/secrets/network ]; then . /run/secrets/network; fi
# pip takes these names literally: it does not know that glibc 2.41 runs what asks for 2.17.
for machine in $MACHINES; do
  tags="--platform manylinux1_$machine --platform manylinux2010_$machine --platform manylinux2014_$machine"
  for minor in $(seq 5 41); do tags="$tags --platform manylinux_2_${minor}_$machine"; done
  python -m pip download --quiet --dest /tmp/wheels --no-deps --only-binary :all: \
    --python-version "$PYTHON_VERSION" --implementation cp --abi cp313 --abi abi3 --abi none $tags \
    -r /tmp/requirements.txt
done
RUN

FROM --platform=$BUILDPLATFORM python:${PYTHON_VERSION}-slim AS uv-downloads
ARG BUILDARCH
ARG MACHINES
COPY --from=uv /linux-${BUILDARCH}/uv /usr/local/bin/uv
RUN --mount=type=cache,target=/root/.cache/uv \
    --mount=type=bind,source=requirements.txt,target=/tmp/requirements.txt \
    --mount=type=secret,id=ca-bundle \
    --mount=type=secret,id=network <<'RUN'
set -eu
if [ -s /run/secrets/network ]; then . /run/secrets/network; fi
export UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=0
for machine in $MACHINES; do
  uv pip install --quiet --target /tmp/$machine --only-binary :all: \
    --python-platform ${machine}-manylinux_2_40 -r /tmp/requirements.txt
done
RUN
