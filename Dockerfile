# The demo in a container: docker build -t qevd-bio . && docker run --rm -v "$PWD/outputs:/app/outputs" qevd-bio
FROM python:3.11-slim-bookworm

# WordNet is for METEOR; make runs the same steps as on any machine.
RUN apt-get update \
    && apt-get install -y --no-install-recommends make wordnet-base wordnet-sense-index \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /app

# PyTorch's CPU build first: PyPI's own is the CUDA build.
COPY constraints.txt ./
RUN python -m venv .venv \
    && .venv/bin/pip install --no-cache-dir -c constraints.txt torch --index-url https://download.pytorch.org/whl/cpu

COPY . .
RUN make .venv/models && rm -rf /root/.cache/pip

VOLUME /app/outputs
ENTRYPOINT ["make"]
CMD ["demo"]
