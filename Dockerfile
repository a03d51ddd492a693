FROM python:3.11-slim AS build
WORKDIR /build
RUN python -m venv /opt/candor
COPY requirements.txt requirements-build.txt ./
RUN /opt/candor/bin/pip install --no-cache-dir --require-hashes -r requirements.txt \
    && python -m pip install --no-cache-dir --require-hashes -r requirements-build.txt
COPY pyproject.toml README.md LICENSE ./
COPY schemas schemas
COPY streams streams
COPY sinks sinks
RUN python -m pip wheel --no-deps --no-build-isolation --wheel-dir dist . \
    && /opt/candor/bin/pip install --no-cache-dir --no-deps dist/*.whl

FROM python:3.11-slim
LABEL org.opencontainers.image.title="candor" org.opencontainers.image.licenses="Apache-2.0"
RUN useradd --system --uid 10001 --home-dir /nonexistent --no-create-home candor
COPY --from=build /opt/candor /opt/candor
ENV PATH="/opt/candor/bin:$PATH" PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001
WORKDIR /tmp
ENTRYPOINT ["candor"]
CMD ["worker"]
