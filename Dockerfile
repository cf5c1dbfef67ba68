# The product as one image, for work pools that start containers; the database is a given one (DB_HOST …).
# Build: docker build -t spotify-tracker .      docs/operations.md says how a work pool uses it.
FROM python:3.11-slim

# nothing in the container needs root
RUN useradd --create-home --uid 1000 tracker
WORKDIR /opt/tracker

# the lock first: a change of code does not install everything again
COPY requirements.txt .
RUN pip install --no-cache-dir --requirement requirements.txt

COPY . .
# dbt writes below TRACKER_HOME; the code is read only
RUN pip install --no-cache-dir --no-deps --no-build-isolation --editable . \
    && mkdir /data && chown tracker:tracker /data

USER tracker
ENV TRACKER_HOME=/data TRACKER_CODE_FOLDER=/opt/tracker PYTHONUNBUFFERED=1 DO_NOT_TRACK=1
VOLUME /data
CMD ["tracker", "--help"]
