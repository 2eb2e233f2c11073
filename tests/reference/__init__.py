"""The plain reference: what tragt must answer, computed slowly and obviously from raw touchpoints.

It shares no code with the product: nothing here imports ``services``, and ``shared`` only where histories are made up
(``histories``), never where answers are computed. Everything works on whole sets of touchpoint messages (the JSON of
``lead.touchpoints.v1`` as Python dictionaries), recomputes from the definitions of core 2-6 and keeps no state.
Instants are whole microseconds since 1970 in UTC.
"""
