"""The benchmark: what is fast is shown as ratios against controls run beside it, in one run, interleaved, medians.

``make benchmark`` prints the table of ``docs/benchmark.md``; ``QUICK=1`` takes under five minutes. CPU seconds of the
measured process decide; wall-clock time of this machine says little.
"""
