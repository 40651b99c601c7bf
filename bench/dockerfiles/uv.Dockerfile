# Two stages and uv, in the order that uv's guide to Docker recommends: the locked dependencies, with
# byte code, before the code; the environment alone goes into the final stage.
# The context "uv" holds the uv program, in place of an image of it.
# The network secret exports proxies and certificates of the machine that measures.

ARG PYTHON_VERSION=3.13
FROM python:${PYTHON_VERSION}-slim AS builder

ARG TARGETARCH
COPY --from=uv /linux-${TARGETARCH}/uv /usr/local/bin/uv
ENV UV_COMPILE_BYTECODE=1
ENV UV_LINK_MODE=copy
ENV UV_PYTHON_DOWNLOADS=0

WORKDIR /app
RUN --mount=type=cache,target=/root/.cache/uv \
    --mount=type=bind,source=requirements.txt,target=requirements.txt \
    --mount=type=secret,id=ca-bundle \
    --mount=type=secret,id=network \
    if [ -s /run/secrets/network ]; then . /run/secrets/network; fi; \
    uv venv && uv pip install -r requirements.txt


FROM python:${PYTHON_VERSION}-slim

RUN groupadd --gid 10001 nonroot \
    && useradd --gid 10001 --uid 10001 --no-create-home nonroot

WORKDIR /app
COPY --from=builder /app/.venv /app/.venv
COPY . .

ENV PATH="/app/.venv/bin:$PATH"
ENV PYTHONUNBUFFERED=1

USER nonroot

EXPOSE 8000

CMD ["fastapi", "run", "app/main.py", "--host", "0.0.0.0", "--port", "8000"]
