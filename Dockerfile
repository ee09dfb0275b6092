# docker build -t remix . && docker run --rm -v remix-runs:/home/remix/project/runs remix
# Overrides: docker run --rm remix make train ARGS="seed=2"
# Tests:     docker build -t remix-test --target test . && docker run --rm remix-test
# StarCraft: docker build -t remix-starcraft --target starcraft --build-arg ACCEPT_EULA=yes .
#            docker run --rm -v remix-runs:/home/remix/project/runs remix-starcraft
#            The argument says that you accept Blizzard's AI and Machine Learning License for the game:
#            https://blzdistsc2-a.akamaihd.net/AI_AND_MACHINE_LEARNING_LICENSE.html
# For a far smaller image name an index of CPU-only torch wheels: --build-arg PIP_EXTRA_INDEX_URL=...

# The dev container (.devcontainer/) is built from here and installs for itself.
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
RUN mkdir --parents remix runs \
    && touch remix/__init__.py \
    && make .venv/installed

FROM dependencies AS test
ARG PIP_EXTRA_INDEX_URL
RUN make .venv/installed-dev
COPY --chown=1000:1000 . .
CMD ["make", "test"]

# With StarCraft II 4.10 for Linux (4 GB to download) and SMAC's maps.
FROM dependencies AS starcraft
ARG ACCEPT_EULA
RUN [ "$ACCEPT_EULA" = yes ] \
    || { echo "StarCraft II has a license; accept it with --build-arg ACCEPT_EULA=yes" >&2; exit 1; }
USER root
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates curl unzip \
    && rm -rf /var/lib/apt/lists/*
USER 1000
ENV SC2PATH=/home/remix/StarCraftII
# The archive's password is the phrase of consent.
RUN curl --fail --location --output /tmp/game.zip https://blzdistsc2-a.akamaihd.net/Linux/SC2.4.10.zip \
    && unzip -q -P iagreetotheeula /tmp/game.zip -d /home/remix \
    && rm /tmp/game.zip \
    && ls "$SC2PATH"/Versions/Base*/SC2_x64
RUN curl --fail --location --output /tmp/maps.zip \
        https://github.com/oxwhirl/smac/releases/download/v0.1-beta1/SMAC_Maps.zip \
    && mkdir --parents "$SC2PATH/Maps" \
    && unzip -q /tmp/maps.zip -d "$SC2PATH/Maps" \
    && rm /tmp/maps.zip \
    && ls "$SC2PATH/Maps/SMAC_Maps/3m.SC2Map"
ARG PIP_EXTRA_INDEX_URL
RUN .venv/bin/python -m pip install --constraint constraints.txt --editable ".[smac]"
COPY --chown=1000:1000 . .
VOLUME /home/remix/project/runs
CMD [".venv/bin/remix", "train", "experiment=starcraft2"]

FROM dependencies AS train
COPY --chown=1000:1000 . .
RUN .venv/bin/remix warmup
VOLUME /home/remix/project/runs
CMD ["make", "train"]
