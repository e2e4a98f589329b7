# One worker for a database and a bucket that others share; give DATABASE_URL, SPOTLOOM_STORE, SORA_BASE_URL and
# SORA_API_KEY. Written where no image can be built: build and try it before you rely on it.
#   docker build -t spotloom .
#   docker run --init --env-file worker.env --stop-timeout 150 spotloom
FROM python:3.12-slim

# An ordinary user with an entry in /etc/passwd; the database that comes with Spotloom asks for both.
RUN useradd --create-home --uid 10001 spotloom && install -d -o spotloom -m 0700 /var/lib/spotloom-data
WORKDIR /opt/spotloom

# The lock first, so that a change of ours does not fetch the packages anew. Wheels only: no compiler is here.
COPY requirements.txt ./
RUN pip install --no-cache-dir --require-hashes --only-binary :all: -r requirements.txt
COPY LICENSE ./
COPY src ./src

ENV PYTHONPATH=/opt/spotloom/src PYTHONUNBUFFERED=1 SPOTLOOM_HOME=/var/lib/spotloom-data
USER spotloom
# What is under way lies here; without DATABASE_URL the database does, too, and must outlive the container.
VOLUME /var/lib/spotloom-data
WORKDIR /var/lib/spotloom-data

ENTRYPOINT ["python", "-m", "spotloom"]
CMD ["worker"]
