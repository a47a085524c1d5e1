"""Options that several verbs share: common flags, targets, argument types.

A verb's own options are in its file in `tputtui/cli/verbs/`.
"""
