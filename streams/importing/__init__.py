"""Tables of anyone's history to events, by a mapping that is written, not programmed."""

from streams.importing.importer import Import, Problem, import_events
from streams.importing.mapping import Mapping, MappingError, load_mapping, mapping_schema

__all__ = ["Import", "Mapping", "MappingError", "Problem", "import_events", "load_mapping", "mapping_schema"]
