"""The sentence that stands on everything canalfit puts out."""

RESEARCH_USE = (
    "Research software, not a medical device: not for treatment decisions; "
    "a qualified surgeon or engineer must verify every number."
)
