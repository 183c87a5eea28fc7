# Two stages: the first installs what the lock names, each file checked by its hash; the second carries no tools.
FROM python:3.13-slim AS packages
COPY requirements/boot.txt requirements/base.txt /requirements/
RUN pip install --no-cache-dir --require-hashes --requirement /requirements/boot.txt \
    && uv venv --no-cache /venv \
    && uv pip install --no-cache --python /venv/bin/python --require-hashes --requirement /requirements/boot.txt \
    && uv pip install --no-cache --python /venv/bin/python --require-hashes --compile-bytecode --only-binary :all: \
        --no-binary pyftpdlib --no-build-isolation-package pyftpdlib --requirement /requirements/base.txt

FROM python:3.13-slim
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 DJANGO_SETTINGS_MODULE=cdp.settings
# What programs write lies in /data; a new volume takes over these folders with their owner.
RUN useradd --system --uid 10001 --user-group --no-create-home cdp \
    && install --directory --mode 0700 --owner cdp --group cdp /data /data/tmp /data/uploads
COPY --from=packages /venv /venv
WORKDIR /app
COPY . .
RUN python -m compileall -q .
USER cdp
EXPOSE 8000
