"""What every table and view must hold, computed again from the records alone: single-threaded, exact, and simple enough to be checked by reading.

It is written from the contracts and shares no code with the product: nothing of ``schemas``, ``streams`` or ``sinks`` is imported here (a test
holds that), so an error would have to be made twice, independently, to go unnoticed. ``R..`` are the readings of the contracts.
"""
