"""The embedded log: records in tables of PostgreSQL, for one machine.

An offset comes from its partition's head row, taken and advanced by the very statement that inserts the records. The
row stays locked until that statement commits, so offsets have no gaps, and no reader sees a later record before an
earlier one. Topics are split into segments of time; retention drops whole segments.
"""
