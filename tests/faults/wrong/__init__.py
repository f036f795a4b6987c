"""Deliberately wrong builds: each breaks one promise, and the harness must say so.

A module here has ``before_the_tree()``, called in the supervisor before anything starts, and ``in_process()``, called
in every process of ours before its own module runs.
"""
