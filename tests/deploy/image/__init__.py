"""The image of the ``Dockerfile``, built and run as the services of ``docker-compose.yml`` that are Candor's own are: ``make image``.

A broker and a ClickHouse engine beside the containers stand in for the images of others, and share the machine's network with them.
"""
