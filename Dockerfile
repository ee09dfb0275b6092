# docker build -t remix . && docker run --rm -v remix-runs:/home/remix/project/runs remix
# Overrides: docker run --rm remix make train ARGS="seed=2"
# Tests:     docker build -t remix-test --target test . && docker run --rm remix-test
# For a far smaller image name an index of CPU-only torch wheels: --build-arg PIP_EXTRA_INDEX_URL=...

FROM python:3.11-slim AS base
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git make \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 1000 remix \
    && install --directory --owner=remix --group=remix /home/remix/project
USER 1000
WORKDIR /home/remix/project
ENV PIP_NO_CACHE_DIR=1 PYTHONUNBUFFERED=1

# The dependencies make a layer of their own: they are installed around empty packages, so that a
# change of the code does not install them again.
FROM base AS dependencies
ARG PIP_EXTRA_INDEX_URL
COPY --chown=1000:1000 Makefile pyproject.toml constraints.txt README.md LICENSE ./
RUN mkdir --parents remix envs callbacks conf runs \
    && touch remix/__init__.py envs/__init__.py callbacks/__init__.py conf/__init__.py \
    && make .venv/installed

FROM dependencies AS test
ARG PIP_EXTRA_INDEX_URL
RUN make .venv/installed-dev
COPY --chown=1000:1000 . .
CMD ["make", "test"]

FROM dependencies AS train
COPY --chown=1000:1000 . .
VOLUME /home/remix/project/runs
CMD ["make", "train"]
