"""The probe beside the workers."""
