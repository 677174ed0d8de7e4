# syntax=docker/dockerfile:1
# The API and the worker. The judge's engine is another image: docker/engine.Dockerfile.

FROM python:3.12-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
RUN python -m venv /venv
COPY pyproject.toml README.md ./
COPY migrations ./migrations
COPY app ./app
RUN /venv/bin/pip install .

FROM python:3.12-slim
RUN useradd --uid 10001 --create-home --home-dir /home/presend presend
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PRESEND_HOST=0.0.0.0 \
    PRESEND_PORT=8000 \
    PRESEND_LOG_JSON=true \
    PRESEND_HOME=/home/presend/data
USER 10001
WORKDIR /home/presend
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
ENTRYPOINT ["presend"]
CMD ["serve"]
