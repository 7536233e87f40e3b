"""The planner in the browser: state and callbacks; every number comes from ``sizing``."""
