FROM python:3.11-slim AS build
WORKDIR /shop
COPY requirements.lock ./
RUN pip install --no-cache-dir --no-deps --require-hashes --only-binary=:all: -r requirements.lock && pip check
COPY pyproject.toml LICENSE ./
COPY domain domain
COPY application application
COPY projections projections
COPY infrastructure infrastructure
COPY api api
RUN pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheels .

FROM python:3.11-slim
COPY requirements-runtime.lock /tmp/
RUN pip install --no-cache-dir --no-deps --require-hashes --only-binary=:all: -r /tmp/requirements-runtime.lock && pip check
COPY --from=build /wheels /tmp/wheels
RUN pip install --no-cache-dir --no-deps --no-index /tmp/wheels/*.whl \
 && useradd --create-home shop
ENV SHOP_HOST=0.0.0.0 SHOP_LOG_FORMAT=json SHOP_DATA_DIR=/home/shop/data
USER shop
WORKDIR /home/shop
EXPOSE 8000
ENTRYPOINT ["shop"]
CMD ["api"]
