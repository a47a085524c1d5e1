"""What each verb does. Together with `cli` the only place that prints or exits."""
