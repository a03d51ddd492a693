"""What Apache Superset imports: the database, datasets with metrics, charts and dashboards, from the same declarations as the package for dbt."""
