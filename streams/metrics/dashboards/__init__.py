"""Grafana dashboards, declared: each panel says what it shows, in which unit, and from when on somebody should look.

``candor contracts`` writes them to ``deploy/grafana/dashboards``. They are plain declarations of our own: Grafana's SDK for Python describes Grafana
up to 11.6 and was last released in January 2026, and its builders check neither metrics nor SQL, which is what goes wrong.
"""
