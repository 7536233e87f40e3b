"""Many cases: hundreds of scans unattended, every failure listed, every run repeatable."""
