"""Profiling: py-spy on a selected process, and profiles from files.

`capture` runs py-spy safely (`preflight` reports beforehand what would stop it), `files` reads,
writes and stores profiles, `profile_model` is the model. `analysis` is pure: `stacks` selects from
a profile; `call_tree`, `top_functions`, `flame_graph` and `profile_diff` are views of it;
`categories` and `insights` interpret it. Shares are ratios, 0 to 1.
"""
