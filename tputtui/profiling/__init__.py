"""Where the time goes: py-spy on a chosen process, and profiles from files.

`capture` runs py-spy safely, `preflight` says beforehand what will stop it, `formats` reads and writes files, `store`
keeps what was taken. Everything else is pure: `profile` is the model, `stacks` chooses from it, `tree`, `hot`, `flame`
and `diff` are what one looks at, `categories` and `reading` say what it means. Shares are ratios, 0 to 1.
"""
