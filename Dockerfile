# The server of `zoo ui`: docker run --rm --read-only -p 127.0.0.1:7860:7860 -e ZOO_TOKEN latent-zoo
FROM python:3.12-slim AS build
COPY . /src
RUN python -m venv /opt/zoo && /opt/zoo/bin/pip install --no-cache-dir '/src[ui]'

FROM python:3.12-slim
RUN useradd --system --uid 10001 --no-create-home zoo
COPY --from=build /opt/zoo /opt/zoo
ENV PATH=/opt/zoo/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 HF_HUB_OFFLINE=1
USER 10001
EXPOSE 7860
ENTRYPOINT ["zoo"]
CMD ["ui", "--no-browser", "--host", "0.0.0.0", "--port", "7860"]
