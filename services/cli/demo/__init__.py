"""A month of a believable company, sent through HTTP like anyone else's touchpoints.

``month`` says what arrives on a day: a pure function of (seed, day), so that sending a day twice changes nothing and
the next day only adds. ``journeys_*`` are the stories people live, ``diary`` and ``person`` what they are told with,
``sender`` posts, ``command`` is ``tragt demo``. Every address and name is invented and lies under ``.example``.
"""
