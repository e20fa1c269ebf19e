# LinkUp in a container: one image for pages, WebSockets, migrations and commands (deploy/docker/entrypoint says which).
#
#   docker build --tag linkup .
#
# It runs as a user without rights, and with a root file system that cannot be written: only /data (uploads, logs) and /tmp
# change. Everything it needs to know comes from the environment; docs/SETTINGS.md has the table.

# -- Packages and static files, with what it takes to make them -------------------------------------------------------
# Another place, or one image for good: --build-arg PYTHON_IMAGE=python@sha256:… (docs/DEPLOYMENT_DOCKER.md).
ARG PYTHON_IMAGE=python:3.11-slim-bookworm
FROM ${PYTHON_IMAGE} AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PYTHONDONTWRITEBYTECODE=1

WORKDIR /app
COPY requirements.txt ./
# Wheels alone: nothing is compiled, so no compiler is needed here either. What installs is not handed on with what runs.
RUN python -m venv /venv \
    && /venv/bin/pip install --no-deps --require-hashes --only-binary :all: --requirement requirements.txt \
    && /venv/bin/python -m pip uninstall --yes --quiet setuptools pip
COPY . .
# The settings refuse to begin without these; none of them is kept, and no server is asked.
RUN DJANGO_ENVIRONMENT=production \
    SECRET_KEY=only-while-the-image-is-built-and-never-again-0123456789 \
    DATABASE_URL=postgres://nobody:nothing@localhost/nothing \
    REDIS_URL=redis://localhost/0 \
    ALLOWED_HOSTS=localhost \
    DATA_DIR=/tmp/build \
    STATIC_ROOT=/app/staticfiles \
    /venv/bin/python manage.py collectstatic --noinput --verbosity 0 \
    && /venv/bin/python -m compileall -q /app /venv/lib \
    && rm -rf /tmp/build

# -- What runs ---------------------------------------------------------------------------------------------------------
FROM ${PYTHON_IMAGE}

RUN groupadd --system --gid 10001 linkup \
    && useradd --system --uid 10001 --gid linkup --home-dir /data --shell /usr/sbin/nologin linkup \
    && install --directory --owner linkup --group linkup /data /data/media /data/logs /static \
    # Nothing is installed here any more: the venv comes without pip, and Python's own goes too.
    && python -m pip uninstall --yes --quiet pip setuptools wheel

# The drain file is of one container: /data is shared by all.
ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    DJANGO_ENVIRONMENT=production \
    DATA_DIR=/data \
    DRAIN_FILE=/tmp/drain \
    STATIC_ROOT=/app/staticfiles \
    LOG_JSON=True

WORKDIR /app
COPY --from=build /venv /venv
COPY --from=build /app /app

USER 10001:10001
VOLUME /data
EXPOSE 8000 8001

# Asks the process itself, without following anybody: a redirect to HTTPS is no sign of health.
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "/app/deploy/docker/healthcheck.py"]

ENTRYPOINT ["/app/deploy/docker/entrypoint"]
CMD ["web"]
