# The demo in a container: docker build -t qevd-bio . && docker run --rm -v "$PWD/outputs:/app/outputs" qevd-bio
FROM python:3.11-slim-bookworm

# WordNet is for METEOR; make runs the same steps as on any machine.
RUN apt-get update \
    && apt-get install -y --no-install-recommends make wordnet-base wordnet-sense-index \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /app

# PyPI's PyTorch for Linux is the CUDA build, several GB larger. Name PyTorch's index of CPU builds (its install page has
# the address) to avoid it: docker build --build-arg TORCH_INDEX=URL -t qevd-bio .
ARG TORCH_INDEX=""
COPY constraints.txt ./
RUN python -m venv .venv \
    && if [ -n "$TORCH_INDEX" ]; then .venv/bin/pip install --no-cache-dir -c constraints.txt torch --index-url "$TORCH_INDEX"; fi

COPY . .
RUN PIP_NO_CACHE_DIR=1 make .venv/models

VOLUME /app/outputs
ENTRYPOINT ["make"]
CMD ["demo"]
