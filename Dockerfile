# JupyterLab on the notebooks, without a GPU and without make:
#   docker build -t dlatrack .
#   docker run --rm -p 8888:8888 dlatrack        prints the address to open
#   docker run --rm dlatrack dlatrack demo       or any other command
FROM python:3.11-slim-bookworm
# OpenCV's wheel needs both libraries, which the slim image lacks.
RUN apt-get update && apt-get install --yes --no-install-recommends libgl1 libglib2.0-0 && rm -rf /var/lib/apt/lists/*
COPY . /src
RUN python -m pip install --no-cache-dir --constraint /src/constraints.txt /src && rm -rf /src
RUN useradd --create-home reader
USER reader
WORKDIR /home/reader
EXPOSE 8888
CMD ["dlatrack", "lab", "notebooks", "--ip=0.0.0.0", "--no-browser"]
