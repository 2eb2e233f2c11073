"""Lead changes in, funnel numbers out.

Owns the facts it has counted and the cells they sum to. Every number is a sum of contributions of facts, so it can be
corrected exactly, traced to its leads and recounted. Reads nothing but the topic of lead changes.
"""
