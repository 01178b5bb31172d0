# The base needs Python 3.11 or newer with venv and pip; the same one runs the result.
ARG BASE=python:3.13-slim

FROM ${BASE} AS build
WORKDIR /src
COPY requirements.lock ./
RUN python3 -m venv /opt/dashboard && /opt/dashboard/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY dashboard dashboard
RUN /opt/dashboard/bin/pip install --no-cache-dir --no-deps --no-build-isolation . \
    && /opt/dashboard/bin/pip uninstall --yes --quiet setuptools pip

FROM ${BASE}
COPY --from=build /opt/dashboard /opt/dashboard
RUN mkdir -m 0700 /data && chown 10001:10001 /data
ENV PATH=/opt/dashboard/bin:$PATH \
    HOME=/data \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DASHBOARD_HOST=0.0.0.0 \
    DASHBOARD_DATA_DIR=/data
USER 10001:10001
VOLUME /data
EXPOSE 9000
HEALTHCHECK --interval=30s --timeout=4s --start-period=20s CMD ["dashboard", "health"]
ENTRYPOINT ["dashboard"]
