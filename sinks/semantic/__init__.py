"""What BI tools are told beside the data dictionary: the grain of every view, and scores as ratios of sums. Written as a package for dbt."""
